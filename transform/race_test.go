//go:build race

package transform

import "testing"

// skipUnderRace skips what one goroutine does alone and with much memory: the race
// detector has nothing to find there and makes it ten times slower. `make test`
// runs this package without it as well.
func skipUnderRace(t *testing.T) {
	t.Helper()
	t.Skip("one goroutine's work: runs without the race detector")
}
