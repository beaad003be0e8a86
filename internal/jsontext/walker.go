package jsontext

import (
	"bytes"
	"iter"
)

// Field is one member of a JSON object.
type Field struct {
	Name []byte // without escapes
	Raw  []byte // the value's JSON text
	// ASCII says that Raw is a string of printable ASCII alone. It may be false
	// although it is.
	ASCII bool
}

// Members yields the members of a valid object in order, those with the same name
// each. gjson's ForEach would unescape each value, the log of a callback included,
// before the caller can say that it is not wanted.
func Members(object []byte) iter.Seq[Field] {
	return func(yield func(Field) bool) {
		w := Walker{B: object}
		w.Space()
		for more := w.Open(); more; more = w.Next() {
			name := Unescape(w.Key())
			if !yield(Field{Name: name, Raw: w.Skip()}) {
				return
			}
		}
	}
}

// Elements yields the elements of a valid array in order.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		w := Walker{B: array}
		w.Space()
		for more := w.Open(); more; more = w.Next() {
			if !yield(w.Skip()) {
				return
			}
		}
	}
}

// Walker steps through JSON that is known to be valid. It allocates nothing: an
// answer to 1,000 documents is 1,000 small objects.
type Walker struct {
	B []byte
	I int // its place in B
}

// Space goes over white space and returns the byte that follows it, 0 at the end.
func (w *Walker) Space() byte {
	if w.I = SkipSpace(w.B, w.I); w.I < len(w.B) {
		return w.B[w.I]
	}
	return 0
}

// Open enters the object or array at the walker's place and reports whether it has a
// first member.
func (w *Walker) Open() bool {
	w.I++
	if c := w.Space(); c == '}' || c == ']' || c == 0 {
		w.I++
		return false
	}
	return true
}

// Next goes over a comma to the next member, or leaves the object or array.
func (w *Walker) Next() bool {
	c := w.Space()
	w.I++
	if c != ',' {
		return false
	}
	w.Space()
	return true
}

// Key goes over a member's name and its colon, and returns the name as it is
// written: without its quotes, with its escapes.
func (w *Walker) Key() []byte {
	start := w.I + 1
	w.I = skipString(w.B, w.I)
	name := w.B[start : w.I-1]
	w.Space()
	w.I++ // the colon
	w.Space()
	return name
}

// Skip goes over the value at the walker's place, whatever its depth, and returns it.
func (w *Walker) Skip() []byte {
	start := w.I
	w.I = skipValue(w.B, w.I)
	return w.B[start:w.I]
}

// skipValue returns the index behind the value that begins at i.
func skipValue(b []byte, i int) int {
	level := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			if level == 0 {
				return i
			}
			continue
		case '{', '[':
			level++
		case '}', ']':
			if level == 0 {
				return i
			}
			level--
			if level == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if level == 0 {
				return i
			}
		}
		i++
	}
	return i
}

// skipString returns the index behind the string whose quote stands at i; len(b)
// when it does not end.
func skipString(b []byte, i int) int {
	i++
	return min(i+StringEnd(b[i:])+1, len(b))
}

// StringEnd is the place of the quote that ends the string whose content b begins
// with; len(b) when none does.
func StringEnd(b []byte) int {
	for i := 0; ; i++ {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return len(b)
		}
		i += j
		escapes := 0
		for k := i - 1; k >= 0 && b[k] == '\\'; k-- {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
	}
}

// SkipSpace returns the index of the first byte from i on that is not white space.
func SkipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}
