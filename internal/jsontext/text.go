package jsontext

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// Unescape is the text of a JSON string's content: content itself where it has no escapes.
func Unescape(content []byte) []byte {
	if bytes.IndexByte(content, '\\') < 0 {
		return content
	}
	return AppendText(make([]byte, 0, len(content)), content)
}

// AppendText appends the text of a JSON string's content. Halves of surrogate
// pairs become U+FFFD.
func AppendText(dst, content []byte) []byte {
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
			r, n = EscapedRune(content, 0)
			dst = utf8.AppendRune(dst, r)
		default: // a quote, a backslash, a slash
			dst = append(dst, c)
		}
		content = content[n:]
	}
}

// EscapedRune reads the character that \uXXXX at i stands for, with a second one
// where they are a surrogate pair, and says how many bytes they take. Half a
// pair is U+FFFD.
func EscapedRune(b []byte, i int) (r rune, n int) {
	r, _ = HexEscape(b, i)
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := HexEscape(b, i+6); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// ScalarText is a JSON scalar as text; "" for null, objects, arrays and nil.
func ScalarText(raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		return string(Unescape(raw[1 : len(raw)-1]))
	case '{', '[', 'n':
		return ""
	}
	return string(raw)
}

// AppendString appends s as a JSON string (RFC 8259 §7). Only what must be escaped is:
// <, > and & stay as they are, for they would be seen where JSON is kept as text, and
// an escaped id that a reader does not unescape would be another id. What is not
// valid UTF-8 stays as well.
func AppendString[T string | []byte](dst []byte, s T) []byte {
	return append(AppendEscaped(append(dst, '"'), s), '"')
}

// AppendEscaped appends s as the content of a JSON string, see [AppendString].
func AppendEscaped[T string | []byte](dst []byte, s T) []byte {
	start := 0
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			dst = append(dst, s[start:i]...)
			dst = AppendEscape(append(dst, '\\'), c)
			start = i + 1
		}
	}
	return append(dst, s[start:]...)
}

// AppendEscape writes what follows the backslash of an escaped ASCII character.
func AppendEscape(dst []byte, c byte) []byte {
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

// ReplaceLoneSurrogates replaces escaped halves of surrogate pairs in valid JSON
// by \ufffd. ok is false when there was nothing to replace.
func ReplaceLoneSurrogates(b []byte) (fixed []byte, ok bool) {
	if !MayHoldSurrogates(b) {
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
		r, n := EscapedRune(b, i)
		if r == utf8.RuneError && n == 6 {
			if half, _ := HexEscape(b, i); utf16.IsSurrogate(half) {
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

// MayHoldSurrogates is false where no escaped surrogate, half or whole, can be.
func MayHoldSurrogates(b []byte) bool {
	return bytes.Contains(b, []byte(`\ud`)) || bytes.Contains(b, []byte(`\uD`))
}

// HexEscape reads \uXXXX at i.
func HexEscape(b []byte, i int) (rune, bool) {
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return 0, false
	}
	return Hex(b[i+2 : i+6])
}

// Hex reads hexadecimal digits.
func Hex(digits []byte) (rune, bool) {
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
