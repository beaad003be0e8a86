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
// the passwords and keys of boards, and a block of names and values called secrets
// (https://docs.lavasoftware.org/lava/explain_first_job.html). Names are looked at
// where they end with one of these words, of which the last is of a person; an
// expression over a whole record would take seconds (3 MB/s).
const secretEnds = "token|authorization|password|passwd|passphrase|secret|psk|key|submitter_email"

var secretWords = bytes.Split([]byte(secretEnds), []byte("|"))

// sensitive is an expression for the names of secrets.
const sensitive = `(?:[\w.-]*(?:` + secretEnds + `)|secrets)`

// secretMember is a member of JSON that is a secret, up to the end of its value or to
// the bracket that opens it.
var secretMember = regexp.MustCompile(`(?i)\A("` + sensitive + `"\s*:\s*)(?:"(?:[^"\\]|\\.)*"?|[\[{]|[0-9.eE+-]+)`)

// secret is what is to be replaced: the bytes from one place to another, by a text.
type secret struct {
	from, to int
	with     string
}

const redacted = `"REDACTED"`

// replaceNamed replaces the secrets that find finds at names that end with a secret word;
// find gets the place where the name begins. It must not read much more than it
// replaces, or a long text takes the square of its length.
func replaceNamed(src []byte, find func(src []byte, name int) (secret, bool)) []byte {
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
		if s, ok := find(src, start); ok && s.from >= done {
			out = append(append(out, src[done:s.from]...), s.with...)
			done = s.to
			at = max(at, done)
		}
	}
	if done == 0 {
		return src
	}
	return append(out, src[done:]...)
}

// memberSecret finds the value of a member of JSON.
func memberSecret(src []byte, name int) (secret, bool) {
	if name--; name < 0 {
		return secret{}, false
	}
	m := secretMember.FindSubmatchIndex(src[name:])
	if m == nil {
		return secret{}, false
	}
	from, to := name+m[3], name+m[1]
	if opening := src[from]; opening == '{' || opening == '[' {
		to = closing(src, from)
	}
	return secret{from, to, redacted}, true
}

// closing is the place behind the bracket that closes the one at open, or the end. Quotes
// in the middle of an item, as in YAML's [it's], are none.
func closing(src []byte, open int) int {
	depth, quote := 0, byte(0)
	begins := false // whether an item may begin here
	for i := open; i < len(src); i++ {
		switch c := src[i]; {
		case quote == '"' && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		case begins && (c == '"' || c == '\''):
			quote = c
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		begins = quote == 0 && strings.IndexByte("{[,:", src[min(i, len(src)-1)]) >= 0
	}
	return len(src)
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

func lowerASCII(src []byte) []byte {
	lower := bytes.Clone(src)
	for i, c := range lower {
		if c >= 'A' && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return lower
}

// Redact returns a copy of a record's bytes without tokens, passwords, keys, and
// secrets within URLs, for keeping among the rejects. All else stays as it is: the
// copy may be fed again. It works on damaged JSON and on forms too.
func Redact(payload []byte) []byte {
	if body := trim(payload); len(body) > 0 && body[0] != '{' && body[0] != '[' && form.Match(body) {
		return redactForm(payload)
	}
	out := redactURLs(replaceNamed(payload, memberSecret))
	fields, err := scanJSON(trim(out), nil)
	if err != nil {
		return redactDamaged(out)
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
		return payload // an object, whose members are replaced
	}
	text := jsontext.Unescape(f.Raw[1 : len(f.Raw)-1])
	if clean := redactText(text); !bytes.Equal(text, clean) {
		return bytes.ReplaceAll(payload, f.Raw, jsontext.AppendString(nil, clean))
	}
	return payload
}

// escape is an escape in a string of JSON, or a backslash that begins none.
var escape = regexp.MustCompile(`\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})?`)

// redactDamaged cuts secrets out of JSON of which nobody knows what in it is a
// definition, and whether what stands between two quotes is a string.
func redactDamaged(payload []byte) []byte {
	payload = replaceNamed(append([]byte{'"'}, payload...), memberSecret)[1:] // it may begin within a name
	clean := make([]byte, 0, len(payload))
	for len(payload) > 0 {
		between := payload[:jsontext.StringEnd(payload)]
		payload = payload[len(between):]
		text := jsontext.Unescape(escape.ReplaceAllFunc(between, func(e []byte) []byte {
			if len(e) == 1 {
				return []byte(`\\`)
			}
			return e
		}))
		if redacted := redactText(text); !bytes.Equal(redacted, text) {
			redacted = jsontext.AppendString(nil, redacted)
			between = redacted[1 : len(redacted)-1]
		}
		clean = append(clean, between...)
		if len(payload) > 0 {
			clean, payload = append(clean, '"'), payload[1:]
		}
	}
	return clean
}

// redactText cuts secrets out of YAML.
func redactText(text []byte) []byte {
	return replaceNamed(redactURLs(text), yamlSecret)
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
