package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Each test is a defect measured in esutil.BulkIndexer v8.19.7 (1–10),
// go-docappender v2.14.1 (11–13) or read in olivere's BulkProcessor (14). The third, adding
// from a callback, is nothing that ours allows.

// 1. The request's buffer was used again while the transport still read it,
// after a server had answered early. Only the race detector sees it.
func TestDefect1EarlyAnswerRace(t *testing.T) {
	var n atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		switch i := n.Add(1); {
		case i%3 == 1 && i < 30:
			w.WriteHeader(http.StatusRequestEntityTooLarge) // the body is not read
		case i%3 == 2 && i < 30:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		default:
			docs, err := readBulk(r)
			if err != nil {
				return // The client has gone.
			}
			answer(w, docs, created)
		}
	}))
	defer srv.Close()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	var got results
	ix := mustNew(t, client(t, tr, srv.URL), got.add, Options{FlushBytes: 8 << 20, BackoffBase: time.Millisecond,
		BackoffCap: 2 * time.Millisecond, TrustBodies: true})
	const total = 60 // in requests that no socket buffer holds: the early answer meets a body still being sent
	pad := strings.Repeat("x", 500<<10)
	for i := range total {
		d := doc(i)
		d.Body = fmt.Appendf(nil, `{"n":%d,"msg":"%s"}`, i, pad)
		mustAdd(t, ix, d)
	}
	if err := ix.Close(t.Context()); err != nil {
		t.Error(err)
	}
	checkBooks(t, ix.Stats(), &got, total)
}

// 2. An item with 429 was reported as failed, and not sent again.
func TestDefect2ItemTooManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, n int, docs []sentDoc) {
			answer(w, docs, func(i int, _ sentDoc) int {
				if n < 3 && i%2 == 1 {
					return 429
				}
				return 201
			})
		})
		got, s, err := run(t, h, Options{}, 8)
		if err != nil || s.Stored != 8 || s.Requests["200"] != 3 || s.RetriedDocs != 4+2 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
		for _, r := range got.all {
			want := map[any]int{0: 1, 2: 1, 4: 1, 6: 1, 1: 2, 5: 2, 3: 3, 7: 3}[r.Doc.Tag]
			if r.Attempts != want {
				t.Errorf("document %v took %d requests, want %d", r.Doc.Tag, r.Attempts, want)
			}
		}
	})
}

// 4. Add after Close panicked.
func TestDefect4AddAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ix := mustNew(t, client(t, inMemory{serve(t, nil)}), func(Result) { t.Error("a callback") }, Options{})
		if err := errors.Join(ix.Close(t.Context()), ix.Close(t.Context())); err != nil {
			t.Error(err)
		}
		if err := ix.Add(t.Context(), doc(1)); !errors.Is(err, ErrClosed) {
			t.Errorf("Add after Close: %v, want ErrClosed", err)
		}
	})
}

// 5. Close returned at its deadline, but the request to a hung server lived on.
func TestDefect5HungServerOnClose(t *testing.T) {
	entered, cancelled := make(chan struct{}), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(entered)
		<-r.Context().Done()
		close(cancelled)
	}))
	defer srv.Close()
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	var got results
	ix := mustNew(t, client(t, tr, srv.URL), got.add, Options{FlushActions: 5})
	mustAdd(t, ix, docs(5)...)
	<-entered // else a slow machine's deadline ends before there is a request
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := ix.Close(ctx)
	var undelivered *UndeliveredError
	if !errors.As(err, &undelivered) || undelivered.Count != 5 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close: %v, want 5 undelivered because of the deadline", err)
	}
	checkBooks(t, ix.Stats(), &got, 5)
	<-cancelled // The test hangs here if the request outlives Close.
}

// 6. An answer without items, or with another number of them, was silent, or a
// panic.
func TestDefect6WrongNumberOfItems(t *testing.T) {
	f := func(name, bad string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := serve(t, func(w http.ResponseWriter, _ int, _ []sentDoc) { _, _ = io.WriteString(w, bad) })
			got, s, err := run(t, h, Options{RetryFor: time.Minute}, 2)
			if err == nil || !errors.Is(err, errAnswer) || got.byOutcome()[Undelivered] != 2 ||
				s.Requests["unusable"] < 3 {
				t.Errorf("%s: Close: %v, stats %+v", name, err, s)
			}
		})
	}
	f("filtered away", `{"took":1,"errors":false}`)
	f("nothing", `{}`)
	f("fewer", `{"took":1,"errors":false,"items":[{"create":{"status":201}}]}`)
	f("more", `{"took":1,"items":[{"create":{"status":201}},{"create":{"status":201}},{"create":{"status":201}}]}`)
	f("other action", `{"took":1,"items":[{"create":{"status":201}},{"index":{"status":201}}]}`)
	f("no status", `{"took":1,"items":[{"create":{"status":201}},{"create":{}}]}`)
}

// 7. A truncated answer with status 200 moved no failure counter, and Close was
// content. It must be sent again: what is stored is then a duplicate.
func TestDefect7TruncatedAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, n int, docs []sentDoc) {
			if n == 1 {
				_, _ = io.WriteString(w, `{"took":3,"errors":false,"items":[{"create":{"status":201}},{"cre`)
				return
			}
			answer(w, docs, func(int, sentDoc) int { return 409 })
		})
		_, s, err := run(t, h, Options{}, 5)
		if err != nil || s.Duplicate != 5 || s.Requests["unusable"] != 1 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
	})
}

// 8. Close returned nil although every request had failed.
func TestDefect8CloseReportsFailure(t *testing.T) {
	for _, status := range []int{503, 429, 413} {
		synctest.Test(t, func(t *testing.T) {
			h := serve(t, func(w http.ResponseWriter, _ int, _ []sentDoc) { w.WriteHeader(status) })
			_, s, err := run(t, h, Options{RetryFor: 10 * time.Second}, 5)
			var undelivered *UndeliveredError
			if !errors.As(err, &undelivered) || undelivered.Count != 5 || s.Undelivered != 5 {
				t.Errorf("%d: Close: %v, stats %+v", status, err, s)
			}
		})
	}
}

// 9. 502 and 503 were sent again at once, four times in a millisecond; 429 and
// 500 never; Retry-After was ignored.
func TestDefect9BackoffAndRetryAfter(t *testing.T) {
	f := func(status int, retryAfter string, wantAtLeast, wantAtMost time.Duration) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			h := serve(t, func(w http.ResponseWriter, n int, docs []sentDoc) {
				if n <= 5 {
					w.Header().Set("Retry-After", retryAfter)
					w.WriteHeader(status)
					return
				}
				answer(w, docs, created)
			})
			o := Options{random: func() float64 { return 0.5 }}
			_, s, err := run(t, h, o, 5)
			if took := time.Since(start); err != nil || s.Stored != 5 || took < wantAtLeast || took > wantAtMost {
				t.Errorf("%d, Retry-After %q: took %v, want %v to %v; Close: %v, stats %+v", status, retryAfter, took,
					wantAtLeast, wantAtMost, err, s)
			}
		})
	}
	half := (500 + 1000 + 2000 + 4000 + 8000) / 2 * time.Millisecond // full jitter, its middle
	for _, status := range []int{429, 500, 502, 503, 504} {
		f(status, "", half, half+time.Second)
	}
	f(429, "30", 150*time.Second, 151*time.Second)
	f(503, "30", 150*time.Second, 151*time.Second)
	f(503, "Sat, 01 Jan 2000 00:01:00 GMT", 60*time.Second, 70*time.Second) // the bubble begins at midnight
}

// 10. Ids were escaped for Go, not for JSON: \a, \x7f and bad UTF-8 gave an
// action line that is not JSON, and a 400 for all documents of the request.
func TestDefect10OddIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := []string{"\a", "\x7f", `"`, `\`, "\x00\x1f", "<>&", "a/b\u2028ü", "\n\r\t", "\ufffd", "\U0001F600"}
		var seen []string
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			for _, d := range docs {
				seen = append(seen, d.ID)
			}
			answer(w, docs, created)
		})
		var got results
		ix := mustNew(t, client(t, inMemory{h}), got.add, Options{})
		for _, id := range ids {
			mustAdd(t, ix, Doc{Index: "x", ID: id, Body: []byte(`{}`)})
		}
		if err := ix.Add(t.Context(), Doc{Index: "x", ID: "\xff", Body: []byte(`{}`)}); !errors.Is(err, ErrInvalid) {
			t.Errorf("id with bad UTF-8: %v, want ErrInvalid", err)
		}
		if err := ix.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprintf("%q", seen) != fmt.Sprintf("%q", ids) {
			t.Errorf("server saw %q, want %q", seen, ids)
		}
	})
}

// 11. All items 429 when Close was called: nil, and seven documents gone.
func TestDefect11TooManyRequestsAtClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			answer(w, docs, func(int, sentDoc) int { return 429 })
		})
		got, s, err := run(t, h, Options{MaxAttempts: 10}, 7)
		var undelivered *UndeliveredError
		if !errors.As(err, &undelivered) || errors.Is(err, ErrOutOfTime) || undelivered.Count != 7 ||
			got.byOutcome()[Undelivered] != 7 || s.Requests["200"] != 10 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
		if r := got.all[0]; r.Status != 429 || r.Type != "es_rejected_execution_exception" || r.Attempts != 10 {
			t.Errorf("result %+v", r)
		}
	})
}

// 12. A 429 for the whole request dropped all its documents.
func TestDefect12RequestTooManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, n int, docs []sentDoc) {
			if n <= 6 {
				w.WriteHeader(429)
				return
			}
			answer(w, docs, created)
		})
		_, s, err := run(t, h, Options{}, 7)
		if err != nil || s.Stored != 7 || s.Requests["429"] != 6 || s.PausedSeconds == 0 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
	})
}

// 13. A network error lost the documents, without a word on any of them.
func TestDefect13NetworkError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, n int, docs []sentDoc) {
			if n <= 4 {
				panic(io.ErrUnexpectedEOF)
			}
			answer(w, docs, created)
		})
		_, s, err := run(t, h, Options{}, 7)
		if err != nil || s.Stored != 7 || s.Requests["network"] != 4 {
			t.Errorf("Close: %v, stats %+v", err, s)
		}
	})
}

// 14. Add could not be cancelled; a failed batch was sent again together with
// the next one, so that outcomes overlapped.
func TestDefect14AddIsCancelledAndBatchesStaySeparate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := map[string]int{}
		h := serve(t, func(w http.ResponseWriter, n int, docs []sentDoc) {
			for _, d := range docs {
				seen[d.ID]++
			}
			if n == 1 {
				time.Sleep(time.Minute)
				answer(w, docs, func(i int, _ sentDoc) int { return []int{201, 503}[i%2] })
				return
			}
			answer(w, docs, created)
		})
		var got results
		ix := mustNew(t, client(t, inMemory{h}), got.add, Options{Requests: 1, FlushActions: 7, MaxPendingBytes: 6000})
		mustAdd(t, ix, docs(14)...)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
		defer cancel()
		if err := ix.Add(ctx, doc(14)); err == nil || err.Error() != "enough" {
			t.Errorf("Add with full memory: %v, want the cause of its context", err)
		}
		if err := ix.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkBooks(t, ix.Stats(), &got, 14)
		for i := range 14 {
			want := 1
			if i < 7 && i%2 == 1 {
				want = 2
			}
			if id := doc(i).ID; seen[id] != want {
				t.Errorf("%s was sent %d times, want %d", id, seen[id], want)
			}
		}
		if b := ix.Stats().AddBlockedSeconds; b < 0.9 || b > 1.1 {
			t.Errorf("Add was blocked %v s, want 1", b)
		}
	})
}
