package oneline_test

import (
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/oneline"
)

func TestOf(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"a\r\n\tb\x1b[31m\x7fc":        "a b [31m c",
		"\xff":                         "\uFFFD",
		strings.Repeat("é", 251):       strings.Repeat("é", 250) + "…",
		"a" + strings.Repeat("é", 250): "a" + strings.Repeat("é", 249) + "…",
	} {
		if got := oneline.Of(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
