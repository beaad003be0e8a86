package transform

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// goodLine is a log line in the exact form, as it stands in JSON.
const goodLine = `- {\"dt\": \"2026-11-20T07:00:01.123456\", \"lvl\": \"info\", \"msg\": \"[    1.000000] text of some length\"}\n`

func repeat(s string, size int) string { return strings.Repeat(s, size/len(s)+1) }

func withLog(log string) []byte     { return callbackJSON("log", `"`+log+`"`) }
func withSuite(yaml string) []byte  { return callbackJSON("results", `{"a":"`+yaml+`"}`) }
func withMeta(yaml string) []byte   { return callbackJSON("definition", `"`+yaml+`"`) }
func withExtra(field string) []byte { return callbackJSON("extra", field) }

// hostile are records made to cost, by the number of bytes that they should have.
var hostile = []struct {
	name string
	make func(size int) []byte
	kind Kind
}{
	{"garbage", func(n int) []byte { return bytes.Repeat([]byte("\x00\xff{[\"\\"), n/6) }, KindLAVA},
	{"garbage in a string", func(n int) []byte { return []byte(`{"id":"b","a":"` + repeat("\xff ", n) + `"}`) },
		KindBuild},
	{"backslashes", func(n int) []byte { return []byte(`{"id":"b","a":"` + repeat(`\\`, n) + `"}`) }, KindBuild},
	{"quotes", func(n int) []byte { return []byte(`{"id":"b","a":"` + repeat(`\"`, n) + `"}`) }, KindBuild},
	{"lone surrogates", func(n int) []byte { return []byte(`{"id":"b","a":"` + repeat(`\ud800`, n) + `"}`) },
		KindBuild},
	{"brackets", func(n int) []byte { return bytes.Repeat([]byte("["), n) }, KindBuild},
	{"closing brackets", func(n int) []byte { return bytes.Repeat([]byte("]"), n) }, KindBuild},
	{"nested to the limit", func(n int) []byte {
		return []byte(`{"id":"b","a":[` + repeat(strings.Repeat(`{"x":[`, 48)+strings.Repeat("]}", 48)+",", n) + `1]}`)
	}, KindBuild},
	{"many fields", func(n int) []byte { return manyFields(n, `{"id":"b"`) }, KindBuild},
	{"many fields of a callback", func(n int) []byte {
		return manyFields(n,
			string(callbackJSON()[:len(callbackJSON())-1]))
	}, KindLAVA},
	{"one name over and over", func(n int) []byte {
		return []byte(`{"id":"b",` + repeat(`"a":1,`, n) + `"b":{` + repeat(`"":1,`, n) + `"":2}}`)
	}, KindBuild},
	{"many small objects", func(n int) []byte { return withExtra(`[` + repeat(`{"a":1},`, n) + `1]`) }, KindLAVA},
	{"white space", func(n int) []byte { return []byte(`{"id":"b","a":[` + repeat(" \n", n) + `]}`) }, KindBuild},

	{"good lines", func(n int) []byte { return withLog(repeat(goodLine, n)) }, KindLAVA},
	{"lines in another form", func(n int) []byte { return withLog(repeat(`- {dt: x, lvl: info, msg: 'text of some length'}\n`, n)) }, KindLAVA},
	{"damaged lines", func(n int) []byte {
		return withLog(repeat(`- {\"dt\": \"x\", \"lvl\": \"info\", \"msg\": \"te\n`,
			n))
	}, KindLAVA},
	{"a damaged last line", func(n int) []byte { return withLog(repeat(goodLine, n) + `- {`) }, KindLAVA},
	{"an open quote", func(n int) []byte { return withLog(`- \"` + repeat("text ", n)) }, KindLAVA},
	{"an open quote over lines", func(n int) []byte { return withLog(`- \"` + repeat(`text\n `, n)) }, KindLAVA},
	{"open quotes, each a line", func(n int) []byte { return withLog(repeat(`- \"\n`, n)) }, KindLAVA},
	{"line breaks", func(n int) []byte { return withLog(repeat(`\n`, n) + `-`) }, KindLAVA},
	{"dashes", func(n int) []byte { return withLog(repeat(`- `, n)) }, KindLAVA},
	{"dashes, each a line", func(n int) []byte { return withLog(repeat(`-\n`, n)) }, KindLAVA},
	{"one entry of many lines", func(n int) []byte { return withLog(`- dt: x\n` + repeat(`  a: b\n`, n)) }, KindLAVA},
	{"log comments", func(n int) []byte { return withLog(repeat(`# c\n`, n)) }, KindLAVA},
	{"flow brackets in the log", func(n int) []byte { return withLog(`- ` + repeat(`[`, n)) }, KindLAVA},
	{"one long line", func(n int) []byte {
		return withLog(`- {\"dt\": \"x\", \"lvl\": \"info\", \"msg\": \"` + repeat(`text \\n`, n) + `\"}\n`)
	}, KindLAVA},
	{"a long message map", func(n int) []byte {
		return withLog(`- {\"dt\": \"x\", \"lvl\": \"info\", \"msg\": {` + repeat(`\"a\": \"b\", `, n) +
			`\"c\": \"d\"}}\n`)
	}, KindLAVA},
	{"surrogates in the log", func(n int) []byte { return withLog(goodLine + repeat(`\ud800`, n)) }, KindLAVA},

	{"rows", func(n int) []byte { return withSuite(repeat(`- name: a\n`, n)) }, KindLAVA},
	{"flow rows", func(n int) []byte { return withSuite(repeat(`- {name: a}\n`, n)) }, KindLAVA},
	{"rows with one id", func(n int) []byte { return withSuite(repeat(`- id: '1'\n  name: a\n`, n)) }, KindLAVA},
	{"a folded scalar", func(n int) []byte { return withSuite(`- name: a` + repeat(`\n    b`, n)) }, KindLAVA},
	{"a folded quoted scalar", func(n int) []byte { return withSuite(`- name: 'a` + repeat(`\n    b`, n) + `'`) },
		KindLAVA},
	{"many suites", func(n int) []byte { return callbackJSON("results", manySuites(n, `"- name: a\n"`)) }, KindLAVA},
	{"many bad suites", func(n int) []byte { return callbackJSON("results", manySuites(n, `"- {"`)) }, KindLAVA},
	{"a large alias in a suite", func(n int) []byte {
		return withSuite(`- name: &a '` + repeat("x", min(n/2, 1<<20)) + `'\n` + repeat(`- name: *a\n`, n/2))
	}, KindLAVA},
	{"a large alias in a message", func(n int) []byte {
		return withLog(`- &a {msg: '` + repeat("x", min(n/2, 1<<20)) + `'}\n` + repeat(`- *a\n`, n/2))
	}, KindLAVA},
	{"metadata over and over", func(n int) []byte { return withMeta(repeat(`metadata:\n  a: b\n`, n)) }, KindLAVA},
	{"large metadata", func(n int) []byte { return withMeta(`metadata:\n` + repeat(`  kernel.tree: b\n`, n)) },
		KindLAVA},
	{"quotes in the definition", func(n int) []byte { return withMeta(repeat(`'`, n) + `\nmetadata: {}\n`) }, KindLAVA},
}

// TestBudgetSpent: what was read before the budget for YAML ended stays, lines
// in the exact form behind it are read, and the tag says what happened.
func TestBudgetSpent(t *testing.T) {
	const other = `- {\"lvl\": \"info\", \"msg\": \"text\"}\n`
	f := func(head string, wantTags ...string) {
		t.Helper()
		d := Documents{}
		d.start("lab/1")
		d.work.yaml.parsed = maxYAMLTotal - 15*(perParse+len(other))
		made, err := d.readLog(jobLog{raw: []byte(`"` + strings.Repeat(other, 10) + head + strings.Repeat(other, 100) +
			strings.Repeat(goodLine, 50) + `"`)})
		if d.tagLimit(); err != nil || made < 61 || made > 65 || !slices.Equal(d.Tags, wantTags) {
			t.Errorf("%d documents, tags %v, error %v", made, d.Tags, err)
		}
	}
	f("", "_yamllimit")
	f(`- {\"dt\": \"x, bad\n`, "_yamlerror:log.11", "_yamllimit")

	var d Documents
	for i := range 100 {
		d.tag(fmt.Sprint("_yamlerror:log.", i))
	}
	d.work.yaml.limited = true
	if d.tagLimit(); d.Tags[len(d.Tags)-1] != "_yamllimit" {
		t.Errorf("tags %v", d.Tags)
	}
}

// TestDamageCostsOnce: what was read before a damaged line is not read again.
func TestDamageCostsOnce(t *testing.T) {
	const other = `- {\"lvl\": \"info\", \"msg\": \"text\"}\n`
	d := Documents{}
	d.start("lab/1")
	log := strings.Repeat(other, 1000) + `- {\"dt\": \"x, bad\n` + other
	made, err := d.readLog(jobLog{raw: []byte(`"` + log + `"`)})
	if err != nil || made != 1001 || !slices.Equal(d.Tags, []string{"_yamlerror:log.1001"}) {
		t.Errorf("%d documents, tags %v, error %v", made, d.Tags, err)
	}
	if most := 1010*perParse + 2*len(log); d.work.yaml.parsed > most {
		t.Errorf("cost %d, want at most %d", d.work.yaml.parsed, most)
	}
}

func manyFields(size int, head string) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `,"field%d":%d`, i, i)
	}
	b.WriteString("}")
	return b.Bytes()
}

func manySuites(size int, yaml string) string {
	var b strings.Builder
	b.WriteString("{")
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `"suite%d":%s,`, i, yaml)
	}
	return b.String() + `"last":"[]"}`
}

// allocated is how many bytes a record costs in all, and checks what comes out.
func allocated(t *testing.T, payload []byte, kind Kind) uint64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, d, err := made(payload, Options{Kind: kind, Lab: "lab"})
	runtime.ReadMemStats(&after)
	var refused *RefusedError
	if err != nil && !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
	if d.size > MaxOutput {
		t.Errorf("%d MiB of documents", d.size>>20)
	}
	runtime.KeepAlive(r)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHostile: no byte of a record costs more than what the YAML library takes
// for its smallest texts; and no more when there are many of them. Anything
// quadratic would not end.
func TestHostile(t *testing.T) {
	skipUnderRace(t)
	f := func(t *testing.T, payload []byte, kind Kind, most uint64) {
		t.Helper()
		if got := allocated(t, payload, kind) / uint64(len(payload)); got > most {
			t.Errorf("%d bytes a byte, of %d kB", got, len(payload)>>10)
		}
	}
	for _, h := range hostile {
		t.Run(h.name, func(t *testing.T) {
			f(t, h.make(256<<10), h.kind, 1500)
			if !testing.Short() {
				f(t, h.make(3<<20), h.kind, 600)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	skipUnderRace(t)
	f := func(payload []byte, wantType, wantField, wantLimit string) {
		t.Helper()
		_, d, err := made(payload, Options{})
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Type != wantType || refused.Field != wantField ||
			!strings.Contains(refused.Detail, wantLimit) {
			t.Errorf("got %v, want %s of %q with %q in it", err, wantType, wantField, wantLimit)
		}
		if d.Len() != 0 {
			t.Errorf("%d documents", d.Len())
		}
	}
	g := func(payload []byte, wantTests, wantLines int) {
		t.Helper()
		_, d, err := made(payload, Options{})
		if err != nil || d.Len() != 1+wantTests+wantLines || len(d.Tags) > 0 {
			t.Errorf("%v, %d documents, tags %v; want %d", err, d.Len(), d.Tags, 1+wantTests+wantLines)
		}
	}
	lines := func(n int) []byte { return withLog(strings.Repeat(goodLine, n)) }
	g(lines(MaxDocuments), 1, MaxDocuments)
	f(lines(MaxDocuments+1), "too_many_documents", "log", "200000 lines")
	slow := func(n int) []byte { return withLog(strings.Repeat(`- {msg: 1}\n`, n)) }
	f(slow(MaxDocuments+1), "too_many_documents", "log", "200000 lines")
	const other = `- {\"lvl\": \"info\", \"dt\": \"2026-11-20T07:00:01.123456\", \"msg\": \"[    1.000000] text of some length\"}\n`
	g(withLog(strings.Repeat(other, 60_000)), 1, 60_000)
	bad := func(n int) []byte { return withLog(strings.Repeat(`-\n`, n)) }
	f(bad(MaxDocuments+1), "too_many_documents", "log", "200000 lines")
	rows := func(n int) []byte { return withSuite(strings.Repeat(`- name: a\n`, n)) }
	g(rows(MaxDocuments), MaxDocuments, 1)
	f(rows(MaxDocuments+1), "too_many_documents", "results", "200000 rows")
	if _, d, err := made(withSuite(strings.Repeat(`- {name: a}\n`, MaxDocuments)), Options{}); err != nil ||
		fmt.Sprint(d.Tags) != "[_yamlerror:results.a _yamllimit]" {
		t.Errorf("more YAML than is read at once: %v, tags %v", err, d.Tags)
	}

	f(manyFields(64*MaxFields, `{"id":"b"`), "too_many_fields", "", "200000 fields")
	f([]byte(`{"id":"b","build_result":"x","a":[`+strings.Repeat(`{"b":1},`, MaxFields)+`1]}`), "too_many_fields", "",
		"200000 fields")
	if _, d, err := made(manyFields(18*100_000, `{"id":"b"`), Options{Kind: KindBuild}); err != nil || d.Len() != 1 ||
		d.size < 18*100_000 {
		t.Errorf("about 100,000 fields: %v", err)
	}

	suites := manySuites(30*90_000, `"- name: a\n"`)
	if n := strings.Count(suites, "suite"); n < 80_000 {
		t.Errorf("only %d suites", n)
	} else if _, d, err := made(callbackJSON("results", suites), Options{}); err != nil || d.Len() != 2+n ||
		len(d.Tags) > 0 {
		t.Errorf("%d suites: %v, %d documents", n, err, d.Len())
	}

	// Small lines under large common fields: refused for what they become.
	meta := "metadata:"
	for _, f := range jobFields {
		meta += `\n  ` + f.key + ": " + strings.Repeat("x", maxCommonText)
	}
	f(callbackJSON("definition", `"`+meta+`\n"`, "log", `"`+strings.Repeat(goodLine, 20_000)+`"`), "too_large", "log",
		"256 MiB")
}

// A field of 1 MB in a callback of 1,000 lines is cut, not stored 1,000 times.
func TestLargeCommonField(t *testing.T) {
	payload := callbackJSON("state_string", `"`+strings.Repeat("x", 1<<20)+`"`, "log",
		`"`+strings.Repeat(goodLine, 1000)+`"`)
	_, d, err := made(payload, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.size > 2<<20 {
		t.Errorf("%d kB of documents", d.size>>10)
	}
	if got, _ := sources(t, d)[DocLog][0]["state_string"].(string); len(got) != maxCommonText {
		t.Errorf("a log line has %d bytes of it", len(got))
	}
	if got := fmt.Sprint(d.Tags); got != "[_truncated:state_string]" {
		t.Errorf("tags %s", got)
	}
}

// TestTagsAreFew: damage in each line does not make the boot document grow.
func TestTagsAreFew(t *testing.T) {
	_, d, err := made(callbackJSON("results", manySuites(1<<20, `"- {"`), "s"+strings.Repeat("x", 5000),
		`"`+strings.Repeat("y", 5000)+`"`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Tags) > 32 {
		t.Errorf("%d tags", len(d.Tags))
	}
	for _, tag := range d.Tags {
		if len(tag) > 110 {
			t.Errorf("%d bytes: %s", len(tag), tag)
		}
	}
}

// TestReset: one monster does not hold memory for ever.
func TestReset(t *testing.T) {
	var r Record
	var d Documents
	for _, payload := range [][]byte{withLog(strings.Repeat(goodLine, 150_000)),
		withSuite(strings.Repeat(`- name: a\n`, 150_000)), manyFields(2<<20, `{"id":"b"`), callbackJSON()} {
		o := Options{Lab: "lab"}
		if !bytes.Contains(payload, []byte("definition")) {
			o.Kind = KindBuild
		}
		if err := r.Parse(payload, o); err != nil {
			t.Fatal(err)
		}
		if err := r.Documents(&d, testReceived); err != nil {
			t.Fatal(err)
		}
	}
	r.forget()
	d.Reset()
	if n := cap(d.buf) + cap(d.head) + cap(d.source) + 40*cap(d.spans) + 250*cap(d.job.cases) +
		100*cap(r.fields); n > 8<<20 {
		t.Errorf("%d MiB kept", n>>20)
	}
}

// TestAllocations: on the fast path neither log lines nor rows of results cost
// an allocation each.
func TestAllocations(t *testing.T) {
	var r Record
	var d Documents
	row := `- id: '%d'\n  measurement: '0.1300000000'\n  metadata: {case: x, definition: lava}\n  name: x\n  result: pass\n  suite: lava\n`
	cost := func(lines, rows int) float64 {
		suite := ""
		for i := range rows {
			suite += fmt.Sprintf(row, i)
		}
		payload := callbackJSON("log", `"`+strings.Repeat(goodLine, lines)+`"`, "results", `{"lava":"`+suite+`"}`)
		run := func() {
			if err := r.Parse(payload, Options{Kind: KindLAVA, OtherLab: "lab-a"}); err != nil {
				t.Fatal(err)
			}
			if err := r.Documents(&d, testReceived); err != nil {
				t.Fatal(err)
			}
			for range d.All() {
			}
		}
		run() // the buffers grow
		return testing.AllocsPerRun(10, run)
	}
	few, many := cost(10, 10), cost(2000, 10)
	if many > few {
		t.Errorf("%v allocations for 10 log lines, %v for 2,000", few, many)
	}
	if many > 70 { // ten of them for the names of the ten rows
		t.Errorf("%v allocations for a callback", many)
	}
	if rows := cost(10, 110); rows-few > 4*100 {
		t.Errorf("%v allocations a row", (rows-few)/100)
	}
}
