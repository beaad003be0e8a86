package synthetic

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// jobLog writes the log of a LAVA job: one YAML list item a line, made by
// libyaml with double quotes and flow style, so that most lines are JSON.
type jobLog struct {
	buf   []byte
	lines int
	now   int64 // microseconds since 1970
	*random

	second int64  // whose text is in prefix
	prefix []byte // 2006-01-02T15:04:05
}

// lastLine is the number of the line written last; the first is 1.
func (l *jobLog) lastLine() int { return l.lines }

func (l *jobLog) wait(micros int64)    { l.now += micros }
func (l *jobLog) waitUntil(time int64) { l.now = max(l.now, time) }

func (l *jobLog) open(level string) {
	// What is logged in one breath is some hundred microseconds apart.
	l.now += int64(l.between(90, 420))
	if l.now%second == 0 {
		l.now++ // str(datetime) would have no fraction then
	}
	if l.lines > 0 {
		l.buf = append(l.buf, '\n')
	}
	l.lines++
	l.buf = append(l.buf, `- {"dt": "`...)
	l.buf = l.appendTime(l.buf)
	l.buf = append(l.buf, `", "lvl": "`...)
	l.buf = append(l.buf, level...)
	l.buf = append(l.buf, `", "msg": `...)
}

// appendTime writes the time as Python's isoformat does. Most lines fall into
// the second of the line before.
func (l *jobLog) appendTime(dst []byte) []byte {
	if whole := l.now / second; whole != l.second || len(l.prefix) == 0 {
		l.second = whole
		l.prefix = time.Unix(whole, 0).UTC().AppendFormat(l.prefix[:0], "2006-01-02T15:04:05")
	}
	dst = append(append(dst, l.prefix...), '.')
	micros := l.now % second
	for unit := second / 10; unit > 0; unit /= 10 {
		dst = append(dst, byte('0'+micros/unit%10))
	}
	return dst
}

func (l *jobLog) say(level, message string) {
	l.open(level)
	l.buf = appendYAMLQuoted(l.buf, message)
	l.buf = append(l.buf, '}')
}

func (l *jobLog) info(format string, args ...any)   { l.say("info", fmt.Sprintf(format, args...)) }
func (l *jobLog) debug(format string, args ...any)  { l.say("debug", fmt.Sprintf(format, args...)) }
func (l *jobLog) target(format string, args ...any) { l.say("target", fmt.Sprintf(format, args...)) }
func (l *jobLog) input(message string)              { l.say("input", message+"\n") }

// feedback is output of another connection than the one being watched.
func (l *jobLog) feedback(message string) {
	l.open("feedback")
	l.buf = appendYAMLQuoted(l.buf, message)
	l.buf = append(l.buf, `, "ns": "common"}`...)
}

// structure logs a map or a list.
func (l *jobLog) structure(level string, v value) {
	l.open(level)
	l.buf = appendYAMLFlow(l.buf, v)
	l.buf = append(l.buf, '}')
}

// appendYAMLFlow writes v as libyaml does with default_style '"'.
func appendYAMLFlow(dst []byte, v value) []byte {
	return appendFlow(dst, v, appendYAMLQuoted, sortedFields)
}

// taggedNumber is what becomes of an integer under default_style '"': quoted,
// and with the non-specific tag to say that it is not a string. Not JSON.
func taggedNumber(n int) value { return literal(`! "` + strconv.Itoa(n) + `"`) }

// pythonDecimal is what becomes of a Decimal: a call. Not JSON, and not to be
// called by whoever reads it.
func pythonDecimal(n string) value {
	return literal(`!!python/object/apply:decimal.Decimal ["` + n + `"]`)
}

// yamlShort are the escapes of one letter; those JSON lacks make a line that
// only a YAML parser reads.
var yamlShort = [...]struct {
	char   rune
	letter byte
}{
	{0, '0'}, {7, 'a'}, {8, 'b'}, {'\t', 't'}, {'\n', 'n'}, {11, 'v'}, {12, 'f'}, {'\r', 'r'}, {0x1b, 'e'},
	{'"', '"'}, {'\\', '\\'}, {0x85, 'N'}, {0xa0, '_'}, {0x2028, 'L'}, {0x2029, 'P'},
}

func appendYAMLQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[plain:i]...)
		r, size := utf8.DecodeRuneInString(s[i:])
		dst = appendYAMLEscape(dst, r)
		i += size
		plain = i
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}

func appendYAMLEscape(dst []byte, r rune) []byte {
	for _, short := range yamlShort {
		if short.char == r {
			return append(dst, '\\', short.letter)
		}
	}
	switch {
	case r <= 0xff:
		return appendHexRune(append(dst, `\x`...), r, 2)
	case r <= 0xffff:
		return appendHexRune(append(dst, `\u`...), r, 4)
	}
	return appendHexRune(append(dst, `\U`...), r, 8)
}
