package state_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

var ctx = context.Background()

var day = time.Date(2024, 3, 10, 0, 0, 0, 0, time.UTC)

func lava(id string) state.Key { return state.Key{Kind: "lava", ID: id} }

func commit(t *testing.T, s *state.Store, fs ...state.Finished) {
	t.Helper()
	if err := s.Commit(ctx, state.Batch{Finished: fs}); err != nil {
		t.Fatal(err)
	}
}

func found(t *testing.T, s *state.Store, keys ...state.Key) []bool {
	t.Helper()
	var out []bool
	for _, e := range must(s.Lookup(ctx, keys))(t) {
		out = append(out, e.Found)
	}
	return out
}

func TestLookupReturnsWhatWasCommitted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	now := day.Add(36 * time.Hour)
	s := statetest.OpenPath(t, path, state.Options{Now: func() time.Time { return now }})
	in := []state.Finished{
		{Key: lava("lab/1"), Digest: state.Digest{1, 2, 3}, Time: day.Add(1234567 * time.Microsecond), Documents: 12,
			Rejected: 3, At: day.Add(time.Hour)},
		{Key: state.Key{Kind: "boot", ID: "lab/1"}, Time: day.In(time.FixedZone("x", 7200)), Documents: 1},
		{Key: lava("-/\x00\xff"), Time: time.Time{}, Documents: 0},
	}
	commit(t, s, in...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = statetest.OpenPath(t, path, state.Options{})
	got := must(s.Lookup(ctx, []state.Key{in[2].Key, lava("lab/10"), in[0].Key, in[1].Key, in[0].Key}))(t)

	want := in
	want[0].Time = want[0].Time.Truncate(time.Millisecond)
	want[1].Time, want[1].At = want[1].Time.UTC(), now
	want[2].At = now
	f := func(i int, e state.Entry, w state.Finished) {
		t.Helper()
		if !e.Found || e.Finished != w || e.OpenRejects {
			t.Errorf("entry %d:\n got %+v\nwant %+v", i, e, w)
		}
	}
	f(0, got[0], want[2])
	f(2, got[2], want[0])
	f(3, got[3], want[1])
	f(4, got[4], want[0])
	if got[1].Found || got[1].Finished.Key != lava("lab/10") {
		t.Errorf("an unknown key: %+v", got[1])
	}
}

func TestMatches(t *testing.T) {
	f := func(stored, given byte, want bool) {
		t.Helper()
		if got := (state.Finished{Digest: state.Digest{stored}}).Matches(state.Digest{given}); got != want {
			t.Errorf("stored %d, given %d: %v", stored, given, got)
		}
	}
	f(1, 1, true)
	f(1, 2, false)
	f(0, 2, true)
}

func TestCommitIsAllOrNothing(t *testing.T) {
	s := statetest.Open(t)
	f := func(b state.Batch, want error) {
		t.Helper()
		b.Finished = append([]state.Finished{{Key: lava("good")}}, b.Finished...)
		err := s.Commit(ctx, b)
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		if found(t, s, lava("good"))[0] {
			t.Errorf("%v: but the good half was stored", err)
		}
	}
	f(state.Batch{Finished: []state.Finished{{Key: lava("")}}}, state.ErrKey)
	f(state.Batch{Finished: []state.Finished{{Key: state.Key{ID: "x"}}}}, state.ErrKey)
	f(state.Batch{Finished: []state.Finished{{Key: state.Key{Kind: "a\x00b", ID: "x"}}}}, state.ErrKey)
	f(state.Batch{Finished: []state.Finished{{Key: lava(strings.Repeat("x", 1025))}}}, state.ErrKey)
	f(state.Batch{Rejects: []state.Reject{{}}}, state.ErrID)
	f(state.Batch{Rejects: []state.Reject{{ID: strings.Repeat("x", 65)}}}, state.ErrID)
}

func TestFinishingAgainMovesTheDay(t *testing.T) {
	s := statetest.Open(t) // its Check sees index entries left behind
	k := lava("lab/1")
	commit(t, s, state.Finished{Key: k, Time: day})
	commit(t, s, state.Finished{Key: k, Time: day.Add(time.Hour)},
		state.Finished{Key: k, Time: day.AddDate(0, 0, 5), Documents: 2})
	if n := must(s.Prune(ctx, day.AddDate(0, 0, 5)))(t); n != 0 {
		t.Errorf("pruned %d: by the old time", n)
	}
	if e := must(s.Lookup(ctx, []state.Key{k}))(t)[0]; e.Finished.Documents != 2 {
		t.Errorf("got %+v", e)
	}
	if c := must(s.Counts(ctx))(t); c.Finished["lava"] != 1 {
		t.Errorf("counted %v", c.Finished)
	}
}

func TestReceived(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	s := statetest.OpenPath(t, path, state.Options{})
	other := statetest.OpenPath(t, path, state.Options{})
	f := func(s *state.Store, id string, proposed, want time.Time) {
		t.Helper()
		if got := must(received(ctx, s, lava(id), proposed))(t); !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: got %v, want %v", id, got, want)
		}
	}
	f(s, "a", day.Add(time.Microsecond), day)
	f(s, "a", day.Add(time.Hour), day)
	f(other, "a", day.AddDate(0, 0, 9), day)
	f(other, "b", day.AddDate(0, 0, 1), day.AddDate(0, 0, 1))

	batch := []state.Receipt{{lava("c"), day.AddDate(0, 0, 3)}, {lava("a"), day.AddDate(0, 0, 3)},
		{lava("c"), day.AddDate(0, 0, 4)}}
	if err := s.ReceivedAll(ctx, batch); err != nil {
		t.Fatal(err)
	}
	for i, want := range []time.Time{day.AddDate(0, 0, 3), day, day.AddDate(0, 0, 3)} {
		if !batch[i].Time.Equal(want) {
			t.Errorf("batch %d: got %v, want %v", i, batch[i].Time, want)
		}
	}
	if c := must(s.Counts(ctx))(t); c.Receipts != 3 {
		t.Errorf("%d receipts", c.Receipts)
	}
	// Forgetting keeps them: the record goes to the same index again. Pruning does not.
	must(s.ForgetKind(ctx, ""))(t)
	f(s, "a", day.Add(time.Hour), day)
	if n := must(s.Prune(ctx, day.Add(time.Minute)))(t); n != 0 {
		t.Errorf("pruned %d records: receipts are no records", n)
	}
	f(s, "a", day.Add(time.Hour), day.Add(time.Hour))
	f(s, "b", day.Add(time.Hour), day.AddDate(0, 0, 1))
	if _, err := received(ctx, s, lava(""), day); !errors.Is(err, state.ErrKey) {
		t.Errorf("got %v", err)
	}
}

func TestPruneByRecordTime(t *testing.T) {
	s := statetest.Open(t)
	f := func(id string, at time.Time) {
		t.Helper()
		commit(t, s, state.Finished{Key: lava(id), Time: at, At: day.AddDate(1, 0, 0)})
	}
	f("before 1970", time.Date(1969, 12, 31, 23, 0, 0, 0, time.UTC))
	f("zero", time.Time{})
	f("day before", day.Add(-time.Millisecond))
	f("on the hour", day.Add(10*time.Hour))
	f("just before", day.Add(10*time.Hour-time.Millisecond))
	f("later", day.AddDate(0, 0, 2))
	if n := must(s.Prune(ctx, day.Add(10*time.Hour)))(t); n != 4 {
		t.Errorf("pruned %d, want 4", n)
	}
	got := found(t, s, lava("before 1970"), lava("zero"), lava("day before"), lava("on the hour"), lava("just before"),
		lava("later"))
	if want := "[false false false true false true]"; fmt.Sprint(got) != want {
		t.Errorf("left %v, want %v", got, want)
	}
	if n := must(s.Prune(ctx, day.Add(10*time.Hour)))(t); n != 0 {
		t.Errorf("pruned %d again", n)
	}
}

func TestPruneOfManyTransactions(t *testing.T) {
	s := statetest.Open(t)
	var all []state.Finished
	for i := range 7000 { // every other one of the boundary day stays
		at := day.Add(time.Duration(i%2) * time.Hour)
		all = append(all, state.Finished{Key: lava(fmt.Sprintf("lab/%05d", i)), Time: at})
	}
	commit(t, s, all...)
	if n := must(s.Prune(ctx, day.Add(time.Hour)))(t); n != 3500 {
		t.Errorf("pruned %d, want 3500", n)
	}
	if c := must(s.Counts(ctx))(t); c.Finished["lava"] != 3500 {
		t.Errorf("left %v", c.Finished)
	}
	if n := must(s.ForgetKind(ctx, "lava"))(t); n != 3500 {
		t.Errorf("forgot %d, want 3500", n)
	}
}

func TestForget(t *testing.T) {
	s := statetest.Open(t)
	boot := state.Key{Kind: "boot", ID: "1"}
	commit(t, s, state.Finished{Key: lava("1")}, state.Finished{Key: lava("2")}, state.Finished{Key: boot},
		state.Finished{Key: state.Key{Kind: "boo", ID: "t"}})
	if n := must(s.Forget(ctx, lava("1"), lava("3")))(t); n != 1 {
		t.Errorf("forgot %d, want 1", n)
	}
	if n := must(s.ForgetKind(ctx, "boo"))(t); n != 1 {
		t.Errorf("forgot %d of a kind that another begins with, want 1", n)
	}
	if got := fmt.Sprint(found(t, s, lava("1"), lava("2"), boot)); got != "[false true true]" {
		t.Errorf("left %v", got)
	}
	if n := must(s.ForgetKind(ctx, ""))(t); n != 2 {
		t.Errorf("forgot %d, want 2", n)
	}
}
