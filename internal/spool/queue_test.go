package spool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/source"
)

// queued is a queue of a new spool with records of these payloads, each a minute
// younger than the one before.
func queued(t *testing.T, payloads ...string) (*Queue, *Spool) {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "spool"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	q := NewQueue(s, 4, func(err error) { t.Error(err) })
	first := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	var items []Item
	for i, payload := range payloads {
		m := Meta{Kind: "lava", Key: payload, Lab: "lab", Received: first.Add(time.Duration(i) * time.Minute)}
		it, err := s.Put(t.Context(), m, []byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, it)
	}
	slices.Reverse(items) // the order of receipt counts, not that of adding
	q.Add(items...)
	return q, s
}

// take runs the queue and returns the payloads; those for which settle is true are
// acknowledged.
func take(t *testing.T, q *Queue, settle func(payload string) bool) (payloads []string) {
	t.Helper()
	err := q.Run(t.Context(), Consumer{}, func(_ context.Context, r source.Record) error {
		payloads = append(payloads, string(r.Payload))
		if settle(string(r.Payload)) {
			r.Ack(source.Settled{})
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	q.Flush()
	return payloads
}

func TestQueue(t *testing.T) {
	q, s := queued(t, "a", "b", "c")
	if got := take(t, q, func(payload string) bool { return payload != "b" }); !slices.Equal(got,
		[]string{"a", "b", "c"}) {
		t.Errorf("in the order %q", got)
	}
	if waiting, underWay := q.Len(); waiting != 0 || underWay != 1 || s.Stats().Records != 1 {
		t.Errorf("%d wait, %d under way, %d in the spool", waiting, underWay, s.Stats().Records)
	}
	changed := q.Changed()
	q.PutBack() // the run has ended
	select {
	case <-changed:
	default:
		t.Error("nobody heard of what was put back")
	}
	it, ok := q.Next()
	if !ok {
		t.Fatal("nothing waits")
	}
	q.PutOff(it)
	if got := take(t, q, func(string) bool { return true }); len(got) != 0 {
		t.Errorf("%q was put off", got)
	}
	q.Retry()
	if got := take(t, q, func(string) bool { return true }); !slices.Equal(got, []string{"b"}) ||
		s.Stats().Records != 0 {
		t.Errorf("%q, %+v", got, s.Stats())
	}
}

// A record over the limit is emitted as such, with its beginning; one whose file was
// damaged is lost and nothing else.
func TestQueueOfOddRecords(t *testing.T) {
	q, s := queued(t, "a", "too large", "b")
	names, err := filepath.Glob(filepath.Join(s.dir, "*.record"))
	if err != nil || len(names) != 3 {
		t.Fatal(names, err)
	}
	if err := os.Truncate(names[0], 10); err != nil {
		t.Fatal(err)
	}
	var got []source.Record
	err = q.Run(t.Context(), Consumer{}, func(_ context.Context, r source.Record) error {
		got = append(got, r)
		r.Ack(source.Settled{})
		return nil
	})
	if err != nil || len(got) != 2 || !errors.Is(got[0].Err, source.ErrTooLarge) || string(got[0].Payload) != "too " ||
		got[0].Size != 9 || got[1].Err != nil || got[1].Lab != "lab" {
		t.Errorf("%v, %+v", err, got)
	}
	q.Flush()
	if waiting, underWay := q.Len(); waiting+underWay != 0 || s.Stats().Records != 0 {
		t.Errorf("%d wait, %d under way, %+v", waiting, underWay, s.Stats())
	}
}

// A record that the disk does not give now holds no other up, and Run says so at its
// end; Retry brings it again. So does it bring one for which Prepare says that it is too
// early.
func TestQueuePutsOff(t *testing.T) {
	q, s := queued(t, "a", "b", "c")
	names, err := filepath.Glob(filepath.Join(s.dir, "*.record"))
	if err != nil || len(names) != 3 {
		t.Fatal(names, err)
	}
	aside := filepath.Join(t.TempDir(), "aside")
	if err := errors.Join(os.Rename(names[0], aside), os.Mkdir(names[0], 0o700)); err != nil {
		t.Fatal(err)
	}
	early := "b"
	run := func() (payloads []string, err error) {
		c := Consumer{Prepare: func(_ context.Context, _ Item, m Meta, r *source.Record) bool {
			r.Tags = append(r.Tags, "prepared")
			return m.Key != early
		}}
		err = q.Run(t.Context(), c, func(_ context.Context, r source.Record) error {
			payloads = append(payloads, string(r.Payload)+" "+r.Tags[0])
			r.Ack(source.Settled{})
			return nil
		})
		q.Flush()
		return payloads, err
	}
	if got, err := run(); err == nil || !slices.Equal(got, []string{"c prepared"}) {
		t.Errorf("%q, %v", got, err)
	}
	if err := errors.Join(os.Remove(names[0]), os.Rename(aside, names[0])); err != nil {
		t.Fatal(err)
	}
	early = ""
	q.Retry()
	if got, err := run(); err != nil || !slices.Equal(got, []string{"a prepared", "b prepared"}) ||
		s.Stats().Records != 0 {
		t.Errorf("%q, %v", got, err)
	}
}

// A run waits for records for as long as its consumer does, and emits several at once.
func TestQueueWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, s := queued(t, "a", "b")
		done := make(chan struct{})
		c := Consumer{AtOnce: 2, Next: func(ctx context.Context) (Item, bool) { return q.Await(ctx, done) }}
		var n, most, now atomic.Int64
		ended := make(chan error)
		go func() {
			ended <- q.Run(t.Context(), c, func(_ context.Context, r source.Record) error {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Minute)
				now.Add(-1)
				n.Add(1)
				r.Ack(source.Settled{})
				return nil
			})
		}()
		time.Sleep(time.Hour)
		it, err := s.Put(t.Context(), Meta{Kind: "lava", Key: "c"}, []byte("c"))
		if err != nil {
			t.Fatal(err)
		}
		q.Add(it)
		close(done)
		if err := <-ended; err != nil || n.Load() != 3 || most.Load() != 2 {
			t.Errorf("%v, %d records, %d at once", err, n.Load(), most.Load())
		}
		q.Flush()
	})
}
