package synthetic

import "unicode/utf8"

// appendJSON writes v as Python's json.dumps does by default: ", " and ": "
// between things, everything outside ASCII escaped.
func appendJSON(dst []byte, v value) []byte {
	return appendFlow(dst, v, appendJSONString, func(v value) []field { return v.fields })
}

// appendFlow writes v as JSON and YAML's flow style have in common. Literals are
// taken as they are: see taggedNumber. The two quote in their own ways, and have
// a mapping's fields in their own order.
func appendFlow(dst []byte, v value, quote func([]byte, string) []byte, fields func(value) []field) []byte {
	switch v.kind {
	case textValue:
		return quote(dst, v.text)
	case literalValue:
		return append(dst, v.text...)
	case listValue:
		dst = append(dst, '[')
		for i, item := range v.items {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendFlow(dst, item, quote, fields)
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i, f := range fields(v) {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = quote(dst, f.name)
		dst = append(dst, ": "...)
		dst = appendFlow(dst, f.value, quote, fields)
	}
	return append(dst, '}')
}

func appendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	plain := 0 // start of the run not yet written
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf-1 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[plain:i]...)
		r, size := utf8.DecodeRuneInString(s[i:])
		dst = appendJSONEscape(dst, r)
		i += size
		plain = i
	}
	dst = append(dst, s[plain:]...)
	return append(dst, '"')
}

func appendJSONEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case 0x7f: // Python leaves DEL as it is
		return append(dst, 0x7f)
	}
	if r > 0xffff {
		r -= 0x10000
		dst = appendJSONEscape(dst, 0xd800+r>>10)
		return appendJSONEscape(dst, 0xdc00+r&0x3ff)
	}
	dst = append(dst, `\u`...)
	return appendHexRune(dst, r, 4)
}

func appendHexRune(dst []byte, r rune, digits int) []byte {
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hexDigits[r>>shift&15])
	}
	return dst
}
