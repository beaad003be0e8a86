package incident

import "strings"

// windowTable finds out which of up to 128 sets of phrases a line has one of. A
// phrase has seven bytes or more: wherever it stands in a line, one of its first
// four words of four bytes lies at a multiple of four. So a line is looked at in
// every fourth place only, once, whatever the number of phrases.
type windowTable struct {
	words  [1 << slotBits]uint32 // a hash table without collisions
	at     [1 << slotBits]uint16 // of each word the place in windows
	factor uint32                // of the hash function

	windows [][]window // of each word
}

const (
	wordBytes = 4
	slotBits  = 12
	leastText = 2*wordBytes - 1
)

// window is a phrase, seen from one of its words.
type window struct {
	text   string
	offset int // of the word
	sets   bits
}

// bits is a set of numbers below 128.
type bits [2]uint64

func bit(n int) (b bits) {
	b[n>>6] = 1 << (n & 63)
	return b
}

func (b bits) or(c bits) bits { return bits{b[0] | c[0], b[1] | c[1]} }
func (b bits) has(n int) bool { return b[n>>6]&(1<<(n&63)) != 0 }
func (b bits) any() bool      { return b[0]|b[1] != 0 }

// newWindowTable makes a table of sets, each the phrases of a text with | between
// them. factor is one that fits, or from where on one is looked for.
func newWindowTable(sets []string, factor uint32) *windowTable {
	owners := map[string]bits{}
	for i, set := range sets {
		for text := range strings.SplitSeq(set, "|") {
			owners[text] = owners[text].or(bit(i))
		}
	}
	byWord := map[uint32][]window{}
	for text, sets := range owners {
		for offset := range wordBytes {
			word := wordAt(text, offset)
			byWord[word] = append(byWord[word], window{text, offset, sets})
		}
	}
	t := &windowTable{factor: factor}
	for !t.fill(byWord) {
		*t = windowTable{factor: t.factor + 2}
	}
	return t
}

// fill makes the table; false when two words meet.
func (t *windowTable) fill(byWord map[uint32][]window) bool {
	for word, windows := range byWord {
		slot := t.slot(word)
		if t.words[slot] != 0 {
			return false
		}
		t.words[slot], t.at[slot] = word, uint16(len(t.windows))
		t.windows = append(t.windows, windows)
	}
	return true
}

func (t *windowTable) slot(word uint32) uint32 { return word * t.factor >> (32 - slotBits) }

// has tells whether a word is one of a phrase's first four.
func (t *windowTable) has(word uint32) bool { return t.words[t.slot(word)] == word }

// setsIn are the sets that a line has a phrase of. It runs over nearly all bytes of
// a log, and nearly no line has any.
func setsIn[T string | []byte](t *windowTable, line T) (sets bits) {
	for i := 0; i+wordBytes <= len(line); i += wordBytes {
		word := wordAt(line, i)
		if !t.has(word) {
			continue
		}
		for _, w := range t.windows[t.at[t.slot(word)]] {
			begin := i - w.offset
			if end := begin + len(w.text); begin >= 0 && end <= len(line) && string(line[begin:end]) == w.text {
				sets = sets.or(w.sets)
			}
		}
	}
	return sets
}

func wordAt[T string | []byte](s T, i int) uint32 {
	s = s[i : i+wordBytes]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
