package synthetic

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// object is a mapping of what a job logs and LAVA stores. Its values are texts,
// numbers, lists of texts and objects; names are written in their order.
type object = map[string]any

func names(o object) []string { return slices.Sorted(maps.Keys(o)) }

type (
	// tagged is an integer that the dispatcher logs as ! "123", with the tag that
	// says that it is not a string. It is not JSON, and stored as a number.
	tagged int
	// decimal is a Decimal of Python, logged as a call that no reader should make.
	decimal int
)

// appendLogged writes a message as the dispatcher's libyaml does: in flow style
// with double quotes. Most of it is JSON; control characters and tags are not.
func appendLogged(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return strconv.AppendQuoteToASCII(dst, v)
	case tagged:
		return fmt.Appendf(dst, `! "%d"`, int(v))
	case decimal:
		return fmt.Appendf(dst, `!!python/object/apply:decimal.Decimal ["%d"]`, int(v))
	case []string:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendLogged(dst, item)
		}
		return append(dst, ']')
	case object:
		dst = append(dst, '{')
		for i, name := range names(v) {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(appendLogged(dst, name), ": "...)
			dst = appendLogged(dst, v[name])
		}
		return append(dst, '}')
	}
	panic(fmt.Sprintf("a %T in a log", v))
}

// stored is YAML as LAVA's server writes it, with PyYAML before 5.1: mappings of
// nothing but scalars in flow style, broken at the first chance past column 80.
type stored struct {
	buf  []byte
	line int // where the last line begins
}

const yamlWidth = 80

func (s *stored) add(texts ...string) {
	for _, text := range texts {
		s.buf = append(s.buf, text...)
	}
}

// blank is a place where a line may be broken.
func (s *stored) blank(indent int) {
	if len(s.buf)-s.line <= yamlWidth {
		s.add(" ")
		return
	}
	s.newline(indent)
}

func (s *stored) newline(indent int) {
	s.add("\n")
	s.line = len(s.buf)
	s.add(strings.Repeat(" ", indent))
}

func (s *stored) flow(o object, indent int) {
	s.add("{")
	for i, name := range names(o) {
		if i > 0 {
			s.add(",")
			s.blank(indent)
		}
		s.add(name, ": ")
		s.scalar(o[name], indent+2)
	}
	s.add("}")
}

func (s *stored) scalar(v any, indent int) {
	text, isText := v.(string)
	if !isText {
		s.buf = fmt.Append(s.buf, v)
		return
	}
	for i, word := range strings.Split(yamlText(text), " ") {
		if i > 0 {
			s.blank(indent)
		}
		s.add(word)
	}
}

// plainText matches what needs no quotes in flow style. It does not look for words
// that YAML reads as something else, such as true: no text here is one.
var plainText = regexp.MustCompile(`^(?:[A-Za-z][\w./@+-]*(?: [\w./@+-]+)*|\d+(?:\.\d+){2,}|/\S*)$`)

// yamlText is a text as YAML on one line.
func yamlText(s string) string {
	if plainText.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// hundredths writes n/100 with two decimals, without a float in between.
func hundredths(n int) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }
