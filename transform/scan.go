package transform

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strconv"
	"unicode/utf8"

	"github.com/kcing/kcing/internal/jsontext"
)

// scanJSON comes first: after it, body is known to be one JSON object (RFC 8259)
// within the limits of nesting and fields, and the readers behind it need no error path of
// their own. It appends the object's members to fields.
//
// A parser of its own, because the alternatives look at each byte of a long log
// twice: once to check it, once to find where it ends.
func scanJSON(body []byte, fields []jsontext.Field) ([]jsontext.Field, error) {
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
	case body[s.space(0)] == '[':
		return s.fields, refuse(typeUnknownKind, "", "it looks like an array: a record is one JSON object; feed the elements one by one")
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
	fields []jsontext.Field // of the outermost object
	count  int              // of members of all objects
	bad    int              // where it is no JSON
	limit  error            // that was exceeded
	seen   uint64           // high bits: a byte of the last string, or of up to 63 behind it, is no printable ASCII
}

func (s *scanner) fail(i int) int {
	s.bad = i
	return -1
}

func (s *scanner) is(i int, c byte) bool { return i < len(s.b) && s.b[i] == c }

func (s *scanner) space(i int) int { return jsontext.SkipSpace(s.b, i) }

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
			s.fields = append(s.fields, jsontext.Field{
				Name: jsontext.PlainName(name), Raw: s.b[i:end], ASCII: s.b[i] == '"' && s.seen&highs == 0,
			})
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
	lows  = 0x7f7f7f7f7f7f7f7f
	highs = 0x8080808080808080
)

// text goes over the string whose quote stands at i. Most strings end soon;
// blocks are for those that don't.
func (s *scanner) text(i int) int {
	b := s.b
	seen := uint64(0)
	for i, soon := i+1, i+blockBytes; ; {
		for i+8 <= len(b) {
			word := binary.LittleEndian.Uint64(b[i:])
			seen |= notASCII(word)
			n := bits.TrailingZeros64(specialBytes(word)) / 8
			if i += n; n < 8 {
				break
			}
			if i >= soon && i+blockBytes <= len(b) {
				end, more := s.blocks(i)
				i, seen = end, seen|more
			}
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
			seen |= notASCII(uint64(c))
			i++
		}
	}
}

// blockBytes are as many as a word has bits: blocks takes so many at once.
const blockBytes = 64

// blocks goes over a string from i on, up to the quote that ends it, to what may
// not stand in it, or to less than a block from the end of the text. A log has
// an escape every ten bytes: finding all of a block first, and then going from
// one to the next, takes half the time of looking for the next one each time.
func (s *scanner) blocks(i int) (end int, seen uint64) {
	for i+blockBytes <= len(s.b) {
		block := s.b[i : i+blockBytes : i+blockBytes]
		special := uint64(0) // a bit for each byte
		for k := 0; k < blockBytes; k += 8 {
			word := binary.LittleEndian.Uint64(block[k:])
			seen |= notASCII(word)
			special |= gather(specialBytes(word)) << k
		}
		end = i + blockBytes
		for special != 0 {
			at := bits.TrailingZeros64(special)
			if block[at] != '\\' {
				return i + at, seen // a quote, or a control character for the caller to refuse
			}
			n := 2 // escapeLen says so too, but a call for each takes 6 % of the transform
			if next := i + at + 1; next >= len(s.b) || !shortEscape[s.b[next]] {
				if n = escapeLen(s.b[i+at:]); n == 0 {
					return i + at, seen
				}
			}
			special &^= 3 << at // what it escapes is nothing else; the digits of \u are not special
			end = max(end, i+at+n)
		}
		i = end
	}
	return i, seen
}

// notASCII has a high bit set if a byte of word is no printable ASCII character
// (or a control character, which no string may hold).
func notASCII(word uint64) uint64 { return word | (word + ones) } // 0x7f becomes 0x80

// specialBytes has the high bit set of each byte that is a quote, a backslash or
// a control character.
func specialBytes(word uint64) uint64 {
	// For a byte below 0x80, adding 0x7f sets the high bit unless it was 0, and
	// adding 0x60 does from 0x20 on; nothing is carried into the next byte.
	low := word &^ highs
	return ^((low^ones*'"'+lows)&(low^ones*'\\'+lows)&(low+ones*0x60) | word) & highs
}

// gather makes one byte of the eight high bits, the first byte's the lowest.
func gather(high uint64) uint64 { return (high >> 7) * 0x0102040810204080 >> 56 }

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
		if _, ok := jsontext.HexEscape(b, 0); ok {
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
