package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/synthetic"
)

func mixed() (all slice) {
	o := synthetic.Options{Size: 8, Seed: 3, Now: now}
	for r := range synthetic.Records(o) {
		all = append(all, record(r.Name, string(r.Payload)))
	}
	noTime := record("noTime", `{"_id":"x","build_result":"PASS"}`)
	noTime.Received = now.Add(-time.Hour * 24)
	return append(all, record("blank", " "), record("cut", `{"a`), noTime)
}

func TestDryRunIsWhatRunSends(t *testing.T) {
	for _, force := range []bool{false, true} {
		var first []byte
		for _, workers := range []int{1, 2, 7, 7} {
			var out bytes.Buffer
			r, err := DryRun(t.Context(), mixed(), &out,
				Config{Workers: workers, Force: force, ES: Elasticsearch{Prefix: "p-"},
					Now: func() time.Time { return now }})
			checkReport(t, r, err)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "finished", r.Finished, 9)
			equal(t, "blank", r.Blank, 1)
			equal(t, "refused", r.Refused["not_json"], 1)
			if first == nil {
				first = out.Bytes()
			}
			if !bytes.Equal(first, out.Bytes()) {
				t.Fatalf("not the same with %d workers", workers)
			}
		}
		wanted, err := parseBulk(first)
		if err != nil {
			t.Fatal(err)
		}
		e, l := &elastic{}, newLedger()
		c := config(e, l)
		c.ES.Prefix, c.Force = "p-", force
		r := mustFeed(t, mixed(), c)
		equal(t, "documents", r.Bulk.Stored, int64(len(wanted)))
		got := map[sent]bool{}
		for _, d := range e.all {
			got[d] = true
		}
		for _, d := range wanted {
			if !got[d] {
				t.Fatalf("dry run writes %v, run did not send it", d)
			}
		}
		equal(t, "sent", len(e.all), len(wanted))
	}
}

type failingWriter struct{ left int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errTest
	}
	return len(p), nil
}

func TestDryRunWriterError(t *testing.T) {
	read := 0
	r, err := DryRun(t.Context(), sourceFunc(func(ctx context.Context, emit source.Emit) error {
		for ; read < 10_000; read++ {
			if err := emit(ctx, callback(read, 200)); err != nil {
				return err
			}
		}
		return nil
	}), &failingWriter{left: 400 << 10}, Config{Workers: 2})
	checkReport(t, r, err)
	if !errors.Is(err, errTest) {
		t.Errorf("got %v", err)
	}
	if read > 100 {
		t.Errorf("read %d records for a writer that is full", read)
	}
	_, err = DryRun(t.Context(), builds(1), &failingWriter{}, Config{}) // only seen at the end
	if !errors.Is(err, errTest) {
		t.Errorf("got %v", err)
	}
}

func TestDryRunEndings(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	r, err := DryRun(ctx, sourceFunc(func(ctx context.Context, emit source.Emit) error {
		for {
			if n++; n == 50 {
				cancel()
			}
			if err := emit(ctx, build(n)); err != nil {
				return err
			}
		}
	}), io.Discard, Config{Workers: 2})
	checkReport(t, r, err)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	r, err = DryRun(t.Context(), sourceFunc(func(ctx context.Context, emit source.Emit) error {
		return errors.Join(builds(3).Run(ctx, emit), errTest)
	}), io.Discard, Config{Workers: 2})
	if !errors.Is(err, errTest) || r.Finished != 3 {
		t.Errorf("got %d, %v", r.Finished, err)
	}
}

// writerFunc is a writer by its one function.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestDryRunMemory: while the reader of its output is slow no other record is read.
func TestDryRunMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unblock := make(chan struct{})
		begun, taken := 0, 0
		src := sourceFunc(func(ctx context.Context, emit source.Emit) error {
			for i := range 8 {
				begun++
				r := record("r", `{"id":"`+strconv.Itoa(i)+`","build_result":"PASS","text":"`+
					strings.Repeat("x", 512<<10)+`"}`)
				if err := emit(ctx, r); err != nil {
					return err
				}
				taken++
			}
			return nil
		})
		go func() {
			synctest.Wait()
			if begun != 1 || taken > 0 {
				t.Errorf("%d of %d records taken", taken, begun)
			}
			close(unblock)
		}()
		r, err := DryRun(t.Context(), src, writerFunc(func(p []byte) (int, error) {
			<-unblock
			return len(p), nil
		}), Config{})
		checkReport(t, r, err)
		equal(t, "finished", r.Finished, 8)
	})
}
