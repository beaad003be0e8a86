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
	if strings.Contains(title, "{access}") {
		title = strings.Replace(title, "{access}", r.access(), 1)
	}
	if strings.Contains(title, "{next}") {
		title = strings.Replace(title, "{next}", r.next(), 1)
	}
	for i, g := range r.groups[1:] {
		title = strings.Replace(title, "{"+strconv.Itoa(i+1)+"}", g, 1)
	}
	if function != "" {
		return normal(strings.Replace(title, "{F}", function, 1)), function
	}
	if i := strings.Index(title, " in {F}"); i >= 0 {
		title = title[:i]
	}
	return normal(title), ""
}

// access is KASAN's " Read" or " Write", a few lines below its header.
func (r *report) access() string {
	const head = 12
	for _, text := range r.messages[:min(len(r.messages), head)] {
		for _, word := range [...]string{"Read", "Write"} {
			if strings.Contains(text, word+" of size") || strings.Contains(text, word+" at addr") {
				return " " + word
			}
		}
	}
	return ""
}

// next is what the message behind the header says, for Rust's panics.
func (r *report) next() string {
	if len(r.messages) > 1 {
		if s := strings.TrimSpace(r.messages[1]); s != "" {
			return s
		}
	}
	return "rust panic"
}

// replacement is one rule that makes texts equal which differ by chance.
type replacement struct {
	re *regexp.Regexp
	by string
}

var differences = sync.OnceValue(func() []replacement {
	return []replacement{
		{regexp.MustCompile(`([A-Za-z]\w*)(?:\.[\w.]+)?\+0x[0-9a-f]+/0x[0-9a-f]+`), "$1"},
		{regexp.MustCompile(`\b(?:0x[0-9a-f]+|[0-9a-f]{8,})\b`), "ADDR"},
		{regexp.MustCompile(`\b\d{1,3}(?:\.\d{1,3}){3}\b`), "IP"},
		{regexp.MustCompile(`(\.[ch]):\d+`), "$1:LINE"},
		{regexp.MustCompile(`CPU#\d+`), "CPU"},
		{regexp.MustCompile(`\b\d+\b`), "NUM"},
		{regexp.MustCompile(`\d{7,}`), "NUM"},
	}
})

// normal makes a title of a text: what differs between two machines becomes a
// word, blanks become one, and what cannot be printed goes.
func normal(text string) string {
	text = clip(text)
	if strings.ContainsAny(text, "0123456789") {
		for _, d := range differences() {
			text = d.re.ReplaceAllString(text, d.by)
		}
	}
	return shortened(printable(text), maxTitle)
}

// printable is the text without what is no printable ASCII, white space as one
// blank each.
func printable(text string) string {
	var b strings.Builder
	for _, c := range []byte(strings.Join(strings.Fields(text), " ")) {
		if c >= ' ' && c <= '~' {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func shortened(text string, most int) string {
	return strings.TrimSpace(text[:min(len(text), most)])
}

// signature tells bugs of one title apart by the functions at the top.
func signature(kind Kind, title string, trace []string) string {
	const top = 3
	h := sha256.New()
	h.Write([]byte(kind))
	h.Write([]byte{0})
	h.Write([]byte(title))
	for _, symbol := range trace[:min(len(trace), top)] {
		name, _ := cutSymbol(symbol)
		h.Write([]byte{0})
		h.Write([]byte(name))
	}
	const size = 8
	return hex.EncodeToString(h.Sum(nil)[:size])
}
