package transform

import (
	"bytes"
	"regexp"
)

// A LAVA job may have a block "secrets" of names and values, at any place of its
// definition, in block style or in flow style
// (https://docs.lavasoftware.org/lava/explain_first_job.html).
var (
	secretsBlock = regexp.MustCompile(`(?m)^([ \t-]*)["']?secrets["']?[ \t]*:[ \t]*(?:#.*)?\r?$`)
	secretsFlow  = regexp.MustCompile(`["']?\bsecrets["']?[ \t]*:\s*\{`)
	// The block as it stands within a string of damaged JSON.
	secretsEscaped = regexp.MustCompile(`(\bsecrets(?:\\?["'])?[ \t]*:[ \t]*)(?:\\r)?\\n` +
		`(?:[ \t]+(?:[^\\"]|\\[^n])*(?:\\n|"|\z))+`)
)

// redactSecrets cuts the values of secrets blocks out of YAML.
func redactSecrets(text []byte) []byte {
	if !bytes.Contains(text, []byte("secrets")) {
		return text
	}
	return redactSecretsBlocks(redactSecretsFlows(text))
}

// redactSecretsFlows empties what stands in braces behind the name.
func redactSecretsFlows(text []byte) []byte {
	var out []byte
	for {
		at := secretsFlow.FindIndex(text)
		if at == nil {
			return append(out, text...)
		}
		out = append(append(out, text[:at[1]]...), '}')
		text = text[at[1]:]
		text = text[closing(text):]
	}
}

// closing is the place behind the brace that closes one opened before text.
func closing(text []byte) int {
	depth, quote := 1, byte(0)
	for i, c := range text {
		switch {
		case quote != 0:
			if c == quote && (i == 0 || text[i-1] != '\\') {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

// redactSecretsBlocks keeps of the lines below the name their own names.
func redactSecretsBlocks(text []byte) []byte {
	var out []byte
	for {
		m := secretsBlock.FindSubmatchIndex(text)
		if m == nil {
			return append(out, text...)
		}
		indent := m[3] - m[2]
		out = append(out, text[:m[1]]...)
		text = text[m[1]:]
		for len(text) > 0 {
			line := text
			if n := bytes.IndexByte(text[1:], '\n'); n >= 0 {
				line = text[:n+1]
			}
			content := bytes.TrimLeft(line, "\r\n \t")
			if len(content) > 0 && len(line)-len(content)-1 <= indent {
				break // no deeper than the name: the block is over
			}
			if name, _, ok := bytes.Cut(line, []byte(":")); ok {
				out = append(append(out, name...), `: "REDACTED"`...)
			}
			text = text[len(line):]
		}
	}
}

// secretQuery are parameters of a URL whose values are secret. Azure's storage,
// where Maestro kept its files in 2024, signs with sig.
var secretQuery = regexp.MustCompile(`(?i)((?:[?&](?:amp;)?|\\u0026)[\w.-]*` +
	`(?:sig|token|key|password|secret)=)[^&\s"'\\<>#]+`)

// redactQueries cuts the values of such parameters out of URLs.
func redactQueries(text []byte) []byte {
	lower := lowerASCII(text)
	for _, word := range [...]string{"sig=", "token=", "key=", "password=", "secret="} {
		if bytes.Contains(lower, []byte(word)) { // seldom, and the expression is slow
			return secretQuery.ReplaceAll(text, []byte("${1}REDACTED"))
		}
	}
	return text
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

const sensitive = `[\w.-]*(?:token|authorization|password|passwd|secret|psk|key|submitter_email)`
