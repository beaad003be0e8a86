package incident

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// title fills the form's title in.
func (r *report) title() (title, function string) {
	function = r.function()
	title = r.form.title
	if strings.Contains(title, "{access}") { // what stands there costs a search
		title = strings.ReplaceAll(title, "{access}", r.access())
	}
	if strings.Contains(title, "{next}") {
		title = strings.ReplaceAll(title, "{next}", r.next())
	}
	for i, g := range r.groups[1:] {
		title = strings.Replace(title, "{"+strconv.Itoa(i+1)+"}", g, 1)
	}
	if function == "" {
		title, _, _ = strings.Cut(title, " in {F}")
	}
	if title != r.form.title {
		title = normal(title) // the function's own numbers stay
	}
	return shortened(strings.Replace(title, "{F}", printable(function), 1), maxTitle), function
}

// access is KASAN's " Read" or " Write", a few lines below its header.
func (r *report) access() string {
	const head = 12
	for _, l := range r.lines[:min(len(r.lines), head)] {
		for _, word := range [...]string{"Read", "Write"} {
			if strings.Contains(l.text, word+" of size") || strings.Contains(l.text, word+" at addr") {
				return " " + word
			}
		}
	}
	return ""
}

// next is what the message behind the header says, for Rust's panics.
func (r *report) next() string {
	if len(r.lines) > 1 {
		if s := strings.TrimSpace(r.lines[1].text); s != "" {
			return s
		}
	}
	return "rust panic"
}

// replacement is one rule that makes texts equal which differ by chance.
type replacement struct {
	has []string // parts of which each text that the rule changes has one, in small letters
	re  *regexp.Regexp
	by  string
}

var differences = sync.OnceValue(func() []replacement {
	return rules(
		"+0x", `([A-Za-z]\w*)(?:\.[\w.]+)?\+0x[0-9a-f]+/0x[0-9a-f]+`, "$1",
		anyDigit+"|a|b|c|d|e|f", `\b(?:0x[0-9a-f]+|[0-9a-f]{8,})\b`, "ADDR",
		".", `\b\d{1,3}(?:\.\d{1,3}){3}\b`, "IP",
		".c:|.h:", `(\.[ch]):\d+`, "$1:LINE",
		"cpu#", `CPU#\d+`, "CPU",
		anyDigit, `\b\d+\b`, "NUM",
		anyDigit, `\d{7,}`, "NUM",
	)
})

func replaceAll(text string, rules []replacement) string {
	small := strings.ToLower(text)
	for _, r := range rules {
		if hasAny(small, r.has...) {
			text = r.re.ReplaceAllString(text, r.by)
			small = strings.ToLower(text)
		}
	}
	return text
}

// normal makes a title of a text: what differs between two machines becomes a
// word, blanks become one, and what cannot be printed goes.
func normal(text string) string {
	text = clip(text)
	if strings.ContainsAny(text, "0123456789") {
		text = replaceAll(text, differences())
	}
	return shortened(printable(text), maxTitle)
}

// printable is the text without what is no printable ASCII, white space as one
// blank each.
func printable(text string) string {
	kept := strings.Map(func(c rune) rune {
		switch {
		case c >= ' ' && c <= '~':
			return c
		case c == '\t' || c == '\n':
			return ' '
		}
		return -1
	}, text)
	if !strings.Contains(kept, "  ") {
		return strings.TrimSpace(kept)
	}
	return strings.Join(strings.Fields(kept), " ")
}

func shortened(text string, most int) string {
	return strings.TrimSpace(text[:min(len(text), most)])
}

// signature tells bugs of one title apart by the functions at the top.
func signature(kind Kind, title string, trace []string) string {
	const top, size = 3, 8
	text := append(append([]byte(kind), 0), title...)
	for _, symbol := range trace[:min(len(trace), top)] {
		name, _ := cutSymbol(symbol)
		text = append(append(text, 0), name...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:size])
}

// rules makes rules of triples: parts of which each text that is changed has one,
// in small letters; what is replaced; by what.
func rules(triples ...string) []replacement {
	var all []replacement
	for i := 0; i < len(triples); i += 3 {
		all = append(all, replacement{strings.Split(triples[i], "|"), regexp.MustCompile(triples[i+1]), triples[i+2]})
	}
	return all
}

const anyDigit = "0|1|2|3|4|5|6|7|8|9"
