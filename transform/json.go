package transform

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// field is one member of a JSON object.
type field struct {
	name []byte // unescaped
	raw  []byte // the value's JSON text
	as   string // its name in the documents; empty: as it is (see [Record.renameFields])
	// ascii says that raw is a string of printable ASCII alone. It may be false
	// although it is.
	ascii bool
}

// plainName is a member's name without escapes.
func plainName(name []byte) []byte {
	if bytes.IndexByte(name, '\\') < 0 {
		return name
	}
	return unescape(name)
}

// unescape is the text of a JSON string's content.
func unescape(content []byte) []byte {
	return appendText(make([]byte, 0, len(content)), content)
}

// appendText appends the text of a JSON string's content. Halves of surrogate
// pairs become U+FFFD.
func appendText(dst, content []byte) []byte {
	for {
		i := bytes.IndexByte(content, '\\')
		if i < 0 {
			return append(dst, content...)
		}
		dst = append(dst, content[:i]...)
		content = content[i:]
		n := 2
		switch c := content[1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			var r rune
			r, n = escapedRune(content, 0)
			dst = utf8.AppendRune(dst, r)
		default: // a quote, a backslash, a slash
			dst = append(dst, c)
		}
		content = content[n:]
	}
}

// escapedRune reads the character that \uXXXX at i stands for, with a second one
// where they are a surrogate pair, and says how many bytes they take. Half a
// pair is U+FFFD.
func escapedRune(b []byte, i int) (r rune, n int) {
	r, _ = hexEscape(b, i)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := hexEscape(b, i+6); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// endOfString returns the index just behind the quote that ends the string
// whose content begins at i; len(b) when it does not end.
func endOfString(b []byte, i int) int {
	for {
		j := bytes.IndexByte(b[i:], '"')
		if j < 0 {
			return len(b)
		}
		i += j
		escapes := 0
		for k := i - 1; k >= 0 && b[k] == '\\'; k-- {
			escapes++
		}
		i++
		if escapes%2 == 0 {
			return i
		}
	}
}

// skipValue returns the index behind the value that begins at i. The text must
// be valid JSON.
func skipValue(b []byte, i int) int {
	level := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = endOfString(b, i+1)
			if level == 0 {
				return i
			}
			continue
		case '{', '[':
			level++
		case '}', ']':
			if level == 0 {
				return i
			}
			level--
			if level == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if level == 0 {
				return i
			}
		}
		i++
	}
	return i
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// walkObject calls fn for each member of a valid JSON object. gjson's ForEach
// would unescape each value, the log of a callback included, before the caller
// can say that it is not wanted.
func walkObject(b []byte, fn func(field)) {
	i := skipSpace(b, 0) + 1
	for {
		i = skipSpace(b, i)
		if i >= len(b) || b[i] == '}' {
			return
		}
		if b[i] == ',' {
			i++
			continue
		}
		end := endOfString(b, i+1)
		name := plainName(b[i+1 : end-1])
		i = skipSpace(b, end) + 1 // the colon
		i = skipSpace(b, i)
		end = skipValue(b, i)
		fn(field{name: name, raw: b[i:end]})
		i = end
	}
}

// scalarText is a JSON scalar as text; "" for null, objects, arrays and nil.
func scalarText(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		return stringText(raw)
	case '{', '[', 'n':
		return ""
	}
	return string(raw)
}

// stringText is the text of a JSON string.
func stringText(raw []byte) string {
	content := raw[1 : len(raw)-1]
	if bytes.IndexByte(content, '\\') < 0 {
		return string(content)
	}
	return string(unescape(content))
}

// appendString appends s, which must be valid UTF-8, as a JSON string. gjson's
// AppendJSONString escapes <, > and & for HTML, which would be seen where JSON
// is kept as text, in the msg of a results line.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(append(dst, '\\'), c)
			start = i + 1
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendEscape writes what follows the backslash of an escaped ASCII character.
func appendEscape(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, c)
	case '\b':
		return append(dst, 'b')
	case '\t':
		return append(dst, 't')
	case '\n':
		return append(dst, 'n')
	case '\f':
		return append(dst, 'f')
	case '\r':
		return append(dst, 'r')
	}
	return append(dst, 'u', '0', '0', digits[c>>4], digits[c&15])
}

// replaceLoneSurrogates replaces escaped halves of surrogate pairs in valid JSON
// by \ufffd. ok is false when there was nothing to replace.
func replaceLoneSurrogates(b []byte) (fixed []byte, ok bool) {
	if !mayHoldSurrogates(b) {
		return b, false
	}
	var out []byte
	done := 0
	for i := 0; i+1 < len(b); {
		j := bytes.IndexByte(b[i:], '\\')
		if j < 0 {
			break
		}
		i += j
		if b[i+1] != 'u' {
			i += 2 // an escape is at least two bytes
			continue
		}
		r, n := escapedRune(b, i)
		if r == utf8.RuneError && n == 6 {
			if half, _ := hexEscape(b, i); utf16.IsSurrogate(half) {
				out = append(out, b[done:i]...)
				out = append(out, `\ufffd`...)
				done = i + n
			}
		}
		i += n
	}
	if done == 0 {
		return b, false
	}
	return append(out, b[done:]...), true
}

// mayHoldSurrogates is false where no escaped surrogate, half or whole, can be.
func mayHoldSurrogates(b []byte) bool {
	return bytes.Contains(b, []byte(`\ud`)) || bytes.Contains(b, []byte(`\uD`))
}

// hexEscape reads \uXXXX at i.
func hexEscape(b []byte, i int) (rune, bool) {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return 0, false
	}
	return hexRune(b[i+2 : i+6])
}

// hexRune reads hexadecimal digits.
func hexRune(digits []byte) (rune, bool) {
	var r rune
	for _, c := range digits {
		v := hexValue[c]
		if v < 0 {
			return 0, false
		}
		r = r<<4 | rune(v)
	}
	return r, true
}

// hexValue maps a byte to the value of the hexadecimal digit it is, or -1.
var hexValue = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range 10 {
		t['0'+i] = int8(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = int8(10+i), int8(10+i)
	}
	return t
}()
