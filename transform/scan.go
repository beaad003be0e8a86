package transform

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// scanJSON is the door: after it, body is known to be one JSON object (RFC 8259)
// within the limits of nesting and fields, and the readers behind it need no error path of
// their own. It appends the object's members to fields.
//
// A parser of its own, because the alternatives look at each byte of a long log
// twice: once to check it, once to find where it ends.
func scanJSON(body []byte, fields []field) ([]field, error) {
	s := scanner{b: body, fields: fields}
	end := s.value(s.space(0), 0)
	if end >= 0 {
		if end = s.space(end); end < len(body) {
			end = s.fail(end)
		}
	}
	switch {
	case s.limit != nil:
		return s.fields, s.limit
	case end < 0:
		return s.fields, refuse("not_json", "", "not valid JSON: "+where(body, s.bad))
	case body[s.space(0)] != '{':
		return s.fields, refuse("not_an_object", "", "valid JSON, but not an object: a record is one JSON object")
	}
	return s.fields, nil
}

// where says at which place a body stops being JSON. It shows one character and
// no more: a token may stand there.
func where(body []byte, bad int) string {
	if bad >= len(body) {
		return fmt.Sprintf("it ends too early, after %d bytes", len(body))
	}
	before := body[:bad]
	line, column := 1+bytes.Count(before, []byte("\n")), bad-bytes.LastIndexByte(before, '\n')
	r, _ := utf8.DecodeRune(body[bad:])
	return fmt.Sprintf("%s not expected in line %d, byte %d of it", strconv.QuoteRuneToASCII(r), line, column)
}

// scanner checks JSON. Its methods take the place where something begins and
// return the place behind it, or -1.
type scanner struct {
	b      []byte
	fields []field // of the outermost object
	count  int     // of members of all objects
	bad    int     // where it is no JSON
	limit  error   // that it goes past
	seen   uint64  // high bits: a byte of the last string, or of the few behind it, is no printable ASCII
}

func (s *scanner) fail(i int) int {
	s.bad = i
	return -1
}

func (s *scanner) is(i int, c byte) bool { return i < len(s.b) && s.b[i] == c }

func (s *scanner) space(i int) int { return skipSpace(s.b, i) }

func (s *scanner) value(i, level int) int {
	if i >= len(s.b) {
		return s.fail(i)
	}
	switch c := s.b[i]; {
	case c == '"':
		return s.text(i)
	case c == '{' || c == '[':
		if level++; level > MaxDepth {
			s.limit = refuse("too_deep", "", fmt.Sprintf("nested deeper than %d levels", MaxDepth))
			return s.fail(i)
		}
		if c == '{' {
			return s.object(i, level)
		}
		return s.array(i, level)
	case c == '-' || c >= '0' && c <= '9':
		return s.number(i)
	}
	for _, word := range [...]string{"null", "true", "false"} {
		if hasAt(s.b, i, word) {
			return i + len(word)
		}
	}
	return s.fail(i)
}

func (s *scanner) object(i, level int) int {
	if i = s.space(i + 1); s.is(i, '}') {
		return i + 1
	}
	for {
		if !s.is(i, '"') {
			return s.fail(i)
		}
		end := s.text(i)
		if end < 0 {
			return -1
		}
		name := s.b[i+1 : end-1]
		if s.count++; s.count > MaxFields {
			s.limit = refuse("too_many_fields", "", fmt.Sprintf("more than %d fields", MaxFields))
			return s.fail(i)
		}
		if i = s.space(end); !s.is(i, ':') {
			return s.fail(i)
		}
		i = s.space(i + 1)
		if end = s.value(i, level); end < 0 {
			return -1
		}
		if level == 1 {
			s.fields = append(s.fields, field{name: plainName(name), raw: s.b[i:end], ascii: s.b[i] == '"' && s.seen&highs == 0})
		}
		switch i = s.space(end); {
		case s.is(i, '}'):
			return i + 1
		case !s.is(i, ','):
			return s.fail(i)
		}
		i = s.space(i + 1)
	}
}

func (s *scanner) array(i, level int) int {
	if i = s.space(i + 1); s.is(i, ']') {
		return i + 1
	}
	for {
		end := s.value(i, level)
		if end < 0 {
			return -1
		}
		switch i = s.space(end); {
		case s.is(i, ']'):
			return i + 1
		case !s.is(i, ','):
			return s.fail(i)
		}
		i = s.space(i + 1)
	}
}

// A word with this in each of its bytes.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// text goes over the string whose quote stands at i.
func (s *scanner) text(i int) int {
	b := s.b
	seen := uint64(0)
	for i++; ; {
		for i+8 <= len(b) {
			word := binary.LittleEndian.Uint64(b[i:])
			seen |= word | (word + ones) // 0x7f becomes 0x80
			n := plainBytes(word)
			i += n
			if n == 8 {
				continue
			}
			if b[i] != '\\' || i+1 >= len(b) || !shortEscape[b[i+1]] {
				break
			}
			i += 2 // A log is full of them.
		}
		if i >= len(b) {
			return s.fail(i)
		}
		switch c := b[i]; {
		case c == '"':
			s.seen = seen
			return i + 1
		case c == '\\':
			n := escapeLen(b[i:])
			if n == 0 {
				return s.fail(i)
			}
			i += n
		case c < 0x20:
			return s.fail(i)
		default: // within the last eight bytes
			seen |= uint64(c) | (uint64(c) + 1)
			i++
		}
	}
}

// plainBytes is how many of eight bytes, from the first one on, are neither a
// quote, nor a backslash, nor a control character.
func plainBytes(word uint64) int {
	// zero(x) has the high bit set in each byte of x that is 0. Bytes above the
	// first such one may be wrong, those below are not.
	zero := func(x uint64) uint64 { return (x - ones) &^ x & highs }
	special := zero(word^ones*'"') | zero(word^ones*'\\') | (word-ones*0x20)&^word&highs
	return bits.TrailingZeros64(special) / 8
}

// shortEscape has the characters that may follow a backslash, u aside.
var shortEscape = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}

// escapeLen is the length of the escape sequence that b begins with, 0 when it
// is none of JSON's.
func escapeLen(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if shortEscape[b[1]] {
		return 2
	}
	if b[1] == 'u' {
		if _, ok := hexEscape(b, 0); ok {
			return 6
		}
	}
	return 0
}

func (s *scanner) number(i int) int {
	if s.is(i, '-') {
		i++
	}
	if s.is(i, '0') {
		i++
	} else if i = s.digits(i); i < 0 {
		return -1
	}
	if s.is(i, '.') {
		if i = s.digits(i + 1); i < 0 {
			return -1
		}
	}
	if s.is(i, 'e') || s.is(i, 'E') {
		i++
		if s.is(i, '+') || s.is(i, '-') {
			i++
		}
		return s.digits(i)
	}
	return i
}

// digits goes over one digit or more.
func (s *scanner) digits(i int) int {
	start := i
	for i < len(s.b) && s.b[i] >= '0' && s.b[i] <= '9' {
		i++
	}
	if i == start {
		return s.fail(i)
	}
	return i
}
