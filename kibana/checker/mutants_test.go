package checker

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// mutant breaks the shipped file in one way, which one rule alone must find.
type mutant struct {
	rule   string
	object string // type:id whose line is changed
	change []string
	file   func(string) string // in place of object and change
}

// Inside a string of JSON, quotes are escaped.
var mutants = []mutant{
	{rule: "size", file: func(s string) string { return s + strings.Repeat(" ", maxImportBytes) }},
	{rule: "json", file: func(s string) string { return strings.Replace(s, "}\n", "\n", 1) }},
	{rule: "canonical", file: func(s string) string {
		return strings.Replace(s, `{"attributes":`, `{ "attributes":`,
			1)
	}},
	{rule: "duplicate", file: func(s string) string { return s[:strings.Index(s, "\n")+1] + s }},
	{rule: "details", file: func(s string) string {
		return strings.Replace(s, `"exportedCount":`, `"exportedCount":1`,
			1)
	}},
	{rule: "order", file: func(s string) string {
		lines := strings.SplitAfter(s, "\n")
		lines[0], lines[1] = lines[1], lines[0]
		return strings.Join(lines, "")
	}},
	{rule: "id", file: func(s string) string {
		return strings.ReplaceAll(s, `"kcing-tests-trend"`,
			`"kcing-tests-trend_"`)
	}},
	{"envelope", "search:kcing-boots-list", []string{`"managed":false`, `"managed":false,"namespaces":[]`}, nil},
	{"version", "lens:kcing-boots-count", []string{`"typeMigrationVersion":"8.9.0"`, `"typeMigrationVersion":"10.1.0"`},
		nil},
	{"core version", "lens:kcing-boots-count", []string{`"coreMigrationVersion":"8.8.0"`,
		`"coreMigrationVersion":"9.1.0"`}, nil},
	{"managed", "dashboard:kcing-home", []string{`"managed":false`, `"managed":true`}, nil},
	{"private", "dashboard:kcing-home", []string{`"description":"How`, `"description":"Ask someone@example.com. How`},
		nil},
	{"private", "index-pattern:kcing-boot", []string{`dashboards#/view/kcing-board?`,
		`http://192.0.2.1/app/dashboards#/view/kcing-board?`}, nil},
	{"schema", "search:kcing-boots-list", []string{`"hideChart":true`, `"hideChart":true,"hits":0`}, nil},
	{"schema", "dashboard:kcing-home", []string{`"optionsJSON":"{`, `"optionsJSON":"{{`}, nil},
	{"schema", "lens:kcing-boots-trend", []string{`"valueLabels":"hide"`, `"valueLabels":null`}, nil},
	{"schema", "index-pattern:kcing-boot", []string{`"fields":"[]"`, `"fields":"[{\"script\":\"1\"}]"`}, nil},
	{"enum", "lens:kcing-boots-trend", []string{`"seriesType":"bar_stacked"`, `"seriesType":"bars"`}, nil},
	{"enum", "search:kcing-boots-list", []string{`"type":"search"`, `"type":"visualization"`}, nil},
	{"reference missing", "dashboard:kcing-builds",
		[]string{`{"id":"kcing-build","name":"controlGroup_control-arch:optionsListDataView","type":"index-pattern"},`,
			``}, nil},
	{"reference unused", "search:kcing-boots-list", []string{`"references":[`,
		`"references":[{"id":"kcing-boot","name":"old","type":"index-pattern"},`}, nil},
	{"reference target", "links:kcing-menu", []string{`"id":"kcing-tests"`, `"id":"kcing-testz"`}, nil},
	{"reference type", "dashboard:kcing-boots",
		[]string{`\"panelIndex\":\"2\",\"panelRefName\":\"panel_2\",\"type\":\"lens\"`,
			`\"panelIndex\":\"2\",\"panelRefName\":\"panel_2\",\"type\":\"search\"`}, nil},
	{"unused object", "dashboard:kcing-boots", []string{`"id":"kcing-boots-inconclusive"`, `"id":"kcing-boots-failed"`},
		nil},
	{"reachable", "index-pattern:kcing-test", []string{`view/kcing-compare-tests?`, `view/kcing-compare-boots?`}, nil},
	{"panel index", "dashboard:kcing-boots", []string{`\"i\":\"3\"`, `\"i\":\"33\"`}, nil},
	{"layout width", "dashboard:kcing-boots", []string{`\"w\":12,\"x\":36,`, `\"w\":13,\"x\":36,`}, nil},
	{"layout height", "dashboard:kcing-boots", []string{`{\"h\":24,`, `{\"h\":1,`}, nil},
	{"layout overlap", "dashboard:kcing-boots", []string{`\"y\":49}`, `\"y\":48}`}, nil},
	{"layout hole", "dashboard:kcing-boots", []string{`\"y\":49}`, `\"y\":50}`}, nil},
	{rule: "panels", file: func(s string) string { return withPanels(s, "kcing-compare-tests", maxPanels) }},
	{"panel title", "dashboard:kcing-boots",
		[]string{`\"enhancements\":{},\"hidePanelTitles\":true},\"gridData\":{\"h\":5`,
			`\"enhancements\":{}},\"gridData\":{\"h\":5`}, nil},
	{"buckets", "lens:kcing-boots-board-kernel", []string{`"size":30`, `"size":400`}, nil},
	{"menu query", "dashboard:kcing-boot-details", []string{`"id":"kcing-menu-details","name":"1:panel_1"`,
		`"id":"kcing-menu","name":"1:panel_1"`}, nil},
	{"time", "dashboard:kcing-home", []string{`"timeRestore":true`, `"timeRestore":false`}, nil},
	{"control", "dashboard:kcing-home", []string{`\"order\":1,`, `\"order\":0,`}, nil},
	{"control missing", "dashboard:kcing-home", []string{`\"fieldName\":\"git_branch\"`,
		`\"fieldName\":\"git_commit\"`}, nil},
	{"menu", "dashboard:kcing-boots", []string{`\"panelRefName\":\"panel_1\",\"type\":\"links\"`,
		`\"panelRefName\":\"panel_1\",\"type\":\"lens\"`,
		`{"id":"kcing-menu","name":"1:panel_1","type":"links"}`,
		`{"id":"kcing-boots-count","name":"1:panel_1","type":"lens"}`}, nil},
	{"lens layer", "lens:kcing-boots-count", []string{`"layerId":"layer"`, `"layerId":"other"`}, nil},
	{"lens columns", "lens:kcing-boots-failed", []string{`"columnOrder":["count","all"]`, `"columnOrder":["count"]`},
		nil},
	{"lens order", "lens:kcing-boots-trend", []string{`"columnOrder":["time","result-1",`,
		`"columnOrder":["result-1","time",`}, nil},
	{"lens accessor", "lens:kcing-boots-failing-boards", []string{`"sorting":{"columnId":"failed"`,
		`"sorting":{"columnId":"fails"`}, nil},
	{"lens unused column", "lens:kcing-boots-failing-boards", []string{`,{"columnId":"last-pass"}`, ``}, nil},
	{"lens order by", "lens:kcing-boots-failing-boards", []string{`"orderBy":{"columnId":"failed"`,
		`"orderBy":{"columnId":"gone"`}, nil},
	{"lens formula", "lens:kcing-tests-rate-board-kernel", []string{`"formula":"count(kql='result : \"pass\"')`,
		`"formula":"count(kql='result : \"skip\"')`}, nil},
	{"lens formula", "lens:kcing-tests-rate-board-kernel", []string{`"args":["rateX0","rateX1"]`,
		`"args":["rateX1","rateX0"]`}, nil},
	{"enum", "lens:kcing-tests-rate-board-kernel", []string{`"stop":0.5}`, `"stop":0.6}`}, nil},
	{"enum", "lens:kcing-incidents-top", []string{`"colorMode":"cell"`, `"colorMode":"cells"`}, nil},
	{"description", "lens:kcing-boots-count", []string{`"description":"Boots in the time range."`, `"description":" "`},
		nil},
	{"kql", "lens:kcing-boots-time", []string{`boot_time > 0)`, `boot_time > )`}, nil},
	{"kql", "lens:kcing-boots-failed", []string{`boot_result : \"fail\" and`, `boot_result : \"fail and`}, nil},
	{"kql quotes", "lens:kcing-boots-time", []string{`boot_result : \"pass\" and`, `boot_result : pass and`}, nil},
	{"field", "lens:kcing-boots-by-board", []string{`"sourceField":"board"`, `"sourceField":"boards"`}, nil},
	{"field", "search:kcing-boots-list", []string{`"arch",`, `"architecture",`}, nil},
	{"field", "lens:kcing-boots-time", []string{`boot_result : \"pass\"`, `boot_results : \"pass\"`}, nil},
	{"aggregatable", "lens:kcing-boots-by-board", []string{`"sourceField":"board"`, `"sourceField":"error_msg"`}, nil},
	{"sortable", "search:kcing-boots-list", []string{`"sort":[["@timestamp"`, `"sort":[["error_msg"`}, nil},
	{"field type", "lens:kcing-boots-time", []string{`"sourceField":"boot_time"`, `"sourceField":"lab_name"`}, nil},
	{"link format", "index-pattern:kcing-boot", []string{`_a=(query:(language:kuery,query:'board`,
		`_a=(query:(language:lucene,query:'board`}, nil},
	{"link target", "index-pattern:kcing-boot", []string{`dashboards#/view/kcing-board?`,
		`dashboards#/view/kcing-boardz?`}, nil},
	{"link query", "index-pattern:kcing-boot", []string{`query:'board:%22{{value}}%22'`, `query:'board:{{value}}'`},
		nil},
	{"link query", "index-pattern:kcing-test", []string{`query:'test_path:%22{{value}}%22'`,
		`query:'test_path:{{value}}'`}, nil},
	{"link format", "index-pattern:kcing-incident", []string{`query:'{{value}}'`, `query:'({{value}})'`}, nil},
	{"link target", "index-pattern:kcing-incident",
		[]string{`view/kcing-job-log?_g=(time:(from:now-10y,to:now))&_a=(query:(language:kuery,query:'{{`,
			`view/kcing-job-lo?_g=(time:(from:now-10y,to:now))&_a=(query:(language:kuery,query:'{{`}, nil},
	{"link query", "index-pattern:kcing-boot", []string{`query:'board:%22{{value}}%22'`,
		`query:'lab_name:%22{{value}}%22'`}, nil},
	{"empty", "lens:kcing-boots-failed", []string{`boot_result : \"fail\"`, `boot_result : \"FAIL\"`}, nil},
	{"empty column", "search:kcing-boots-list", []string{`"arch",`, `"bootloader",`}, nil},
	{"empty control", "dashboard:kcing-compare-boots", []string{`\"fieldName\":\"lab_name\"`,
		`\"fieldName\":\"runtime\"`}, nil},
	{"shares", "lens:kcing-boots-shares", []string{`boot_result : \"fail\" and`,
		`boot_result : (\"fail\" or \"incomplete\") or`}, nil},
	{"shares", "lens:kcing-tests-shares", []string{`"query":"result : \"pass\""`,
		`"query":"result : (\"pass\" or \"skip\")"`}, nil},
}

// withPanels puts the last panel of a page n more times below it.
func withPanels(ndjson, id string, n int) string {
	lines := strings.SplitAfter(ndjson, "\n")
	i := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, `"id":"`+id+`","managed"`) })
	var o object
	must(json.Unmarshal([]byte(lines[i]), &o.envelope))
	must(o.decode())
	panels := o.dashboard.Panels.value
	last := panels[len(panels)-1]
	for range n {
		before := last.PanelIndex + ":" + last.PanelRefName
		reference := o.References[slices.IndexFunc(o.References, func(r reference) bool { return r.Name == before })]
		last.PanelIndex += "0"
		last.PanelRefName, last.GridData.I = "panel_"+last.PanelIndex, last.PanelIndex
		last.GridData.Y += last.GridData.H
		reference.Name = last.PanelIndex + ":" + last.PanelRefName
		o.References, panels = append(o.References, reference), append(panels, last)
	}
	o.dashboard.Panels.value = panels
	var err error
	o.Attributes, err = canonical(o.dashboard)
	must(err)
	line, err := canonical(o.envelope)
	must(err)
	lines[i] = string(line) + "\n"
	return strings.Join(lines, "")
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// apply breaks the file.
func (x mutant) apply(t *testing.T, ndjson []byte) []byte {
	t.Helper()
	text := string(ndjson)
	if x.file != nil {
		text = x.file(text)
	} else {
		typ, id, _ := strings.Cut(x.object, ":")
		lines := strings.SplitAfter(text, "\n")
		i := slices.IndexFunc(lines, func(line string) bool {
			return strings.Contains(line, `"id":"`+id+`","managed"`) && strings.Contains(line, `"type":"`+typ+`"`)
		})
		if i < 0 {
			t.Fatalf("no object %s", x.object)
		}
		for c := 0; c < len(x.change); c += 2 {
			if !strings.Contains(lines[i], x.change[c]) {
				t.Fatalf("%s does not contain %s: %s", x.object, x.change[c], lines[i])
			}
			lines[i] = strings.Replace(lines[i], x.change[c], x.change[c+1], 1)
		}
		text = strings.Join(lines, "")
	}
	if bytes.Equal([]byte(text), ndjson) {
		t.Fatal("it changes nothing")
	}
	return []byte(text)
}

// TestMutants breaks the file once for each way in which it may go wrong. Just
// the rule that is about it must find it: a rule that others cover could be
// broken without anybody noticing. What panels show is counted only in a file
// that is sound otherwise.
func TestMutants(t *testing.T) {
	ndjson, c, known := shipped(t), load(t), map[string]*object{}
	have := map[string]bool{}
	for _, x := range mutants {
		have[x.rule] = true
		t.Run(strings.TrimSpace(x.rule+" "+x.object), func(t *testing.T) {
			f := checkKnown(x.apply(t, ndjson), known)
			if len(f.findings) == 0 {
				f.checkData(c)
			}
			rules := map[string]string{}
			for _, found := range f.findings {
				rules[found.rule] = found.object + ": " + found.text
			}
			if len(rules) != 1 || rules[x.rule] == "" {
				t.Errorf("found by %v", rules)
			}
		})
	}
	if len(mutants) < 30 {
		t.Errorf("%d mutants", len(mutants))
	}
	for _, rule := range everyRule(t) {
		if !have[rule] {
			t.Errorf("no mutant for the rule %q", rule)
		}
	}
}

// everyRule reads the rules' names from the sources.
func everyRule(t *testing.T) []string {
	t.Helper()
	named := regexp.MustCompile(`(?:\.find\(|rule :?= )"([a-z ]+)"`)
	names, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(source), -1) {
			rules = append(rules, m[1])
		}
	}
	if len(rules) < 30 {
		t.Fatalf("only %d rules found: %q", len(rules), rules)
	}
	return rules
}
