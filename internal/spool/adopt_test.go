package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func textLogger(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func TestAdopt(t *testing.T) {
	dir := t.TempDir()
	dead := open(t, dir, Options{})
	var want []string
	for i := range 5 {
		put(t, dead, Meta{Kind: "lava", Key: fmt.Sprint(i), Received: at.Add(-time.Duration(i) * time.Minute)},
			fmt.Sprint(i))
		want = append([]string{fmt.Sprint(i)}, want...)
	}
	unfinished := strings.TrimSuffix(dead.path(Item{received: 1}), recordSuffix) + tmpSuffix
	if err := os.WriteFile(unfinished, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	live := open(t, dir, Options{})
	mine := put(t, live, Meta{Key: "mine"}, "mine")

	s := open(t, dir, Options{MaxRecords: 2}) // limits do not keep adopted ones out
	if items := adopt(t, s); len(items) != 0 {
		t.Fatalf("adopted from the living: %v", items)
	}
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	items := adopt(t, s)
	var got []string
	for _, it := range items {
		m, payload, err := s.Read(it)
		if err != nil || m.Key != string(payload) {
			t.Errorf("%+v, %q, %v", m, payload, err)
		}
		got = append(got, m.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
	if _, _, err := live.Read(mine); err != nil {
		t.Errorf("the living's record: %v", err)
	}
	if left := files(t, dir, tmpSuffix); len(left) > 0 {
		t.Errorf("not swept: %v", left)
	}
	if locks := files(t, dir, lockSuffix); len(locks) != 2 {
		t.Errorf("locks: %v", locks)
	}
	if again := adopt(t, s); len(again) != 0 {
		t.Errorf("twice: %v", again)
	}
	if st := s.Stats(); st.Records != 5 || !st.Oldest.Equal(at.Add(-4*time.Minute)) {
		t.Errorf("%+v", st)
	}
	if _, err := s.Put(t.Context(), Meta{}, nil); !errors.Is(err, ErrFull) {
		t.Errorf("over the limit: %v", err)
	}
}

// A lock file that somebody removed, or that went with a power cut, does not
// strand the records.
func TestAdoptWithoutLockFile(t *testing.T) {
	dir := t.TempDir()
	dead := open(t, dir, Options{})
	put(t, dead, Meta{Key: "a"}, "a")
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dead.lock.Path()); err != nil {
		t.Fatal(err)
	}
	if items := adopt(t, open(t, dir, Options{})); len(items) != 1 {
		t.Errorf("%v", items)
	}
}

func TestAdoptSetsStrangersAside(t *testing.T) {
	dir := t.TempDir()
	strangers := []string{"notes.txt", "x.record", strings.Repeat("0", 70) + ".record", "abc.lock", "x.tmp"}
	for _, name := range append(slices.Clone(strangers), ".nfs0001") {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := Item{received: 5}.name("aaaaaaaaaaaa")
	if err := os.Symlink(outside, filepath.Join(dir, link)); err != nil {
		t.Skip(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "lost+found"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{})
	if items := adopt(t, s); len(items) != 0 {
		t.Errorf("%v", items)
	}
	for _, name := range append(strangers, link) {
		if _, err := os.Lstat(filepath.Join(dir, corruptDir, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, kept := range []string{".nfs0001", "lost+found"} {
		if _, err := os.Lstat(filepath.Join(dir, kept)); err != nil {
			t.Errorf("%s: %v", kept, err)
		}
	}
	if st := s.Stats(); st.Corrupt != len(strangers)+1 {
		t.Errorf("%+v", st)
	}
	// The same name again does not replace what was set aside before.
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("second"), 0o600); err != nil {
		t.Fatal(err)
	}
	adopt(t, s)
	first, err1 := os.ReadFile(filepath.Join(dir, corruptDir, "notes.txt"))
	second, err2 := os.ReadFile(filepath.Join(dir, corruptDir, "notes.txt.1"))
	if string(first) != "notes.txt" || string(second) != "second" || err1 != nil || err2 != nil {
		t.Errorf("%q, %q, %v, %v", first, second, err1, err2)
	}
}

// Several that adopt at once get each record once, all together all of them.
func TestAdoptByManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	const owners, each, adopters = 6, 8, 4
	for i := range owners {
		dead := open(t, dir, Options{})
		for j := range each {
			put(t, dead, Meta{Key: fmt.Sprint(i, " ", j)}, "x")
		}
		if err := dead.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	start := make(chan struct{})
	var mu sync.Mutex
	got := map[string]int{}
	for range adopters {
		s := open(t, dir, Options{})
		wg.Go(func() {
			<-start
			items, err := s.Adopt(t.Context())
			if err != nil {
				t.Error(err)
			}
			for _, it := range items {
				m, _, err := s.Read(it)
				if err != nil {
					t.Error(err)
					continue
				}
				mu.Lock()
				got[m.Key]++
				mu.Unlock()
			}
		})
	}
	// Processes that start and end meanwhile.
	for range adopters {
		wg.Go(func() {
			<-start
			for range 10 {
				s, err := Open(dir, Options{})
				if err != nil {
					t.Error(err)
					return
				}
				it, err := s.Put(t.Context(), Meta{Key: "own"}, []byte("own"))
				if err == nil {
					_, _, err = s.Read(it)
				}
				if err == nil {
					err = s.Remove(it)
				}
				if err = errors.Join(err, s.Close()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	close(start)
	wg.Wait()
	if len(got) != owners*each {
		t.Errorf("%d of %d adopted", len(got), owners*each)
	}
	for key, n := range got {
		if n != 1 {
			t.Errorf("%s adopted %d times", key, n)
		}
	}
	if st, err := Inspect(dir); err != nil || st.Records != owners*each || st.Corrupt != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestAdoptCancelled(t *testing.T) {
	dir := t.TempDir()
	dead := open(t, dir, Options{})
	put(t, dead, Meta{}, "x")
	_ = dead.Close()
	s := open(t, dir, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if items, err := s.Adopt(ctx); len(items) > 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", items, err)
	}
	if items := adopt(t, s); len(items) != 1 {
		t.Errorf("later: %v", items)
	}
	_ = s.Close()
	if _, err := s.Adopt(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
