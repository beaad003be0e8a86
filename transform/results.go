package transform

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/kcing/kcing/internal/jsontext"
)

// readResults reads all suites of a callback. A suite that cannot be read costs
// only itself and is tagged. ok is false when there were suites and none of
// them could be read. The error is for results that go past a limit.
func (d *Documents) readResults(raw []byte) (ok bool, err error) {
	w, j := &d.work, &d.job
	w.suites = slices.AppendSeq(w.suites, jsontext.Members(raw))
	w.suites = lastOfEach(w.suites, w.index)
	bad := 0
	for _, f := range w.suites {
		name := string(f.Name)
		if !d.readSuite(name, f.Raw) {
			bad++
			d.tag("_yamlerror:results." + name)
		}
		if len(j.cases) > MaxDocuments {
			return false, refuse("too_many_documents", "results", fmt.Sprintf("more than %d rows", MaxDocuments))
		}
	}
	return len(w.suites) == 0 || bad < len(w.suites), nil
}

func (d *Documents) readSuite(name string, raw []byte) bool {
	var text string
	if raw[0] == '"' {
		text = d.work.stringText(raw)
	} else { // a list that is JSON already is YAML as it stands
		text = string(raw)
	}
	n := len(d.job.cases)
	ok := d.strictSuite(name, text)
	if !ok {
		d.job.cases = d.job.cases[:n]
		ok = d.slowSuite(name, text)
	}
	for i := range d.job.cases[n:] {
		if c := &d.job.cases[n+i]; !c.present[rowSuite] {
			c.values[rowSuite] = cmp.Or(name, lavaSuite)
		}
	}
	return ok
}

// strictSuite reads a suite as PyYAML writes it; false: in another form.
func (d *Documents) strictSuite(suite, text string) bool {
	var c testCase
	under, unclear := "", false
	y := strictYAML{text: text, pair: func(level int, key string, v scalar) {
		if level == 1 && key == "metadata" { // of two the last one counts
			c.set, c.errorType, c.errorMsg = "", "", ""
		}
		switch {
		case level == 1 && v == collection:
			under = key
			unclear = unclear || slices.Contains(rowNames[:], key)
		case level == 1:
			if i := slices.Index(rowNames[:], key); i >= 0 {
				c.values[i], c.present[i] = v.text(), !v.null()
			}
		case level == 2 && under == "metadata":
			switch key {
			case "error_type":
				unclear = unclear || v == collection
				c.errorType = v.text()
			case "error_msg":
				unclear = unclear || v == collection
				c.errorMsg = redactMessage(v.text())
			case "set":
				if c.set = ""; v != collection {
					c.set = v.text()
				}
			}
		}
	}}
	for i := 0; i < len(text) && len(d.job.cases) <= MaxDocuments; {
		if !y.at(i, "- ") {
			return false
		}
		c = testCase{}
		const indent = len("- ")
		if i = y.mappingFrom(i+indent, indent, 1); i < 0 || unclear {
			return false
		}
		c.under = suite
		if !c.isJob() {
			c.errorType, c.errorMsg = "", ""
		}
		d.job.cases = append(d.job.cases, c)
	}
	return text != ""
}

// slowSuite reads a suite through the YAML library.
func (d *Documents) slowSuite(name, text string) bool {
	root, err := d.work.yaml.parse([]byte(text))
	if err != nil || root.Kind != yaml.SequenceNode {
		return false
	}
	if d.work.yaml.more {
		d.tag("_yamlerror:results." + name) // as after a line of ---
	}
	for i, row := range root.Content {
		if len(d.job.cases) > MaxDocuments {
			break
		}
		row = d.work.yaml.visit(row)
		if row == nil || row.Kind != yaml.MappingNode {
			d.tag("_yamlerror:results." + name + "." + strconv.Itoa(i))
			continue
		}
		d.job.cases = append(d.job.cases, d.work.yaml.testCase(name, row))
	}
	return true
}

func (y *yamlReader) testCase(suite string, row *yaml.Node) testCase {
	c := testCase{under: suite}
	for i, key := range rowNames {
		if v := y.child(row, key); v != nil {
			c.values[i], c.present[i] = y.text(v), true
		}
	}
	meta := y.child(row, "metadata")
	if c.isJob() {
		c.errorType = y.text(y.child(meta, "error_type"))
		c.errorMsg = redactMessage(y.text(y.child(meta, "error_msg")))
	}
	c.set = y.scalarText(meta, "set")
	return c
}
