package transform

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tidwall/gjson"
	"go.yaml.in/yaml/v3"
)

// The strict readers must read whatever they accept as the YAML library does.
// Each test compares both ways of the same function over one input.

// logSources are the documents of one log line, as it stands in JSON, read in
// one of the two ways; nil when that way does not take it.
func logSources(t testing.TB, raw []byte, fast bool) map[string]any {
	t.Helper()
	var d Documents
	d.start("k")
	l := logReader{d: &d, raw: raw, ascii: printableASCII(raw)}
	if fast {
		if next := l.fastLine(0); next <= 0 || next != len(raw) {
			return nil
		}
	} else {
		l.lines = 1
		if !l.slowEntry(raw) {
			return nil
		}
	}
	if len(d.spans) != 1 {
		t.Fatalf("%q: %d documents", raw, len(d.spans))
	}
	var m map[string]any
	for doc := range d.All() {
		if !utf8.Valid(doc.Source) {
			t.Fatalf("%q: not UTF-8: %q", raw, doc.Source)
		}
		if err := json.Unmarshal(doc.Source, &m); err != nil {
			t.Fatalf("%q: not JSON: %v\n%s", raw, err, doc.Source)
		}
	}
	return m
}

// escaped is a log line as it stands in JSON.
func escaped(t testing.TB, line string) []byte {
	t.Helper()
	raw, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	return raw[1 : len(raw)-1]
}

func sameLogLine(t testing.TB, line string) (accepted bool) {
	t.Helper()
	return sameRawLine(t, escaped(t, line))
}

func sameRawLine(t testing.TB, raw []byte) (accepted bool) {
	t.Helper()
	fast := logSources(t, raw, true)
	if fast == nil {
		return false
	}
	if slow := logSources(t, raw, false); !reflect.DeepEqual(fast, slow) {
		t.Fatalf("line %q\nstrict reader: %q\nYAML library:  %q", raw, fast, slow)
	}
	return true
}

func TestLogLineFast(t *testing.T) {
	for _, line := range fastLines {
		if !sameLogLine(t, line) {
			t.Errorf("not taken by the strict reader: %s", line)
		}
	}
	for _, line := range slowLines {
		if logSources(t, escaped(t, line), true) != nil {
			t.Errorf("taken by the strict reader: %s", line)
		}
		if logSources(t, escaped(t, line), false) == nil {
			t.Errorf("not taken by the library: %s", line)
		}
	}
	for _, line := range badLines {
		if logSources(t, escaped(t, line), true) != nil || logSources(t, escaped(t, line), false) != nil {
			t.Errorf("damaged, but taken: %s", line)
		}
	}
}

const begin = `- {"dt": "2026-01-02T03:04:05.678901", "lvl": "info", "msg": `

var fastLines = []string{
	`- {"dt": "2026-01-02T03:04:05.67890é", "lvl": "info", "msg": "no time"}`,
	`- {"dt": "2026-01-02T03:04:05.678901+00:00", "lvl": "info", "msg": "LAVA 2026.05"}`,
	`- {"dt": "2026-01-02T03:04:05", "lvl": "info", "msg": "a whole second"}`,
	`- {"dt": "2026-02-30T03:04:05.678901", "lvl": "info", "msg": "no day"}`,
	`- {"dt": "2026-01-02 03:04:05.678901-03:30", "lvl": "info", "msg": "elsewhere"}`,
	begin + `"plain text"}`,
	begin + `""}` + "\n",
	begin + `"tab\tnewline\nquote\"backslash\\"}`,
	begin + `"\e[0m \x1b[31m \0 \a \v \N \_ \L \P \ blank"}`,
	begin + `"\u00e9 \U0001F680 \x41 \u0022 \u005c \x0a"}`,
	begin + `"raw é 🚀 text"}`,
	begin + `"\/dev\/mmcblk0 \\\/ \"\/\""}`,
	begin + `"%{[log][dt]} %{job}"}`,
	begin + `{"case": "http-download", "definition": "lava", "result": "pass"}}`,
	begin + `{"a": "x\"y\\z\n\x1b", "b": {"c": "d"}, "e": ["f", {"g": "<h>&"}]}}`,
	begin + `{"size": ! "4248110", "n": !!python/object/apply:decimal.Decimal ["0"]}}`,
	begin + `["one", "two, with comma", "\x1b"]}`,
	begin + `[]}`,
	begin + `{}}`,
	begin + `{"extra": {"extra": []}, "fail": [{}, [""]]}}`,
	`- {"dt": "2026-01-02T03:04:05.678901", "lvl": "feedback", "msg": "text", "ns": "terminal_0"}`,
}

var slowLines = []string{
	`- {dt: '2026-01-02T03:04:05.678901', lvl: info, msg: plain}`,
	begin + `! "4248110"}`,
	begin + `12}`,
	begin + `{"a": plain, "b": 1, "c": true, "d": null}}`,
	begin + `{"a": "1", "a": "2"}}`,
	begin + `"\ud83d\ude80 surrogates"}`,
	begin + `{"a": !!int "4"}}`,
	`- {"lvl": "info", "dt": "2026-01-02T03:04:05.678901", "msg": "other order"}`,
	`- {"lvl": "info", "dt": "2026-01-02T03:04:05.678901", "msg": "\/dev\/mmcblk0"}`,
	`- {"dt": "x", "lvl": "info", "msg": "y"} # comment`,
	`- {"dt": "x", "lvl": "info"}`,
	begin + `"folded` + "\n" + `  text"}`,
}

var badLines = []string{
	begin + `"open}`, begin + `"\q"}`, begin + `"a"`, begin + `{"a": "b"}`, `- plain`, `- [1, 2]`, `{"dt": "a"}`, ``,
	begin + `"a"}` + "\n" + begin + `"b"}`,
}

func FuzzLogLine(f *testing.F) {
	for _, list := range [][]string{fastLines, slowLines, badLines} {
		for _, line := range list {
			f.Add(line)
		}
	}
	f.Fuzz(func(t *testing.T, line string) {
		if utf8.ValidString(line) { // as the door makes sure
			sameLogLine(t, line)
		}
	})
}

// FuzzLogRaw is FuzzLogLine for lines that JSON escapes in other ways than Go's
// encoder does: \u0022 for a quote, \/ for a slash, halves of surrogate pairs.
func FuzzLogRaw(f *testing.F) {
	for _, list := range [][]string{fastLines, slowLines, badLines} {
		for _, line := range list {
			f.Add(escaped(f, line))
		}
	}
	for _, msg := range []string{`a\u0022b`, `\u0022, \"ns\": \"`, `\u005cn`, `\/ \u002f \u00e9 \ud83d\ude80`, `\ud83d`,
		`\u0007`, `\u007f`, `\u2028`, `\ufeff`} {
		f.Add([]byte(string(escaped(f, begin)) + `\"` + msg + `\"}\n`))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if utf8.Valid(raw) && json.Valid([]byte(`"`+string(raw)+`"`)) {
			sameRawLine(t, raw)
		}
	})
}

// sameSuite compares the two readers of a suite's rows.
func sameSuite(t testing.TB, name, text string) (accepted bool) {
	var strict, slow Documents
	if !strict.strictSuite(name, text) {
		return false
	}
	if !slow.slowSuite(name, text) || len(slow.Tags) > 0 {
		t.Fatalf("the strict reader takes what the library does not:\n%s\n%+v", text, strict.job.cases)
	}
	if !reflect.DeepEqual(strict.job.cases, slow.job.cases) {
		t.Fatalf("suite\n%s\nstrict reader: %+v\nYAML library:  %+v", text, strict.job.cases, slow.job.cases)
	}
	return true
}

const fullRow = `- id: '112847506'
  job: '2783047'
  level: '4.1'
  log_end_line: ''
  log_start_line: ''
  logged: '2026-11-04 16:46:24.660229+00:00'
  measurement: '0.1300000000'
  metadata:
    case: power-off
    definition: lava
    extra:
    - {status: success}
    - extra:
      - {fail: expect-shell-connection timed
          out after 297 seconds}
    namespace: common
  name: power-off
  result: pass
  suite: lava
  unit: seconds
  url: /results/testcase/112847506
`

var fastSuites = []string{
	"- name: a\n  metadata: {set: [x]}\n", "- name: a\n  metadata: {set: x, set: null}\n",
	"- name: a\n  metadata: {set: x, set: {y: z}}\n", "- name: a\n  metadata:\n    set: s\n",
	fullRow, fullRow + fullRow,
	"- name: job\n  metadata: {case: job, definition: lava, error_msg: expect-shell-connection timed\n      out, " +
		"error_type: Infrastructure}\n  result: fail\n",
	"- name: job\n  metadata:\n    case: job\n    error_msg: 'It''s: broken\n      in two'\n    error_type: Bug\n",
	"- level: 2.4.4\n  measurement: 0E-10\n  name: a b\n  result: yes\n  unit: null\n  suite: Null\n",
	"- name: it's-\"quoted\"\n  metadata: {}\n", "- name: x", "- name: a#b\n  url: http://x/y?z=1\n",
	"- name: long text that is\n    folded\n  result: pass\n",
	"- id: 0x1F\n  level: 010\n  measurement: 1_000.50\n  name: -x\n",
}

var slowSuites = []string{
	"- {name: job, result: pass}\n", "- name: \"double\"\n", "- name: [a, b]\n", "- name: |\n    block\n",
	"- name: &a x\n  result: *a\n",
	"[]", "- name:\n  result: pass\n", "# comment\n- name: x\n", "- name: x # comment\n", "---\n- name: x\n",
	"- metadata:\n    a: b\n   c: d\n",
	"- name: x\n\n- name: y\n", "- name: ~\n", "-   name: x\n",
}

func TestSuiteStrict(t *testing.T) {
	for _, s := range fastSuites {
		if !sameSuite(t, "lava", s) {
			t.Errorf("not taken by the strict reader:\n%s", s)
		}
	}
	for _, s := range slowSuites {
		if sameSuite(t, "lava", s) {
			t.Errorf("taken by the strict reader:\n%s", s)
		}
	}
}

func FuzzSuite(f *testing.F) {
	for _, list := range [][]string{fastSuites, slowSuites} {
		for _, s := range list {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) && len(text) < MaxYAMLBytes {
			sameSuite(t, "lava", text)
		}
	})
}

// sameDefinition compares the two readers of a definition. The strict one looks
// at the metadata alone, so a definition damaged elsewhere may still give facts.
func sameDefinition(t testing.TB, text string) (accepted bool) {
	var strict, slow jobFacts
	if !strict.strict(text) {
		return false
	}
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text), &doc) != nil {
		return true
	}
	if damage := slow.slow(new(yamlReader), text); damage != "" || strict != slow {
		t.Fatalf("definition\n%s\nstrict reader: %+v\nYAML library:  %+v %s", text, strict, slow, damage)
	}
	return true
}

var fastDefinitions = []string{
	"metadata: {device.type: qemu, git.branch: master, git.commit: abc,\n  git.describe: v6.1, kernel.version: " +
		"'v6.1'}\n",
	"actions:\n- deploy:\n    kernel: {url: 'http://x/y'}\ndevice_type: qemu\nmetadata: {job.arch: arm, " +
		"platform.fastboot: false}\nnotify: {}\n",
	"a: b\nmetadata:\n  kernel.tree: next\n  node_id: 65f0\n  job.arch: 'arm64'\npriority: medium\n",
	"image_arg: '-append \"console\n   debug\"'\nmetadata: {}\n",
	"a:\n- b: {c: 'it''s\n      d', e: \"f 'g\"}\nprompts: ['/ #', \"x\"]\nmetadata: {job.arch: arm}\n",
}

func TestDefinitionStrict(t *testing.T) {
	for _, s := range fastDefinitions {
		if !sameDefinition(t, s) {
			t.Errorf("not taken by the strict reader:\n%s", s)
		}
	}
	for _, s := range []string{"job_name: x\n", "metadata: [a, b]\n", "metadata: &m {a: b}\n", "just text\n",
		"a: 'x\nmetadata: {job.arch: arm}\nb'\n",
		"a: it's\nnote: 'open\nmetadata: {job.arch: fake}\nx: y'\nmetadata : {job.arch: real}\n",
		"# it's\nnote: 'open\nmetadata: {job.arch: fake}\nx: y'\n",
		"k: {a: b 'c, d: 'open\nmetadata: {job.arch: fake}\nx: y'}\n",
		"z: 1\nit's: 'open\nmetadata: {job.arch: fake}\nx: y'\n",
		"it's: 'open\nmetadata: {job.arch: fake}\nx: y'\n", "{a: b 'c, d: 'open\nmetadata: {job.arch: fake}\nx: y'}\n",
		"a: |\n  b: 'c\nd: 'open\nmetadata: {job.arch: fake}\nx: y'\n",
		"a: b # c: 'd\ne: 'open\nmetadata: {job.arch: fake}\nx: y'\n",
		"a: b\n  - 'c\nd: 'open\nmetadata: {job.arch: fake}\nx: y'\n",
		"a: \"b\\\"\nmetadata: {job.arch: fake}\nx: y\"\n", "a: 'b''\nmetadata: {job.arch: fake}\nx: y'\n",
		"{a: b,\nmetadata: {job.arch: arm}}", "metadata: {a: b}\nmetadata: {c: d}\n", ""} {
		if sameDefinition(t, s) {
			t.Errorf("taken by the strict reader:\n%s", s)
		}
	}
}

func FuzzDefinition(f *testing.F) {
	for _, s := range fastDefinitions {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) && len(text) < MaxYAMLBytes {
			sameDefinition(t, text)
		}
	})
}

// TestSharedAgree compares the readers over real logs, results and definitions
// where they are there, and asks that nearly all of them take the quick way.
func TestSharedAgree(t *testing.T) {
	dir := os.Getenv("KCING_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	logs, _ := filepath.Glob(filepath.Join(dir, "data", "logs", "*.yaml"))
	callbacks, _ := filepath.Glob(filepath.Join(dir, "data", "callbacks", "*.json"))
	if len(logs)+len(callbacks) == 0 {
		t.Skip("no real data here (KCING_SHARED)")
	}
	texts := []string{}
	for _, f := range logs {
		texts = append(texts, read(t, f))
	}
	for _, f := range callbacks {
		cb := gjson.Parse(read(t, f))
		texts = append(texts, cb.Get("log").String())
		cb.Get("results").ForEach(func(k, v gjson.Result) bool {
			if !sameSuite(t, k.String(), v.String()) {
				t.Errorf("%s: suite %s takes the slow way", f, k)
			}
			return true
		})
		if !sameDefinition(t, cb.Get("definition").String()) {
			t.Errorf("%s: the definition takes the slow way", f)
		}
	}
	lines, fast := 0, 0
	for _, text := range texts {
		for line := range strings.Lines(text) {
			lines++
			if sameLogLine(t, line) {
				fast++
			}
		}
	}
	if fast*1000 < lines*999 {
		t.Errorf("only %d of %d real lines take the quick way", fast, lines)
	}
}

func read(t testing.TB, name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ToValidUTF8(b, []byte("?")))
}
