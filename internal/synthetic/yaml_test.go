package synthetic

import (
	"encoding/json"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The expectations were compared with yaml.dump(v, default_flow_style=None) of
// PyYAML 6.0.3.
func TestYAMLIsWrittenAsPyYAMLDoes(t *testing.T) {
	f := func(v value, want string) {
		t.Helper()
		if got := yamlText(v); got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
	f(object(textMember("b", "2"), textMember("a", "")), "{a: '', b: '2'}\n")
	f(object(member("list", list(object(member("m", object(textMember("k", "v"))), textMember("z", "None"))))),
		"list:\n- m: {k: v}\n  z: None\n")
	f(object(member("extra", list(object(member("extra", list()))))), "extra:\n- extra: []\n")
	f(list(object(textMember("name", "x"), member("metadata", object(textMember("case", "job"), textMember("definition", "lava"),
		textMember("error_msg", "the board did not answer within 297 seconds of time"), textMember("result", "fail"))))),
		"- metadata: {case: job, definition: lava, error_msg: the board did not answer within\n      297 seconds of time, result: fail}\n  name: x\n")
	f(object(member("a", object(member("b", object(textMember("image", `-kernel {kernel} -append "console=ttyAMA0,115200 root=/dev/ram0 debug verbose syslog"`)))))),
		"a:\n  b: {image: '-kernel {kernel} -append \"console=ttyAMA0,115200 root=/dev/ram0 debug\n      verbose syslog\"'}\n")
}

func TestYAMLScalarsKeepTheirText(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		got := strings.TrimSuffix(yamlText(object(textMember("k", s))), "\n")
		if got != "{k: "+want+"}" {
			t.Errorf("%q is written %s, want %s", s, got, want)
		}
	}
	for _, plain := range []string{"None", "0E-10", "2.4.4", "2783047_1.6.2.4.1", "next-20250704", "v6.12.41", "1f24fd3f", "a b"} {
		f(plain, plain)
	}
	for _, quoted := range []string{"", "0", "12", "2.4", "21.3900000000", "-7", "0x1f", "017", "1:30", "1.5e+3", ".inf", "yes", "off", "null", "~",
		"2025-07-04", "2025-07-04 01:02:03.000004+00:00", "http://x", "a,b", "[x]", "{x}", "a: b", "a #b", "- x", "# x", "&x", "x ", "%x"} {
		f(quoted, "'"+quoted+"'")
	}
	f("it's, so", "'it''s, so'")
	if got := yamlText(object(member("k", list(object())), textMember("u", "http://x"))); got != "k:\n- {}\nu: http://x\n" {
		t.Errorf("a URL in block context: %s", got)
	}
}

// What the log writer writes must read back as it was.
func TestLogEscapesReadBack(t *testing.T) {
	for _, s := range []string{"plain", `a "b" \c`, "\x00\a\b\t\n\v\f\r\x1b", "\u0003\u007f\u0080", "\u0085\u00a0\u2028\u2029", "é…🚀", "{x}: [y] # z"} {
		line := string(appendYAMLQuoted(nil, s))
		var got string
		if err := yaml.Unmarshal([]byte(line), &got); err != nil || got != s {
			t.Errorf("%q is written %s and read as %q (%v)", s, line, got, err)
		}
		var fromJSON string
		if err := json.Unmarshal(appendJSONString(nil, s), &fromJSON); err != nil || fromJSON != s {
			t.Errorf("%q is written %s and read as %q (%v)", s, appendJSONString(nil, s), fromJSON, err)
		}
	}
}

func TestTemplatesAreFilledIn(t *testing.T) {
	s := newSchedule(Options{Size: 100, Now: testNow})
	b := s.build(s.revision(0), 0, 0)
	j := s.job(runsOf([]*build{b})[0], 0, 0, 1)
	check := func(templates []string) {
		for _, template := range templates {
			if got := string(j.expand(nil, template)); strings.ContainsAny(got, "{}") {
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
		if len(messages("early-"+a.name)) == 0 || len(messages("oops-"+a.name)) == 0 || len(messages("bug-"+a.name)) == 0 || warningHead[a.name] == "" {
			t.Errorf("no messages for %s", a.name)
		}
	}
}
