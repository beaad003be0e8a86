// Package oneline makes what a server wrote fit into a line of an error or a log.
package oneline

import "strings"

// maxBytes bounds the line.
const maxBytes = 500

// Of is s on one line: valid UTF-8, each run of white space and control characters
// one blank, cut with … after 500 bytes.
func Of(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if len(s) > maxBytes {
		s = strings.ToValidUTF8(s[:maxBytes], "") + "…"
	}
	return s
}
