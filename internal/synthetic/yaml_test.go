package synthetic

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The expectations were compared with yaml.dump(v, default_flow_style=None) of
// PyYAML 6.0.3.
func TestStoredIsWrittenAsPyYAMLDoes(t *testing.T) {
	f := func(o object, want string) {
		t.Helper()
		var s stored
		if s.metadata(o); string(s.buf) != "  metadata:"+want {
			t.Errorf("got\n%s\nwant\n  metadata:%s", s.buf, want)
		}
	}
	f(object{"b": "2", "a": ""}, " {a: '', b: '2'}")
	f(object{"case": "job", "size": tagged(7), "extra": object{"z": "http://x", "extra": "None"}},
		"\n    case: job\n    extra:\n    - {extra: None}\n    - {z: 'http://x'}\n    size: 7")
	f(object{"case": "job", "definition": "lava", "error_msg": "the board did not answer within 297 seconds of time",
		"result": "fail"}, " {case: job, definition: lava, error_msg: the board did not answer within\n"+
		"      297 seconds of time, result: fail}")
	f(object{"case": "test-runscript-overlay", "definition": "lava", "path": "inline/test-runscript.yaml",
		"result": "pass"},
		" {case: test-runscript-overlay, definition: lava, path: inline/test-runscript.yaml,\n    result: pass}")
}

func TestTextsKeepTheirText(t *testing.T) {
	for _, plain := range []string{"None", "2.4.4", "next-20250704", "v6.12.41", "a b", "/results/1", "7.1.2"} {
		if got := yamlText(plain); got != plain {
			t.Errorf("%q is written %s", plain, got)
		}
	}
	for _, s := range []string{"", "0", "12", "2.4", "21.3900000000", "-7", "0x1f", "017", "1:30", "1.5e+3", ".inf",
		"~", "0E-10",
		"2025-07-04", "2025-07-04 01:02:03.000004+00:00", "http://x", "a,b", "[x]", "{x}", "a: b", "a #b", "- x", "# x",
		"&x", "x ", "%x", "it's, so", "None", "2.4.4", "a b", "1f24fd3f"} {
		var list []any
		if err := yaml.Unmarshal([]byte("["+yamlText(s)+"]"), &list); err != nil || len(list) != 1 || list[0] != s {
			t.Errorf("%q is written %s and read as %v (%v)", s, yamlText(s), list, err)
		}
	}
}

// What the log writer writes must read back as it was.
func TestLogEscapesReadBack(t *testing.T) {
	for _, s := range []string{"plain", `a "b" \c`, "\x00\a\b\t\n\v\f\r\x1b", "\u0003\u007f\u0080",
		"\u0085\u00a0\u2028\u2029", "é…🚀", "{x}: [y] # z"} {
		line := string(appendLogged(nil, s))
		var got string
		if err := yaml.Unmarshal([]byte(line), &got); err != nil || got != s {
			t.Errorf("%q is written %s and read as %q (%v)", s, line, got, err)
		}
	}
}

func TestTemplatesAreFilledIn(t *testing.T) {
	s := newSchedule(Options{Size: 100, Now: testNow})
	b := s.build(s.revision(0), 0, 0)
	j := s.job(runsOf([]*build{b})[0], 0, 0, 1)
	check := func(templates []string) {
		for _, template := range templates {
			if got := j.expand(template); strings.ContainsAny(got, "{}") {
				t.Errorf("%q becomes %q", template, got)
			}
		}
	}
	check(messages("common"))
	check(messages("driver"))
	check(messages("late"))
	for _, a := range architectures {
		check(messages("early-" + a.name))
		check(messages("oops-" + a.name))
		check(messages("bug-" + a.name))
		check([]string{warningHead[a.name]})
		if len(messages("early-"+a.name)) == 0 || len(messages("oops-"+a.name)) == 0 ||
			len(messages("bug-"+a.name)) == 0 || warningHead[a.name] == "" {
			t.Errorf("no messages for %s", a.name)
		}
	}
}
