package incident

import (
	"regexp"
	"slices"
	"strings"
)

// message is what one printk left on the console.
type message struct {
	text    string
	line    string // text with what the kernel puts before it
	stamp   string // its time as it stands there; empty for what has none
	caller  string // "T12" or "C1"; empty without CONFIG_PRINTK_CALLER
	repeats bool   // dmesg -x printed it once more
	marks   bits   // of its text
}

// stamped tells the kernel's messages from what programs print.
func (m *message) stamped() bool { return m.stamp != "" }

// byProgram is the caller of what has no stamp.
const byProgram = "-"

// thread is what lines have to share to belong to one report.
func (m *message) thread() string {
	if !m.stamped() {
		return byProgram
	}
	return m.caller
}

// appendMessages splits a console line: messages of two CPUs may stand in one.
// What is before the first stamp is a message without one.
func appendMessages(to []message, line string) []message {
	line = withoutControls(line)
	at, mark := findStamp(line, 0)
	before := clip(line[:at])
	if strings.TrimSpace(before) != "" || at == len(line) {
		to = append(to, message{text: before, line: before})
	}
	repeats := before != "" && dmesgLevel.MatchString(before)
	for at < len(line) {
		next, following := findStamp(line, mark.end)
		to = append(to, message{
			text: clip(line[mark.end:next]), line: clip(line[at:next]),
			stamp: mark.time, caller: mark.caller, repeats: repeats,
		})
		at, mark, repeats = next, following, false
	}
	return to
}

// dmesgLevel is what `dmesg -x` puts before each message.
var dmesgLevel = regexp.MustCompile(`^\s*kern +:\w+ *: *$`)

func clip(text string) string { return text[:min(len(text), maxText)] }

// stamp is what the kernel puts before a message, such as
//
//	<4>[   12.345678][  T123]
//
// of which level and caller may be missing.
type stamp struct {
	time, caller string
	end          int // behind the blank that follows
}

// findStamp finds the next stamp from i on; the line's end when there is none.
func findStamp(line string, i int) (at int, s stamp) {
	for {
		j := strings.IndexByte(line[i:], '[')
		if j < 0 {
			return len(line), stamp{}
		}
		i += j
		if s = stampAt(line, i); s.end > 0 {
			return levelBefore(line, i), s
		}
		i++
	}
}

func stampAt(line string, i int) (s stamp) {
	const most, fraction = 10, 6 // digits of seconds and of their fraction
	begin := skip(line, i+1, isBlank)
	point := skip(line, begin, isDigit)
	if point == begin || point-begin > most || point >= len(line) || line[point] != '.' {
		return s
	}
	end := skip(line, point+1, isDigit)
	if end != point+1+fraction || end >= len(line) || line[end] != ']' {
		return s
	}
	s.time = line[begin:end]
	end++
	if end < len(line) && line[end] == '[' {
		from := skip(line, end+1, isBlank)
		if to := skip(line, from+1, isDigit); from < len(line) && (line[from] == 'T' || line[from] == 'C') &&
			to > from+1 && to < len(line) && line[to] == ']' {
			s.caller, end = line[from:to], to+1
		}
	}
	if end < len(line) && line[end] == ' ' {
		end++
	}
	s.end = end
	return s
}

// levelBefore is the begin of a printk level that ends at i, else i.
func levelBefore(line string, i int) int {
	const longest = len("<191>")
	open := strings.LastIndexByte(line[max(0, i-longest):i], '<')
	if open < 0 || line[i-1] != '>' {
		return i
	}
	open += max(0, i-longest)
	if digits := skip(line, open+1, isDigit); digits == i-1 && digits > open+1 {
		return open
	}
	return i
}

func skip(s string, i int, is func(byte) bool) int {
	for i < len(s) && is(s[i]) {
		i++
	}
	return i
}

func isBlank(c byte) bool { return c == ' ' }
func isSpace(c byte) bool { return c == ' ' || c == '\t' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || c >= 'a' && c <= 'f' }
func isName(c byte) bool {
	return c == '_' || c == '$' || isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// withoutControls takes away what terminals understand: escape sequences,
// carriage returns, NULs.
func withoutControls(line string) string {
	if strings.IndexByte(line, '\x1b') < 0 && strings.IndexByte(line, '\r') < 0 && strings.IndexByte(line, 0) < 0 {
		return line
	}
	var b strings.Builder
	for i := 0; i < len(line); {
		switch line[i] {
		case '\r', 0:
			i++
		case '\x1b':
			i = behindEscape(line, i)
		default:
			b.WriteByte(line[i])
			i++
		}
	}
	return b.String()
}

// behindEscape returns the end of the escape sequence at i (ECMA-48's CSI and the
// choice of a character set; of others the escape character alone).
func behindEscape(line string, i int) int {
	i++
	if i >= len(line) {
		return i
	}
	switch line[i] {
	case '[':
		end := skip(line, i+1, func(c byte) bool { return c >= 0x20 && c < 0x40 })
		return min(end+1, len(line))
	case '(', ')':
		return min(i+2, len(line))
	}
	return i
}

func hasAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

func hasPrefix(text string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}
