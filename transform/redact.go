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

// What may be secret within a URL: a user's name, password or token, and the signature
// that Azure's storage, where Maestro kept its files in 2024, has in the query.
var (
	secretUser      = regexp.MustCompile(`(://)[^/\s"'\\@<>?#]+@`)
	secretSignature = regexp.MustCompile(`(?i)([?&](?:amp;)?sig=)[^&\s"'\\<>#]+`)
)

// redactURLs cuts both out of whatever holds URLs.
func redactURLs(text []byte) []byte {
	text = secretUser.ReplaceAll(text, []byte("${1}REDACTED@"))
	return secretSignature.ReplaceAll(text, []byte("${1}REDACTED"))
}

const redacted = `${1}"REDACTED"`

// Redact returns a copy of a record's bytes without tokens, Authorization
// headers and secrets within URLs, for keeping among the rejects. All else stays as it is: the copy may
// be fed again. It works on damaged JSON too.
func Redact(payload []byte) []byte {
	out := redactURLs(secretJSON.ReplaceAll(payload, []byte(redacted)))
	fields, err := scanJSON(trim(out), nil)
	if err != nil {
		return secretAnywhere.ReplaceAll(out, []byte("${1}REDACTED"))
	}
	for _, f := range fields {
		if string(f.name) == "callback" && f.raw[0] == '{' { // within a Maestro record
			walkObject(f.raw, func(m field) { out = redactDefinition(out, m) })
		}
		out = redactDefinition(out, f)
	}
	return out
}

// redactDefinition cuts tokens out of a job definition, which is YAML within a
// string of payload.
func redactDefinition(payload []byte, f field) []byte {
	if string(f.name) != "definition" || f.raw[0] != '"' {
		return payload
	}
	text := unescape(f.raw[1 : len(f.raw)-1])
	if clean := secretYAML.ReplaceAll(text, []byte(redacted)); !bytes.Equal(text, clean) {
		return bytes.ReplaceAll(payload, f.raw, appendString(nil, string(clean)))
	}
	return payload
}
