package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// world is one random course of events: records, and what goes wrong.
type world struct {
	rnd     *rand.Rand
	mu      sync.Mutex // rnd is asked by many
	records slice
	want    map[string]map[string]string // record → its documents
	e       *elastic
	l       *ledger

	acked   map[string]int // names
	refused int64          // of them
}

func (w *world) n(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rnd.IntN(n)
}

// chance is true once in n.
func (w *world) chance(n int) bool { return w.n(n) == 0 }

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{rnd: rand.New(rand.NewPCG(seed, 1)), want: map[string]map[string]string{}, e: &elastic{},
		l:     newLedger(),
		acked: map[string]int{}}
	for i := range 20 + w.n(150) {
		var r source.Record
		switch w.n(12) {
		case 0:
			r = record(fmt.Sprint("bad", i), fmt.Sprintf(`{"bad":%d`, i))
		case 1:
			r = record(fmt.Sprint("blank", i), "\n")
		case 2:
			r = record(fmt.Sprint("noTime", i), fmt.Sprintf(`{"id":"noTime%d","build_result":"PASS"}`, i))
		case 3, 4, 5:
			r = callback(i, w.n(40)+1)
		default:
			r = build(i)
		}
		r.Ack = func(s source.Settled) {
			w.acked[r.Name]++
			if s.Outcome == source.Refused {
				w.refused++
			}
		}
		w.records = append(w.records, r)
		w.want[r.Name] = documentsOf(t, r)
	}
	return w
}

// documentsOf are the documents of a record, none of one blank or refused.
func documentsOf(t *testing.T, r source.Record) map[string]string {
	var rec transform.Record
	var docs transform.Documents
	c := config(nil, nil)
	if c.parse(r, &rec) != nil {
		return nil
	}
	if err := documents(&rec, &docs, c.received(r)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for d := range docs.All() {
		want[mappings.IndexName("", d.Kind, docs.Time)+"/"+string(d.ID)] = string(d.Source)
	}
	return want
}

// breakElasticsearch makes requests and documents fail now and then.
func (w *world) breakElasticsearch() {
	rate, unauthorized := 2+w.n(20), -1
	if w.chance(6) {
		unauthorized = w.n(30)
	}
	w.e.request = func(ctx context.Context, n int, docs []sent) (int, error) {
		time.Sleep(time.Duration(w.n(300)) * time.Millisecond)
		if n == unauthorized {
			return 401, nil
		}
		if !w.chance(rate) {
			return 0, nil
		}
		switch w.n(6) {
		case 0:
			return 0, errTest
		case 1: // carried out, but the answer is lost
			w.e.store(docs)
			return 0, errTest
		case 2: // hangs
			select {
			case <-ctx.Done():
			case <-time.After(time.Hour):
			}
			return 0, context.Cause(ctx)
		case 3:
			if len(docs) > 1 {
				return 413, nil
			}
		}
		return []int{429, 500, 502, 503}[w.n(4)], nil
	}
	items := 5 + w.n(500)
	w.e.item = func(d sent) (int, string) {
		if len(d.id)%7 == 3 && d.id[len(d.id)-1] == '3' {
			return 400, "document_parsing_exception" // always the same ones
		}
		if w.chance(items) {
			return []int{429, 500, 503}[w.n(3)], "passing"
		}
		return 0, ""
	}
}

// breakLedger makes the state file slow, or fail for good.
func (w *world) breakLedger() {
	lookup, commit := 0, 0
	if w.chance(5) {
		lookup = 1 + w.n(5)
	}
	if w.chance(5) {
		commit = 1 + w.n(4)
	}
	w.l.lookup = func(n int) error {
		time.Sleep(time.Duration(w.n(50)) * time.Millisecond)
		if n == lookup {
			return errTest
		}
		return nil
	}
	w.l.commit = func(n int) error {
		time.Sleep(time.Duration(w.n(2000)) * time.Millisecond)
		if commit > 0 && n >= commit {
			return errTest
		}
		return nil
	}
}

func (w *world) config() Config {
	c := config(w.e, w.l)
	c.Workers = 1 + w.n(3)
	c.ES.Bulk.FlushActions = 1 + w.n(40)
	c.ES.Bulk.RequestTimeout = 10 * time.Second
	c.ES.Bulk.MaxPendingBytes = int64(16<<10 + w.n(256<<10))
	if w.chance(3) {
		c.ES.Bulk.MaxAttempts = 1 + w.n(5)
	}
	return c
}

// source emits the records with pauses and may fail in the middle.
func (w *world) source() Source {
	fail := -1
	if w.chance(6) {
		fail = w.n(len(w.records))
	}
	return sourceFunc(func(ctx context.Context, emit source.Emit) error {
		for i, r := range w.records {
			if i == fail {
				return errTest
			}
			if w.chance(10) {
				time.Sleep(time.Duration(w.n(1000)) * time.Millisecond)
			}
			r.Payload = bytes.Clone(r.Payload)
			if err := emit(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// check compares report, ledger, rejects, Elasticsearch and what the source was
// told.
func (w *world) check(t *testing.T, r Report) {
	t.Helper()
	equal(t, "finished and the ledger", r.Finished, w.l.finishedCount())
	refused, rejected, rejects := int64(0), int64(0), map[string]bool{}
	for _, reject := range w.l.listed() {
		if reject.Index == "" {
			refused++
			continue
		}
		rejected++
		rejects[reject.Index+"/"+reject.DocumentID] = true
		equal(t, "type of a reject", reject.Type, "document_parsing_exception")
	}
	sum := func(m map[string]int64) (n int64) {
		for _, v := range m {
			n += v
		}
		return n
	}
	equal(t, "refused and the ledger", sum(r.Refused), refused)
	equal(t, "rejected documents and the ledger", sum(r.RejectedDocuments), rejected)
	equal(t, "acknowledged as refused", w.refused, refused)
	equal(t, "acknowledged", int64(len(w.acked)), r.Finished+r.Blank+refused)
	stored := w.e.docs()
	for name, n := range w.acked {
		equal(t, "times acknowledged: "+name, n, 1)
		for doc, body := range w.want[name] {
			if stored[doc] != body && !rejects[doc] {
				t.Errorf("%s is settled, but %s is nowhere", name, doc)
			}
		}
	}
}

// Whatever goes wrong: the report adds up, it says what the ledger says, what is
// finished is in Elasticsearch or among the rejects; and a second run in which
// nothing goes wrong, days later, completes exactly the set.
func TestRandomFaults(t *testing.T) {
	seeds := uint64(80)
	if testing.Short() {
		seeds = 20
	}
	endings := map[string]int{}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, seed)
				w.breakElasticsearch()
				w.breakLedger()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if w.chance(4) {
					defer time.AfterFunc(time.Duration(w.n(20))*time.Second, cancel).Stop()
				}
				r, err := feed(ctx, t, w.source(), w.config())
				w.check(t, r)
				endings[fmt.Sprintf("%T", err)]++
				if t.Failed() {
					t.Fatalf("seed %d: %v, %+v", seed, err, r)
				}

				w.e.request, w.e.item, w.l.lookup, w.l.commit = nil, nil, nil, nil
				c := config(w.e, w.l)
				c.Now = func() time.Time { return now.Add(72 * time.Hour) }
				mustFeed(t, w.records, c)
				all := map[string]string{}
				for _, r := range w.records { // one the first run has not come to is received now
					r.Received = w.l.received[state.Key{Kind: "build", ID: r.Name}]
					maps.Copy(all, documentsOf(t, r))
				}
				stored := w.e.docs()
				for _, reject := range w.l.listed() {
					if reject.Index != "" {
						delete(all, reject.Index+"/"+reject.DocumentID)
						delete(stored, reject.Index+"/"+reject.DocumentID)
					}
				}
				if !maps.Equal(stored, all) {
					t.Errorf("seed %d: %d documents in the end, not %d", seed, len(stored), len(all))
					for k, v := range all {
						if stored[k] != v {
							t.Fatalf("%s: got\n%s, want\n%s", k, stored[k], v)
						}
					}
				}
			})
		})
	}
	if len(endings) < 3 && !testing.Short() {
		t.Errorf("these faults end runs in too few ways: %v", endings)
	}
	t.Log(endings)
}
