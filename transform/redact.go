package transform

import (
	"bytes"
	"net/url"
	"regexp"
	"strings"

	"github.com/kcing/kcing/internal/jsontext"
)

// A callback brings the lab's token along: in its own field, in headers that a
// proxy has put in, and in the job definition's notify block; and definitions hold
// the passwords and keys of boards. The expressions below are tried where a name
// ends with one of these words; over a whole record they would take seconds
// (3 MB/s).
var secretWords = [][]byte{
	[]byte("token"), []byte("authorization"), []byte("password"), []byte("passwd"),
	[]byte("secret"), []byte("psk"), []byte("key"),
	[]byte("submitter_email"), // of a person
}

var (
	// A member of JSON: a string, a list or a number.
	secretJSON = regexp.MustCompile(`(?i)\A("` + sensitive + `"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|\[[^\]]*\]?|[0-9.eE+-]+)`)
	// A pair of YAML: quoted, a list, in a block below, or plain.
	secretYAML = regexp.MustCompile(`(?i)\A(` + sensitive + `["']?[ \t]*:[ \t]*(?:[!&][^\s,]*[ \t]+)*)` +
		`(?:"(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|\[[^\]\n]*\]?|[|>][^\n]*\n[^\n]*|[^\s"'|>,}{\[][^\n,}]*)`)
	// The same where it is not known what is a definition and where it ends: in
	// damaged JSON, which cannot become a record any more.
	secretAnywhere = regexp.MustCompile(`(?i)\A(` + sensitive + `(?:\\?["'])?\s*:\s*(?:\\?["'])?)[^"'\\,}\s][^"'\\,}]*`)
	// A user's name, password or token within a URL.
	secretUser = regexp.MustCompile(`(://)[^/\s"'\\<>?#]+@`)
)

const redacted = `${1}"REDACTED"`

// replaceNamed replaces what re finds at the names that end with a secret word.
// quoted says that re begins with the quote before the name.
func replaceNamed(re *regexp.Regexp, src []byte, with string, quoted bool) []byte {
	lower := lowerASCII(src)
	next := make([]int, len(secretWords)) // where each of them is found next
	var out []byte
	done := 0
	for at := 0; at < len(src); {
		first := len(src)
		for i, word := range secretWords {
			if next[i] < at || at == 0 {
				next[i] = len(src)
				if n := bytes.Index(lower[at:], word); n >= 0 {
					next[i] = at + n
				}
			}
			first = min(first, next[i])
		}
		if first == len(src) {
			break
		}
		start, end := nameAround(src, first, at)
		at = end
		if added[string(src[start:end])] {
			continue // kcing's own, which end likewise
		}
		if quoted {
			if start--; start < done || src[start] != '"' {
				continue
			}
		}
		if m := re.FindSubmatchIndex(src[start:]); m != nil {
			out = re.Expand(append(out, src[done:start]...), []byte(with), src[start:], m)
			done = start + m[1]
			at = max(at, done)
		}
	}
	if done == 0 {
		return src
	}
	return append(out, src[done:]...)
}

// nameAround is the name that holds the word at i; it begins at from or later.
func nameAround(src []byte, i, from int) (start, end int) {
	part := func(c byte) bool { return c == '.' || c == '-' || wordByte(c) }
	start, end = i, i
	for start > from && part(src[start-1]) {
		start--
	}
	for start < i && !wordByte(src[start]) && (start == 0 || src[start-1] != '"') {
		start++
	}
	for end < len(src) && part(src[end]) {
		end++
	}
	return start, end
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// redactURLs cuts what may be secret out of URLs: the user, and parameters.
func redactURLs(text []byte) []byte {
	if bytes.Contains(text, []byte("://")) {
		text = secretUser.ReplaceAll(text, []byte("${1}REDACTED@"))
	}
	return redactQueries(text)
}

// redactMessage cuts secrets out of the URLs of a lab's error message, such as the
// command that switches a board's power.
func redactMessage(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return string(redactURLs([]byte(text)))
}

// Redact returns a copy of a record's bytes without tokens, passwords, keys, and
// secrets within URLs, for keeping among the rejects. All else stays as it is: the
// copy may be fed again. It works on damaged JSON and on forms too.
func Redact(payload []byte) []byte {
	if body := trim(payload); len(body) > 0 && body[0] != '{' && body[0] != '[' && form.Match(body) {
		return redactForm(payload)
	}
	out := redactURLs(replaceNamed(secretJSON, payload, redacted, true))
	fields, err := scanJSON(trim(out), nil)
	if err != nil {
		out = secretsEscaped.ReplaceAll(out, []byte(`${1}REDACTED\n`))
		return replaceNamed(secretAnywhere, out, "${1}REDACTED", false)
	}
	for _, f := range fields {
		if string(f.Name) == "callback" && f.Raw[0] == '{' { // within a Maestro record
			for m := range jsontext.Members(f.Raw) {
				out = redactDefinition(out, m)
			}
		}
		out = redactDefinition(out, f)
	}
	return out
}

// redactDefinition cuts secrets out of a job definition (definition,
// original_definition, multinode_definition), which is YAML within a string of
// payload, or an object.
func redactDefinition(payload []byte, f jsontext.Field) []byte {
	if !bytes.HasSuffix(f.Name, []byte("definition")) {
		return payload
	}
	if f.Raw[0] != '"' {
		return bytes.ReplaceAll(payload, f.Raw, redactSecrets(f.Raw))
	}
	text := jsontext.Unescape(f.Raw[1 : len(f.Raw)-1])
	if clean := redactText(text); !bytes.Equal(text, clean) {
		return bytes.ReplaceAll(payload, f.Raw, jsontext.AppendString(nil, clean))
	}
	return payload
}

// redactText cuts secrets out of YAML.
func redactText(text []byte) []byte {
	return redactURLs(replaceNamed(secretYAML, redactSecrets(text), redacted, false))
}

// form matches a urlencoded body, which LAVA sends when the job
// asks for content-type: urlencoded.
var form = regexp.MustCompile(`\A[\w.%+-]+=[^\s{&]*(?:&[\w.%+-]+=[^\s&]*)*`)

// redactForm cuts secrets out of the values of a form.
func redactForm(body []byte) []byte {
	pairs := strings.Split(string(body), "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(value)
		if err != nil { // cut in the middle of an escape
			plain, err = url.QueryUnescape(value[:max(0, strings.LastIndexByte(value, '%'))])
		}
		clean := "REDACTED"
		if err == nil && !secretName.MatchString(name) {
			clean = string(redactText([]byte(plain)))
			if i == len(pairs)-1 {
				clean = cutUser.ReplaceAllString(clean, "${1}REDACTED")
			}
		}
		if clean != plain && value != "" {
			pairs[i] = name + "=" + url.QueryEscape(clean)
		}
	}
	return []byte(strings.Join(pairs, "&"))
}

// cutUser is a user with a password, or a host with a port, at which a body was cut.
var cutUser = regexp.MustCompile(`(://)[^/\s"'\\<>?#@]+:[^/\s"'\\<>?#@]*\z`)

var secretName = regexp.MustCompile(`(?i)\A` + sensitive + `\z`)
