package bulk

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoffIsFullJitterWithCap(t *testing.T) {
	f := func(n int, random float64, want time.Duration) {
		t.Helper()
		o := DefaultOptions()
		o.random = func() float64 { return random }
		if got := o.backoff(n); got != want {
			t.Errorf("failure %d, random %v: %v, want %v", n, random, got, want)
		}
	}
	f(1, 0, 0)
	f(1, 1, 500*time.Millisecond)
	f(3, 1, 2*time.Second)
	f(3, 0.5, time.Second)
	f(7, 1, 30*time.Second)
	f(1000, 1, 30*time.Second)
}

// TestGateSendsOneProbe: during a pause nobody sends; after it one, and when that
// one succeeds all.
func TestGateSendsOneProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		h := serve(t, func(w http.ResponseWriter, n int, docs []sentDoc) {
			mu.Lock()
			at = append(at, time.Since(start).Round(time.Second))
			mu.Unlock()
			time.Sleep(2 * time.Second)
			if n <= 5 { // four that were under way together, and the first probe
				w.Header().Set("Retry-After", "10")
				w.WriteHeader(503)
				return
			}
			answer(w, docs, created)
		})
		_, s, err := run(t, h, Options{FlushActions: 1, Requests: 4}, 4)
		if err != nil || s.Stored != 4 {
			t.Fatalf("Close: %v, stats %+v", err, s)
		}
		want := []int{0, 0, 0, 0, 12, 24, 26, 26, 26}
		if len(at) != len(want) {
			t.Fatalf("requests at %v, want %v s", at, want)
		}
		for i := range want {
			if at[i] != time.Duration(want[i])*time.Second {
				t.Fatalf("requests at %v, want %v s", at, want)
			}
		}
		if s.PausedSeconds < 23.9 || s.PausedSeconds > 24.1 {
			t.Errorf("paused %v s, want 24", s.PausedSeconds)
		}
	})
}

// TestRetryForCountsFromFirstFailure: time in the queue does not count, and
// progress starts it anew.
func TestRetryForCountsFromFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			if time.Since(start) < 10*time.Minute { // one document every 50 s or so
				time.Sleep(50 * time.Second)
				answer(w, docs, func(i int, _ sentDoc) int {
					if i == 0 {
						return 201
					}
					return 429
				})
				return
			}
			w.WriteHeader(503)
		})
		_, s, err := run(t, h, Options{RetryFor: time.Minute}, 30)
		var undelivered *UndeliveredError
		if !errors.As(err, &undelivered) || !errors.Is(err, ErrOutOfTime) || s.Stored < 11 || s.Stored > 12 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
		if took := time.Since(start); took < 11*time.Minute || took > 12*time.Minute {
			t.Errorf("gave up after %v, want a minute after the last progress", took)
		}
	})
}

func TestRetryWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			if time.Since(start) < 48*time.Hour {
				w.WriteHeader(503)
				return
			}
			answer(w, docs, created)
		})
		_, s, err := run(t, h, Options{RetryFor: -1}, 3)
		if err != nil || s.Stored != 3 || s.Requests["503"] < 48*60 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
	})
}

// TestMaxAttemptsDoesNotCountHalving: isolating one document among 1000 takes
// ten requests; that is no failure of the others.
func TestMaxAttemptsDoesNotCountHalving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]bool{}
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			if len(docs) > 1 {
				w.WriteHeader(413)
				return
			}
			if id := docs[0].ID; !seen[id] {
				seen[id] = true
				w.WriteHeader(500)
				return
			}
			answer(w, docs, created)
		})
		_, s, err := run(t, h, Options{Requests: 1, MaxAttempts: 2}, 64)
		if err != nil || s.Stored != 64 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
	})
}

func TestRequestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		_, s, err := run(t, h, Options{RequestTimeout: 10 * time.Second, MaxAttempts: 3}, 3)
		if !errors.Is(err, context.DeadlineExceeded) || s.Requests["network"] != 3 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
		if l := s.RequestSeconds; l.Count != 3 || l.Max < 9.9 || l.Max > 10.1 || l.Sum < 29 {
			t.Errorf("latency %+v", l)
		}
	})
}

// TestOneNodeDown: with several addresses the others serve.
func TestOneNodeDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) { answer(w, docs, created) })
		down := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Host == "b:9200" {
				panic("connection refused")
			}
			h.ServeHTTP(w, r)
		})
		var got results
		tr := client(t, inMemory{down}, "http://a:9200", "http://b:9200", "http://c:9200")
		ix := mustNew(t, tr, got.add, Options{FlushActions: 1, Requests: 1})
		mustAdd(t, ix, docs(50)...)
		err := ix.Close(t.Context())
		checkBooks(t, ix.Stats(), &got, 50)
		if s := ix.Stats(); err != nil || s.Stored != 50 || s.Requests["network"] != 1 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
	})
}

// TestBlockedDocumentsDoNotHoldBackOthers: not even those of their own batch,
// and though they are retried without end.
func TestBlockedDocumentsDoNotHoldBackOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			if len(docs) > 8 {
				w.WriteHeader(413)
				return
			}
			answer(w, docs, func(_ int, d sentDoc) int {
				if d.ID == doc(0).ID {
					return 500
				}
				return 201
			})
		})
		var got results
		ix := mustNew(t, client(t, inMemory{h}), got.add, Options{Requests: 1, RetryFor: -1})
		mustAdd(t, ix, docs(64)...)
		time.Sleep(time.Hour)
		if s := ix.Stats(); s.Stored != 63 || s.PendingDocs != 1 {
			t.Errorf("stats %+v", s)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var undelivered *UndeliveredError
		if err := ix.Close(ctx); !errors.As(err, &undelivered) || undelivered.Count != 1 {
			t.Errorf("Close: %v, want one undelivered", err)
		}
	})
}
