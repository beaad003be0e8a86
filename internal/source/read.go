package source

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/kcing/kcing/internal/gzipped"
)

// ReadFile reads one record again from the regular file that a [Record]'s Name
// says. maxBytes is [Files].MaxRecordBytes.
func ReadFile(path string, maxBytes int64) (Record, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Record{}, err
	}
	if !info.Mode().IsRegular() {
		return Record{}, fmt.Errorf("%s is no regular file", path)
	}
	return readRecord(path, limitOf(maxBytes))
}

// limitOf is what [Files].MaxRecordBytes stands for.
func limitOf(maxRecordBytes int64) int64 {
	if maxRecordBytes > 0 {
		return maxRecordBytes
	}
	return DefaultMaxRecordBytes
}

// readRecord reads the one record that a file holds. A fault of the data is noted in
// the record; an error means that the file could not be read.
func readRecord(path string, limit int64) (Record, error) {
	file, err := os.Open(path)
	if err != nil {
		return Record{}, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	info, err := file.Stat()
	if err != nil {
		return Record{}, err
	}
	whole, isGzip, err := gzipped.Sniff(file)
	if err != nil && !errors.Is(err, io.EOF) {
		return Record{}, err
	}
	var r Record
	if isGzip {
		r, err = readGzip(whole, limit)
	} else {
		r, err = readPlain(whole, info.Size(), limit)
	}
	r.Name = path
	return r, err
}

func readPlain(r io.Reader, size, limit int64) (Record, error) {
	room := size
	if size > limit { // only the head is wanted
		room = min(keepOfTooLarge, limit)
		r = io.LimitReader(r, room)
	}
	buf := bytes.NewBuffer(make([]byte, 0, room+bytes.MinRead)) // MinRead: so that the end is seen without growing
	n, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return Record{}, err
	case size > limit:
		return Record{Payload: buf.Bytes(), Size: size, Err: tooLarge(size, limit)}, nil
	case n > limit: // it grew, or it is no regular file
		return head(buf.Bytes(), limit), nil
	}
	return Record{Payload: buf.Bytes(), Size: n}, nil
}

func readGzip(r io.Reader, limit int64) (Record, error) {
	var buf bytes.Buffer
	_, err := buf.ReadFrom(io.LimitReader(&gunzip{raw: bufio.NewReaderSize(r, 64<<10)}, limit+1))
	var damaged *GzipError
	switch payload := buf.Bytes(); {
	case int64(len(payload)) > limit: // whatever comes after, a bomb or damage
		return head(payload, limit), nil
	case errors.As(err, &damaged):
		return Record{Payload: payload, Size: -1, Err: damaged}, nil
	case err != nil: // the disk's fault, not the data's
		return Record{}, err
	default:
		return Record{Payload: payload, Size: int64(len(payload))}, nil
	}
}

// head is the record of a payload over the limit whose length is not known.
func head(payload []byte, limit int64) Record {
	return Record{Payload: bytes.Clone(Beginning(payload[:min(limit, int64(len(payload)))])), Size: -1,
		Err: tooLarge(-1, limit)}
}
