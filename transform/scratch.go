package transform

import (
	"github.com/kcing/kcing/internal/jsontext"
	"github.com/kcing/kcing/transform/incident"
)

// scratch is what reading a job needs and the next one can use again.
type scratch struct {
	text    []byte // of a suite or the definition
	yaml    yamlReader
	suites  []jsontext.Field
	index   map[string]int // of suites
	console incident.Reader
}

// stringText is the text of a JSON string.
func (s *scratch) stringText(raw []byte) string { return s.contentText(raw[1 : len(raw)-1]) }

// contentText is the text of a JSON string's content.
func (s *scratch) contentText(content []byte) string {
	s.text = jsontext.AppendText(s.text[:0], content)
	return string(s.text)
}

func (s *scratch) reset() {
	s.text = emptied(s.text, keepBytes)
	s.yaml = yamlReader{}
	clear(s.suites) // they hold on to the payload
	s.suites, s.index = emptied(s.suites, keepItems), emptiedMap(s.index)
	s.console.Reset()
}

// emptied is a buffer to use again; nil when it holds more than keep elements.
func emptied[T any](buf []T, keep int) []T {
	if cap(buf) > keep {
		return nil
	}
	return buf[:0]
}

func emptiedMap(m map[string]int) map[string]int {
	if m == nil || len(m) > keepItems {
		return make(map[string]int)
	}
	clear(m)
	return m
}

// What is kept for the next record: room for a callback of 1 MB.
const (
	keepBytes = 2 << 20
	keepItems = 16 << 10
)
