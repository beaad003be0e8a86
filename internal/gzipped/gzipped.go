// Package gzipped tells compressed data by its first bytes: names of files and
// headers of servers are not to be trusted.
package gzipped

import (
	"bytes"
	"errors"
	"io"
)

// Begins reports whether data begins like gzip (RFC 1952, 2.3.1).
func Begins(data []byte) bool { return bytes.HasPrefix(data, []byte{0x1f, 0x8b}) }

// Sniff reports whether r begins like gzip. whole reads all of
// r, its beginning too. err is io.EOF when r is empty.
func Sniff(r io.Reader) (whole io.Reader, isGzip bool, err error) {
	var magic [2]byte
	n, err := io.ReadFull(r, magic[:])
	if n > 0 && errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // a single byte; what else was wrong is seen in whole
	}
	return io.MultiReader(bytes.NewReader(magic[:n]), r), Begins(magic[:n]), err
}
