package transform

import (
	"unicode/utf8"

	"github.com/kcing/kcing/internal/jsontext"
)

// appendYAMLEscape carries a YAML escape sequence over to JSON. rest begins
// behind its backslash, which JSON has doubled. It returns how many bytes of
// rest it took, -1 for what the YAML library shall judge.
func appendYAMLEscape(dst, rest []byte, twice bool) ([]byte, int) {
	if len(rest) == 0 {
		return dst, -1
	}
	switch c := rest[0]; c {
	case 'n', 't', 'r', 'b', 'f':
		return append(appendBackslash(dst, twice), c), 1
	case '\\':
		if len(rest) < 2 || rest[1] != '\\' && rest[1] != '"' {
			return dst, -1
		}
		dst = appendBackslash(dst, twice)
		if twice {
			dst = append(dst, '\\')
		}
		return append(dst, rest[1]), 2
	case ' ', '/':
		return append(dst, c), 1
	case 'x', 'u', 'U':
		return appendHexEscape(dst, rest, twice)
	}
	r, ok := yamlEscapes[rest[0]]
	if !ok {
		return dst, -1
	}
	return appendEscapedRune(dst, r, twice), 1
}

// yamlEscapes are those of YAML 1.1 that JSON has not.
var yamlEscapes = map[byte]rune{
	'0': 0, 'a': '\a', 'v': '\v', 'e': 0x1b, 'N': 0x85, '_': 0xa0, 'L': 0x2028, 'P': 0x2029,
}

// hexDigits is how many digits follow the letter of an escape.
var hexDigits = map[byte]int{'x': 2, 'u': 4, 'U': 8}

func appendHexEscape(dst, rest []byte, twice bool) ([]byte, int) {
	digits := hexDigits[rest[0]]
	if len(rest) < 1+digits {
		return dst, -1
	}
	r, ok := jsontext.Hex(rest[1 : 1+digits])
	if !ok || !utf8.ValidRune(r) { // halves of surrogate pairs are no YAML
		return dst, -1
	}
	return appendEscapedRune(dst, r, twice), 1 + digits
}

// appendBackslash begins an escape sequence of the JSON that is being written.
func appendBackslash(dst []byte, twice bool) []byte {
	if twice {
		dst = append(dst, '\\')
	}
	return append(dst, '\\')
}

// appendEscapedRune writes a character as it stands if JSON allows, else escaped.
func appendEscapedRune(dst []byte, r rune, twice bool) []byte {
	switch {
	case r == '"' || r == '\\':
		dst = appendBackslash(dst, twice)
		if twice {
			dst = append(dst, '\\')
		}
		return append(dst, byte(r))
	case r < 0x20:
		return jsontext.AppendEscape(appendBackslash(dst, twice), byte(r))
	}
	return utf8.AppendRune(dst, r)
}
