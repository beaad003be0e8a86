package transform

import (
	"crypto/sha256"
	"encoding/hex"
)

// maxID is Elasticsearch's limit on the bytes of an _id.
const maxID = 512

// idByte holds the bytes that stand for themselves in ids.
var idByte = byteSet("._:/@+=-")

func byteSet(special string) (t [256]bool) {
	for c := byte('0'); c <= '9'; c++ {
		t[c] = true
	}
	for c := byte('a'); c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = true, true
	}
	for i := range len(special) {
		t[special[i]] = true
	}
	return t
}

// appendID appends s with every byte that ids may not hold percent-encoded.
func appendID(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; idByte[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

// escapeID is a part of a record key. A part that would leave no room for the
// rest of the document's id is shortened.
func escapeID(s string) string {
	const room = 200
	return string(shorten(appendID(nil, s), 0, room))
}

// shorten cuts b[start:] to at most limit bytes, the last of them a digest of
// the whole, so that long ids stay distinct and the same on every run.
func shorten(b []byte, start, limit int) []byte {
	if len(b)-start <= limit {
		return b
	}
	sum := sha256.Sum256(b[start:])
	const tail = 33 // "=" and 32 hex digits
	b = append(b[:start+limit-tail], '=')
	return hex.AppendEncode(b, sum[:16])
}
