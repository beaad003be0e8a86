package checker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// oldNames are the fields that the first kcing's dashboards aggregate and filter
// by, in the kinds where their data is.
var oldNames = map[string][]string{
	"kcing-build": {"job", "git_branch", "git_describe", "defconfig_full", "arch", "build_environment", "git_url",
		"kernel_config", "build_result"},
	"kcing-boot": {"job", "git_branch", "git_describe", "defconfig_full", "arch", "build_environment", "lab_name",
		"mach", "board", "boot_result", "boot_time"},
	"kcing-test": {"lab_name", "board", "job_id", "suite", "name", "result"},
	"kcing-log":  {"lvl"},
}

// oldNames finds X.keyword in _field_caps, in terms aggregations and in filters.
func (s *server) oldNames(t *testing.T) {
	var asks []ask
	for view, fields := range oldNames {
		var caps struct {
			Fields map[string]map[string]struct{ Searchable, Aggregatable bool }
		}
		s.do(t, "/"+s.index(view)+"/_field_caps?fields=*", "", &caps)
		for _, field := range fields {
			field += ".keyword"
			types := caps.Fields[field]
			if keyword := types["keyword"]; len(types) != 1 || !keyword.Searchable || !keyword.Aggregatable {
				t.Errorf("%s: _field_caps of %s: %v", view, field, types)
			}
			body := m{"size": 0, "track_total_hits": true, "query": m{"exists": m{"field": field}},
				"aggs": m{"old": m{"terms": m{"field": field, "size": 5}}}}
			asks = append(asks, ask{field, view, body, func(a answer) { s.filterByOldName(t, view, field, a) }})
		}
	}
	s.searchAll(t, asks)
}

func (s *server) filterByOldName(t *testing.T, view, field string, a answer) {
	var terms struct {
		Buckets []struct {
			Key      any
			DocCount int `json:"doc_count"`
		}
	}
	decode(t, a.Aggregations["old"], &terms)
	if a.Hits.Total.Value == 0 || len(terms.Buckets) == 0 {
		t.Errorf("%s: %s is in %d documents, %d buckets", view, field, a.Hits.Total.Value, len(terms.Buckets))
		return
	}
	var asks []ask
	first := terms.Buckets[0]
	for _, query := range []m{{"term": m{field: first.Key}}, {"match_phrase": m{field: first.Key}},
		{"match": m{field: first.Key}}} {
		asks = append(asks, ask{fmt.Sprint(query), view, m{"size": 0, "track_total_hits": true, "query": query},
			func(a answer) {
				if a.Hits.Total.Value != first.DocCount {
					t.Errorf("%s: %v finds %d documents, the bucket has %d", view, query, a.Hits.Total.Value,
						first.DocCount)
				}
			}})
	}
	s.searchAll(t, asks)
}

// wrongNumber drops a document from what is counted here: the comparison with
// Elasticsearch must find every chart that shows it.
func (s *server) wrongNumber(t *testing.T, c *corpus, f *file) {
	short := newCorpus()
	for view, documents := range c.documents {
		short.documents[view] = slices.Clone(documents)
	}
	for view, query := range map[string]string{
		"kcing-boot": `boot_result : "fail"`, "kcing-results": `boot_result : "fail" and not test_path : *`,
		"kcing-incident": `fatal : "false" and not incident_type : "job" and not provoked : "true"`,
	} {
		gone := c.both(view, query+` and git_describe : "v7.0-rc3"`)[0]
		short.documents[view] = slices.Delete(short.documents[view], gone, gone+1)
	}
	var asks []ask
	for _, id := range []string{"kcing-boots-count", "kcing-boots-failed", "kcing-boots-shares", "kcing-boots-trend",
		"kcing-boots-failing-boards",
		"kcing-boots-rate-config-kernel", "kcing-trees", "kcing-incidents-top", "kcing-incidents-title-kernel"} {
		o := f.byKey["lens:"+id]
		if o == nil {
			t.Fatalf("no chart %s", id)
		}
		asks = append(asks, s.chart(t, short, o, "", func(difference string) {
			if difference == "" || strings.Contains(difference, "%!") {
				t.Errorf("%s: a document less is not seen: %q", id, difference)
			}
		}))
	}
	s.searchAll(t, asks)
}
