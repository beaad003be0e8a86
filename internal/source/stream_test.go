package source

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

func stdin(in io.Reader) *Files {
	return &Files{Paths: []Path{{Name: "-", Kind: "lava"}}, Stdin: in, MaxRecordBytes: 100}
}

func TestStdin(t *testing.T) {
	large := `{"a":"` + strings.Repeat("x", 100) + `"}`
	text := "{\"a\":1}\n" + large + "\nnoise\n{\"b\":2}"
	for name, in := range map[string]string{"plain": text, "gzip": zip(t, text)} {
		got := all(t, stdin(strings.NewReader(in)))
		if !slices.Equal(payloads(got), []string{`{"a":1}`, large[:100], "noise", `{"b":2}`}) {
			t.Fatalf("%s: got %q", name, payloads(got))
		}
		for i, r := range got {
			if (i == 1) != errors.Is(r.Err, ErrTooLarge) || r.Kind != "lava" {
				t.Errorf("%s: record %d: %+v", name, i, r)
			}
		}
		if got[1].Size != int64(len(large)) || got[3].Name != "stdin:4" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	for _, in := range []string{"", " ", "\n"} {
		if got := all(t, stdin(strings.NewReader(in))); len(got) != 0 {
			t.Errorf("%q: got %+v", in, got)
		}
	}
	if got := all(t, stdin(strings.NewReader("{"))); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestStdinErrors(t *testing.T) {
	fault := errors.New("pipe")
	n := 0
	count := func(context.Context, Record) error { n++; return nil }
	for name, in := range map[string]io.Reader{
		"plain": io.MultiReader(strings.NewReader(`{"a":1}{"b"`), iotest.ErrReader(fault)),
		"gzip":  io.MultiReader(strings.NewReader(zip(t, strings.Repeat(`{"a":1}`, 10))[:20]), iotest.ErrReader(fault)),
	} {
		if err := stdin(in).Run(t.Context(), count); !errors.Is(err, fault) ||
			!strings.Contains(err.Error(), "standard input") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := stdin(nil).Run(t.Context(), count); err == nil {
		t.Error("no standard input, no error")
	}
	n = 0
	if err := stdin(strings.NewReader("{}{}{}")).Run(t.Context(),
		func(context.Context, Record) error { n++; return fault }); !errors.Is(err, fault) || n != 1 {
		t.Errorf("%d emitted, %v", n, err)
	}
}

// Somebody who has typed nothing yet can still interrupt, and a record that is
// there is emitted before the next one comes.
func TestStdinThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		done := make(chan error)
		go func() {
			done <- stdin(in).Run(ctx, func(_ context.Context, r Record) error {
				got = append(got, string(r.Payload))
				return nil
			})
		}()
		for range 3 {
			_, _ = io.WriteString(out, `{"a":1}`)
			time.Sleep(time.Hour)
		}
		synctest.Wait()
		if len(got) != 3 {
			t.Errorf("got %d records of a source that waits", len(got))
		}
		cancel()
		synctest.Wait()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		default:
			t.Error("waits on after the interruption")
		}
		_ = out.Close() // lets the reading goroutine go
	})
}
