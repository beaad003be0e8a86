package estest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
)

func fakeSources(content string) fs.FS {
	return fstest.MapFS{"pom.xml": &fstest.MapFile{Data: []byte(content)}}
}

// fakeBuild makes a folder with one file and counts.
func fakeBuild(n *atomic.Int32) func(context.Context, fs.FS, string) error {
	return func(_ context.Context, _ fs.FS, dst string) error {
		n.Add(1)
		if err := os.Mkdir(dst, 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dst, "jar"), []byte("x"), 0o644)
	}
}

// Each goroutine opens the lock file itself, so to the kernel they are as apart as processes are.
func TestCacheBuildsOnce(t *testing.T) {
	base := filepath.Join(t.TempDir(), "cache")
	var builds atomic.Int32
	var wg sync.WaitGroup
	dirs := make([]string, 8)
	for i := range dirs {
		wg.Go(func() {
			c := &cache{base: base, sources: fakeSources("a"), build: fakeBuild(&builds)}
			dir, err := c.dir(t.Context())
			if err != nil {
				t.Error(err)
			}
			dirs[i] = dir
		})
	}
	wg.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("%d builds, want 1", n)
	}
	for _, d := range dirs {
		if d != dirs[0] || !exists(filepath.Join(d, "jar")) {
			t.Errorf("folder %q, first got %q", d, dirs[0])
		}
	}
}

func TestCacheRebuilds(t *testing.T) {
	base := t.TempDir()
	var builds atomic.Int32
	f := func(what, content string, want int32) string {
		t.Helper()
		c := &cache{base: base, sources: fakeSources(content), build: fakeBuild(&builds)}
		dir, err := c.dir(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := builds.Load(); n != want {
			t.Errorf("%s: %d builds, want %d", what, n, want)
		}
		return dir
	}
	old := f("the first time", "a", 1)
	f("again", "a", 1)
	f("changed sources", "b", 2)
	f("the old sources again", "a", 2)
	if err := os.Remove(filepath.Join(old, completeFile)); err != nil {
		t.Fatal(err)
	}
	f("a folder that is not complete", "a", 3)
}

func TestCacheFailedBuild(t *testing.T) {
	base := t.TempDir()
	broken := errors.New("no network")
	c := &cache{base: base, sources: fakeSources("a")}
	c.build = func(_ context.Context, _ fs.FS, dst string) error {
		return errors.Join(broken, os.Mkdir(dst, 0o755))
	}
	if _, err := c.dir(t.Context()); !errors.Is(err, broken) {
		t.Fatalf("error %v, want %v", err, broken)
	}
	var builds atomic.Int32
	c.build = fakeBuild(&builds)
	// What a builder that was killed leaves.
	if err := os.Mkdir(filepath.Join(base, "build-killed"), 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := c.dir(t.Context())
	if err != nil || !exists(filepath.Join(dir, "jar")) {
		t.Fatalf("after a failed build: %q, %v", dir, err)
	}
	left, err := filepath.Glob(filepath.Join(base, "build-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestCacheWaitEnds(t *testing.T) {
	base := t.TempDir()
	holder, err := Lock(t.Context(), filepath.Join(base, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close() }()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 60e9)
		defer cancel()
		c := &cache{base: base, sources: fakeSources("a")}
		if _, err := c.dir(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want that the time is over", err)
		}
	})
}
