package checker

import (
	"slices"
	"strings"
	"testing"
)

// person looks at the pages as somebody does: rows of lists, and the links in
// them.
type person struct {
	*testing.T
	c *corpus
	f *file
}

// click follows the link of a row's cell to a page and its query. The cell must
// be a column of the list.
func (p person) click(list string, row document, column string) (page *object, kql string) {
	p.Helper()
	o := p.f.byKey["search:"+list]
	view := p.f.byKey["index-pattern:"+o.dataView()]
	template := view.view.FieldFormatMap.value[column].Params.URLTemplate
	id, kql, ok := dashboardLink(fillIn(template, strings.Join(row.values(column), "")))
	if page = p.f.byKey["dashboard:"+id]; !ok || page == nil || !slices.Contains(o.search.Columns, column) {
		p.Fatalf("%s: no link in the column %s: %s", list, column, template)
	}
	return page, kql
}

// rows are those of a list on a page, in the order of the documents.
func (p person) rows(page *object, list, kql string) []document {
	p.Helper()
	if page != nil && !slices.ContainsFunc(page.References, func(r reference) bool { return r.ID == list }) {
		p.Fatalf("%s is not on %s", list, page.ID)
	}
	o := p.f.byKey["search:"+list]
	var rows []document
	for _, i := range p.c.both(o.dataView(), o.search.Meta.SearchSource.value.Query.Query, kql) {
		rows = append(rows, p.c.documents[o.dataView()][i])
	}
	if len(rows) == 0 {
		p.Fatalf("%s is empty for %s", list, kql)
	}
	return rows
}

func first(d document, field string) string { return strings.Join(d.values(field), ",") }

// TestTwoClicks: from a failed boot's row it is two clicks at most to what failed
// by name, the last lines of its log, the same title elsewhere, and the same test
// over kernels.
func TestTwoClicks(t *testing.T) {
	p := person{t, load(t), check(shipped(t))}
	boot := p.rows(p.f.byKey["dashboard:kcing-failures"], "kcing-boots-failed-list",
		`lab_name:"lab-teapot" and git_describe:"v7.0-rc3"`)[0]
	details, kql := p.click("kcing-boots-failed-list", boot, "job_id")

	incidents := p.rows(details, "kcing-boot-incidents-list", kql)
	if title := first(incidents[0], "title"); title != first(boot, "incident") ||
		!strings.Contains(title, "teapot_brew") {
		t.Errorf("the boot's page says %q, its row %q", title, first(boot, "incident"))
	}
	last := 0.0
	for _, line := range p.rows(details, "kcing-job-last-lines", kql) {
		n, _ := line.number("lineno")
		last = max(last, n)
	}
	sort := p.f.byKey["search:kcing-job-last-lines"].search.Sort
	if last < 300 || sort[len(sort)-1] != [2]string{"lineno", "desc"} {
		t.Errorf("the last line is %v, sorted by %q", last, sort)
	}

	different := func(rows []document, field, same string) {
		t.Helper()
		values := map[string]bool{}
		for _, row := range rows {
			values[first(row, field)] = true
			if first(row, same) != first(rows[0], same) {
				t.Errorf("%s %q is among %q", same, first(row, same), first(rows[0], same))
			}
		}
		if len(values) < 2 {
			t.Errorf("%s is %v only", field, values)
		}
	}
	elsewhere, kql2 := p.click("kcing-boot-incidents-list", incidents[0], "title_key")
	different(p.rows(elsewhere, "kcing-incidents-list", kql2), "board", "title")
	for _, test := range p.rows(details, "kcing-boot-tests-list", kql) {
		history, kql2 := p.click("kcing-boot-tests-list", test, "test_path")
		different(p.rows(history, "kcing-test-history-list", kql2), "git_describe", "test_path")
	}
	around, kql2 := p.click("kcing-boot-incidents-list", incidents[0], "log_query")
	lines := p.rows(around, "kcing-job-lines", kql2)
	if !slices.ContainsFunc(lines, func(d document) bool { return strings.Contains(first(d, "msg"), oops.message) }) {
		t.Errorf("%d lines around the oops, and it is not among them", len(lines))
	}
}
