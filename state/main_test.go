//go:build unix

package state_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/kcing/kcing/state"
)

// TestMain also is the other processes of the tests: with KCING_STATE_CHILD it
// runs that child instead of the tests.
func TestMain(m *testing.M) {
	if name := os.Getenv("KCING_STATE_CHILD"); name != "" {
		if err := children[name](os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if benchDirPath != "" {
		_ = os.RemoveAll(benchDirPath)
	}
	os.Exit(code)
}

var (
	benchDirOnce sync.Once
	benchDirPath string
)

// fastDir is a directory in memory when the system has one, for the tests that
// commit thousands of times and do not care about the disk.
func fastDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "kcing-state-") //nolint:usetesting // t.TempDir is on the disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// benchDir is one directory for all benchmarks of the process.
func benchDir() string {
	benchDirOnce.Do(func() {
		dir, err := os.MkdirTemp("", "kcing-state-bench-")
		if err != nil {
			panic(err)
		}
		benchDirPath = dir
	})
	return benchDirPath
}

// received is the time of receipt that holds for one record.
func received(ctx context.Context, s *state.Store, k state.Key, proposed time.Time) (time.Time, error) {
	r := []state.Receipt{{Key: k, Time: proposed}}
	err := s.ReceivedAll(ctx, r)
	return r[0].Time, err
}
