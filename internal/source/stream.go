package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/kcing/kcing/internal/gzipped"
)

// stream emits the records of standard input, gzipped or not.
func (f *Files) stream(ctx context.Context, kind string, emit Emit) error {
	if f.Stdin == nil {
		return errors.New("no standard input")
	}
	in, stop := interruptible(ctx, f.Stdin)
	defer stop()
	raw := bufio.NewReaderSize(in, 64<<10)
	limit := limitOf(f.MaxRecordBytes)
	s := newSplitter(raw, limit)
	magic, err := raw.Peek(2)
	zipped := err == nil && gzipped.Begins(magic)
	if zipped {
		s.in = &gunzip{raw: raw}
	}
	for n := 1; ; n++ {
		payload, size, err := s.next()
		r := Record{Name: fmt.Sprintf("stdin:%d", n), Kind: kind, Payload: payload, Size: size, Lab: f.Lab}
		var damaged *GzipError
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &damaged): // nothing behind it can be read
			r.Size, r.Err = -1, damaged
			return emit(ctx, r)
		case err != nil:
			return fmt.Errorf("standard input, after %d records: %w", n-1, err)
		case size > int64(len(payload)):
			r.Err = tooLarge(size, limit)
		}
		if err := emit(ctx, r); err != nil {
			return err
		}
	}
}

// interruptible reads in on a goroutine of its own, so that waiting for the bytes can end
// with ctx: a read from a pipe or a terminal cannot be interrupted. After ctx's end, or
// stop, the goroutine ends with its next read.
func interruptible(ctx context.Context, in io.Reader) (io.Reader, func()) {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, in)
		_ = w.CloseWithError(err) // returns nil
	}()
	unwatch := context.AfterFunc(ctx, func() { _ = w.CloseWithError(context.Cause(ctx)) })
	return r, func() {
		unwatch()
		_ = r.Close() // returns nil
	}
}
