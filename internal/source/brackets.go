package source

// brackets follows one JSON object or array to its end, as far as brackets,
// strings and the beginnings of lines tell.
type brackets struct {
	open     []byte // the brackets not closed yet
	inString bool
	escaped  bool
	damaged  bool // then only a line that begins with "{" ends it
	prev     byte // the byte before
	last     byte // the last one that is not white space
	mark     int64
}

// ending is why scan stopped.
type ending uint8

const (
	needsMore ending = iota
	closed           // by the bracket that belongs to the first one
	another          // a line begins another record
	broken           // damage was found for the first time, and there is a mark
)

// maxLevels is how deep the brackets are followed. transform refuses what nests
// deeper than a hundred.
const maxLevels = 100_000

// special are the bytes that matter within a string.
var special = [256]bool{'"': true, '\\': true, '\n': true}

// scan reads on in b and returns how many bytes belong to the record. offset is
// how many came before; in the first lines bytes of b each "{" at the beginning
// of a line begins a record.
func (s *brackets) scan(b []byte, offset int64, lines int) (n int, end ending) {
	for i := 0; i < len(b); i++ {
		if s.inString && !s.escaped {
			from := i
			for i < len(b) && !special[b[i]] {
				i++
			}
			if i > from {
				s.prev, s.last = b[i-1], b[i-1]
			}
			if i == len(b) {
				break
			}
		}
		c := b[i]
		if c == '{' && s.prev == '\n' {
			switch {
			case s.damaged || i < lines || !s.roomForObject():
				return i, another
			case s.mark == 0:
				s.mark = offset + int64(i)
			}
		}
		was := s.damaged
		done := s.byte(c)
		s.prev = c
		if c > ' ' {
			s.last = c
		}
		switch {
		case done:
			return i + 1, closed
		case s.damaged && !was && s.mark > 0:
			return i + 1, broken
		}
	}
	return len(b), needsMore
}

// roomForObject reports whether an object may stand here in valid JSON.
func (s *brackets) roomForObject() bool {
	if s.open[len(s.open)-1] == '[' {
		return s.last == '[' || s.last == ','
	}
	return s.last == ':'
}

// byte takes one byte and reports whether it closes the first bracket.
func (s *brackets) byte(c byte) bool {
	switch {
	case s.damaged:
	case s.inString && c == '\n': // strings hold no line breaks: it was cut
		s.damaged = true
	case s.escaped:
		s.escaped = false
	case s.inString:
		s.escaped = c == '\\'
		s.inString = c != '"'
	case c == '"':
		s.inString = true
	case c == '{' || c == '[':
		s.open = append(s.open, c)
		s.damaged = len(s.open) > maxLevels
	case c == '}' || c == ']':
		top := len(s.open) - 1
		s.damaged = s.open[top] != c-2 // '[' and ']', '{' and '}' are two apart
		s.open = s.open[:top]
		return top == 0 && !s.damaged
	}
	if s.damaged {
		s.inString, s.escaped = false, false
	}
	return false
}
