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
	return fmt.Errorf("%w of %d bytes", ErrTooLarge, most)
}

// watched resets the timer of a silent server with each read that brings something.
type watched struct {
	in   io.Reader
	idle *time.Timer
}

// Read implements [io.Reader].
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	if n > 0 {
		w.idle.Reset(IdleTimeout)
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
