package state_test

import (
	"testing"
	"time"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

func begin(t *testing.T, s *state.Store, r state.Begun) state.Begun {
	t.Helper()
	earlier := must(s.Begin(ctx, []state.Begun{{Key: lava("other"), Time: day}, r}))(t)
	if len(earlier) != 2 {
		t.Fatalf("got %+v", earlier)
	}
	return earlier[1]
}

// What was begun is told until it is finished: its first time, the highest level,
// and its digest as long as there is only one.
func TestBegin(t *testing.T) {
	s := statetest.Open(t)
	first := state.Begun{Key: lava("lab/1"), Digest: state.Digest{1}, Time: day, Level: 6}
	second := state.Begun{Key: first.Key, Digest: state.Digest{2}, Time: day.Add(24 * time.Hour), Level: 2}
	both := state.Begun{Key: first.Key, Time: day, Level: 6}
	for i, c := range []struct{ begun, want state.Begun }{
		{first, state.Begun{}}, {first, first}, {second, first}, {first, both}, {second, both},
	} {
		if got := begin(t, s, c.begun); got != c.want {
			t.Errorf("%d:\n got %+v\nwant %+v", i, got, c.want)
		}
	}
	commit(t, s, state.Finished{Key: first.Key, Time: day})
	if got := begin(t, s, second); got != (state.Begun{}) {
		t.Errorf("finished, and told as begun: %+v", got)
	}
}

func TestPruneForgetsWhatWasBegun(t *testing.T) {
	s := statetest.Open(t)
	old, young := state.Begun{Key: lava("lab/1"), Time: day.Add(-time.Hour)}, state.Begun{Key: lava("lab/2"), Time: day}
	begin(t, s, old)
	begin(t, s, young)
	if n := must(s.Prune(ctx, day))(t); n != 0 {
		t.Errorf("%d records", n)
	}
	if got := begin(t, s, old); got != (state.Begun{}) {
		t.Errorf("still there: %+v", got)
	}
	if got := begin(t, s, young); got != young {
		t.Errorf("gone: %+v", got)
	}
}

// Of two processes that finish records of one key, that which knew more stays,
// whoever is first; but one that was decided over it takes its place.
func TestCommitKeepsMore(t *testing.T) {
	s := statetest.Open(t)
	known := func(level uint8) state.Known { return state.Known{Version: 1, Level: level} }
	now := func() state.Known {
		return must(s.Lookup(ctx, []state.Key{lava("lab/1")}))(t)[0].Finished.Known
	}
	for i, c := range []struct {
		known, over state.Known
		want        uint8
	}{
		{known(4), state.Known{}, 4}, {known(6), state.Known{}, 6}, {known(4), state.Known{}, 6},
		{known(5), known(4), 6},
		{known(2), known(6), 2},
	} {
		commit(t, s, state.Finished{Key: lava("lab/1"), Time: day, Known: c.known, Over: c.over})
		if got := now(); got.Level != c.want {
			t.Errorf("%d: level %d, want %d", i, got.Level, c.want)
		}
	}
}
