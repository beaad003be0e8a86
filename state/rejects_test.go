package state_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

func refuse(t *testing.T, s *state.Store, rs ...state.Reject) {
	t.Helper()
	if err := s.Commit(ctx, state.Batch{Rejects: rs}); err != nil {
		t.Fatal(err)
	}
}

func ids(t *testing.T, s *state.Store, f state.Filter) string {
	t.Helper()
	var out []string
	for r, err := range s.Rejects(ctx, f) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Body != nil {
			t.Errorf("reject %s: listed with its body", r.ID)
		}
		out = append(out, r.ID)
	}
	return strings.Join(out, " ")
}

func TestRejectRoundTrip(t *testing.T) {
	s := statetest.Open(t)
	noise := make([]byte, 3000)
	for i := range noise {
		noise[i] = byte(rand.Uint32())
	}
	f := func(r state.Reject) {
		t.Helper()
		refuse(t, s, r)
		got := must(s.Reject(ctx, r.ID))(t)
		r.Attempts = max(r.Attempts, 1)
		if r.Size == 0 {
			r.Size = int64(len(r.Body))
		}
		if len(r.Body) == 0 {
			r.Body = got.Body
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("\n got %+v\nwant %+v", got, r)
		}
	}
	f(state.Reject{ID: "a1", Received: day})
	f(state.Reject{ID: "a2", Received: day, Body: noise, Size: 1 << 40, Truncated: true})
	f(state.Reject{
		ID: "0123456789ab", Kind: "lava", Key: "lab/1", Source: "/spool/x \"1\".json", Lab: "lab",
		NodeID: "6b00989341dc", Received: day.Add(time.Millisecond), Time: day,
		Type: "document_parsing_exception", Reason: "failed to parse <field> [x]\nof type\u2028",
		Index: "log-2024.03.10", DocumentID: "lab/1/l/7",
		Status: 400, Attempts: 3, Body: []byte(strings.Repeat(`{"msg":"hello"}`, 1000)),
	})
}

func TestRejectAgainReplacesAndCounts(t *testing.T) {
	s := statetest.Open(t)
	refuse(t, s, state.Reject{ID: "a", Kind: "lava", Key: "lab/1", Type: "old", Received: day, Body: []byte("1")},
		state.Reject{ID: "b", Kind: "lava", Type: "old", Received: day.Add(1e9)})
	refuse(t, s, state.Reject{ID: "a", Kind: "lava", Key: "lab/2", Type: "new", Received: day.Add(time.Hour),
		Attempts: 4, Body: []byte("2")})
	r := must(s.Reject(ctx, "a"))(t)
	if r.Attempts != 5 || r.Type != "new" || string(r.Body) != "2" || !r.Received.Equal(day.Add(time.Hour)) {
		t.Errorf("got %+v", r)
	}
	if got := ids(t, s, state.Filter{}); got != "b a" {
		t.Errorf("listed %s", got)
	}
	got := must(s.Lookup(ctx, []state.Key{lava("lab/1"), lava("lab/2")}))(t)
	if got[0].OpenRejects || !got[1].OpenRejects {
		t.Errorf("open rejects: %+v", got)
	}
	want := []state.RejectCount{{"lava", "new", 1}, {"lava", "old", 1}}
	if c := must(s.Counts(ctx))(t); !reflect.DeepEqual(c.Rejects, want) {
		t.Errorf("counted %v", c.Rejects)
	}
}

func TestOpenRejects(t *testing.T) {
	s := statetest.Open(t)
	bad := state.Key{Kind: "lava", ID: "lab/\xff\x00"}
	err := s.Commit(ctx, state.Batch{
		Finished: []state.Finished{{Key: lava("1"), Documents: 2, Rejected: 1}, {Key: lava("2")}},
		Rejects: []state.Reject{{ID: "a", Kind: "lava", Key: "1"}, {ID: "b", Kind: "lava", Key: "3"},
			{ID: "c", Kind: "lava", Key: bad.ID}, {ID: "d"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f := func(k state.Key, open bool) {
		t.Helper()
		if e := must(s.Lookup(ctx, []state.Key{k}))(t)[0]; e.OpenRejects != open {
			t.Errorf("%s: %+v", k, e)
		}
	}
	f(lava("1"), true)
	f(lava("2"), false)
	f(lava("3"), true) // refused as a whole, not finished
	f(bad, true)
	f(state.Key{Kind: "boot", ID: "1"}, false)
	if n := must(s.DropRejects(ctx, "a", "nobody", "c"))(t); n != 2 {
		t.Errorf("dropped %d", n)
	}
	f(lava("1"), false)
	f(bad, false)
	f(lava("3"), true)
}

func TestRejectByPrefix(t *testing.T) {
	s := statetest.Open(t)
	refuse(t, s, state.Reject{ID: "ab12"}, state.Reject{ID: "ab1"}, state.Reject{ID: "ac"}, state.Reject{ID: "b"})
	f := func(prefix, want string, wantErr error) {
		t.Helper()
		r, err := s.Reject(ctx, prefix)
		if r.ID != want || !errors.Is(err, wantErr) {
			t.Errorf("%q: got %q, %v", prefix, r.ID, err)
		}
	}
	f("ab1", "ab1", nil)
	f("ab12", "ab12", nil)
	f("ac", "ac", nil)
	f("b", "b", nil)
	f("a", "", state.ErrAmbiguous)
	f("ab", "", state.ErrAmbiguous)
	f("", "", state.ErrNotFound)
	f("abc", "", state.ErrNotFound)
	f("c", "", state.ErrNotFound)
}

func TestRejectsListsInOrderAndSelects(t *testing.T) {
	s := statetest.Open(t)
	var rs []state.Reject
	for i := range 2600 {
		r := state.Reject{ID: fmt.Sprintf("%04x", i*7919%2600), Kind: "lava", Key: "k", Type: "rare",
			Received: day.Add(time.Duration(i) * time.Second)}
		if i%500 != 499 {
			r.Type, r.Kind, r.Key = "usual", "boot", "j"
		}
		rs = append(rs, r)
	}
	refuse(t, s, rs...)
	f := func(sel state.Filter, want func(state.Reject) bool) {
		t.Helper()
		var w []string
		for _, r := range rs {
			if want(r) && (sel.Limit == 0 || len(w) < sel.Limit) {
				w = append(w, r.ID)
			}
		}
		if got := ids(t, s, sel); got != strings.Join(w, " ") {
			t.Errorf("%+v: got %d bytes of ids, want %d", sel, len(got), len(strings.Join(w, " ")))
		}
	}
	all := func(state.Reject) bool { return true }
	rare := func(r state.Reject) bool { return r.Type == "rare" }
	f(state.Filter{}, all)
	f(state.Filter{Limit: 3}, all)
	f(state.Filter{Limit: 450}, all)
	f(state.Filter{Type: "rare"}, rare)
	f(state.Filter{Type: "rare", Limit: 2}, rare)
	f(state.Filter{Kind: "lava", Key: "k"}, rare)
	f(state.Filter{Kind: "lava", Key: "j"}, func(state.Reject) bool { return false })
}

// The consumer of a list may use the store, and others the file.
func TestRejectsDoNotHoldTheFile(t *testing.T) {
	s := statetest.Open(t)
	var rs []state.Reject
	for i := range 300 {
		rs = append(rs, state.Reject{ID: fmt.Sprintf("%04d", i), Received: day.Add(time.Duration(i) * time.Second)})
	}
	refuse(t, s, rs...)
	n := 0
	for r, err := range s.Rejects(ctx, state.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		n += must(s.DropRejects(ctx, r.ID))(t)
	}
	if n != 300 {
		t.Errorf("dropped %d while listing", n)
	}
	if c := must(s.Counts(ctx))(t); len(c.Rejects) != 0 {
		t.Errorf("left %v", c.Rejects)
	}
}

func TestListEndsWithTheError(t *testing.T) {
	s := statetest.Open(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range s.Rejects(ctx, state.Filter{}) {
		n++
		if !errors.Is(err, state.ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d times", n)
	}
}
