package checker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"

	"github.com/kcing/kcing/internal/estest"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
)

func TestMain(m *testing.M) { os.Exit(estest.Main(m)) }

// ledger forgets everything: each run feeds all records.
type ledger struct{}

func (ledger) Lookup(_ context.Context, keys []state.Key) ([]state.Entry, error) {
	return make([]state.Entry, len(keys)), nil
}
func (ledger) Begin(_ context.Context, rs []state.Begun) ([]state.Begun, error) {
	return make([]state.Begun, len(rs)), nil
}
func (ledger) KeysOfNodes(_ context.Context, nodes []string) ([]state.Key, error) {
	return make([]state.Key, len(nodes)), nil
}
func (ledger) ReceivedAll(context.Context, []state.Receipt) error { return nil }
func (ledger) Commit(context.Context, state.Batch) error          { return nil }

type m = map[string]any

// server is an Elasticsearch with the documents of load in it.
type server struct {
	*elasticsearch.BaseClient
	prefix string
}

func feed(t *testing.T) *server {
	t.Helper()
	url := estest.Shared(t)
	client, err := elasticsearch.NewBaseClient(elasticsearch.Config{Addresses: []string{url}})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{client, estest.Prefix(t, url)}
	if _, err := mappings.Install(t.Context(), client, mappings.InstallOptions{Prefix: s.prefix}); err != nil {
		t.Fatal(err)
	}
	config := pipeline.Config{Ledger: ledger{}, Now: func() time.Time { return receipt },
		ES: pipeline.Elasticsearch{Transport: client, Prefix: s.prefix}}
	if _, err := pipeline.Run(t.Context(), recordSource{}, config); err != nil {
		t.Fatal(err)
	}
	s.do(t, "/"+s.prefix+"*/_refresh", "", nil)
	return s
}

func (s *server) do(t *testing.T, path, body string, answer any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := s.Perform(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end
	data, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s: %s %v: %.500s\n%.500s", path, response.Status, err, data, body)
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(data, answer); err != nil {
		t.Fatalf("%s: %v: %.200s", path, err, data)
	}
}

// index is the pattern of a data view's indices.
func (s *server) index(view string) string {
	var patterns []string
	for _, kind := range kinds[view] {
		patterns = append(patterns, s.prefix+kind+"-*")
	}
	return strings.Join(patterns, ",")
}

// answer is that of a search.
type answer struct {
	Status int
	Error  json.RawMessage
	Hits   struct {
		Total struct{ Value int }
		Hits  []struct {
			ID     string `json:"_id"`
			Fields map[string][]any
		}
	}
	Aggregations map[string]json.RawMessage
}

// ask is one search of many.
type ask struct {
	what, view string
	body       m
	judge      func(answer)
}

// searchAll runs searches, some dozens a request.
func (s *server) searchAll(t *testing.T, asks []ask) {
	t.Helper()
	for some := range slices.Chunk(asks, 40) {
		var body bytes.Buffer
		for _, a := range some {
			for _, line := range []any{m{"index": s.index(a.view)}, a.body} {
				data, err := canonical(line)
				if err != nil {
					t.Fatal(err)
				}
				body.Write(append(data, '\n'))
			}
		}
		var answers struct{ Responses []answer }
		s.do(t, "/_msearch?max_concurrent_searches=2", body.String(), &answers)
		if len(answers.Responses) != len(some) {
			t.Fatalf("%d answers to %d searches", len(answers.Responses), len(some))
		}
		for i, a := range some {
			if r := answers.Responses[i]; r.Status != 200 {
				t.Errorf("%s: %d %s", a.what, r.Status, r.Error)
			} else {
				a.judge(r)
			}
		}
	}
}

// queryOf puts KQL texts and a time range that holds all documents together, as
// a page does.
func queryOf(t *testing.T, texts ...string) m {
	t.Helper()
	filters := []any{m{"range": m{"@timestamp": m{
		"gte": receipt.AddDate(0, 0, -7).Format(time.RFC3339), "lte": receipt.Format(time.RFC3339),
		"format": "strict_date_optional_time",
	}}}}
	for _, text := range texts {
		if strings.TrimSpace(text) == "" {
			continue
		}
		n, err := parseKQL(text)
		if err != nil {
			t.Fatal(err)
		}
		filters = append(filters, n.dsl())
	}
	return m{"bool": m{"filter": filters}}
}

// aggregations are a chart's columns as Kibana asks for them: buckets within
// buckets, and in each the metrics that it is ordered by or shows.
func (l layer) aggregations() m {
	var build func(columns []string) m
	build = func(columns []string) m {
		aggs := m{}
		for _, id := range l.ColumnOrder {
			if c := l.Columns[id]; !c.IsBucketed {
				maps.Copy(aggs, c.aggregation(id))
			}
		}
		id := columns[0]
		c := l.Columns[id]
		switch c.OperationType {
		case "terms":
			order := []any{m{"_key": "asc"}}
			if by := c.terms.OrderBy; by.Type == "column" {
				order = []any{m{l.Columns[by.ColumnID].path(by.ColumnID): "desc"}, m{"_key": "asc"}}
			}
			aggs[id] = m{"terms": m{"field": c.SourceField, "size": c.terms.Size, "order": order},
				"aggs": build(columns[1:])}
		case "date_histogram":
			aggs[id] = m{"date_histogram": m{"field": c.SourceField,
				"fixed_interval": fmt.Sprintf("%dh", histogramHours), "min_doc_count": 1}, "aggs": build(columns[1:])}
		}
		return aggs
	}
	return build(l.ColumnOrder)
}

// aggregation computes a metric; a count without a filter is that of the bucket.
func (c column) aggregation(id string) m {
	var metric m
	switch c.OperationType {
	case "average":
		metric = m{"avg": m{"field": c.SourceField}}
	case "unique_count":
		metric = m{"cardinality": m{"field": c.SourceField}}
	case "min", "max":
		metric = m{c.OperationType: m{"field": c.SourceField}}
	}
	if c.Filter == nil {
		if metric == nil {
			return m{}
		}
		return m{id: metric}
	}
	n, err := parseKQL(c.Filter.Query)
	if err != nil {
		panic(err)
	}
	filter := m{"filter": n.dsl()}
	if metric != nil {
		filter["aggs"] = m{"metric": metric}
	}
	return m{id: filter}
}

// path is what buckets are ordered by, in Kibana's words.
func (c column) path(id string) string {
	switch {
	case c.OperationType == "count" && c.Filter == nil:
		return "_count"
	case c.OperationType != "count" && c.Filter != nil:
		return id + ">metric"
	}
	return id
}

// rows reads what Elasticsearch answered into the form of corpus.rows.
func (l layer) rows(t *testing.T, count int, aggregations map[string]json.RawMessage, columns, keys []string) []row {
	t.Helper()
	id := columns[0]
	if !l.Columns[id].IsBucketed {
		r := row{slices.Clone(keys), map[string]float64{}}
		for _, id := range columns {
			c := l.Columns[id]
			if len(c.References) > 0 {
				continue
			}
			if c.OperationType == "count" && c.Filter == nil {
				r.metrics[id] = float64(count)
				continue
			}
			var a struct {
				DocCount float64 `json:"doc_count"`
				Value    *float64
				Metric   struct{ Value *float64 }
			}
			decode(t, aggregations[id], &a)
			switch {
			case c.OperationType == "count":
				r.metrics[id] = a.DocCount
			case a.Value != nil:
				r.metrics[id] = *a.Value
			case a.Metric.Value != nil:
				r.metrics[id] = *a.Metric.Value
			}
		}
		for _, id := range columns {
			if len(l.Columns[id].References) == 0 {
				continue
			}
			if v, ok := l.computed(id, func(id string) (float64, bool) { return r.metrics[id], true }); ok {
				r.metrics[id] = v
			}
		}
		return []row{r}
	}
	var bucketed struct{ Buckets []map[string]json.RawMessage }
	decode(t, aggregations[id], &bucketed)
	var rows []row
	for _, bucket := range bucketed.Buckets {
		var count int
		var key any
		decode(t, bucket["doc_count"], &count)
		decode(t, bucket["key"], &key)
		name, ok := key.(string)
		if n, number := key.(float64); number {
			name, ok = strconv.FormatFloat(n, 'f', 0, 64), true
		}
		if !ok {
			t.Fatalf("a bucket's key is %v", key)
		}
		rows = append(rows, l.rows(t, count, bucket, columns[1:], append(keys, name))...)
	}
	return rows
}

func decode(t *testing.T, data json.RawMessage, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%v: %.200s", err, data)
	}
}

// differ names the first difference between two charts' data, "" for none.
// Averages may differ in their last digits: sums are made in another order.
func differ(got, want []row) string {
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) {
			return fmt.Sprintf("%d rows, want %d", len(got), len(want))
		}
		g, w := got[i], want[i]
		if !slices.Equal(g.keys, w.keys) {
			return fmt.Sprintf("row %d is %q, want %q", i, g.keys, w.keys)
		}
		for id := range w.metrics {
			if diff := math.Abs(g.metrics[id] - w.metrics[id]); diff > 1e-9*math.Abs(w.metrics[id]) {
				return fmt.Sprintf("row %q: %s is %v, want %v", g.keys, id, g.metrics[id], w.metrics[id])
			}
		}
		if len(g.metrics) != len(w.metrics) {
			return fmt.Sprintf("row %q: %v, want %v", g.keys, g.metrics, w.metrics)
		}
	}
	return ""
}
