package synthetic

import (
	"slices"
	"strings"
)

// yamlWidth is PyYAML's best_width: a flow map or a long scalar is broken at
// the first chance after this column.
const yamlWidth = 80

// yamlWriter writes a value as PyYAML before 5.1 did by default, which is how
// LAVA stores results and the KernelCI job templates came out: maps and lists
// that hold only scalars in flow style, all others in block style, keys sorted.
type yamlWriter struct {
	buf    []byte
	column int
}

// yamlText gives the document with its final newline.
func yamlText(v value) string {
	w := yamlWriter{buf: make([]byte, 0, 4096)}
	w.node(v, 0, true)
	if w.column > 0 {
		w.raw("\n")
	}
	return string(w.buf)
}

func (w *yamlWriter) raw(s string) {
	w.buf = append(w.buf, s...)
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		w.column = len(s) - i - 1
	} else {
		w.column += len(s)
	}
}

func (w *yamlWriter) newline(indent int) {
	w.buf = append(w.buf, '\n')
	for range indent {
		w.buf = append(w.buf, ' ')
	}
	w.column = indent
}

// isFlow holds for scalars and for collections of nothing but scalars.
func isFlow(v value) bool {
	for _, item := range v.items {
		if item.kind >= listValue {
			return false
		}
	}
	for _, f := range v.fields {
		if f.value.kind >= listValue {
			return false
		}
	}
	return true
}

// node writes v; indent is the column of the enclosing block, inline says that
// the first child goes on the line that is already open.
func (w *yamlWriter) node(v value, indent int, inline bool) {
	switch {
	case isFlow(v):
		w.flow(v, indent, false)
	case v.kind == listValue:
		for i, item := range v.items {
			if i > 0 || !inline {
				w.newline(indent)
			}
			w.raw("- ")
			if isFlow(item) {
				w.flow(item, indent, false)
			} else {
				w.node(item, indent+2, true)
			}
		}
	default:
		for i, f := range sortedFields(v) {
			if i > 0 || !inline {
				w.newline(indent)
			}
			w.scalar(text(f.name), indent, true, false)
			w.raw(":")
			w.blockMember(f.value, indent)
		}
	}
}

// blockMember writes the value of a block map's key. A list is not indented
// below its key, a map is.
func (w *yamlWriter) blockMember(v value, indent int) {
	switch {
	case isFlow(v):
		w.raw(" ")
		w.flow(v, indent, false)
	case v.kind == listValue:
		w.node(v, indent, false)
	default:
		w.node(v, indent+2, false)
	}
}

func (w *yamlWriter) flow(v value, indent int, inFlow bool) {
	inner := indent + 2
	switch v.kind {
	case listValue:
		w.raw("[")
		for i, item := range v.items {
			w.flowSeparator(i, inner)
			w.flow(item, inner, true)
		}
		w.raw("]")
	case objectValue:
		w.raw("{")
		for i, f := range sortedFields(v) {
			w.flowSeparator(i, inner)
			w.scalar(text(f.name), inner, true, true)
			w.raw(": ")
			w.flow(f.value, inner, true)
		}
		w.raw("}")
	default:
		w.scalar(v, indent, false, inFlow)
	}
}

func (w *yamlWriter) flowSeparator(i, indent int) {
	if i > 0 {
		w.raw(",")
	}
	switch {
	case w.column > yamlWidth:
		w.newline(indent)
	case i > 0:
		w.raw(" ")
	}
}

// scalar writes a string plain where YAML 1.1 reads the same string back, else
// in single quotes, and breaks it at single spaces unless it is a key.
func (w *yamlWriter) scalar(v value, indent int, key, inFlow bool) {
	if v.kind == literalValue {
		w.raw(v.text)
		return
	}
	s := v.text
	quoted := !isPlain(s, inFlow) || resolvesAway(s)
	if quoted {
		s = strings.ReplaceAll(s, "'", "''")
		w.raw("'")
	}
	start := 0
	for i := 0; i < len(s); i++ {
		single := s[i] == ' ' && i+1 < len(s) && s[i+1] != ' ' && i > 0 && s[i-1] != ' '
		if !single || key || w.column+i-start <= yamlWidth {
			continue
		}
		w.raw(s[start:i])
		w.newline(indent + 2)
		start = i + 1
	}
	w.raw(s[start:])
	if quoted {
		w.raw("'")
	}
}

func sortedFields(v value) []field {
	byName := func(a, b field) int { return strings.Compare(a.name, b.name) }
	if slices.IsSortedFunc(v.fields, byName) {
		return v.fields
	}
	sorted := slices.Clone(v.fields)
	slices.SortFunc(sorted, byName)
	return sorted
}
