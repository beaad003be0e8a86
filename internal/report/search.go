package report

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/internal/oneline"
	"github.com/kcing/kcing/mappings"
)

// Elasticsearch sends requests; a client of go-elasticsearch is one.
type Elasticsearch = elastic.Transport

// Fields by the names under which both kcings have them as terms.
const (
	fieldTree     = "job.keyword"
	fieldBranch   = "git_branch.keyword"
	fieldKernel   = "git_describe.keyword"
	fieldVersion  = "kernel.keyword"
	fieldLab      = "lab_name.keyword"
	fieldBoard    = "board.keyword"
	fieldArch     = "arch.keyword"
	fieldConfig   = "defconfig_full.keyword"
	fieldCompiler = "build_environment.keyword"
	fieldError    = "error_type.keyword"
	fieldStatus   = "lava_status.keyword"
	fieldIncident = "incident.keyword"
	fieldPath     = "test_path.keyword"
	fieldSuite    = "suite.keyword"
	fieldName     = "name.keyword"
)

const (
	// keepAlive is how long Elasticsearch keeps a point in time after a request.
	keepAlive = "2m"
	// pageSize is how many buckets a request asks for: some megabytes of answer.
	pageSize = 10_000
)

// snapshot reads the indices of a prefix as they were at one moment.
type snapshot struct {
	es  Elasticsearch
	pit map[string]string // by kind of document
}

// Kinds of documents that a report reads.
var kinds = []string{mappings.Build, mappings.Boot, mappings.Test, mappings.Incident}

// open takes the snapshot. Its error is the one line that a person needs.
func open(ctx context.Context, es Elasticsearch, prefix string) (*snapshot, error) {
	s := &snapshot{es: es, pit: map[string]string{}}
	for _, kind := range kinds {
		// Days begin with a digit: other people's boot-loader-stats is no index of ours.
		index, yes := prefix+kind+"-2*.*.*", true
		answer, err := s.call(ctx, "reading "+index, esapi.OpenPointInTimeRequest{
			Index: []string{index}, KeepAlive: keepAlive, IgnoreUnavailable: &yes,
		})
		if err != nil {
			s.close(ctx)
			return nil, err
		}
		s.pit[kind] = gjson.GetBytes(answer, "id").String()
	}
	return s, nil
}

// close lets Elasticsearch forget the snapshot. What fails is forgotten by
// itself after keepAlive.
func (s *snapshot) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for _, id := range s.pit {
		body, _ := json.Marshal(object{"id": id}) // a text cannot fail
		_, _ = s.call(ctx, "closing", esapi.ClosePointInTimeRequest{Body: bytes.NewReader(body)})
	}
}

type object = map[string]any

func terms(field string, values ...string) object { return object{"terms": object{field: values}} }

func all(filters ...any) object { return object{"bool": object{"filter": filters}} }

func anyOf(clauses []any) object {
	return object{"bool": object{"should": clauses, "minimum_should_match": 1}}
}

// equal finds documents whose field has this text; with "" those without it.
func equal(field, text string) any {
	if text == "" {
		return object{"bool": object{"must_not": object{"exists": object{"field": field}}}}
	}
	return object{"term": object{field: text}}
}

func exists(field string) object { return object{"exists": object{"field": field}} }

func between(since, until time.Time) object {
	const layout = "2006-01-02T15:04:05.000Z"
	return object{"range": object{"@timestamp": object{
		"gte": since.UTC().Format(layout), "lte": until.UTC().Format(layout),
	}}}
}

// bucket is a combination of values that documents have.
type bucket struct {
	key         []string // in the order of the fields, "" where there is none
	count       int64
	first, last time.Time // of the documents' record times, where they were asked for
	inWindow    int64     // of count, where a window was asked for
}

// ending reads it from three values of the key, which begin at i.
func (b bucket) ending(i int) ending { return ending{b.key[i], b.key[i+1], b.key[i+2]} }

// question is a walk over the combinations of some fields' values.
type question struct {
	kind   string
	query  []any    // filters
	fields []string // dayField among them is a day in milliseconds since 1970
	times  bool     // first and last are wanted
	window []any    // filters of bucket.inWindow; nil: not wanted
}

// groups calls f for every combination of the first n fields, with all its
// buckets. f must not keep the slice.
func (s *snapshot) groups(ctx context.Context, q question, n int, f func([]bucket)) error {
	var group []bucket
	err := s.each(ctx, q, func(b bucket) {
		if len(group) > 0 && !slices.Equal(group[0].key[:n], b.key[:n]) {
			f(group)
			group = group[:0]
		}
		group = append(group, b)
	})
	if err == nil && len(group) > 0 {
		f(group)
	}
	return err
}

// each calls f for every combination, sorted by the fields in their order.
func (s *snapshot) each(ctx context.Context, q question, f func(bucket)) error {
	var after json.RawMessage
	for {
		body, err := json.Marshal(s.page(q, after))
		if err != nil {
			return fmt.Errorf("a query: %w", err)
		}
		answer, err := s.call(ctx, "reading the "+q.kind+" documents", esapi.SearchRequest{Body: bytes.NewReader(body)})
		if err != nil {
			return err
		}
		if id := gjson.GetBytes(answer, "pit_id").String(); id != "" {
			s.pit[q.kind] = id
		}
		page := gjson.GetBytes(answer, "aggregations.all")
		buckets := page.Get("buckets").Array()
		for _, b := range buckets {
			f(readBucket(b, len(q.fields)))
		}
		if len(buckets) < pageSize || !page.Get("after_key").Exists() {
			return nil
		}
		after = json.RawMessage(page.Get("after_key").Raw)
	}
}

func (s *snapshot) page(q question, after json.RawMessage) object {
	sources := make([]any, len(q.fields))
	for i, field := range q.fields {
		name := fmt.Sprintf("%02d", i)
		if field == dayField {
			sources[i] = object{name: object{"date_histogram": object{"field": field, "calendar_interval": "day"}}}
			continue
		}
		sources[i] = object{name: object{"terms": object{"field": field, "missing_bucket": true}}}
	}
	composite := object{"size": pageSize, "sources": sources}
	if after != nil {
		composite["after"] = after
	}
	aggs := object{}
	if q.times {
		aggs["first"] = object{"min": object{"field": "@timestamp"}}
		aggs["last"] = object{"max": object{"field": "@timestamp"}}
	}
	if q.window != nil {
		aggs["window"] = object{"filter": all(q.window...)}
	}
	return object{
		"size": 0, "track_total_hits": false, "query": object{"bool": object{"filter": q.query, "must_not": retried}},
		"pit":  object{"id": s.pit[q.kind], "keep_alive": keepAlive},
		"aggs": object{"all": object{"composite": composite, "aggs": aggs}},
	}
}

// retried are attempts at a job or build that another one took the place of: none
// of the boots and builds that there were.
var retried = object{"term": object{"retried": true}}

// dayField is the day of the record time when it stands among a question's fields.
const dayField = "@timestamp"

func readBucket(b gjson.Result, fields int) bucket {
	out := bucket{key: make([]string, 0, fields), count: b.Get("doc_count").Int()}
	b.Get("key").ForEach(func(_, value gjson.Result) bool {
		out.key = append(out.key, strings.Clone(value.String())) // not the whole answer
		return true
	})
	for len(out.key) < fields {
		out.key = append(out.key, "")
	}
	moment := func(name string) time.Time {
		if v := b.Get(name + ".value"); v.Type == gjson.Number {
			return time.UnixMilli(v.Int()).UTC()
		}
		return time.Time{}
	}
	out.first, out.last = moment("first"), moment("last")
	out.inWindow = b.Get("window.doc_count").Int()
	return out
}

// call sends a request. An answer in part is an error as well.
func (s *snapshot) call(ctx context.Context, op string, r esapi.Request) ([]byte, error) {
	body, err := elastic.Do(ctx, s.es, op, r)
	var refused *elastic.Error
	switch {
	case errors.As(err, &refused):
		return nil, fmt.Errorf("%s: %s", op, refusal(refused))
	case err != nil:
		return nil, err
	case gjson.GetBytes(body, "_shards.failed").Int() > 0:
		why := oneline.Of(gjson.GetBytes(body, "_shards.failures.0.reason.reason").String())
		return nil, fmt.Errorf("%s: some shards did not answer: %s", op, cmp.Or(why, "no reason given"))
	case gjson.GetBytes(body, "timed_out").Bool():
		return nil, fmt.Errorf("%s: Elasticsearch took too long and answered in part", op)
	}
	return body, nil
}

// refusal is what whoever asked for the report can do about it. A search that
// fails on a shard has its words there, and "all shards failed" above them.
func refusal(e *elastic.Error) string {
	switch e.Status {
	case http.StatusUnauthorized:
		return "the credentials are refused (401): check ES_API_KEY, or ES_USERNAME and ES_PASSWORD"
	case http.StatusForbidden:
		return "not allowed (403): the role needs the privilege read on these indices"
	}
	return fmt.Sprintf("Elasticsearch answered %d: %s", e.Status, cmp.Or(e.Root, e.Reason, "no reason given"))
}
