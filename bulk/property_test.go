package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// faultyES is an Elasticsearch that keeps documents, and fails at random.
type faultyES struct {
	mu     sync.Mutex
	rnd    *rand.Rand
	stored map[string]string // index/id → body
	rate   float64           // of requests with a fault
	fatal  bool              // 401 is among them
}

func (s *faultyES) chance(p float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.Float64() < p
}

func (s *faultyES) pick(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.IntN(n)
}

// poison is a document that no server takes, and not all in the same way.
func poison(i int) bool { return i%97 == 5 }

func (s *faultyES) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	docs, err := readBulk(r)
	if err != nil {
		panic(fmt.Errorf("the server cannot read the request: %w", err))
	}
	latency := time.Duration(s.pick(100)) * time.Millisecond
	if !s.chance(s.rate) {
		time.Sleep(latency)
		s.items(w, docs, 0)
		return
	}
	if s.fatal && s.chance(0.05) {
		w.WriteHeader(401)
		return
	}
	switch s.pick(10) {
	case 0:
		if s.chance(0.5) {
			w.Header().Set("Retry-After", fmt.Sprint(s.pick(20)))
		}
		w.WriteHeader([]int{429, 502, 503, 504}[s.pick(4)])
	case 1:
		w.WriteHeader([]int{500, 507, 408, 302}[s.pick(4)])
	case 2:
		if len(docs) > 1 {
			w.WriteHeader(413)
			return
		}
		s.items(w, docs, 0)
	case 3:
		if len(docs) > 1 {
			w.WriteHeader(400)
			return
		}
		s.items(w, docs, 0)
	case 4:
		panic(errors.New("connection reset by peer"))
	case 5: // carried out, but the answer is lost
		s.items(discardWriter{w}, docs, 0)
		panic(io.ErrUnexpectedEOF)
	case 6: // slower than the client waits
		time.Sleep(10 * time.Minute)
		s.items(w, docs, 0)
	case 7: // cut short
		s.items(&cutWriter{ResponseWriter: w, keep: s.pick(200)}, docs, 0)
	case 8: // one item less or more than was sent
		if s.chance(0.5) {
			s.items(w, docs[:len(docs)-1], 0)
			return
		}
		s.items(w, append(docs[:len(docs):len(docs)], docs[0]), 0)
	case 9: // some items are refused for now
		s.items(w, docs, 0.3)
	}
}

type discardWriter struct{ http.ResponseWriter }

func (discardWriter) Write(b []byte) (int, error) { return len(b), nil }

type cutWriter struct {
	http.ResponseWriter
	keep int
}

func (c *cutWriter) Write(b []byte) (int, error) {
	_, err := c.ResponseWriter.Write(b[:min(len(b), c.keep)])
	return len(b), err
}

func (s *faultyES) items(w http.ResponseWriter, docs []sentDoc, busy float64) {
	answer(w, docs, func(_ int, d sentDoc) int {
		if busy > 0 && s.chance(busy) {
			return []int{429, 503, 500}[s.pick(3)]
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		var n int
		_, _ = fmt.Sscanf(d.Body, `{"lineno":%d`, &n)
		key := d.Index + "/" + d.ID
		_, there := s.stored[key]
		switch {
		case poison(n):
			return []int{400, 404, 413}[n%3]
		case there && d.Op == "create":
			return 409
		}
		s.stored[key] = d.Body
		return 201
	})
}

// TestRandomFaults is R1 under whatever a server and a network do: every
// document gets one outcome, the outcome is true, the books balance and memory
// stays within its bound.
func TestRandomFaults(t *testing.T) {
	seeds := uint64(100)
	if testing.Short() {
		seeds = 20
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomFaults(t, seed) })
		})
	}
}

// newRand gives the same numbers for the same seed: a failure can be repeated.
func newRand(seed, stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, stream))
}

func randomOptions(rnd *rand.Rand) Options {
	return Options{
		MaxPendingBytes: 4096 << rnd.IntN(6), FlushBytes: 256 << rnd.IntN(8), FlushActions: 1 + rnd.IntN(60),
		FlushInterval: time.Duration(1+rnd.IntN(2000)) * time.Millisecond, Requests: 1 + rnd.IntN(5),
		RetryFor:       []time.Duration{-1, time.Minute, 10 * time.Minute}[rnd.IntN(3)],
		MaxAttempts:    []int{0, 0, 3}[rnd.IntN(3)],
		RequestTimeout: time.Minute, TrustBodies: rnd.IntN(2) == 0, random: newRand(rnd.Uint64(), 1).Float64,
	}
}

func randomFaults(t *testing.T, seed uint64) {
	rnd := newRand(seed, 7)
	es := &faultyES{rnd: newRand(seed, 8), stored: map[string]string{}, rate: rnd.Float64() * 0.9,
		fatal: rnd.IntN(8) == 0}
	o := randomOptions(rnd)
	mu := sync.Mutex{}
	random := o.random
	o.random = func() float64 { mu.Lock(); defer mu.Unlock(); return random() }
	h := http.Handler(es)
	if o.Compress = rnd.IntN(4) == 0; o.Compress {
		h = gunzip{es}
	}
	var got results
	var ix *Indexer
	ix = mustNew(t, client(t, inMemory{h}), func(r Result) {
		s := ix.Stats()
		if s.Added != s.Stored+s.Duplicate+s.Rejected+s.Undelivered+s.PendingDocs || s.PendingDocs < 0 {
			t.Errorf("books do not balance: %+v", s)
		}
		if s.PendingBytes > o.MaxPendingBytes || s.PendingBytes < 0 {
			t.Errorf("%d bytes pending, the limit is %d", s.PendingBytes, o.MaxPendingBytes)
		}
		got.add(r)
	}, o)

	added := addFromMany(t, ix, rnd)
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if rnd.IntN(3) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rnd.IntN(120))*time.Second)
	}
	defer cancel()
	err := ix.Close(ctx)
	s := ix.Stats()
	checkBooks(t, s, &got, added)
	var undelivered *UndeliveredError
	if (s.Undelivered > 0) != errors.As(err, &undelivered) && ix.Fatal() == nil {
		t.Errorf("%d undelivered, Close: %v", s.Undelivered, err)
	}
	checkTruth(t, es, &got)
}

// addFromMany adds some hundred documents from a few goroutines, with pauses,
// and returns how many were accepted.
func addFromMany(t *testing.T, ix *Indexer, rnd *rand.Rand) int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	added := 0
	for g := range 1 + rnd.IntN(3) {
		mine := newRand(rnd.Uint64(), 9)
		wg.Go(func() {
			for i := range 100 + mine.IntN(200) {
				d := doc(1000*g + i)
				if mine.IntN(10) == 0 {
					d.ID = doc(mine.IntN(300)).ID // an id that may be pending
				}
				if err := ix.Add(context.Background(), d); err != nil {
					if ix.Fatal() == nil {
						t.Errorf("Add: %v", err)
					}
					return
				}
				mu.Lock()
				added++
				mu.Unlock()
				if mine.IntN(40) == 0 {
					time.Sleep(time.Duration(mine.IntN(3000)) * time.Millisecond)
				}
			}
		})
	}
	wg.Wait()
	return added
}

// checkTruth compares the outcomes with what the server holds.
func checkTruth(t *testing.T, es *faultyES, got *results) {
	for _, r := range got.all {
		_, there := es.stored[r.Doc.Index+"/"+r.Doc.ID]
		n, ok := r.Doc.Tag.(int)
		if !ok {
			t.Fatalf("tag %v", r.Doc.Tag)
		}
		if fmt.Sprintf(`{"lineno":%d}`, n) != string(r.Doc.Body) {
			t.Errorf("document %d came back with body %s", n, r.Doc.Body)
		}
		switch r.Outcome {
		case Stored, Duplicate:
			if !there {
				t.Errorf("document %d is said to be %v, and is not there", n, r.Outcome)
			}
		case Rejected:
			if !poison(n) {
				t.Errorf("document %d is rejected without reason: %v", n, r.Err)
			}
		}
	}
}
