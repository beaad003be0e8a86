package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestFatalAnswersStopTheRun: nothing is rejected because a password
// expired.
func TestFatalAnswersStopTheRun(t *testing.T) {
	f := func(status int, body, wantText string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := serve(t, func(w http.ResponseWriter, _ int, _ []sentDoc) {
				time.Sleep(time.Millisecond) // virtual: all fifteen are added before the answer
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			})
			var got results
			ix := mustNew(t, client(t, inMemory{h}), got.add, Options{FlushActions: 10, RetryFor: -1})
			mustAdd(t, ix, docs(15)...) // ten are sent, five wait
			<-ix.Done()
			var fatal *FatalError
			if err := ix.Add(t.Context(), doc(99)); !errors.As(err, &fatal) || fatal.Status != status {
				t.Errorf("%d: Add: %v, want the fatal error", status, err)
			}
			err := ix.Close(t.Context())
			var undelivered *UndeliveredError
			if !errors.As(err, &undelivered) || undelivered.Count != 15 || !errors.As(err, &fatal) ||
				!strings.Contains(err.Error(), wantText) {
				t.Errorf("%d: Close: %v", status, err)
			}
			checkBooks(t, ix.Stats(), &got, 15)
			if n := got.byOutcome()[Undelivered]; n != 15 {
				t.Errorf("%d: outcomes %v, want 15 undelivered", status, got.byOutcome())
			}
		})
	}
	f(401, `{"error":{"type":"security_exception","reason":"unable to authenticate"}}`, "check the API key")
	f(403, `{"error":{"type":"security_exception","reason":"action is unauthorized"}}`, "the role needs")
	f(404, ``, "check the URL")
	f(405, `not JSON`, "refused")
	// Every document alone gets the same 400: it is the request that is wrong.
	f(400, `{"error":{"type":"illegal_argument_exception","reason":"unrecognized parameter"}}`, "whatever document")
}

func TestFatalItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			answer(w, docs, func(i int, _ sentDoc) int { return []int{201, 403, 400}[i%3] })
		})
		got, s, err := run(t, h, Options{}, 6)
		var fatal *FatalError
		if !errors.As(err, &fatal) || s.Stored != 2 || s.Rejected != 2 || s.Undelivered != 2 {
			t.Errorf("Close: %v, stats %+v, outcomes %v", err, s, got.byOutcome())
		}
	})
}

// TestFatalWakesBlockedAdd: an Add that waits for memory learns of the end.
func TestFatalWakesBlockedAdd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, _ int, _ []sentDoc) {
			time.Sleep(time.Second)
			w.WriteHeader(401)
		})
		ix := mustNew(t, client(t, inMemory{h}), func(Result) {}, Options{MaxPendingBytes: 4096})
		var err error
		for i := 0; err == nil; i++ {
			err = ix.Add(t.Context(), doc(i))
		}
		var fatal *FatalError
		if !errors.As(err, &fatal) {
			t.Errorf("Add: %v, want the fatal error", err)
		}
		_ = ix.Close(t.Context()) // tested above
	})
}

// TestBadRequestIsIsolated: a 400 for the whole request costs the one document
// that caused it.
func TestBadRequestIsIsolated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			for _, d := range docs {
				if d.ID == doc(37).ID {
					w.WriteHeader(400)
					_, _ = io.WriteString(w, `{"error":{"type":"x_content_parse_exception","reason":"odd"}}`)
					return
				}
			}
			answer(w, docs, created)
		})
		got, s, err := run(t, h, Options{}, 100)
		if err != nil || s.Stored != 99 || s.Rejected != 1 || s.RejectedBy["x_content_parse_exception"] != 1 {
			t.Fatalf("Close: %v, stats %+v", err, s)
		}
		for _, r := range got.all {
			if r.Outcome == Rejected && (r.Doc.Tag != 37 || r.Status != 400 || r.Reason != "odd" ||
				string(r.Doc.Body) != `{"lineno":37}`) {
				t.Errorf("rejected %+v", r)
			}
		}
	})
}

// TestTooLargeIsSplit: requests over the server's limit are halved, further ones
// are made smaller, and a document that is alone too large is rejected.
func TestTooLargeIsSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 100 << 10
		refused := 0
		inner := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) { answer(w, docs, created) })
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > limit {
				refused++
				w.WriteHeader(413)
				return
			}
			inner.ServeHTTP(w, r)
		})
		var got results
		ix := mustNew(t, client(t, inMemory{h}), got.add, Options{Requests: 1, FlushBytes: 1 << 20})
		for i := range 3000 {
			d := doc(i)
			d.Body = fmt.Appendf(nil, `{"n":%d,"pad":%q}`, i, strings.Repeat("x", 1000))
			if i == 1500 {
				d.Body = fmt.Appendf(nil, `{"pad":%q}`, strings.Repeat("x", limit))
			}
			mustAdd(t, ix, d)
		}
		if err := ix.Close(t.Context()); err != nil {
			t.Error(err)
		}
		s := ix.Stats()
		checkBooks(t, s, &got, 3000)
		if s.Stored != 2999 || s.RejectedBy["request_entity_too_large"] != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestTooLargeWhateverIsSent: a server, or a proxy before it, that answers 413 to
// whatever is sent is waited for, and no document is to blame. That it took some
// before makes no difference, nor that the wait has no end.
func TestTooLargeWhateverIsSent(t *testing.T) {
	const total = 3000
	f := func(from, to, retryFor time.Duration, want Outcome) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var refused atomic.Int64
			inner := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
				time.Sleep(10 * time.Millisecond)
				if at := time.Since(began); at >= from && at < to {
					refused.Add(1)
					w.WriteHeader(413)
					return
				}
				answer(w, docs, created)
			})
			var got results
			ix := mustNew(t, client(t, inMemory{inner}), got.add, Options{FlushActions: 500, RetryFor: retryFor})
			for i := range total {
				mustAdd(t, ix, doc(i))
				time.Sleep(time.Millisecond)
			}
			if want == Undelivered { // one batch after the other; the pipeline ends a run with the first
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				_ = ix.Close(ctx)
				if !slices.ContainsFunc(got.all, func(r Result) bool {
					return r.Outcome == Undelivered && errors.Is(r.Err, ErrOutOfTime) &&
						strings.Contains(r.Err.Error(), "answered 413")
				}) {
					t.Errorf("%v to %v, %v: no document says why it was not delivered", from, to, retryFor)
				}
			} else if err := ix.Close(t.Context()); err != nil {
				t.Errorf("%v to %v, %v: Close: %v", from, to, retryFor, err)
			}
			checkBooks(t, ix.Stats(), &got, total)
			outcomes := got.byOutcome()
			if outcomes[want] == 0 || outcomes[Rejected] > 0 || want == Stored && outcomes[Stored] != total {
				t.Errorf("%v to %v, %v: %v", from, to, retryFor, outcomes)
			}
			if took := time.Since(began); want == Stored && took > to+time.Minute {
				t.Errorf("%v to %v, %v: took %v", from, to, retryFor, took)
			}
			if n := refused.Load(); n > 4*total {
				t.Errorf("%v to %v, %v: %d requests were refused", from, to, retryFor, n)
			}
		})
	}
	for _, retryFor := range []time.Duration{2 * time.Minute, -1} {
		f(0, 20*time.Second, retryFor, Stored)
		f(time.Second, 20*time.Second, retryFor, Stored)
		f(0, time.Hour, retryFor, Undelivered)
		f(time.Second, time.Hour, retryFor, Undelivered)
	}
}

// TestTooLargeAlone: documents that are too large and come before all others do not
// keep these waiting for ever; one among others is rejected.
func TestTooLargeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			time.Sleep(time.Millisecond)
			if len(docs[0].Body) > 1000 {
				w.WriteHeader(413)
				return
			}
			answer(w, docs, created)
		})
		large := func(i int) Doc {
			d := doc(i)
			d.Body = fmt.Appendf(nil, `{"pad":%q}`, strings.Repeat("x", 2000))
			return d
		}
		var got results
		ix := mustNew(t, client(t, inMemory{h}), got.add, Options{FlushActions: 1, RetryFor: -1})
		mustAdd(t, ix, large(0), large(1), large(2), large(3), doc(4), doc(5))
		time.Sleep(3 * time.Minute)
		if s := ix.Stats(); s.Stored != 2 || s.PendingDocs != 0 {
			t.Errorf("after three minutes: %+v", s)
		}
		for i := range 20 {
			mustAdd(t, ix, []Doc{large(6), doc(6 + i)}[min(i, 1)])
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		if s := ix.Stats(); s.Stored != 21 || s.RejectedBy["request_entity_too_large"] != 1 {
			t.Errorf("one among others: %+v", s)
		}
		_ = ix.Close(t.Context()) // the first ones were not delivered
		checkBooks(t, ix.Stats(), &got, 26)
	})
}

// TestOneTooLargeAndNoOther: a large document that nothing comes after is rejected, a
// small one is not to blame.
func TestOneTooLargeAndNoOther(t *testing.T) {
	for size, want := range map[int]Outcome{1000: Undelivered, 1 << 20: Rejected} {
		for _, retryFor := range []time.Duration{0, 4 * time.Second, -1} {
			synctest.Test(t, func(t *testing.T) {
				h := serve(t, func(w http.ResponseWriter, _ int, _ []sentDoc) { w.WriteHeader(413) })
				var got results
				ix := mustNew(t, client(t, inMemory{h}), got.add, Options{RetryFor: retryFor})
				d := doc(0)
				d.Body = fmt.Appendf(nil, `{"pad":%q}`, strings.Repeat("x", size))
				mustAdd(t, ix, d)
				err := ix.Close(t.Context())
				if got.all[0].Outcome != want || (err == nil) != (want == Rejected) {
					t.Errorf("%d bytes, %v: %v, %v", size, retryFor, got.all[0].Outcome, err)
				}
			})
		}
	}
}

// TestTooLargeAndThenAway: of a document that was too large before the connection broke
// nothing is known.
func TestTooLargeAndThenAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := serve(t, func(w http.ResponseWriter, n int, _ []sentDoc) {
			if n > 1 {
				panic(io.ErrUnexpectedEOF)
			}
			w.WriteHeader(413)
		})
		var got results
		ix := mustNew(t, client(t, inMemory{h}), got.add, Options{RetryFor: time.Minute})
		d := doc(0)
		d.Body = fmt.Appendf(nil, `{"pad":%q}`, strings.Repeat("x", 1<<20))
		mustAdd(t, ix, d)
		if err := ix.Close(t.Context()); err == nil || got.byOutcome()[Undelivered] != 1 {
			t.Errorf("%v, %v", got.byOutcome(), err)
		}
	})
}

// TestBlockedIndexIsNotRejected: an index that an operator made read-only is
// retried, and when it stays so the documents are undelivered.
func TestBlockedIndexIsNotRejected(t *testing.T) {
	const block = `{"took":1,"errors":true,"items":[{"create":{"status":403,"error":{"type":"cluster_block_exception","reason":"index [x] blocked by: [FORBIDDEN/5/index read-only (api)];"}}}]}`
	f := func(liftedAfter int, want Outcome) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			h := serve(t, func(w http.ResponseWriter, n int, docs []sentDoc) {
				if n > liftedAfter {
					answer(w, docs, created)
					return
				}
				_, _ = io.WriteString(w, block)
			})
			got, s, _ := run(t, h, Options{}, 1)
			if got.byOutcome()[want] != 1 || s.PausedSeconds != 0 {
				t.Errorf("lifted after %d: outcomes %v, paused %v s", liftedAfter, got.byOutcome(), s.PausedSeconds)
			}
		})
	}
	f(5, Stored)
	f(1000, Undelivered)
}
