package source

import (
	"bufio"
	"compress/gzip"
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
	readCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	raw := bufio.NewReaderSize(newReadAhead(readCtx, f.Stdin), 64<<10)
	s := newSplitter(raw, f.limit())
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
			r.Err = tooLarge(size, f.limit())
		}
		if err := emit(ctx, r); err != nil {
			return err
		}
	}
}

// gunzip decompresses, and tells the data's faults (a [*GzipError]) from those
// of reading it.
type gunzip struct {
	raw *bufio.Reader
	z   *gzip.Reader
}

// Read implements [io.Reader].
func (g *gunzip) Read(p []byte) (n int, err error) {
	if g.z == nil {
		g.z, err = gzip.NewReader(g.raw)
	}
	if err == nil {
		n, err = g.z.Read(p)
	}
	if err == nil || errors.Is(err, io.EOF) && g.z != nil {
		return n, err
	}
	if isGzipFault(err) {
		err = &GzipError{Err: err}
	}
	return n, err
}

// readAhead reads on a goroutine of its own, so that waiting for the bytes
// can end with ctx: a read from a pipe or a terminal cannot be
// interrupted. The goroutine ends with its next read after that.
type readAhead struct {
	ctx    context.Context //nolint:containedctx // an io.Reader's Read takes none
	chunks chan chunk
	free   chan []byte
	buf    []byte // the chunk being given out
	left   []byte // what is left of it
	err    error
}

type chunk struct {
	buf []byte
	n   int
	err error
}

func newReadAhead(ctx context.Context, in io.Reader) *readAhead {
	r := &readAhead{ctx: ctx, chunks: make(chan chunk), free: make(chan []byte, 2)}
	for range cap(r.free) {
		r.free <- make([]byte, 64<<10)
	}
	go r.read(in)
	return r
}

func (r *readAhead) read(in io.Reader) {
	for {
		var c chunk
		select {
		case c.buf = <-r.free:
		case <-r.ctx.Done():
			return
		}
		c.n, c.err = in.Read(c.buf)
		select {
		case r.chunks <- c:
		case <-r.ctx.Done():
			return
		}
		if c.err != nil {
			return
		}
	}
}

// Read implements [io.Reader].
func (r *readAhead) Read(p []byte) (int, error) {
	for len(r.left) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.buf != nil {
			r.free <- r.buf
			r.buf = nil
		}
		select {
		case c := <-r.chunks:
			r.buf, r.left, r.err = c.buf, c.buf[:c.n], c.err
		case <-r.ctx.Done():
			return 0, context.Cause(r.ctx)
		}
	}
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}
