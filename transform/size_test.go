package transform

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// TestHundredMegabytes: garbage far beyond what a source lets through is refused
// in one go, with next to no memory of its own. Quadratic would not end.
func TestHundredMegabytes(t *testing.T) {
	skipUnderRace(t)
	if testing.Short() {
		t.Skip("400 MB in all")
	}
	const size = 100 << 20
	f := func(name, pattern, head, tail string) {
		t.Run(name, func(t *testing.T) {
			payload := append([]byte(head), bytes.Repeat([]byte(pattern), size/len(pattern))...)
			payload = append(payload, tail...)
			var refused *RefusedError
			if _, _, err := made(payload, Options{}); !errors.As(err, &refused) {
				t.Errorf("not refused: %v", err)
			}
			if got := allocated(t, payload, KindLAVA); got > 1<<20 {
				t.Errorf("%d kB allocated", got>>10)
			}
		})
	}
	f("bytes", "\x00\xff{[\"\\", "", "")
	f("an open string", `\"\\x`, `{"log":"`, "")
	f("open brackets", `{"a":[`, "", "")
	f("a bad last byte", goodLine, `{"id":1,"results":{},"definition":"","log":"`, `"}}`)
}

// TestLongLine: a line of 90 kB is one document with all of its text, whichever
// way it is read.
func TestLongLine(t *testing.T) {
	text := strings.Repeat("0123456789 ", 90<<10/11)
	f := func(name, line string) {
		t.Run(name, func(t *testing.T) {
			_, d, err := made(withLog(goodLine+line+goodLine), Options{})
			if err != nil || len(d.Tags) > 0 {
				t.Fatalf("%v, tags %v", err, d.Tags)
			}
			logs := sources(t, d)[DocLog]
			if len(logs) != 3 {
				t.Fatalf("%d documents", len(logs))
			}
			if got, _ := logs[1]["msg"].(string); got != text+"end" {
				t.Errorf("%d bytes of %d", len(got), len(text)+3)
			}
		})
	}
	const start = `- {\"dt\": \"2026-11-20T07:00:01.123456\", \"lvl\": \"info\", \"msg\": `
	f("strict", start+`\"`+text+`end\"}\n`)
	f("YAML", start+`'`+text+`end'}\n`)
}
