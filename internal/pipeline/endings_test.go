package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// What the ledger does not have is not reported as finished, refused or
// rejected, and the source is not told so.
func TestLedgerThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, l := &elastic{}, newLedger()
		full := fmt.Errorf("commit: %w", state.ErrNoSpace)
		l.commit = func(n int) error {
			if n > 1 {
				return full
			}
			return nil
		}
		e.item = func(d sent) (int, string) {
			if strings.HasSuffix(d.id, "7") {
				return 400, "mapper_parsing_exception"
			}
			return 0, ""
		}
		told := 0
		c := config(e, l)
		src := sourceFunc(func(ctx context.Context, emit source.Emit) error {
			for i := range 3000 {
				r := build(i)
				if i%10 == 0 {
					r = record(fmt.Sprint("bad", i), fmt.Sprint("not JSON ", i))
				}
				r.Ack = func(source.Settled) { told++ }
				switch i {
				case 100:
					time.Sleep(time.Second) // the first commit is of these
				case 1500:
					time.Sleep(time.Second) // the second fails
				case 2000:
					t.Error("reads on though the disk is full")
				}
				if err := emit(ctx, r); err != nil {
					return err
				}
			}
			return nil
		})
		r, err := feed(t.Context(), t, src, c)
		if !errors.Is(err, state.ErrNoSpace) {
			t.Errorf("got error %v", err)
		}
		refused, rejected := int64(0), int64(0)
		for _, reject := range l.listed() {
			if reject.Index == "" {
				refused++
			} else {
				rejected++
			}
		}
		equal(t, "finished", r.Finished, l.finishedCount())
		equal(t, "finished before the disk was full", r.Finished, 90)
		equal(t, "refused", r.Refused["not_json"], refused)
		equal(t, "rejected", r.RejectedDocuments["mapper_parsing_exception"], rejected)
		equal(t, "told", int64(told), r.Finished+refused)
		equal(t, "commits", l.commits, 2)
	})
}

func TestLedgerThatCannotBeRead(t *testing.T) {
	for name, fail := range map[string]func(*ledger){
		"lookup": func(l *ledger) { l.lookup = func(int) error { return errTest } },
		"receipts": func(l *ledger) {
			l.receipts = func() error { return errTest }
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, l := &elastic{}, newLedger()
			fail(l)
			r, err := feed(t.Context(), t, slice{record("x", `{"_id":"x","build_result":"PASS"}`)}, config(e, l))
			if !errors.Is(err, errTest) {
				t.Errorf("got error %v", err)
			}
			equal(t, "pending", r.Pending, 1)
			equal(t, "stored", e.count(), 0)
		})
	}
}

// Another process may hold the state file for ten seconds. Nothing is lost and
// nobody waits for another in a circle, though the outcomes pile up.
func TestLedgerThatIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, l := &elastic{}, newLedger()
		e.item = func(d sent) (int, string) {
			if strings.HasPrefix(d.index, "log") && !strings.HasSuffix(d.id, "/l/1") {
				return 400, "mapper_parsing_exception"
			}
			return 0, ""
		}
		l.commit = func(int) error { time.Sleep(10 * time.Second); return nil }
		l.lookup = func(int) error { time.Sleep(3 * time.Second); return nil }
		c := config(e, l)
		c.ES.Bulk.MaxPendingBytes = 64 << 10
		src := append(callbacks(30, 100), builds(500)...)
		for i := range 200 {
			src = append(src, record(fmt.Sprint("bad", i), strings.Repeat("x", 1000)))
		}
		r := mustFeed(t, src, c)
		equal(t, "finished", r.Finished, 530)
		equal(t, "rejected", r.RejectedDocuments["mapper_parsing_exception"], 2970)
		equal(t, "rejects", len(l.rejects), 3170)
	})
}

// The bytes of rejects do not pile up while the ledger is busy.
func TestRejectsInMemoryAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, hold := newLedger(), make(chan struct{})
		l.commit = func(int) error { <-hold; return nil }
		w := newCommitter(t.Context(), l, nil, func(commit) {}, func(error) {})
		added := 0
		add := func(id, size int) {
			w.add(commit{rejects: []state.Reject{{ID: fmt.Sprint(id), Body: make([]byte, size)}}})
			added++
		}
		done := make(chan struct{})
		go func() {
			for i := range 40 {
				add(i, 1<<20)
			}
			add(40, 2*rejectBytes) // more than the bound, but not for ever
			close(done)
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		equal(t, "rejects of 1 MiB taken while none could be put away", added, rejectBytes>>20)
		close(hold)
		<-done
		if err := w.close(); err != nil {
			t.Fatal(err)
		}
		equal(t, "rejects", len(l.rejects), 41)
	})
}

func TestInterruptionDrainsAndStops(t *testing.T) {
	f := func(name string, answerAfter time.Duration, wantFinished int64) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, l := &elastic{}, newLedger()
				e.request = func(ctx context.Context, _ int, _ []sent) (int, error) {
					select {
					case <-time.After(answerAfter):
						return 0, nil
					case <-ctx.Done():
						return 0, ctx.Err()
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				began := time.Now()
				time.AfterFunc(20*time.Second, cancel)
				c := config(e, l)
				c.DrainTimeout = 3 * time.Second
				src := sourceFunc(func(ctx context.Context, emit source.Emit) error {
					if err := builds(40).Run(ctx, emit); err != nil {
						return err
					}
					<-ctx.Done() // more may come
					return context.Cause(ctx)
				})
				r, err := feed(ctx, t, src, c)
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got error %v", err)
				}
				if took := time.Since(began); took > 24*time.Second {
					t.Errorf("ended %v after the interruption", took-20*time.Second)
				}
				equal(t, "finished", r.Finished, wantFinished)
				equal(t, "in the ledger", l.finishedCount(), wantFinished)
				equal(t, "pending", r.Pending, 40-wantFinished)
			})
		})
	}
	f("answered before", 5*time.Second, 40)
	f("answered while draining", 22*time.Second, 40)
	f("hung", time.Hour, 0)
}

// An interruption that comes when all is done changes nothing.
func TestInterruptionAtTheEnd(t *testing.T) {
	e, l := &elastic{}, newLedger()
	ctx, cancel := context.WithCancel(t.Context())
	l.commit = func(int) error { cancel(); return nil }
	r, err := feed(ctx, t, builds(5), config(e, l))
	if err != nil || r.Finished != 5 {
		t.Errorf("got %d finished, %v", r.Finished, err)
	}
}

// A password that has expired ends the run at once, also while nothing is being
// added, and makes no rejects.
func TestUnauthorizedEndsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, l := &elastic{}, newLedger()
		e.request = func(context.Context, int, []sent) (int, error) { return 401, nil }
		src := sourceFunc(func(ctx context.Context, emit source.Emit) error {
			if err := builds(5).Run(ctx, emit); err != nil {
				return err
			}
			select { // the next record comes tomorrow
			case <-time.After(24 * time.Hour):
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		began := time.Now()
		r, err := feed(t.Context(), t, src, config(e, l))
		var fatal *bulk.FatalError
		if !errors.As(err, &fatal) || fatal.Status != 401 || strings.Contains(err.Error(), "reading records") {
			t.Errorf("got error %v", err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
		equal(t, "pending", r.Pending, r.Records)
		equal(t, "rejects", len(l.rejects), 0)
		equal(t, "commits", l.commits, 0)
	})
}

func TestSourceThatFails(t *testing.T) {
	e, l := &elastic{}, newLedger()
	r, err := feed(t.Context(), t, sourceFunc(func(ctx context.Context, emit source.Emit) error {
		if err := builds(25).Run(ctx, emit); err != nil {
			return err
		}
		return errTest
	}), config(e, l))
	if !errors.Is(err, errTest) || !strings.HasPrefix(err.Error(), "reading records: ") {
		t.Errorf("got error %v", err)
	}
	equal(t, "finished", r.Finished, 25) // what was read is delivered

	e.item = func(sent) (int, string) { return 500, "x" } // two things at once are both said
	c := config(e, newLedger())
	c.ES.Bulk.MaxAttempts = 1
	_, err = feed(t.Context(), t, sourceFunc(func(ctx context.Context, emit source.Emit) error {
		return errors.Join(builds(1).Run(ctx, emit), errTest)
	}), c)
	var undelivered *bulk.UndeliveredError
	if !errors.Is(err, errTest) || !errors.As(err, &undelivered) {
		t.Errorf("got error %v", err)
	}
}

// A record does not wait for the next one of a slow source.
func TestSlowSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, l := &elastic{}, newLedger()
		mustFeed(t, sourceFunc(func(ctx context.Context, emit source.Emit) error {
			for i := range 5 {
				if err := emit(ctx, build(i)); err != nil {
					return err
				}
				time.Sleep(3 * time.Second)
				equal(t, "finished while the source waits", l.finishedCount(), int64(i+1))
			}
			return nil
		}), config(e, l))
	})
}

// While a record's documents are under way its bytes are not held: they could be
// 32 MiB, and thousands of records are under way at once.
func TestPayloadIsNotRetained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		e, l := &elastic{}, newLedger()
		e.request = func(context.Context, int, []sent) (int, error) { <-hold; return 0, nil }
		l.lookup = func(int) error { time.Sleep(time.Second); return nil } // so that batches form
		var payloads []weak.Pointer[byte]
		src := sourceFunc(func(ctx context.Context, emit source.Emit) error {
			for i := range 40 {
				r := callback(i, 10)
				r.Payload = bytes.Join([][]byte{r.Payload, nil}, bytes.Repeat([]byte(" "), 100<<10))
				payloads = append(payloads, weak.Make(&r.Payload[0]))
				if err := emit(ctx, r); err != nil {
					return err
				}
			}
			time.Sleep(time.Hour) // the workers live on
			return nil
		})
		done := make(chan Report)
		go func() { done <- mustFeed(t, src, config(e, l)) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		runtime.GC()
		runtime.GC()
		held := 0
		for _, p := range payloads {
			if p.Value() != nil {
				held++
			}
		}
		if l.lookups >= len(payloads) {
			t.Fatal("no batch of several records")
		}
		if held > 2 { // the source's own, and one that a stack still shows
			t.Errorf("%d of %d payloads are held", held, len(payloads))
		}
		close(hold)
		equal(t, "finished", (<-done).Finished, 40)
	})
}
