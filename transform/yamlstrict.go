package transform

import (
	"strings"
)

// strictYAML reads the small part of YAML that PyYAML writes for results and
// definitions: block mappings and sequences, flow collections that may go over
// several lines, plain and single-quoted scalars. It is exact about
// this part and gives up at anything else, which the YAML library then reads.
// Whatever it accepts, the library reads the same way.
type strictYAML struct {
	text string
	// pair is called for each key in order, with the number of collections
	// around it, itself included, counted from where the reader began. For a
	// collection it is called with the value collection and then for each key
	// in it.
	pair func(level int, key string, v scalar)
}

// collection stands for a value that is no scalar: none of those has a line break.
var collection = scalar{source: "\n"}

// scalar is a value as it stands in the text.
type scalar struct {
	source string // without the quotes
	quoted bool
}

// null reports whether s is a plain null; ~ is left to the library.
func (s scalar) null() bool {
	return !s.quoted && strings.EqualFold(s.source, "null")
}

// text is the scalar's text, "" for null.
func (s scalar) text() string {
	if s.null() {
		return ""
	}
	if !s.quoted {
		return plainText(s.source)
	}
	if strings.Contains(s.source, "''") {
		return strings.ReplaceAll(s.source, "''", "'")
	}
	return s.source
}

// maxStrictDepth is how deep collections nest before the library takes over.
const maxStrictDepth = 8

// maxStrictKey is below the 1,024 characters that YAML allows a key on one line.
const maxStrictKey = 200

// sequence reads a block sequence whose dashes stand at the given indent, and
// returns the place behind it, or -1.
func (y *strictYAML) sequence(i, indent, level int) int {
	if level > maxStrictDepth {
		return -1
	}
	for y.indented(i, indent) && y.at(i+indent, "- ") {
		i += indent + len("- ")
		if y.keyEnd(i) > 0 {
			i = y.mappingFrom(i, indent+len("- "), level+1)
		} else {
			i = y.lineEnd(y.item(i, indent, level, false))
		}
		if i < 0 {
			return -1
		}
	}
	return i
}

// mapping reads a block mapping whose keys stand at the given indent.
func (y *strictYAML) mapping(i, indent, level int) int {
	if !y.indented(i, indent) {
		return -1
	}
	return y.mappingFrom(i+indent, indent, level)
}

// mappingFrom reads a block mapping from its first key, which stands at i.
func (y *strictYAML) mappingFrom(i, indent, level int) int {
	if level > maxStrictDepth {
		return -1
	}
	for {
		end := y.keyEnd(i)
		if end < 0 {
			return -1
		}
		key := y.text[i:end]
		i = end + 1 // behind the colon
		switch {
		case y.at(i, "\n"):
			y.pair(level, key, collection)
			i = y.nested(i+1, indent, level)
		case y.at(i, " {"), y.at(i, " ["):
			y.pair(level, key, collection)
			i = y.lineEnd(y.flow(i+1, level+1))
		case y.at(i, " "):
			var v scalar
			v, i = y.scalar(i+1, indent, false)
			i = y.lineEnd(i)
			y.pair(level, key, v)
		default:
			return -1
		}
		if i < 0 {
			return -1
		}
		if !y.indented(i, indent) || y.at(i+indent, "- ") {
			return i
		}
		i += indent
	}
}

// nested reads the block collection that is the value of a key at indent.
func (y *strictYAML) nested(i, indent, level int) int {
	deeper := indent
	for y.at(i+deeper, " ") {
		deeper++
	}
	switch {
	case !y.indented(i, deeper):
		return -1
	case y.at(i+deeper, "- "):
		return y.sequence(i, deeper, level+1)
	case deeper > indent:
		return y.mapping(i, deeper, level+1)
	}
	return -1 // a key without a value: rare enough for the library
}

// flow reads a flow mapping or sequence. Behind a comma it may go on in the next
// line.
func (y *strictYAML) flow(i, level int) int {
	if level > maxStrictDepth {
		return -1
	}
	open := y.text[i]
	closing := open + 2 // in ASCII: [ ] and { }
	i++
	if i < len(y.text) && y.text[i] == closing {
		return i + 1
	}
	for {
		if open == '{' {
			key, end := y.plain(i, maxStrictKey, true) // a key is not folded
			if end < 0 || len(key.source) > maxStrictKey || !y.at(end, ": ") {
				return -1
			}
			i = y.flowPair(end+len(": "), key.source, level)
		} else {
			i = y.item(i, 0, level, true)
		}
		switch {
		case i < 0 || i >= len(y.text):
			return -1
		case y.text[i] == closing:
			return i + 1
		case y.at(i, ", "):
			i += len(", ")
		case y.at(i, ",\n "):
			for i += len(",\n "); y.at(i, " "); i++ { //nolint:revive // goes over the indent
			}
		default:
			return -1
		}
	}
}

// flowPair reads the value of a key of a flow mapping.
func (y *strictYAML) flowPair(i int, key string, level int) int {
	if y.at(i, "{") || y.at(i, "[") {
		y.pair(level, key, collection)
		return y.flow(i, level+1)
	}
	v, end := y.scalar(i, 0, true)
	y.pair(level, key, v)
	return end
}

// item reads an element of a sequence that is no block collection.
func (y *strictYAML) item(i, indent, level int, inFlow bool) int {
	if y.at(i, "{") || y.at(i, "[") {
		return y.flow(i, level+1)
	}
	_, end := y.scalar(i, indent, inFlow)
	return end
}

// scalar reads a scalar and returns the place behind it.
func (y *strictYAML) scalar(i, indent int, inFlow bool) (scalar, int) {
	if y.at(i, "'") {
		return y.singleQuoted(i, indent)
	}
	return y.plain(i, indent, inFlow)
}

// singleQuoted reads a scalar in single quotes.
func (y *strictYAML) singleQuoted(i, indent int) (scalar, int) {
	start := i + 1
	var folded []byte // the lines before the one that begins at start
	for i = start; i < len(y.text); i++ {
		switch c := y.text[i]; {
		case c == '\'' && y.at(i+1, "'"):
			i++
		case c == '\'':
			return scalar{source: y.unfold(folded, start, i), quoted: true}, i + 1
		case c == '\n':
			next := y.fold(i, indent)
			if next < 0 || i == start || y.text[i-1] == ' ' || y.text[next] == '\'' {
				return scalar{}, -1
			}
			folded = append(append(folded, y.text[start:i]...), ' ')
			start, i = next, next-1
		case c < 0x20 || c > 0x7e:
			return scalar{}, -1
		}
	}
	return scalar{}, -1
}

// fold goes over a line break inside a scalar, which stands for a blank, to the
// text of the next line. That has to be indented deeper than the scalar's key.
func (y *strictYAML) fold(i, indent int) int {
	next := i + 1
	for y.at(next, " ") {
		next++
	}
	if next-i-1 <= indent || next >= len(y.text) || y.text[next] == '\n' {
		return -1
	}
	return next
}

// unfold is a scalar's source: the lines before its last one, and that.
func (y *strictYAML) unfold(before []byte, start, end int) string {
	if before == nil {
		return y.text[start:end]
	}
	return string(append(before, y.text[start:end]...))
}

// What plain scalars hold and begin with, by byte. Block scalars may hold what
// flow ones may not; a colon or a blank needs a look at what follows.
var (
	plainFirst = byteSet("_/.+(")
	plainBlock = byteSet("_/.+()-=@%^*<>|$!&;~\"'?[]{},`\\")
	plainFlow  = byteSet("_/.+()-=@%^*<>|$!&;~\\")
)

// plain reads an unquoted scalar: up to the end of the line (or of the lines
// that it is folded over), to a colon that ends a key, or, inside a flow
// collection, to a comma or bracket.
func (y *strictYAML) plain(i, indent int, inFlow bool) (scalar, int) {
	start := i
	allowed := &plainBlock
	if inFlow {
		allowed = &plainFlow
	}
	first := i
	if y.at(i, "-") {
		first++ // as in -1
	}
	if first >= len(y.text) || !plainFirst[y.text[first]] {
		return scalar{}, -1
	}
	var folded []byte
	for ; i < len(y.text); i++ {
		c := y.text[i]
		if allowed[c] {
			continue
		}
		next := byte('\n')
		if i+1 < len(y.text) {
			next = y.text[i+1]
		}
		switch {
		case c == ':' && !inFlow && next != ' ' && next != '\n':
			continue
		case c == '#' && y.text[i-1] != ' ' && y.text[i-1] != '\n':
			continue
		case c == ' ' && next != ' ' && next != '#' && next != '\n':
			continue
		case c == '\n' && next == ' ':
			if n := y.fold(i, indent); n > 0 && plainFirst[y.text[n]] {
				folded = append(append(folded, y.text[start:i]...), ' ')
				start, i = n, n
				continue
			}
		}
		break
	}
	if i == start || y.text[i-1] == ' ' || y.at(start, "---") || y.at(start, "...") {
		return scalar{}, -1
	}
	return scalar{source: y.unfold(folded, start, i)}, i
}

// keyEnd is the place of the colon behind the key at i; -1 when none is there.
func (y *strictYAML) keyEnd(i int) int {
	start := i
	for i < len(y.text) && i-start <= maxStrictKey && (idByte[y.text[i]] && y.text[i] != ':' && y.text[i] != '@') {
		i++
	}
	if i == start || !plainFirst[y.text[start]] || !y.at(i, ":") || !y.at(i+1, " ") && !y.at(i+1, "\n") {
		return -1
	}
	return i
}

// lineEnd goes over the line break at i.
func (y *strictYAML) lineEnd(i int) int {
	switch {
	case i < 0 || i == len(y.text):
		return i
	case y.text[i] == '\n':
		return i + 1
	}
	return -1
}

// indented reports whether a line begins at i with exactly so many blanks.
func (y *strictYAML) indented(i, indent int) bool {
	if len(y.text)-i <= indent {
		return false
	}
	for _, c := range []byte(y.text[i : i+indent]) {
		if c != ' ' {
			return false
		}
	}
	c := y.text[i+indent]
	return c != ' ' && c != '\n'
}

func (y *strictYAML) at(i int, s string) bool {
	return i >= 0 && i <= len(y.text) && strings.HasPrefix(y.text[i:], s)
}
