// Package statetest opens state files for tests. It is not for production: a
// problem in the file fails the test.
package statetest

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/kcing/kcing/state"
)

// Open opens a new store in the test's temporary directory. At the end of the
// test it is closed and its file checked (state.Check).
func Open(t testing.TB) *state.Store {
	t.Helper()
	return OpenPath(t, filepath.Join(t.TempDir(), "kcing.db"), state.Options{})
}

// OpenPath is Open for a file of the test's own and with options. The file may
// be opened several times.
func OpenPath(t testing.TB, path string, o state.Options) *state.Store {
	t.Helper()
	s, err := state.Open(path, o)
	if err != nil {
		t.Fatalf("state.Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("state: Close: %v", err)
		}
		Check(t, path)
	})
	return s
}

// Check fails the test when the file has a problem.
func Check(t testing.TB, path string) {
	t.Helper()
	r, err := state.Check(context.Background(), path)
	if err != nil {
		t.Errorf("state.Check: %v", err)
	}
	for _, p := range r.Problems {
		t.Errorf("state.Check: %s", p)
	}
	if r.More > 0 {
		t.Errorf("state.Check: and %d more problems", r.More)
	}
}
