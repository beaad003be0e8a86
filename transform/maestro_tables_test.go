package transform

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tables are those of docs/maestro.md by the first cell of their heads: rows of cells.
func tables(t *testing.T) map[string][][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", "maestro.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][][]string{}
	head := ""
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !strings.HasPrefix(line, "|"):
			head = ""
		case head == "":
			head = cells[0]
		case !strings.HasPrefix(cells[0], "--"):
			all[head] = append(all[head], cells)
		}
	}
	return all
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

func quotedNames(cell string) (all []string) {
	for _, m := range codeSpan.FindAllStringSubmatch(cell, -1) {
		all = append(all, m[1])
	}
	return all
}

// kindsOf are the kinds of documents that a cell of the table is about.
func kindsOf(cell string) []string {
	if _, in, ok := strings.Cut(cell, "("); ok {
		return strings.Split(strings.TrimSuffix(in, ")"), ", ")
	}
	return []string{DocBoot, DocTest, DocLog}
}

// set puts a value to a dotted path.
func set(m map[string]any, path string, v any) {
	name, rest, more := strings.Cut(path, ".")
	if !more {
		m[name] = v
		return
	}
	in, ok := m[name].(map[string]any)
	if !ok {
		in = map[string]any{}
		m[name] = in
	}
	set(in, rest, v)
}

// mark is a value by which one field of a node is known again in the documents.
func markOf(field string) any {
	switch field {
	case "retry_counter":
		return 7
	case "created", "updated":
		return "2026-03-04T05:06:07.008000"
	case "result":
		return "skip"
	case "id":
		return "feedfeedfeedfeedfeedfeed"
	case "path":
		return []any{"checkout", "kbuild-gcc-14-arm64", "baseline", "marked", "case"}
	case "data.compiler":
		return "zcc-77"
	case "data.fragments":
		return []any{"marked-fragment"}
	}
	if strings.HasPrefix(field, "artifacts.") {
		return "https://files.example.org/marked/" + field
	}
	return "marked-" + field
}

// related reports whether a document's value comes from a node's: one holds the other.
func related(doc, mark any) bool {
	text := func(v any) string {
		s := strings.ToLower(fmt.Sprint(v))
		return strings.NewReplacer("[", "", "]", "", " ", "/", "t", "/").Replace(s) // lists; times with T or blank
	}
	d, m := text(doc), text(mark)
	if len(d) > 19 && strings.HasPrefix(m, d[:19]) && d[4] == '-' {
		return true // a time: to the second
	}
	return d != "" && (strings.Contains(d, m) || strings.Contains(m, d))
}

// checkRow holds one row of a table: with the node's field changed the documents'
// fields change, to what it says.
func checkRow(t *testing.T, field string, fields, kinds []string, base, changed []maestroDoc) {
	t.Helper()
	mark := markOf(field)
	for _, name := range fields {
		found := false
		for i, doc := range changed {
			kind, _ := doc["_kind"].(string)
			if !slices.Contains(kinds, kind) {
				continue
			}
			found = true
			if !related(doc[name], mark) || fmt.Sprint(doc[name]) == fmt.Sprint(base[i][name]) {
				t.Errorf("%s → %s of %s: %v, before %v", field, name, kind, doc[name], base[i][name])
			}
		}
		if !found {
			t.Errorf("%s → %s: no document of %q", field, name, kinds)
		}
	}
}

// The tables of docs/maestro.md are true, and name every field.
func TestMaestroTables(t *testing.T) {
	all := tables(t)
	if len(all["node"]) < 30 || len(all["test node"]) < 8 {
		t.Fatalf("the tables are not there: %v", all)
	}
	build := func(field string) []maestroDoc {
		r := maestroRecord(t, "kbuild")
		if field != "" {
			set(r, field, markOf(field))
		}
		docs, _ := maestroDocs(t, r, Options{})
		return docs
	}
	job := func(field, below string) []maestroDoc {
		r := maestroRecord(t, "job-lava-logs")
		node, tests := r["node"].(map[string]any), r["tests"].([]any)
		if field != "" {
			set(node, field, markOf(field))
		} else if below == "" {
			set(node, "data.error_msg", "x")
			set(node, "data.error_code", "Job")
		}
		if below != "" {
			set(tests[1].(map[string]any), below, markOf(below))
		}
		docs, _ := maestroDocs(t, r, Options{})
		return docs
	}
	said := map[string]map[string]bool{DocBuild: {}, DocBoot: {}, DocTest: {}, DocLog: {}}
	say := func(kinds, fields []string) {
		for _, kind := range kinds {
			for _, f := range fields {
				said[kind][f] = true
			}
		}
	}
	baseBuild, baseJob := build(""), job("", "")
	for _, row := range all["node"] {
		field := quotedNames(row[0])[0]
		if fields := quotedNames(row[1]); len(fields) > 0 {
			say([]string{DocBuild}, fields)
			checkRow(t, field, fields, []string{DocBuild}, baseBuild, build(field))
		}
		if fields := quotedNames(row[2]); len(fields) > 0 {
			say(kindsOf(row[2]), fields)
			checkRow(t, field, fields, kindsOf(row[2]), baseJob, job(field, ""))
		}
	}
	plain := job("result", "") // without an error of the job's own
	for _, row := range all["test node"] {
		field, fields := quotedNames(row[0])[0], quotedNames(row[1])
		say([]string{DocTest}, fields)
		checkRow(t, field, fields, []string{DocTest}, plain, job("", field))
	}
	say([]string{DocBuild, DocBoot, DocTest, DocLog}, []string{"_kind", "_id", "build_key"})
	say([]string{DocBoot, DocTest, DocLog}, []string{"boot_key"})
	say([]string{DocTest}, []string{"test_key", "test_path"})
	say([]string{DocLog}, []string{"dt", "lvl", "msg", "lineno"})
	say([]string{DocBoot}, []string{"incident", "incidents"}) // of the log: docs/incidents.md
	for _, doc := range append(baseBuild, baseJob...) {
		if doc["_kind"] == DocIncident {
			continue
		}
		for name := range doc {
			if !said[doc["_kind"].(string)][name] {
				t.Errorf("docs/maestro.md says nothing of %s in %s", name, doc["_kind"])
			}
		}
	}
}
