package source

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
)

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

// isGzipFault reports whether the data caused the error, and not reading it.
func isGzipFault(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &corrupt)
}
