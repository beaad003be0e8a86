//go:build unix

package state_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

// model is what the file should hold.
type model struct {
	finished map[state.Key]state.Finished
	receipts map[state.Key]time.Time
	rejects  map[string]state.Reject
	cursors  map[string]string
}

// world is the model beside two stores on one file, as of two processes.
type world struct {
	t      *testing.T
	rnd    *rand.Rand
	path   string
	stores [2]*state.Store
	model  model
}

// Random operations, from two stores that are reopened now and then, against
// maps. synctest makes the waiting for leases free.
func TestModel(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &world{t: t, rnd: rand.New(rand.NewPCG(seed, 7)), path: filepath.Join(fastDir(t), "kcing.db")}
				w.model = model{map[state.Key]state.Finished{}, map[state.Key]time.Time{}, map[string]state.Reject{},
					map[string]string{}}
				w.stores = [2]*state.Store{w.open(), w.open()}
				t.Cleanup(func() { statetest.Check(t, w.path) })
				steps := []func(*state.Store){
					w.commit, w.commit, w.commit, w.lookup, w.received, w.prune, w.forget, w.dropRejects, w.cursor,
					w.reopen, w.compact,
				}
				for range 250 {
					steps[w.rnd.IntN(len(steps))](w.stores[w.rnd.IntN(2)])
					if w.rnd.IntN(10) == 0 {
						w.compare(w.stores[w.rnd.IntN(2)])
					}
					if t.Failed() {
						break
					}
				}
				w.compare(w.stores[0])
				for _, s := range w.stores {
					w.ok(s.Close())
				}
			})
		})
	}
}

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

func (w *world) open() *state.Store {
	s, err := state.Open(w.path, state.Options{})
	w.ok(err)
	return s
}

func (w *world) key() state.Key {
	return state.Key{Kind: []string{"lava", "boot", "build"}[w.rnd.IntN(3)], ID: fmt.Sprintf("lab/%d", w.rnd.IntN(60))}
}

func (w *world) time() time.Time {
	return day.Add(time.Duration(w.rnd.IntN(10*24*3600)) * time.Second)
}

func (w *world) commit(s *state.Store) {
	var b state.Batch
	for range w.rnd.IntN(30) {
		f := state.Finished{Key: w.key(), Time: w.time(), At: w.time(), Documents: w.rnd.IntN(3000),
			Rejected: w.rnd.IntN(2)}
		f.Digest[3] = byte(w.rnd.IntN(3))
		b.Finished = append(b.Finished, f)
		w.model.finished[f.Key] = f
	}
	for range w.rnd.IntN(6) {
		k := w.key()
		r := state.Reject{
			ID: fmt.Sprintf("%x", w.rnd.IntN(50)), Kind: k.Kind, Key: k.ID, Type: fmt.Sprint(w.rnd.IntN(3)),
			Received: w.time(),
			Attempts: 1 + w.rnd.IntN(3), Body: make([]byte, w.rnd.IntN(20_000)), Reason: "because",
		}
		for i := range r.Body {
			r.Body[i] = byte(w.rnd.IntN(1 + i%256))
		}
		r.Size = int64(len(r.Body))
		b.Rejects = append(b.Rejects, r)
		r.Attempts += w.model.rejects[r.ID].Attempts
		w.model.rejects[r.ID] = r
	}
	w.ok(s.Commit(ctx, b))
}

func (w *world) lookup(s *state.Store) {
	keys := []state.Key{w.key(), w.key(), w.key()}
	entries, err := s.Lookup(ctx, keys)
	w.ok(err)
	for i, e := range entries {
		f, ok := w.model.finished[keys[i]]
		f.Key = keys[i]
		want := state.Entry{Found: ok, Finished: f}
		for _, r := range w.model.rejects {
			want.OpenRejects = want.OpenRejects || r.Kind == keys[i].Kind && r.Key == keys[i].ID
		}
		if e != want {
			w.t.Errorf("Lookup:\n got %+v\nwant %+v", e, want)
		}
	}
}

func (w *world) received(s *state.Store) {
	k, proposed := w.key(), w.time()
	want, ok := w.model.receipts[k]
	if !ok {
		want = proposed
		w.model.receipts[k] = want
	}
	if got, err := received(ctx, s, k, proposed); err != nil || !got.Equal(want) {
		w.t.Errorf("Received %s: got %v, %v, want %v", k, got, err, want)
	}
}

func (w *world) prune(s *state.Store) {
	before := w.time().AddDate(0, 0, -5)
	want := 0
	maps.DeleteFunc(w.model.finished, func(_ state.Key, f state.Finished) bool {
		if f.Time.Before(before) {
			want++
			return true
		}
		return false
	})
	maps.DeleteFunc(w.model.receipts, func(_ state.Key, t time.Time) bool { return t.Before(before) })
	if n, err := s.Prune(ctx, before); err != nil || n != want {
		w.t.Errorf("Prune: %d, %v, want %d", n, err, want)
	}
}

func (w *world) forget(s *state.Store) {
	keys := []state.Key{w.key(), w.key()}
	want := 0
	for _, k := range keys {
		if _, ok := w.model.finished[k]; ok {
			want++
		}
		delete(w.model.finished, k)
	}
	if n, err := s.Forget(ctx, keys...); err != nil || n != want {
		w.t.Errorf("Forget: %d, %v, want %d", n, err, want)
	}
}

func (w *world) dropRejects(s *state.Store) {
	ids := []string{fmt.Sprintf("%x", w.rnd.IntN(50)), fmt.Sprintf("%x", w.rnd.IntN(50))}
	before := len(w.model.rejects)
	for _, id := range ids {
		delete(w.model.rejects, id)
	}
	if n, err := s.DropRejects(ctx, ids...); err != nil || n != before-len(w.model.rejects) {
		w.t.Errorf("DropRejects: %d, %v, want %d", n, err, before-len(w.model.rejects))
	}
}

func (w *world) cursor(s *state.Store) {
	name, position := fmt.Sprint(w.rnd.IntN(3)), fmt.Sprint(w.rnd.IntN(100))
	got, err := s.Cursor(ctx, name)
	if err != nil || got != w.model.cursors[name] {
		w.t.Errorf("Cursor: %q, %v, want %q", got, err, w.model.cursors[name])
	}
	w.ok(s.SetCursor(ctx, name, position))
	w.model.cursors[name] = position
}

func (w *world) reopen(s *state.Store) {
	w.ok(s.Close())
	for i := range w.stores {
		if w.stores[i] == s {
			w.stores[i] = w.open()
		}
	}
}

func (w *world) compact(*state.Store) {
	_, _, err := state.Compact(ctx, w.path)
	w.ok(err)
}

// compare reads everything.
func (w *world) compare(s *state.Store) {
	want := slices.SortedFunc(maps.Values(w.model.rejects), func(a, b state.Reject) int {
		return cmp.Or(a.Received.Compare(b.Received), cmp.Compare(a.ID, b.ID))
	})
	i := 0
	for r, err := range s.Rejects(ctx, state.Filter{}) {
		w.ok(err)
		if i == len(want) || r.ID != want[i].ID {
			w.t.Errorf("reject %d is %s", i, r.ID)
			return
		}
		full, err := s.Reject(ctx, r.ID)
		w.ok(err)
		if !slices.Equal(full.Body, want[i].Body) {
			w.t.Errorf("reject %s: body of %d bytes, want %d", r.ID, len(full.Body), len(want[i].Body))
		}
		full.Body, want[i].Body = nil, nil
		if !reflect.DeepEqual(full, want[i]) || !reflect.DeepEqual(r, want[i]) {
			w.t.Errorf("reject\n got %+v\nwant %+v", full, want[i])
		}
		i++
	}
	if i != len(want) {
		w.t.Errorf("%d rejects, want %d", i, len(want))
	}
	c, err := s.Counts(ctx)
	w.ok(err)
	counted := map[string]int64{}
	for k := range w.model.finished {
		counted[k.Kind]++
	}
	if !maps.Equal(c.Finished, counted) || c.Receipts != int64(len(w.model.receipts)) {
		w.t.Errorf("counted %v and %d receipts, want %v and %d", c.Finished, c.Receipts, counted, len(w.model.receipts))
	}
	for k, f := range w.model.finished {
		if e, err := s.Lookup(ctx, []state.Key{k}); err != nil || !e[0].Found || e[0].Finished != f {
			w.t.Errorf("%s: got %+v, %v, want %+v", k, e, err, f)
		}
	}
}
