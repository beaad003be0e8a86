package state_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

func TestCursor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	s := statetest.OpenPath(t, path, state.Options{})
	other := statetest.OpenPath(t, path, state.Options{})
	f := func(name, want string) {
		t.Helper()
		if got := must(other.Cursor(ctx, name))(t); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	f("maestro", "")
	for _, position := range []string{"2024-03-10T00:00:00\x00", "page 2", ""} {
		if err := s.SetCursor(ctx, "maestro", position); err != nil {
			t.Fatal(err)
		}
		f("maestro", position)
	}
	for _, name := range []string{"", strings.Repeat("x", 257)} {
		if err := s.SetCursor(ctx, name, "x"); err == nil {
			t.Errorf("name of %d bytes accepted", len(name))
		}
	}
}

func TestRunsAndCounts(t *testing.T) {
	s := statetest.Open(t)
	if _, ok, err := s.LastRun(ctx, "feed"); ok || err != nil {
		t.Errorf("a run before the first: %v, %v", ok, err)
	}
	feed := state.Run{Command: "feed", Started: day, Ended: day.Add(time.Minute), ExitCode: 3,
		Counts: map[string]int64{"stored": 12}}
	drp := state.Run{Command: "drp", Started: day, Ended: day.Add(time.Second)}
	for _, r := range []state.Run{{Command: "feed", ExitCode: 1}, feed, drp} {
		if err := s.SaveRun(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if r, ok, err := s.LastRun(ctx, "feed"); !ok || err != nil || !reflect.DeepEqual(r, feed) {
		t.Errorf("got %+v, %v, %v", r, ok, err)
	}
	err := s.Commit(ctx, state.Batch{
		Finished: []state.Finished{{Key: lava("1")}, {Key: lava("2")}, {Key: state.Key{Kind: "boot", ID: "1"}}},
		Rejects: []state.Reject{{ID: "a", Kind: "lava", Type: "x"}, {ID: "b", Kind: "lava", Type: "x"},
			{ID: "c", Kind: "build", Type: "y"}, {ID: "d"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := must(s.Counts(ctx))(t)
	if c.FileBytes < 16<<10 || c.FreeBytes < 0 || c.FreeBytes >= c.FileBytes {
		t.Errorf("%d bytes, %d free", c.FileBytes, c.FreeBytes)
	}
	if c.RejectBytes < 4*50 || c.RejectBytes > 4*200 {
		t.Errorf("the rejects take %d bytes", c.RejectBytes)
	}
	c.FileBytes, c.FreeBytes, c.RejectBytes = 0, 0, 0
	want := state.Counts{
		Schema: 1, Finished: map[string]int64{"lava": 2, "boot": 1},
		Rejects: []state.RejectCount{{"", "", 1}, {"build", "y", 1}, {"lava", "x", 2}},
		Runs:    []state.Run{drp, feed},
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("\n got %+v\nwant %+v", c, want)
	}
}
