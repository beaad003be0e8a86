package jsontext

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits of a text, levels of nesting and members of all objects together.
type Limits struct{ Depth, Members int }

// ErrDepth and ErrMembers are for a text beyond the limits.
var (
	ErrDepth   = errors.New("nested too deep")
	ErrMembers = errors.New("too many members")
)

// SyntaxError says at which byte a text stops being JSON; its length, when it ends
// too early.
type SyntaxError struct{ Offset int }

// Error says so, and shows nothing of the text.
func (e *SyntaxError) Error() string { return fmt.Sprintf("no valid JSON from byte %d on", e.Offset) }

// Scan checks that b is one JSON value (RFC 8259) within the limits, and appends its
// members to members when it is an object. Its error is ErrDepth, ErrMembers or a
// *SyntaxError.
//
// It is a parser of its own, because the alternatives look at each byte of a long
// log twice: once to check it, once to find where it ends.
func Scan(b []byte, limits Limits, members []Field) ([]Field, error) {
	s := scanner{b: b, limits: limits, members: members}
	end := s.value(s.space(0), 0)
	if end >= 0 {
		if end = s.space(end); end < len(b) {
			end = s.fail(end)
		}
	}
	switch {
	case s.err != nil:
		return s.members, s.err
	case end < 0:
		return s.members, &SyntaxError{s.bad}
	}
	return s.members, nil
}

// scanner checks JSON. Its methods take the place where something begins and
// return the place behind it, or -1.
type scanner struct {
	b       []byte
	limits  Limits
	members []Field // of the outermost object
	count   int     // of members of all objects
	bad     int     // where it is no JSON
	err     error   // the limit that was exceeded
	ascii   bool    // the last string is printable ASCII
}

func (s *scanner) fail(i int) int {
	s.bad = i
	return -1
}

func (s *scanner) is(i int, c byte) bool { return i < len(s.b) && s.b[i] == c }

func (s *scanner) space(i int) int { return SkipSpace(s.b, i) }

func (s *scanner) value(i, level int) int {
	if i >= len(s.b) {
		return s.fail(i)
	}
	switch c := s.b[i]; {
	case c == '"':
		return s.text(i)
	case c == '{' || c == '[':
		if level++; level > s.limits.Depth {
			s.err = ErrDepth
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
		if bytes.HasPrefix(s.b[i:], []byte(word)) {
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
		if s.count++; s.count > s.limits.Members {
			s.err = ErrMembers
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
			ascii := s.b[i] == '"' && s.ascii
			s.members = append(s.members, Field{Name: Unescape(name), Raw: s.b[i:end], ASCII: ascii})
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

// text goes over the string whose quote stands at i.
func (s *scanner) text(i int) int {
	b := s.b
	s.ascii = true
	for i++; ; {
		rest, n := b[i:], 0 // so that the compiler checks no bounds in the loop
		for n < len(rest) && plainByte[rest[n]] {
			n++
		}
		i += n
		if i+1 < len(b) && b[i] == '\\' && shortEscape[b[i+1]] {
			i += 2
			continue
		}
		switch {
		case i == len(b):
			return s.fail(i)
		case b[i] == '"':
			return i + 1
		case b[i] == '\\':
			n := escapeLen(b[i:])
			if n == 0 {
				return s.fail(i)
			}
			i += n
		case b[i] < 0x20:
			return s.fail(i)
		default:
			s.ascii = false
			i++
		}
	}
}

// plainByte has the printable ASCII characters that stand for themselves in a string.
var plainByte = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

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
		if _, ok := HexEscape(b, 0); ok {
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
