package incident

import (
	"strings"
	"sync"
)

// wordSet is a set of the words that forms ask for (form.has), by form.word.
type wordSet [3]uint64

func (s *wordSet) add(word int) { s[word>>6] |= 1 << (word & 63) }

func (s *wordSet) has(word int) bool { return s[word>>6]&(1<<(word&63)) != 0 }

// wordIndex finds all words of a text in one pass: nearly all lines have none, and
// a search for each word would cost as much as the rest of a callback.
type wordIndex struct {
	begins [1 << 16]uint8 // by a word's first two bytes, a place in lists; 0: none begins so
	lists  [][]wordAt
}

type wordAt struct {
	text string
	word int
}

// wordsOfForms is the index of all forms. It numbers their words.
var wordsOfForms = sync.OnceValue(func() *wordIndex {
	x := &wordIndex{lists: make([][]wordAt, 1)}
	known := map[string]int{}
	for _, f := range forms {
		word, there := known[f.has]
		if !there {
			word = len(known)
			known[f.has] = word
			x.add(f.has, word)
		}
		f.word = word
	}
	if len(known) > 64*len(wordSet{}) {
		panic("incident: more words than a wordSet holds") // a test reads the forms
	}
	return x
})

func (x *wordIndex) add(text string, word int) {
	at := pair(text, 0)
	if x.begins[at] == 0 {
		x.begins[at] = uint8(len(x.lists)) // far fewer words than 256
		x.lists = append(x.lists, nil)
	}
	list := &x.lists[x.begins[at]]
	*list = append(*list, wordAt{text, word})
}

func pair(text string, i int) int { return int(text[i])<<8 | int(text[i+1]) }

// in finds the words of a text.
func (x *wordIndex) in(text string) (found wordSet, any bool) {
	for i := 0; i+1 < len(text); i++ {
		if list := x.begins[pair(text, i)]; list != 0 {
			for _, w := range x.lists[list] {
				if strings.HasPrefix(text[i:], w.text) {
					found.add(w.word)
					any = true
				}
			}
		}
	}
	return found, any
}
