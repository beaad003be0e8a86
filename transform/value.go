package transform

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/kcing/kcing/internal/jsontext"
)

// appendValue appends a valid JSON value without white space, with duplicate
// names in objects resolved (the last one counts) and names that Elasticsearch
// refuses made acceptable.
func appendValue(dst, raw []byte) []byte {
	if c := raw[0]; c != '{' && c != '[' {
		return appendScalar(dst, raw)
	}
	w := valueWriter{in: jsontext.Walker{B: raw}, dst: dst}
	w.value()
	return w.dst
}

// maxNumber is the longest number, in characters, that Elasticsearch's parser
// takes; for a longer one it refuses the document.
const maxNumber = 1000

// appendScalar appends a scalar as it is; a number too long becomes text.
func appendScalar(dst, raw []byte) []byte {
	if len(raw) > maxNumber && raw[0] != '"' {
		dst = append(append(dst, '"'), raw...)
		return append(dst, '"')
	}
	return append(dst, raw...)
}

// valueWriter goes over a value once, whatever its depth.
type valueWriter struct {
	in      jsontext.Walker
	dst     []byte
	members []member // of all objects that are open, the outermost first
}

// member locates one in dst: its name in [name, value), the whole in [name, end).
type member struct {
	name, value, end int
	replaced         bool // by a later one of the same name
}

func (w *valueWriter) value() {
	switch w.in.Space() {
	case '{':
		w.object()
	case '[':
		w.array()
	default:
		w.dst = appendScalar(w.dst, w.in.Skip())
	}
}

func (w *valueWriter) array() {
	w.dst = append(w.dst, '[')
	if w.in.Open() {
		w.value()
		for w.in.Next() {
			w.dst = append(w.dst, ',')
			w.value()
		}
	}
	w.dst = append(w.dst, ']')
}

func (w *valueWriter) object() {
	first, start := len(w.members), len(w.dst)
	w.dst = append(w.dst, '{')
	for more := w.in.Open(); more; more = w.in.Next() {
		this := len(w.members)
		if this > first {
			w.dst = append(w.dst, ',')
		}
		m := member{name: len(w.dst)}
		w.dst = jsontext.AppendString(w.dst, innerName(string(jsontext.Unescape(w.in.Key()))))
		m.value = len(w.dst)
		w.dst = append(w.dst, ':')
		w.members = append(w.members, m)
		w.value()
		w.members[this].end = len(w.dst)
	}
	w.dst = append(w.dst, '}')
	w.dropReplaced(first, start)
	w.members = w.members[:first]
}

// dropReplaced takes members that a later one of the same name replaces out of the
// object that begins at start and whose members are those from first on.
func (w *valueWriter) dropReplaced(first, start int) {
	members, twice := w.members[first:], false
	name := func(m member) []byte { return w.dst[m.name:m.value] }
	slices.SortFunc(members, func(a, b member) int { return cmp.Or(bytes.Compare(name(a), name(b)), a.name-b.name) })
	for i := range len(members) - 1 {
		if bytes.Equal(name(members[i]), name(members[i+1])) {
			members[i].replaced, twice = true, true
		}
	}
	if !twice {
		return
	}
	slices.SortFunc(members, func(a, b member) int { return a.name - b.name }) // as they came
	out := w.dst[:start+1]
	for _, m := range members {
		if m.replaced {
			continue
		}
		if len(out) > start+1 {
			out = append(out, ',')
		}
		out = append(out, w.dst[m.name:m.end]...) // to the left of where it was
	}
	out = append(out, '}')
	w.dst = out
}

// appendMember writes a text, empty or not. The name must need no escaping.
func appendMember(dst []byte, name, text string) []byte {
	return jsontext.AppendString(appendName(dst, name), text)
}

func appendName(dst []byte, name string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	return append(dst, `":`...)
}
