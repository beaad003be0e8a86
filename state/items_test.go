package state_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

func TestItems(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := statetest.OpenPath(t, filepath.Join(t.TempDir(), "kcing.db"),
		state.Options{Now: func() time.Time { return now }})
	ctx := t.Context()
	lookup := func(source, key string) state.ItemEntry {
		t.Helper()
		entries, err := s.LookupItems(ctx, source, []string{"other", key})
		if err != nil || len(entries) != 2 || entries[0] != (state.ItemEntry{}) {
			t.Fatal(entries, err)
		}
		return entries[1]
	}
	fail := func(version string, attempts int, first time.Time) {
		t.Helper()
		u, err := s.CommitUnfetched(ctx, state.Unfetched{Source: "a", Key: "k", Kind: "lava", Name: "http://x",
			Lab: "l", Version: version, Error: "no\xff"})
		if err != nil || u.Attempts != attempts || !u.First.Equal(first) || !u.Last.Equal(now) {
			t.Errorf("%+v, %v; want %d attempts since %v", u, err, attempts, first)
		}
	}
	fail("1", 1, now)
	first := now
	now = now.Add(time.Hour)
	fail("1", 2, first)
	fail("2", 1, now) // another version, another download
	e := lookup("a", "k").Unfetched
	want := state.Unfetched{Source: "a", Key: "k", Kind: "lava", Name: "http://x", Lab: "l", Version: "2", Attempts: 1,
		First: now, Last: now, Error: "no\uFFFD"}
	if e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
	if got := lookup("b", "k"); got != (state.ItemEntry{}) {
		t.Errorf("another source has %+v", got)
	}

	// Done with, it is no failure any more.
	done := state.Crawled{Source: "a", Key: "k", Version: "2", Record: state.Key{Kind: "lava", ID: "l/7"},
		Time: now.Add(-time.Hour)}
	if err := s.CommitItems(ctx, []state.Crawled{done, {Source: "a", Key: "k2", Version: "1"}}); err != nil {
		t.Fatal(err)
	}
	if got := lookup("a", "k"); got.Crawled != done || got.Unfetched.Key != "" {
		t.Errorf("%+v", got)
	}
	if got := lookup("a", "k2").Crawled; !got.Time.Equal(now) || got.Record != (state.Key{}) {
		t.Errorf("without a time: %+v", got)
	}
	if list, n, err := s.Unfetched(ctx, "", 0); err != nil || n != 0 || len(list) != 0 {
		t.Error(list, n, err)
	}
	for _, bad := range []string{"", string(make([]byte, 2000))} {
		if err := s.CommitItems(ctx, []state.Crawled{{Source: "a", Key: bad}}); err == nil {
			t.Errorf("key %.10q was taken", bad)
		}
	}
}

// Forgetting a record forgets the item that became it, so that it is fetched
// again; forgetting a kind likewise.
func TestForgetItems(t *testing.T) {
	s := statetest.Open(t)
	ctx := t.Context()
	var items []state.Crawled
	for i := range 10 {
		kind := []string{"lava", "build"}[i%2]
		items = append(items, state.Crawled{Source: "a", Key: fmt.Sprint(i), Version: "1",
			Record: state.Key{Kind: kind, ID: fmt.Sprint("r", i)}, Time: time.Now()})
	}
	items = append(items, state.Crawled{Source: "a", Key: "refused", Version: "1", Time: time.Now()})
	if err := s.CommitItems(ctx, items); err != nil {
		t.Fatal(err)
	}
	left := func(want int) {
		t.Helper()
		keys := make([]string, len(items))
		for i := range items {
			keys[i] = items[i].Key
		}
		entries, err := s.LookupItems(ctx, "a", keys)
		n := 0
		for _, e := range entries {
			if e.Crawled.Key != "" {
				n++
			}
		}
		if err != nil || n != want {
			t.Errorf("%d items left, want %d (%v)", n, want, err)
		}
	}
	if _, err := s.Forget(ctx, state.Key{Kind: "lava", ID: "r0"}, state.Key{Kind: "lava", ID: "r1"}); err != nil {
		t.Error(err)
	}
	left(10) // r1 is a build
	if _, err := s.ForgetKind(ctx, "build"); err != nil {
		t.Error(err)
	}
	left(5)
	if _, err := s.ForgetKind(ctx, ""); err != nil {
		t.Error(err)
	}
	left(1) // what was refused became no record
}

// PruneItems goes by the item's time, and for failures by when they failed last.
func TestPruneItems(t *testing.T) {
	now := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	s := statetest.OpenPath(t, filepath.Join(t.TempDir(), "kcing.db"),
		state.Options{Now: func() time.Time { return now }})
	ctx := t.Context()
	var items []state.Crawled
	for i := range 5000 { // more than one transaction removes
		items = append(items, state.Crawled{Source: "a", Key: fmt.Sprintf("%05d", i), Version: "1",
			Time: now.Add(time.Duration(i%2) * time.Hour)})
	}
	if err := s.CommitItems(ctx, items); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"old", "young"} {
		if _, err := s.CommitUnfetched(ctx, state.Unfetched{Source: "a", Key: key}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
	}
	n, err := s.PruneItems(ctx, now.Add(-time.Hour))
	if err != nil || n != 2501 {
		t.Errorf("%d pruned, %v", n, err)
	}
	list, n, err := s.Unfetched(ctx, "a", 1)
	if err != nil || n != 1 || list[0].Key != "young" {
		t.Error(list, n, err)
	}
	if entries, err := s.LookupItems(ctx, "a", []string{"00000", "00001"}); err != nil ||
		entries[0].Crawled.Key != "" || entries[1].Crawled.Key == "" {
		t.Error(entries, err)
	}
}

// A file from before crawls were remembered is whole, and gets what it lacks.
func TestFileOfEarlierKcing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	s, err := state.Open(path, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), state.Batch{Finished: []state.Finished{{Key: state.Key{Kind: "boot", ID: "b"},
		Time: time.Now()}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, func(tx *bbolt.Tx) error {
		for _, name := range []string{"crawled", "unfetched"} {
			if err := tx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	})
	statetest.Check(t, path)
	if _, _, err := state.Compact(t.Context(), path); err != nil {
		t.Error(err)
	}
	s = statetest.OpenPath(t, path, state.Options{})
	if err := s.CommitItems(t.Context(), []state.Crawled{{Source: "a", Key: "k", Version: "1"}}); err != nil {
		t.Error(err)
	}
	if e, err := s.Lookup(t.Context(), []state.Key{{Kind: "boot", ID: "b"}}); err != nil || !e[0].Found {
		t.Error(e, err)
	}
}

// Check finds entries that cannot be decoded.
func TestCheckItems(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	s, err := state.Open(path, state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, func(tx *bbolt.Tx) error {
		if err := tx.Bucket([]byte("crawled")).Put([]byte("a\x00k"), []byte("{")); err != nil {
			return err
		}
		return tx.Bucket([]byte("unfetched")).Put([]byte("nokey"), []byte("{}"))
	})
	r, err := state.Check(t.Context(), path)
	if err != nil || len(r.Problems) != 2 || r.Crawled != 1 || r.Unfetched != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func edit(t *testing.T, path string, fn func(*bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(fn); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
