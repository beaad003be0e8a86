//go:build race

package intake

// crowdSize is smaller than the 10,000 that are meant: the race detector makes
// each connection cost several times as much.
const crowdSize = 3_000
