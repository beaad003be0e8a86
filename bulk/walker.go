package bulk

// walker steps through JSON that is known to be valid. It allocates nothing,
// which is why it is here: an answer to 1000 documents is 1000 small objects.
type walker struct {
	b []byte
	i int
}

// at returns the byte at the position, 0 at the end.
func (w *walker) at() byte {
	if w.i < len(w.b) {
		return w.b[w.i]
	}
	return 0
}

// space skips white space and returns the byte that follows it.
func (w *walker) space() byte {
	for {
		switch c := w.at(); c {
		case ' ', '\t', '\n', '\r':
			w.i++
		default:
			return c
		}
	}
}

// open enters the object or list at the position and reports whether it has a
// first member.
func (w *walker) open() bool {
	w.i++
	if c := w.space(); c == '}' || c == ']' || c == 0 {
		w.i++
		return false
	}
	return true
}

// next steps over a comma to the next member, or leaves the object or list.
func (w *walker) next() bool {
	c := w.space()
	w.i++
	if c != ',' {
		return false
	}
	w.space()
	return true
}

// key reads a member's name as it is written, escapes and all, and its colon.
func (w *walker) key() string {
	w.space()
	raw := w.str()
	w.space()
	w.i++ // the colon
	w.space()
	if len(raw) < 2 {
		return ""
	}
	return string(raw[1 : len(raw)-1])
}

// str steps over a string and returns it with its quotes.
func (w *walker) str() []byte {
	start := w.i
	for w.i++; w.i < len(w.b) && w.b[w.i] != '"'; w.i++ {
		if w.b[w.i] == '\\' {
			w.i++
		}
	}
	w.i = min(w.i+1, len(w.b))
	return w.b[start:w.i]
}

// skip steps over any value and returns it. Nesting is counted, not recursed.
func (w *walker) skip() []byte {
	w.space()
	start, depth := w.i, 0
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case '"':
			w.str()
		case '{', '[':
			depth++
			w.i++
		case '}', ']':
			depth--
			w.i++
		case ',', ':', ' ', '\t', '\r', '\n':
			w.i++
		default:
			w.scalar()
		}
		if depth == 0 {
			break
		}
	}
	return w.b[start:w.i]
}

// scalar steps over a number, true, false or null.
func (w *walker) scalar() {
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case ',', ':', '}', ']', ' ', '\t', '\r', '\n', '"', '{', '[':
			return
		}
		w.i++
	}
}
