package fetch

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kcing/kcing/internal/gzipped"
)

var (
	errTimeout = errors.New("it took too long")
	errIdle    = errors.New("the server sent nothing for too long")
)

// readBody reads all of it, decompressed when it begins like gzip.
func readBody(in io.Reader, most int64) ([]byte, error) {
	raw := bufio.NewReaderSize(in, 64<<10)
	var from io.Reader = raw
	if magic, _ := raw.Peek(2); gzipped.Begins(magic) {
		z, err := gzip.NewReader(raw)
		if err != nil {
			return nil, fmt.Errorf("damaged gzip data: %w", err)
		}
		from = z
	}
	var buf bytes.Buffer
	n, err := buf.ReadFrom(io.LimitReader(from, most+1))
	switch {
	case n > most:
		return nil, tooLarge(most)
	case err != nil && from != raw:
		return nil, fmt.Errorf("damaged or cut gzip data: %w", err)
	case err != nil:
		return nil, err
	}
	return buf.Bytes(), nil
}

func tooLarge(most int64) error {
	return &finalFault{fmt.Errorf("%w of %d bytes", ErrTooLarge, most)}
}

// idleTimer cancels a request whose server has gone silent.
type idleTimer struct {
	timer   *time.Timer
	timeout time.Duration
	cancel  context.CancelCauseFunc
}

func newIdleTimer(ctx context.Context, timeout time.Duration) (context.Context, *idleTimer) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &idleTimer{timer: time.AfterFunc(timeout, func() { cancel(errIdle) }), timeout: timeout, cancel: cancel}
}

func (t *idleTimer) stop() {
	t.timer.Stop()
	t.cancel(nil)
}

// watched resets the timer with each read that brings something.
type watched struct {
	in   io.Reader
	idle *idleTimer
}

// Read implements [io.Reader].
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	if n > 0 {
		w.idle.timer.Reset(w.idle.timeout)
	}
	return n, err
}

// causeOf says why a request was cancelled instead of that it was.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); err != nil && (errors.Is(cause, errIdle) || errors.Is(cause, errTimeout)) {
		return cause
	}
	return err
}
