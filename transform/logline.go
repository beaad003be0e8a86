package transform

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/kcing/kcing/internal/jsontext"
	"github.com/kcing/kcing/transform/incident"
)

// The exact form of a log line, as PyYAML writes it and JSON escapes it:
//
//   - {\"dt\": \"2026-01-02T03:04:05.678901\", \"lvl\": \"info\", \"msg\": \"text\"}\n
//
// msg may also be a mapping or a list of double-quoted strings, and ns may
// follow it. Since both languages escape alike, the text is carried over from
// one to the other without being decoded: \\n becomes \n, \\\" becomes \".
const (
	lineStart = `- {\"dt\": \"`
	lineLevel = `\", \"lvl\": \"`
	lineMsg   = `\", \"msg\": `
	lineNS    = `, \"ns\": \"`
	quote     = `\"`
	lineBreak = `\n`
)

// fastLine reads the line at i if it has the exact form, makes its document and
// returns where the next line begins; 0 when it has not.
func (l *logReader) fastLine(i int) (next int) {
	d := l.d
	if !hasAt(l.raw, i, lineStart) {
		return 0
	}
	before := d.mark()
	l.begin(l.lines + 1)
	if next = l.fields(i + len(lineStart)); next < 0 {
		d.rewind(before)
		return 0
	}
	l.lines++
	l.finish()
	return next
}

// fields appends dt, lvl and msg and returns where the next line begins, -1
// when the line has another form.
func (l *logReader) fields(i int) int {
	raw, dst := l.raw, l.d.buf
	dst = append(dst, `,"dt":"`...)
	end := i + len("2006-01-02T15:04:05.000000")
	if hasAt(raw, end, lineLevel) && l.sameMinute(raw[i:end]) {
		dst = append(dst, raw[i:i+len(dtStamp)]...)
	} else {
		if end = l.word(i); end < 0 || !hasAt(raw, end, lineLevel) {
			return -1
		}
		dst = l.appendTime(dst, raw[i:end])
	}
	i = end + len(lineLevel)
	if end = l.word(i); end < 0 || !hasAt(raw, end, lineMsg) {
		return -1
	}
	level := raw[i:end]
	dst = append(dst, `","lvl":"`...)
	dst = append(dst, level...)
	dst = append(dst, `","msg":"`...)
	i = end + len(lineMsg)
	msg := i
	if i >= len(raw) {
		return -1
	}
	switch raw[i] {
	case '\\':
		if !hasAt(raw, i, quote) {
			return -1
		}
		dst, i = l.quoted(dst, i+len(quote), false)
	case '{':
		dst, i = l.mapping(dst, i, 0)
	case '[':
		dst, i = l.list(dst, i)
	default:
		return -1
	}
	if i < 0 {
		return -1
	}
	dst = append(dst, '"')
	l.d.buf = dst
	l.d.suspect(level, raw[msg:i])
	return l.lineEnd(i)
}

// sameMinute reports whether dt is within the minute of the line before, as most are.
func (l *logReader) sameMinute(dt []byte) bool {
	n := len(l.minute)
	return n > 0 && len(dt) > n && bytes.Equal(dt[:n], l.minute) && isSecondsUTC(dt[n:])
}

// appendTime appends a dt in the form of documents.
func (l *logReader) appendTime(dst, dt []byte) []byte {
	if !l.sameMinute(dt) {
		if !isUTC(string(dt), dtStamp) {
			return append(dst, toMillis(string(dt), dtStamp)...)
		}
		l.minute = dt[:wholeMinute]
	}
	return append(dst, dt[:len(dtStamp)]...)
}

// lineEnd goes over an ns field, the closing brace and the line break.
func (l *logReader) lineEnd(i int) int {
	if hasAt(l.raw, i, lineNS) {
		i += len(lineNS)
		end := l.word(i)
		if end < 0 {
			return -1
		}
		l.d.buf = append(append(append(l.d.buf, `,"ns":"`...), l.raw[i:end]...), '"')
		i = end + len(quote)
	}
	if i >= len(l.raw) || l.raw[i] != '}' {
		return -1
	}
	i++
	if i == len(l.raw) {
		return i
	}
	if !hasAt(l.raw, i, lineBreak) {
		return -1
	}
	return i + len(lineBreak)
}

// word finds the quote that ends a string without escapes; -1 if it has any.
func (l *logReader) word(i int) int {
	end := bytes.IndexByte(l.raw[i:], '\\')
	if end < 0 || l.raw[i+end+1] != '"' || !l.printable(l.raw[i:i+end]) {
		return -1
	}
	return i + end
}

// quoted carries the string whose content begins at i over to dst. twice says
// that dst is JSON inside a JSON string, as for a msg that is a mapping.
// It returns the place behind the closing quote, or -1.
func (l *logReader) quoted(dst []byte, i int, twice bool) ([]byte, int) {
	raw := l.raw
	for {
		j := bytes.IndexByte(raw[i:], '\\')
		if j < 0 || !l.printable(raw[i:i+j]) {
			return dst, -1
		}
		dst = append(dst, raw[i:i+j]...)
		i += j
		switch raw[i+1] { // JSON is valid: something follows the backslash
		case '"':
			return dst, i + 2
		case '\\':
			n := 0
			if dst, n = appendYAMLEscape(dst, raw[i+2:], twice); n < 0 {
				return dst, -1
			}
			i += 2 + n
		case 'u':
			r, n := jsontext.EscapedRune(raw, i)
			if !yamlPrintable(r) || r == '"' || r == '\\' || r == utf8.RuneError {
				return dst, -1 // quotes and backslashes mean something to YAML; the last may be half a pair
			}
			dst = utf8.AppendRune(dst, r)
			i += n
		case '/':
			dst = append(dst, '/')
			i += 2
		default: // a raw line break or tab within the string: YAML folds it
			return dst, -1
		}
	}
}

// mapping writes a flow mapping of quoted strings, mappings and lists as
// compact JSON inside a JSON string. It returns the place behind it, or -1.
func (l *logReader) mapping(dst []byte, i, level int) ([]byte, int) {
	const most = 16 // keys to be compared with each other
	var keys [most][]byte
	raw := l.raw
	dst = append(dst, '{')
	i++
	if hasAt(raw, i, `}`) {
		return append(dst, '}'), i + 1
	}
	more := true
	for n := 0; more; n++ {
		if n == most || level > MaxDepth || !hasAt(raw, i, quote) {
			return dst, -1
		}
		i += len(quote)
		end := l.word(i)
		if end < 0 || end-i > maxStrictKey || !hasAt(raw, end, quote+`: `) {
			return dst, -1
		}
		keys[n] = raw[i:end]
		for _, k := range keys[:n] {
			if bytes.Equal(k, keys[n]) {
				return dst, -1
			}
		}
		dst = append(append(append(dst, quote...), keys[n]...), quote+`:`...)
		dst, i = l.value(dst, end+len(quote+`: `), level)
		dst, i, more = l.behindItem(dst, i, '}')
	}
	return append(dst, '}'), i
}

// behindItem goes over the comma behind an item of a flow collection, and writes it, or
// over the closing bracket; then there is no more. It returns the place behind, or -1.
func (l *logReader) behindItem(dst []byte, i int, closing byte) (_ []byte, next int, more bool) {
	switch {
	case i < 0 || i >= len(l.raw):
		return dst, -1, false
	case l.raw[i] == closing:
		return dst, i + 1, false
	case hasAt(l.raw, i, `, `):
		return append(dst, ','), i + len(`, `), true
	}
	return dst, -1, false
}

// Tags before values: PyYAML writes them for numbers and for Python objects.
// The plain value behind them is taken.
const (
	nonSpecificTag = `! `
	decimalTag     = `!!python/object/apply:decimal.Decimal `
)

// value writes a value inside a mapping.
func (l *logReader) value(dst []byte, i, level int) ([]byte, int) {
	switch {
	case hasAt(l.raw, i, nonSpecificTag+quote):
		i += len(nonSpecificTag)
	case hasAt(l.raw, i, decimalTag+`[`):
		i += len(decimalTag)
	}
	switch {
	case hasAt(l.raw, i, quote):
		dst = append(dst, quote...)
		if dst, i = l.quoted(dst, i+len(quote), true); i < 0 {
			return dst, -1
		}
		return append(dst, quote...), i
	case hasAt(l.raw, i, `{`):
		return l.mapping(dst, i, level+1)
	case hasAt(l.raw, i, `[`):
		return l.sequence(dst, i, level+1)
	}
	return dst, -1
}

// sequence writes a flow sequence inside a mapping.
func (l *logReader) sequence(dst []byte, i, level int) ([]byte, int) {
	if level > MaxDepth {
		return dst, -1
	}
	dst = append(dst, '[')
	i++
	if hasAt(l.raw, i, `]`) {
		return append(dst, ']'), i + 1
	}
	for more := true; more; {
		dst, i = l.value(dst, i, level)
		dst, i, more = l.behindItem(dst, i, ']')
	}
	return append(dst, ']'), i
}

// list writes the strings of a msg that is a list, joined by commas.
func (l *logReader) list(dst []byte, i int) ([]byte, int) {
	i++
	if hasAt(l.raw, i, `]`) {
		return dst, i + 1
	}
	for more := true; more; {
		if !hasAt(l.raw, i, quote) {
			return dst, -1
		}
		dst, i = l.quoted(dst, i+len(quote), false)
		dst, i, more = l.behindItem(dst, i, ']')
	}
	return dst, i
}

func hasAt(b []byte, i int, s string) bool {
	return i >= 0 && len(b)-i >= len(s) && string(b[i:i+len(s)]) == s
}

// printable reports whether YAML takes text in a quoted string on one line as it
// stands. JSON has excluded control characters.
func (l *logReader) printable(text []byte) bool {
	if l.ascii {
		return true
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if !yamlPrintable(r) {
			return false
		}
		text = text[n:]
	}
	return true
}

// yamlPrintable is YAML 1.1's c-printable without its line breaks and the byte
// order mark.
func yamlPrintable(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff:
		return false
	}
	return r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= utf8.MaxRune
}

// printableASCII is the quick test that spares nearly every log the slow one.
func printableASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x7f {
			return false
		}
	}
	return true
}

// The levels of the lines of the board's console in a log. What LAVA's dispatcher
// says itself holds the words of all reports, since it waits for them.
const (
	levelTarget   = "target"
	levelFeedback = "feedback"
)

// suspect marks the log line begun last if a kernel's report may begin in it.
// message is what it says, as its document has it.
func (d *Documents) suspect(level, message []byte) {
	if (string(level) == levelTarget || string(level) == levelFeedback) && incident.Suspect(message) {
		d.spans[len(d.spans)-1].kind = suspectDoc
	}
}

// logReader makes a document for each entry of a callback's log. The log is a
// YAML list, one flow mapping a line, inside a JSON string. Nearly every line
// has one exact form (see logline.go), which is read as it stands, escaped
// twice; what has not goes through the YAML library: alone where it is clear
// where the line ends, else with the whole log. Where that is no YAML, each
// entry is tried by itself.
type logReader struct {
	d     *Documents
	raw   []byte // the JSON string's content, still escaped
	ascii bool   // raw holds printable ASCII alone
	lines int    // entries so far, readable or not
	made  int    // documents so far

	minute []byte // of the dt last read, known to be good
	large  bool   // the log is too large to be parsed as a whole
	lost   bool   // something could not be read
}

// begin starts the document of an entry up to its line number.
func (l *logReader) begin(line int) {
	d := l.d
	d.begin(logDoc)
	d.buf = strconv.AppendInt(append(d.buf, logID...), int64(line), 10)
	d.open()
	d.buf = strconv.AppendInt(append(d.buf, `,"lineno":`...), int64(line), 10)
}

func (l *logReader) finish() {
	l.d.end()
	l.made++
}

// logID is what stands in the id of a log line before its number.
const logID = "/l/"
