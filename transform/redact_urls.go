package transform

import (
	"bytes"
	"regexp"
	"strings"
)

// secretUser is a user's name, password or token within a URL.
var secretUser = regexp.MustCompile(`(://)[^/\s"'\\<>?#]+@`)

// redactURLs cuts what may be secret out of URLs: the user, and parameters.
func redactURLs(text []byte) []byte {
	if bytes.Contains(text, []byte("://")) {
		text = secretUser.ReplaceAll(text, []byte("${1}REDACTED@"))
	}
	return redactQueries(text)
}

// secretQuery are parameters of a URL whose values are secret. Azure's storage,
// where Maestro kept its files in 2024, signs with sig.
var secretQuery = regexp.MustCompile(`(?i)((?:[?&](?:amp;)?|\\u0026)[\w.-]*` +
	`(?:sig|token|key|password|secret)=)[^&\s"'\\<>#]+`)

// redactQueries cuts the values of such parameters out of URLs.
func redactQueries(text []byte) []byte {
	if bytes.IndexByte(text, '=') < 0 {
		return text
	}
	lower := lowerASCII(text)
	for _, word := range [...]string{"sig=", "token=", "key=", "password=", "secret="} {
		if bytes.Contains(lower, []byte(word)) { // seldom, and the expression is slow
			return secretQuery.ReplaceAll(text, []byte("${1}REDACTED"))
		}
	}
	return text
}

// redactedURL is a text that may be a URL, or hold one, without what is secret in it.
func redactedURL(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return string(redactURLs([]byte(text)))
}

// redactMessage cuts secrets out of a lab's error message, such as the command that
// switches a board's power.
func redactMessage(text string) string {
	return string(replaceNamed(redactURLs([]byte(text)), assignedSecret))
}
