package checker

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// TestPanelsOnElasticsearch runs each panel, control and link on a real
// Elasticsearch that kcing's own pipeline filled, and holds the numbers to those
// counted in the documents.
func TestPanelsOnElasticsearch(t *testing.T) {
	s, c, f := feed(t), load(t), check(shipped(t))
	t.Run("documents", func(t *testing.T) { s.everyDocument(t, c) })
	t.Run("charts", func(t *testing.T) { s.charts(t, c, f) })
	t.Run("lists", func(t *testing.T) { s.lists(t, c, f) })
	t.Run("controls", func(t *testing.T) { s.controls(t, c, f) })
	t.Run("links", func(t *testing.T) { s.links(t, c, f) })
	t.Run("old names", s.oldNames)
	t.Run("wrong number", func(t *testing.T) { s.wrongNumber(t, c, f) })
}

func (s *server) everyDocument(t *testing.T, c *corpus) {
	var asks []ask
	for view, documents := range c.documents {
		asks = append(asks, ask{view, view, m{"size": 0, "track_total_hits": true, "query": queryOf(t)},
			func(a answer) {
				if a.Hits.Total.Value != len(documents) {
					t.Errorf("%s: %d documents, want %d", view, a.Hits.Total.Value, len(documents))
				}
			}})
	}
	s.searchAll(t, asks)
}

// chart compares a chart, restricted by query as well.
func (s *server) chart(t *testing.T, c *corpus, o *object, query string, report func(difference string)) ask {
	l := o.lens.onlyLayer()
	body := m{"size": 0, "track_total_hits": true, "query": queryOf(t, o.lens.State.Query.Query, query)}
	if aggs := l.aggregations(); len(aggs) > 0 {
		body["aggs"] = aggs
	}
	return ask{strings.TrimSpace(o.key() + " " + query), o.dataView(), body, func(a answer) {
		report(differ(l.rows(t, a.Hits.Total.Value, a.Aggregations, l.ColumnOrder, nil), c.rows(o, query)))
	}}
}

func (s *server) charts(t *testing.T, c *corpus, f *file) {
	var asks []ask
	for _, o := range f.objects {
		if o.lens == nil {
			continue
		}
		asks = append(asks, s.chart(t, c, o, "", func(difference string) {
			if difference != "" {
				t.Errorf("%s: %s", o.ID, difference)
			}
		}))
	}
	s.searchAll(t, asks)
}

// list compares a list: how many rows there are, in their order, and that its
// columns come.
func (s *server) list(t *testing.T, c *corpus, o *object, query string) ask {
	source := o.search.Meta.SearchSource.value
	sort := []any{}
	for _, by := range o.search.Sort {
		sort = append(sort, m{by[0]: m{"order": by[1], "unmapped_type": "boolean"}})
	}
	fields := []any{m{"field": "*", "include_unmapped": "true"}} // as Discover asks: an alias must come with it
	rows := 3
	if query == "" {
		rows = 50
	}
	body := m{"size": rows, "track_total_hits": true, "_source": false, "fields": fields, "sort": sort,
		"query": queryOf(t, source.Query.Query, query)}
	view := o.dataView()
	return ask{strings.TrimSpace(o.key() + " " + query), view, body, func(a answer) {
		want := c.both(view, source.Query.Query, query)
		if a.Hits.Total.Value != len(want) {
			t.Errorf("%s %s: %d rows, want %d", o.ID, query, a.Hits.Total.Value, len(want))
		}
		s.columns(t, c, o, a, want)
	}}
}

// columns compares the texts of the first rows' cells.
func (s *server) columns(t *testing.T, c *corpus, o *object, a answer, want []int) {
	view := o.dataView()
	byID := map[string]document{}
	for _, i := range want {
		byID[c.documents[view][i].id] = c.documents[view][i]
	}
	for _, hit := range a.Hits.Hits {
		d, ok := byID[hit.ID]
		if !ok {
			t.Errorf("%s: the row %s should not be there", o.ID, hit.ID)
			return
		}
		for _, column := range o.search.Columns {
			if typesOf[view][column] != "keyword" {
				continue // numbers and dates come in another form
			}
			got := []string{}
			for _, v := range hit.Fields[column] {
				got = append(got, fmt.Sprint(v))
			}
			if want := d.values(column); !slices.Equal(got, want) && len(got)+len(want) > 0 {
				t.Errorf("%s: row %s: %s is %q, want %q", o.ID, hit.ID, column, got, want)
				return
			}
		}
	}
}

func (s *server) lists(t *testing.T, c *corpus, f *file) {
	var asks []ask
	for _, o := range f.objects {
		if o.search != nil {
			asks = append(asks, s.list(t, c, o, ""))
		}
	}
	s.searchAll(t, asks)
}

// controls asks for each control's choices, and puts the first into every panel
// of its page.
func (s *server) controls(t *testing.T, c *corpus, f *file) {
	var asks []ask
	done := map[string]bool{} // pages share panels
	for _, o := range f.objects {
		if o.dashboard == nil {
			continue
		}
		for _, id := range slices.Sorted(maps.Keys(o.dashboard.ControlGroup.Panels.value)) {
			view, field := o.controlView(id), o.dashboard.ControlGroup.Panels.value[id].ExplicitInput.FieldName
			want := c.choices(view, field)
			body := m{"size": 0, "query": queryOf(t), "aggs": m{"choices": m{"terms": m{"field": field, "size": 1000,
				"shard_size": 5000}}}}
			asks = append(asks, ask{o.ID + " " + id, view, body, func(a answer) {
				var choices struct {
					Buckets []struct {
						Key      string
						DocCount int `json:"doc_count"`
					}
				}
				decode(t, a.Aggregations["choices"], &choices)
				if len(choices.Buckets) != min(len(want), 1000) || len(want) == 0 {
					t.Errorf("%s %s: %d choices, want %d", o.ID, field, len(choices.Buckets), len(want))
				}
				for _, b := range choices.Buckets {
					if want[b.Key] != b.DocCount {
						t.Errorf("%s %s: %s %d times, want %d", o.ID, field, b.Key, b.DocCount, want[b.Key])
					}
				}
			}})
			asks = append(asks, s.page(t, c, f, o, field+` : "`+most(want)+`"`, done)...)
		}
	}
	s.searchAll(t, asks)
}

// choices are a field's values and how many documents have each.
func (c *corpus) choices(view, field string) map[string]int {
	n := map[string]int{}
	for _, values := range c.column(view, field) {
		for _, v := range slices.Compact(slices.Sorted(slices.Values(values))) {
			n[v]++
		}
	}
	return n
}

// most is the value that most documents have.
func most(choices map[string]int) string {
	best := ""
	for _, v := range slices.Sorted(maps.Keys(choices)) {
		if choices[v] > choices[best] {
			best = v
		}
	}
	return best
}

// page asks for every panel of a page with a query for the page.
func (s *server) page(t *testing.T, c *corpus, f *file, o *object, query string, done map[string]bool) []ask {
	var asks []ask
	for _, r := range o.References {
		p := f.byKey[r.Type+":"+r.ID]
		if done[r.ID+" "+query] {
			continue
		}
		done[r.ID+" "+query] = true
		switch {
		case p.lens != nil:
			asks = append(asks, s.chart(t, c, p, query, func(difference string) {
				if difference != "" {
					t.Errorf("%s with %s: %s", p.ID, query, difference)
				}
			}))
		case p.search != nil:
			asks = append(asks, s.list(t, c, p, query))
		}
	}
	return asks
}

// links follows the links of rows: the URL is taken apart again, its page's
// panels are asked, and those of the row's own data view have exactly the
// documents with the row's value.
func (s *server) links(t *testing.T, c *corpus, f *file) {
	const rowsOfEach = 3
	var asks []ask
	done := map[string]bool{}
	for _, o := range f.objects {
		if o.view == nil {
			continue
		}
		for field, format := range o.view.FieldFormatMap.value {
			values := slices.Sorted(maps.Keys(c.choices(o.ID, field)))
			for i := range min(rowsOfEach, len(values)) {
				value := values[i*len(values)/rowsOfEach]
				id, kql, ok := dashboardLink(fillIn(format.Params.URLTemplate, value))
				page := f.byKey["dashboard:"+id]
				if !ok || page == nil {
					continue // not one of our pages: checkLinks says so if it should be
				}
				asks = append(asks, s.page(t, c, f, page, kql, done)...)
				want := map[string]bool{}
				for i, values := range c.column(o.ID, field) {
					if slices.Contains(values, value) {
						want[c.documents[o.ID][i].id] = true
					}
				}
				asks = append(asks, ask{o.ID + " " + field, o.ID,
					m{"size": 10_000, "track_total_hits": true, "_source": false, "query": queryOf(t, kql)},
					func(a answer) {
						for _, hit := range a.Hits.Hits {
							if !want[hit.ID] {
								t.Errorf("%s %s: %s finds %s too", o.ID, field, kql, hit.ID)
							}
						}
						if a.Hits.Total.Value != len(want) {
							t.Errorf("%s %s: %s finds %d documents, want %d", o.ID, field, kql, a.Hits.Total.Value,
								len(want))
						}
					}})
			}
		}
	}
	if len(asks) == 0 {
		t.Error("no link was followed")
	}
	s.searchAll(t, asks)
}
