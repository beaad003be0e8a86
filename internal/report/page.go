package report

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/kcing/kcing/mappings"
)

//go:embed page.html
var pageSource string

// Links lead from the page into Kibana. The zero value makes none.
type Links struct {
	Base string // Kibana's address with its space, without a slash at the end
}

// WriteHTML writes the report as one page that loads nothing and runs nothing.
func (r *Report) WriteHTML(w io.Writer, links Links) error {
	page, err := template.New("page").Funcs(template.FuncMap{
		"day":          func(t time.Time) string { return timeText(t, time.DateOnly) },
		"moment":       func(t time.Time) string { return timeText(t, "2006-01-02 15:04") },
		"sign":         sign,
		"few":          func(list []string) string { return strings.Join(fewOf(list, 6), ", ") },
		"kinds":        kindCards,
		"rates":        kindRates,
		"urgent":       urgentCounts,
		"groups":       groupsOf,
		"matrix":       drawMatrix,
		"curves":       drawCurves,
		"incidents":    incidentTables,
		"places":       placeTables,
		"link":         links.change,
		"incidentLink": links.incident,
	}).Parse(pageSource)
	if err != nil {
		return fmt.Errorf("the page's template: %w", err)
	}
	return page.Execute(printable{w}, r)
}

// printable keeps control characters, which a document may hold, from a page.
type printable struct{ io.Writer }

// Write implements [io.Writer].
func (p printable) Write(text []byte) (int, error) {
	return p.Writer.Write(bytes.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ' '
		}
		return r
	}, text))
}

func timeText(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(layout)
}

// sign tells outcomes apart without colour.
func sign(o Outcome) string {
	return map[Outcome]string{Pass: "✓", Fail: "✕", Unstable: "±", Inconclusive: "?", Missing: "·"}[o]
}

func fewOf(list []string, n int) []string {
	if len(list) <= n {
		return list
	}
	return append(slices.Clone(list[:n]), fmt.Sprintf("%d more", len(list)-n))
}

// card is one number of a tree.
type card struct {
	Name, Rate, Change string // Change is empty when one of the kernels has no rate
	Now                Results
}

// kindRates are the cards of builds, boots and tests, in this order.
func kindRates(t Tree) []card {
	rate := func(name string, now, before Results) card {
		c := card{Name: name, Rate: cmp.Or(now.Rate(), "–"), Now: now}
		percent, known := now.PassRate()
		if was, before := before.PassRate(); known && before {
			c.Change = fmt.Sprintf("(%+.1f)", percent-was)
		}
		return c
	}
	return []card{
		rate("Builds", t.Builds, t.PreviousBuilds), rate("Boots", t.Boots, t.PreviousBoots),
		rate("Tests", t.Tests, t.PreviousTests),
	}
}

// kindCards leaves out kinds without results.
func kindCards(t Tree) []card {
	return slices.DeleteFunc(kindRates(t), func(c card) bool { return c.Now.Total() == 0 })
}

// urgent is the number of changes of a kind that the overview shows.
type urgent struct {
	Total int
	Class string // of the page's style
}

func urgentCounts(t Tree) []urgent {
	return []urgent{
		{t.Counts[Regression], "fail"}, {t.Counts[NewFailure], "fail"},
		{t.Counts[StillFailing], "unstable"}, {t.Counts[Fixed], "pass"},
	}
}

// group are the changes of one kind.
type group struct {
	Change      Change
	Total, More int
	Changes     []Difference
}

func groupsOf(t Tree) (groups []group) {
	for _, change := range Changes {
		g := group{Change: change, Total: t.Counts[change]}
		for _, d := range t.Changes {
			if d.Change == change {
				g.Changes = append(g.Changes, d)
			}
		}
		if g.More = g.Total - len(g.Changes); g.Total > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

type incidentTable struct {
	Title     string
	Incidents []Incident
}

// incidentTables are what kernels reported and the errors of jobs, without empty ones.
func incidentTables(found []Incident) []incidentTable {
	tables := []incidentTable{{Title: "Incidents"}, {Title: "Errors of jobs"}}
	for _, i := range found {
		t := &tables[0]
		if i.OfJob() {
			t = &tables[1]
		}
		t.Incidents = append(t.Incidents, i)
	}
	return slices.DeleteFunc(tables, func(t incidentTable) bool { return len(t.Incidents) == 0 })
}

type placeTable struct {
	Title  string
	Places []Place
}

func placeTables(r *Report) []placeTable {
	tables := []placeTable{{"Labs", r.Labs}, {"Boards", r.Boards}}
	return slices.DeleteFunc(tables, func(t placeTable) bool { return len(t.Places) == 0 })
}

// change leads to what the change was made of.
func (l Links) change(d Difference) string {
	page, terms := "kcing-test-history", [][2]string{{"test_path", d.TestPath}}
	switch d.Kind {
	case mappings.Build:
		page, terms = "kcing-builds", nil
	case mappings.Boot:
		page, terms = "kcing-board", nil
	}
	return l.dashboard(page, append(terms, [2]string{"board", d.Board}, [2]string{"defconfig_full", d.Defconfig},
		[2]string{"arch", d.Arch}))
}

func (l Links) incident(i Incident) string {
	return l.dashboard("kcing-incidents", [][2]string{{"title", i.Title}})
}

// dashboard is a page of Kibana with a query in KQL, within the app's state in
// rison, within a URL.
func (l Links) dashboard(id string, terms [][2]string) string {
	if l.Base == "" {
		return ""
	}
	var query []string
	for _, t := range terms {
		if t[1] != "" {
			query = append(query, t[0]+`:"`+strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(t[1])+`"`)
		}
	}
	rison := strings.NewReplacer("!", "!!", "'", "!'").Replace(strings.Join(query, " and "))
	return l.Base + "/app/dashboards#/view/" + id +
		"?_g=(time:(from:now-90d,to:now))&_a=(query:(language:kuery,query:'" +
		strings.ReplaceAll(url.QueryEscape(rison), "+", "%20") + "'))"
}
