package transform

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Expected values: what Ruby's psych makes of a plain scalar, followed by to_s.
// Where that only writes a number in another way (1.50 as 1.5), ours keeps the
// source text.
func TestPlainText(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := plainText(in); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
	for _, same := range []string{
		"", "pass", "fail", "None", "0E-10", "1E5", "1e5", "y", "n", "Y", "N", "yess", "off-by-one", "lava", "2.4.4",
		"1.1", "21.3900000000", "0", "-0", "-1", "12", "1234567890123456789012345",
		"v5.10", "08", "09", "0o17", "-", "+", ".", "-.", "..", "1.2.3", "1-2", "0x", "0xg", "0b2", "1,5e3",
		"2026-11-20", "2026-11-20 07:00:10+00:00", "07:00:10", "true story", "+x", "1 2", "١",
		"-.inf", ".nan",
	} {
		f(same, same)
	}
	for _, yes := range []string{"yes", "Yes", "YES", "true", "True", "on", "ON"} {
		f(yes, "true")
	}
	for _, no := range []string{"no", "No", "false", "FALSE", "off", "Off"} {
		f(no, "false")
	}
	f("0x1F", "31")
	f("-0x1f", "-31")
	f("0b101", "5")
	f("010", "8")
	f("0_7", "7")
	f("1_000", "1000")
	for _, text := range []string{"1,000", "0,1", "0,101", "1,5", ".5", "-.5", "+.5", "1,5.0", "0x1,f", "1e3", "1:30",
		"2026-11-20"} {
		f(text, text) // text to PyYAML, which writes what is read
	}
	f("+12", "12")
	f("1_000.50", "1000.5")
	f("1.", "1.0")
	f("+1.5", "1.5")
	f("1.5e+3", "1500.0")
	f("1.e+2", "100.0")
	f("1.5E-3", "0.0015")
}

func FuzzPlainText(f *testing.F) {
	for _, s := range []string{"yes", "0x1F", "1_000.50", "0E-10", "1.5e+3", "-.5", "None"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := plainText(s)
		if strings.ContainsAny(once, " \n") && once != s {
			t.Fatalf("%q became %q", s, once)
		}
		if numeric(s) || len(s) > 5 {
			return
		}
		if once != s && once != "true" && once != "false" {
			t.Fatalf("%q became %q", s, once)
		}
	})
}

// readYAML is a node as text and as JSON.
func readYAML(t *testing.T, text string) (asText, asJSON string) {
	t.Helper()
	var y yamlReader
	root, err := y.parse([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return y.text(root), string(y.appendJSON(nil, root, 0))
}

func TestYAMLText(t *testing.T) {
	f := func(in, wantText, wantJSON string) {
		t.Helper()
		if text, js := readYAML(t, in); text != wantText || js != wantJSON {
			t.Errorf("%s: got %q and %s, want %q and %s", in, text, js, wantText, wantJSON)
		}
	}
	f(`yes`, `true`, `true`)
	f(`'yes'`, `yes`, `"yes"`)
	f(`12`, `12`, `12`)
	f(`012`, `10`, `10`)
	f(`1.50`, `1.50`, `1.50`)
	f(`"12"`, `12`, `"12"`)
	f(`! "12"`, `12`, `"12"`)
	f(`! 12`, `12`, `12`)
	f(`!!int "12"`, `12`, `"12"`)
	f(`!!str yes`, `yes`, `"yes"`)
	f(`!ruby/object:X 12`, `12`, `"12"`)
	f(`0E-10`, `0E-10`, `"0E-10"`)
	f(`None`, `None`, `"None"`)
	f(`{a: 1, b: [x, null, ~], c: {}}`, `{"a":1,"b":["x",null,null],"c":{}}`, `{"a":1,"b":["x",null,null],"c":{}}`)
	f(`{a: 1, b: 2, a: 3}`, `{"b":2,"a":3}`, `{"b":2,"a":3}`)
	f(`!!python/object/apply:os.system ["x"]`, `["x"]`, `["x"]`)
	f(`- &a {x: 1}`+"\n- *a\n", `[{"x":1},{"x":1}]`, `[{"x":1},{"x":1}]`)
	f(`"\x41\u00e9\U0001F680\ud83d\ude80\ud83d"`, "Aé🚀🚀\uFFFD", `"Aé🚀🚀`+"\uFFFD"+`"`)
	f(`"a\\ud83d\\ude80"`, `a\ud83d\ude80`, `"a\\ud83d\\ude80"`)
	f("|\n a\n b\n", "a\nb\n", `"a\nb\n"`)
}

func TestYAMLChild(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		var y yamlReader
		root, err := y.parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got := "none"
		if v := y.child(root, "k"); v != nil {
			got = y.text(v)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	f(`{a: 1}`, "none")
	f(`{k: 1}`, "1")
	f(`{k: 1, k: 2}`, "2")
	f(`{k: 1, k: null}`, "none")
	f(`{k: null, k: 2}`, "2")
	f(`{k: ~}`, "none")
	f(`{k: }`, "none")
	f(`{k: ''}`, "")
	f(`{k: 'null'}`, "null")
	f(`{a: &a yes, k: *a}`, "true")
	f("a: &a {k: merged}\n<<: *a\n", "merged")
	f("a: &a {k: merged}\n<<: *a\nk: own\n", "own")
	f("a: &a {k: merged}\n<<: *a\nk: null\n", "none")
	f("a: &a {b: 1}\nc: &c {k: second}\n<<: *a\n<<: *c\n", "second")
	f("&a {<<: *a}\n", "none")
}

// Aliases and size cannot cost more than the budget.
func TestYAMLBudget(t *testing.T) {
	skipUnderRace(t)
	var y yamlReader
	parse := func(text string) *yaml.Node {
		t.Helper()
		root, err := y.parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return root
	}
	f := func(what string, root *yaml.Node) {
		t.Helper()
		out := y.appendJSON(nil, root, 0)
		if !y.limited {
			t.Errorf("%s: not limited", what)
		}
		if len(out) > maxYAMLTotal+len("null,")*MaxYAMLNodes {
			t.Errorf("%s: %d MB of JSON", what, len(out)>>20)
		}
		y = yamlReader{}
	}
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10),
			", "))
	}
	f("aliases of aliases", parse(bomb))
	f("a large scalar", parse("- &a '"+strings.Repeat("x", 1<<20)+"'\n"+strings.Repeat("- *a\n", 100_000)))
	f("a large key", parse("- &a {'"+strings.Repeat("x", 1000)+"': 1}\n"+strings.Repeat("- *a\n", 100_000)))
	f("an alias of itself", parse("&a [*a, *a]"))

	for what, text := range map[string]string{
		"large": strings.Repeat("x", MaxYAMLBytes+1), "many nodes": "[" + strings.Repeat(",", maxYAMLMarks) + "]",
	} {
		if _, err := y.parse([]byte(text)); err == nil || !y.limited {
			t.Errorf("%s: parsed", what)
		}
		y = yamlReader{}
	}
	for _, text := range []string{"'" + strings.Repeat("x", MaxYAMLBytes-2) + "'", "a"} {
		y = yamlReader{}
		n := 0
		for ; !y.limited; n++ {
			if _, err := y.parse([]byte(text)); (err != nil) != y.limited {
				t.Fatal(err)
			}
		}
		if n*len(text) > maxYAMLTotal || n > maxYAMLTotal/perParse {
			t.Errorf("%d times %d bytes parsed", n, len(text))
		}
	}
}

// TestDocumentMarkers: a line of --- or ..., or the end of a list in flow style,
// ends what a YAML library reads, not what was sent.
func TestDocumentMarkers(t *testing.T) {
	const first, last = `- {\"dt\": \"x\", \"lvl\": \"i\", \"msg\": \"first\"}\n`,
		`- {\"dt\": \"x\", \"lvl\": \"i\", \"msg\": \"last...---\"}\n`
	f := func(log string, want int, wantTags ...string) {
		t.Helper()
		var d Documents
		d.start("lab/1")
		made, err := d.readLog(jobLog{raw: []byte(`"` + log + `"`)})
		if err != nil || made != want || !slices.Equal(d.Tags, wantTags) {
			t.Errorf("%s: %d documents, tags %v, error %v; want %d, %v", log, made, d.Tags, err, want, wantTags)
		}
	}
	f(`---\n`+first+last, 2)
	f(first+last+`...\n`, 2)
	f(first+`---\n`+last, 2, "_yamlerror:log.2")
	f(first+`--- \n- {msg: 1}\n`+last, 3, "_yamlerror:log.2")
	f(first+`...\nnot: [\n`+last, 2, "_yamlerror:log.1")
	f(first+`- {msg: 1}\n...\n`+last, 3) // nothing is lost there
	f(`- {msg: 1}\n...\nnot: [\n`+last, 2, "_yamlerror:log.1")
	f(first+`# more\n`+last, 2)
	f(`[{msg: 1}, {msg: 2}]\n`, 2)
	f(`[{msg: 1}] behind\n`, 1, "_yamlerror:log.2")
	f(`[{msg: 1},\n {msg: 2}]\n`+last, 2, "_yamlerror:log.3")

	g := func(suite string, want int, wantTags ...string) {
		t.Helper()
		var d Documents
		if !d.slowSuite("a", suite) || len(d.job.cases) != want || !slices.Equal(d.Tags, wantTags) {
			t.Errorf("%s: %d rows, tags %v", suite, len(d.job.cases), d.Tags)
		}
	}
	g("---\n- name: x\n", 1)
	g("- name: x\n...\n", 1)
	g("- name: x\n---\n- name: y\n", 1, "_yamlerror:results.a")
	g("- name: x\n...\n{", 1, "_yamlerror:results.a")
	g("[{name: x}]\n- name: y\n", 1, "_yamlerror:results.a")
}
