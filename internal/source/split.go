package source

import (
	"bytes"
	"errors"
	"io"
)

// splitter cuts a stream into records: a JSON object or array ends with the
// bracket that closes it; what begins otherwise ends with its line. It only
// finds the ends, it does not judge what lies between.
//
// A damaged record must not swallow the good ones behind it. It cannot be seen
// where it was meant to end, so it ends where a line begins with "{" and JSON
// has no place for one. Where JSON has ("[" and a line break before it) that
// line is noted, and made the end later if the record turns out damaged. Each
// byte is looked at twice at most.
type splitter struct {
	in    io.Reader
	limit int64 // bytes of a record that are kept whole

	buf []byte
	win []byte // read, not yet given out
	err error  // in's last word
	// lines is how much of win was read before, as the end of a damaged record:
	// there each line that begins with "{" begins a record.
	lines int
}

func newSplitter(in io.Reader, limit int64) *splitter {
	return &splitter{in: in, limit: limit, buf: make([]byte, 64<<10)}
}

// next returns the next record. Of one over the limit only the beginning is
// returned, and size says how long it was. io.EOF: there is none left. With any
// other error the payload is what was read of a record before it.
func (s *splitter) next() (payload []byte, size int64, err error) {
	if err := s.skipSpace(); err != nil {
		return nil, 0, err
	}
	rec := record{limit: s.limit}
	if c := s.win[0]; c == '{' || c == '[' {
		err = s.value(&rec)
	} else {
		err = s.line(&rec)
	}
	if errors.Is(err, io.EOF) {
		err = nil // the record ends with the stream
	}
	return rec.payload, rec.size, err
}

// value takes a record that begins with a bracket.
func (s *splitter) value(rec *record) error {
	var b brackets
	for {
		if len(s.win) == 0 {
			if err := s.fill(); err != nil {
				if b.mark > 0 && rec.whole() && errors.Is(err, io.EOF) {
					s.putBack(rec, b.mark)
				}
				return err
			}
		}
		n, end := b.scan(s.win, rec.size, s.lines)
		s.take(rec, n)
		switch {
		case end == closed:
			return nil
		case end == needsMore:
		case b.mark > 0 && rec.whole():
			s.putBack(rec, b.mark)
			return nil
		case end == another:
			rec.dropLast() // the line break
			return nil
		}
	}
}

// line takes the rest of a line.
func (s *splitter) line(rec *record) error {
	for {
		if len(s.win) == 0 {
			if err := s.fill(); err != nil {
				return err
			}
		}
		if i := bytes.IndexByte(s.win, '\n'); i >= 0 {
			s.take(rec, i)
			return nil
		}
		s.take(rec, len(s.win))
	}
}

// putBack ends rec at mark, where a line begins, and reads the rest again.
func (s *splitter) putBack(rec *record, mark int64) {
	rest := rec.payload[mark:]
	s.lines = len(rest)
	s.win = append(bytes.Clone(rest), s.win...)
	rec.payload, rec.size = rec.payload[:mark:mark], mark
	rec.dropLast()
}

// take moves the first n bytes of the window to rec.
func (s *splitter) take(rec *record, n int) {
	rec.add(s.win[:n])
	s.skip(n)
}

func (s *splitter) skip(n int) {
	s.win = s.win[n:]
	s.lines = max(0, s.lines-n)
}

// fill reads on when the window is empty.
func (s *splitter) fill() error {
	for range 100 {
		if s.err != nil {
			return s.err
		}
		var n int
		n, s.err = s.in.Read(s.buf)
		if n > 0 {
			s.win = s.buf[:n]
			return nil
		}
	}
	return io.ErrNoProgress
}

// skipSpace goes to the next record: white space and byte order marks, which
// each of several files joined into one stream may have, belong to none.
func (s *splitter) skipSpace() error {
	for {
		if len(s.win) == 0 {
			if err := s.fill(); err != nil {
				return err
			}
		}
		switch c := s.win[0]; c {
		case ' ', '\n', '\r', '\t':
			s.skip(1)
		case bom[0]:
			if !s.atBOM() {
				return nil
			}
			s.skip(len(bom))
		default:
			return nil
		}
	}
}

const bom = "\xef\xbb\xbf"

// atBOM looks ahead, reading on when the mark may be cut by the window's end.
func (s *splitter) atBOM() bool {
	for len(s.win) < len(bom) && s.err == nil {
		had := bytes.Clone(s.win)
		s.win = nil
		_ = s.fill() // its error comes again
		s.win = append(had, s.win...)
	}
	return len(s.win) >= len(bom) && string(s.win[:len(bom)]) == bom
}

// record collects bytes up to a limit and counts all of them.
type record struct {
	payload []byte
	size    int64
	limit   int64
}

func (r *record) add(b []byte) {
	r.size += int64(len(b))
	switch keep := min(keepOfTooLarge, r.limit); {
	case r.whole():
		if need := len(r.payload) + len(b); need > cap(r.payload) && r.payload != nil {
			grown := make([]byte, len(r.payload), max(need, 2*cap(r.payload)))
			copy(grown, r.payload)
			r.payload = grown
		}
		r.payload = append(r.payload, b...)
	case int64(len(r.payload)) < keep:
		r.payload = append(r.payload, b[:min(int64(len(b)), keep-int64(len(r.payload)))]...)
	case int64(len(r.payload)) > keep: // just gone over the limit
		r.payload = bytes.Clone(r.payload[:keep])
	}
}

// whole reports whether nothing was left out.
func (r *record) whole() bool { return r.size <= r.limit }

func (r *record) dropLast() {
	if int64(len(r.payload)) == r.size {
		r.payload = r.payload[:len(r.payload)-1]
	}
	r.size--
}
