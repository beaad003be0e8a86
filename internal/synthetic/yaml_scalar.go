package synthetic

import (
	"regexp"
	"strings"
)

// isPlain reports whether s may stand without quotes as far as its characters go
// (PyYAML Emitter.analyze_scalar; printable ASCII only).
func isPlain(s string, inFlow bool) bool {
	if s == "" || s[0] == ' ' || s[len(s)-1] == ' ' ||
		strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		return false
	}
	blank := func(i int) bool { return i >= len(s) || s[i] == ' ' }
	if strings.IndexByte("#,[]{}&*!|>'\"%@`", s[0]) >= 0 || s[0] == '-' && blank(1) {
		return false
	}
	if (s[0] == '?' || s[0] == ':') && (inFlow || blank(1)) {
		return false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case ',', '?', '[', ']', '{', '}':
			if inFlow {
				return false
			}
		case ':':
			if inFlow || blank(i+1) {
				return false
			}
		case '#':
			if s[i-1] == ' ' {
				return false
			}
		}
	}
	return true
}

// The implicit types of YAML 1.1 as PyYAML's resolver knows them.
var (
	implicitNumber = regexp.MustCompile(`^(?:` +
		`[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?` +
		`|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?` +
		`|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*` +
		`|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)` +
		`|[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+` +
		`|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	implicitTime = regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}` +
		`|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?` +
		`(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::?[0-9]{2})?))?)$`)
)

// resolvesAway reports whether s without quotes would be read as something else
// than a string.
func resolvesAway(s string) bool {
	switch s {
	case "", "~", "null", "Null", "NULL", "<<", "=",
		"yes", "Yes", "YES", "no", "No", "NO", "true", "True", "TRUE",
		"false", "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF":
		return true
	}
	c := s[0]
	if c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return false
	}
	// The usual shapes are decided without the regular expressions.
	digits := strings.TrimLeft(s, "0123456789")
	switch {
	case digits == "" && c != '0', digits != "" && c != '.' && digits[0] == '.' && isDigits(digits[1:]):
		return true
	case len(s) > 7 && s[4] == '-' && s[7] == '-':
		return implicitTime.MatchString(s)
	}
	return implicitNumber.MatchString(s) || implicitTime.MatchString(s)
}

func isDigits(s string) bool { return strings.TrimLeft(s, "0123456789") == "" }
