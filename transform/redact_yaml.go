package transform

import (
	"bytes"
	"regexp"
	"strings"
)

// Redaction has to work on YAML that no parser takes, so it goes by the text. A value is
// cut as far as it may reach, rather too far than not far enough.

// secretPair is the name of a secret and what stands between it and its value, which
// may be a tag or an anchor.
var secretPair = regexp.MustCompile(`(?i)\A` + sensitive +
	`["']?[ \t]*(?:\r?\n[ \t]*)?:[ \t]*(?:[!&][^\s,"']*[ \t]+)*`)

// yamlSecret finds the value that belongs to a name.
func yamlSecret(src []byte, name int) (secret, bool) {
	m := secretPair.FindIndex(src[name:])
	if m == nil {
		return assignedSecret(src, name)
	}
	from := name + m[1]
	s := secret{from, from, redacted}
	column, first := column(src, name)
	switch value := src[from:]; {
	case len(value) > 0 && (value[0] == '"' || value[0] == '\''):
		s.to = quotedEnd(src, from)
	case len(value) > 0 && (value[0] == '{' || value[0] == '['):
		s.to = closing(src, from)
	case first:
		s.to = blockEnd(src, from, column)
		if src[from-1] == ':' {
			s.with = " " + s.with
		}
	case inFlow(src, name):
		s.to = endOfPlain(src, from, "\n,}]")
	default: // within somebody's text
		s.to, s.with = endOfPlain(src, from, "\n\"',}]"), "REDACTED"
	}
	return s, s.to > from
}

// quotedEnd is the place behind the quote that closes the one at open, or the end.
func quotedEnd(src []byte, open int) int {
	for i := open + 1; i < len(src); i++ {
		switch doubled := i+1 < len(src) && src[i+1] == '\''; {
		case src[i] == '\\' && src[open] == '"', src[i] == '\'' && src[open] == '\'' && doubled:
			i++
		case src[i] == src[open]:
			return i + 1
		}
	}
	return len(src)
}

// column is how far a name is indented; false: it does not stand first in its line.
func column(src []byte, name int) (column int, first bool) {
	line := name
	for line > 0 && strings.IndexByte(" \t-?\"'", src[line-1]) >= 0 {
		line--
	}
	return len(bytes.TrimRight(src[line:name], `"'`)), line == 0 || src[line-1] == '\n'
}

// inFlow reports whether a name stands where a flow mapping has one.
func inFlow(src []byte, name int) bool {
	before := bytes.TrimRight(src[:name], " \t\r\n\"'")
	return len(before) > 0 && strings.IndexByte("{,[", before[len(before)-1]) >= 0
}

// blockEnd is where a value ends that takes the rest of its line, and the lines below
// that are indented deeper than its name. A list may stand as far left as the name.
func blockEnd(src []byte, from, column int) int {
	line, _, _ := bytes.Cut(src[from:], []byte("\n"))
	end := from + len(bytes.TrimRight(line, " \t\r,}]"))
	listed := end == from || strings.IndexByte("#&!", src[from]) >= 0
	for at := from + len(line) + 1; at < len(src); at += len(line) + 1 {
		line, _, _ = bytes.Cut(src[at:], []byte("\n"))
		content := bytes.TrimLeft(line, " \t\r")
		indent := len(line) - len(content)
		switch {
		case len(content) == 0:
		case indent > column, listed && indent == column && content[0] == '-':
			end = at + len(bytes.TrimRight(line, " \t\r"))
		default:
			return end
		}
	}
	return end
}

// endOfPlain is where an unquoted value ends.
func endOfPlain(src []byte, from int, stops string) int {
	end := len(src)
	if n := bytes.IndexAny(src[from:], stops); n >= 0 {
		end = from + n
	}
	return from + len(bytes.TrimRight(src[from:end], " \t\r"))
}

// A secret in a command or a message: NAME_TOKEN=x, --password x, and headers of HTTP.
var (
	secretAssigned = regexp.MustCompile(`(?i)\A` + sensitive + `=["']?`)
	secretOption   = regexp.MustCompile(`(?i)\A` + sensitive + `[ \t]+["']?`)
	secretHeader   = regexp.MustCompile(`(?i)\A(?:proxy-)?authorization:[ \t]*(?:(?:basic|bearer|digest|token)[ \t]+)?`)
)

// assignedSecret finds the value that a command or a message gives to the name.
func assignedSecret(src []byte, name int) (secret, bool) {
	m := secretAssigned.FindIndex(src[name:])
	if m == nil {
		m = secretHeader.FindIndex(src[name:])
	}
	if m == nil && bytes.HasSuffix(src[:name], []byte("--")) {
		m = secretOption.FindIndex(src[name:])
	}
	if m == nil {
		return secret{}, false
	}
	from := name + m[1]
	s := secret{from, endOfPlain(src, from, " \t\r\n\"'\\,;&})]<>"), "REDACTED"}
	return s, s.to > from && !bytes.HasPrefix(src[from:], []byte(s.with))
}
