package transform

import (
	"bytes"
	"regexp"
)

// A callback brings the lab's token along: in its own field, in headers that a
// proxy has put in, and in the job definition's notify block.
const sensitive = `[\w.-]*(?:token|authorization)`

var (
	// A member of JSON: a string, a list or a number.
	secretJSON = regexp.MustCompile(`(?i)("` + sensitive + `"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|\[[^\]]*\]?|[0-9.eE+-]+)`)
	// A pair of YAML: quoted, a list, in a block below, or plain.
	secretYAML = regexp.MustCompile(`(?i)(\b` + sensitive + `["']?[ \t]*:[ \t]*(?:[!&][^\s,]*[ \t]+)*)` +
		`(?:"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|\[[^\]\n]*\]?|[|>][^\n]*\n[^\n]*|[^\s"'|>,}{\[][^\n,}]*)`)
	// The same where it is not known what is a definition and where it ends: in
	// damaged JSON, which nobody will read as a record again.
	secretAnywhere = regexp.MustCompile(`(?i)(\b` + sensitive + `(?:\\?["'])?\s*:\s*(?:\\?["'])?)[^"'\\,}\s][^"'\\,}]*`)
)

const redacted = `${1}"REDACTED"`

// Redact returns a copy of a record's bytes without tokens and Authorization
// headers, for keeping among the rejects. All else stays as it is: the copy may
// be fed again. It works on damaged JSON too.
func Redact(payload []byte) []byte {
	out := secretJSON.ReplaceAll(payload, []byte(redacted))
	fields, err := scanJSON(trim(out), nil)
	if err != nil {
		return secretAnywhere.ReplaceAll(out, []byte("${1}REDACTED"))
	}
	for _, f := range fields {
		if string(f.name) != "definition" || f.raw[0] != '"' {
			continue
		}
		text := unescape(f.raw[1 : len(f.raw)-1])
		if clean := secretYAML.ReplaceAll(text, []byte(redacted)); !bytes.Equal(text, clean) {
			out = bytes.ReplaceAll(out, f.raw, appendString(nil, string(clean)))
		}
	}
	return out
}
