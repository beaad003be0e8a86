//go:build unix

package state_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

// fillBatch is the i-th batch of childFill: 50 records and a reject of 20 kB.
func fillBatch(i int) state.Batch {
	var b state.Batch
	for j := range 50 {
		b.Finished = append(b.Finished, state.Finished{Key: lava(fmt.Sprintf("%d/%d", i, j)), Time: day})
	}
	body := make([]byte, 20_000)
	for j := range body {
		body[j] = byte(j * j * (i + 1) >> 3)
	}
	b.Rejects = []state.Reject{{ID: fmt.Sprintf("%06d", i), Body: body}}
	return b
}

// childFill PATH LIMIT commits under RLIMIT_FSIZE until that fails, then tries
// once more after lifting the limit. It prints how many succeeded, and the error.
func childFill(args []string) error {
	limit, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	s, err := state.Open(args[0], state.Options{})
	if err != nil {
		return err
	}
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		return err
	}
	old := r.Cur
	r.Cur = limit
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		return err
	}
	i := 0
	for ; err == nil && i < 10_000; i++ {
		err = s.Commit(ctx, fillBatch(i))
	}
	if !errors.Is(err, state.ErrNoSpace) || !strings.Contains(err.Error(), args[0]) {
		return fmt.Errorf("after %d commits: %w", i, err)
	}
	fmt.Println(i - 1)
	r.Cur = old
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &r); err != nil {
		return err
	}
	if err := s.Commit(ctx, fillBatch(10_001)); err != nil {
		return fmt.Errorf("after the limit was lifted: %w", err)
	}
	return s.Close()
}

// hasExactly checks that the first n batches are there, whole, and the next is not.
func hasExactly(t *testing.T, s *state.Store, n int) {
	t.Helper()
	for i := range n + 1 {
		for _, f := range fillBatch(i).Finished {
			if got := found(t, s, f.Key)[0]; got != (i < n) {
				t.Fatalf("%d commits succeeded; record %s: found %v", n, f.Key, got)
			}
		}
		if _, err := s.Reject(ctx, fmt.Sprintf("%06d", i)); (err == nil) != (i < n) {
			t.Fatal(err)
		}
	}
	if c := must(s.Counts(ctx))(t); c.Finished["lava"]%50 != 0 {
		t.Errorf("half a batch: %v", c.Finished)
	}
}

func TestFileSizeLimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	c := start(t, "fill", path, strconv.Itoa(700<<10))
	out, err := c.finish()
	if err != nil || len(out) != 1 {
		t.Fatalf("%v, %v", out, err)
	}
	n := must(strconv.Atoi(out[0]))(t)
	if n == 0 {
		t.Error("no commit before the limit")
	}
	hasExactly(t, statetest.OpenPath(t, path, state.Options{}), n)
}

// smallDisk mounts a tmpfs; only root may.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := mountTmpfs(dir, options); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "size=1m")
	path := filepath.Join(dir, "kcing.db")
	s := must(state.Open(path, state.Options{}))(t)
	defer func() { _ = s.Close() }()
	n := 0
	var err error
	for ; n < 1000; n++ {
		if err = s.Commit(ctx, fillBatch(n)); err != nil {
			break
		}
	}
	if !errors.Is(err, state.ErrNoSpace) || !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path) {
		t.Fatalf("after %d commits: %v", n, err)
	}
	hasExactly(t, s, n)
	// Compact finds no room and leaves everything as it was.
	if _, _, err := state.Compact(ctx, path); err != nil && !errors.Is(err, state.ErrNoSpace) {
		t.Errorf("Compact: %v", err)
	}
	hasExactly(t, s, n)
	statetest.Check(t, path)
	// Dropping rejects makes room in the file itself. It needs none besides:
	// bbolt keeps pages that were freed before.
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCreateOnFullDisk(t *testing.T) {
	dir := smallDisk(t, "size=64k")
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, make([]byte, 56<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kcing.db")
	if _, err := state.Open(path, state.Options{}); !errors.Is(err, state.ErrNoSpace) {
		t.Fatalf("got %v", err)
	}
	if err := os.Remove(junk); err != nil {
		t.Fatal(err)
	}
	s := must(state.Open(path, state.Options{}))(t) // what the first left is no obstacle
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	statetest.Check(t, path)
}

func TestReadOnlyFileSystem(t *testing.T) {
	dir := smallDisk(t, "size=1m")
	path := filepath.Join(dir, "kcing.db")
	s := must(state.Open(path, state.Options{}))(t)
	commit(t, s, state.Finished{Key: lava("1"), Time: day})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := remountReadOnly(dir); err != nil {
		t.Skip(err)
	}
	f := func(path string) {
		t.Helper()
		_, err := state.Open(path, state.Options{})
		if !errors.Is(err, state.ErrReadOnly) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
	}
	f(path)
	f(filepath.Join(dir, "new.db"))
	statetest.Check(t, path) // needs no writing
}

func TestReadOnlyPermissions(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Open(filepath.Join(dir, "kcing.db"), state.Options{}); !errors.Is(err, state.ErrReadOnly) {
		t.Errorf("got %v", err)
	}
}

func TestMissingDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "kcing.db")
	if _, err := state.Open(path, state.Options{}); !errors.Is(err, os.ErrNotExist) ||
		!strings.Contains(err.Error(), "create its directory") {
		t.Errorf("got %v", err)
	}
	if _, err := state.Check(ctx, path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
