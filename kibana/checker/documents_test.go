package checker

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/synthetic"
	"github.com/kcing/kcing/transform"
)

// receipt is when the records were accepted.
var receipt = time.Date(2026, 3, 20, 8, 0, 0, 0, time.UTC)

// records are what the pages are tried on: few, but enough that no panel is
// empty. KCING_KIBANA_RECORDS=2500 tries what make demo feeds.
func records(yield func(synthetic.Record) bool) {
	size := 250
	if n, err := strconv.Atoi(os.Getenv("KCING_KIBANA_RECORDS")); err == nil {
		size = n
	}
	for r := range synthetic.Records(synthetic.Options{Size: size, Seed: 1, Now: receipt.Truncate(24 * time.Hour)}) {
		if !yield(r) {
			return
		}
	}
	crashes(yield)
}

// recordSource feeds the records to the pipeline.
type recordSource struct{}

func (recordSource) Run(ctx context.Context, emit source.Emit) error {
	var err error
	for r := range records {
		if err = emit(ctx, source.Record{Name: r.Name, Kind: r.Kind, Payload: r.Payload,
			Size: int64(len(r.Payload))}); err != nil {
			break
		}
	}
	return err
}

// document is one document as it was indexed.
type document struct {
	id     string
	fields map[string]any
}

// corpus is all documents by data view, and what has been found in them: panels
// ask the same again and again.
type corpus struct {
	documents map[string][]document
	columns   map[[2]string][][]string // by view and field
	matches   map[[2]string][]bool     // by view and parsed query
	parsed    map[string]node
}

func newCorpus() *corpus {
	return &corpus{documents: map[string][]document{}, columns: map[[2]string][][]string{},
		matches: map[[2]string][]bool{}, parsed: map[string]node{}}
}

var loaded struct {
	once sync.Once
	*corpus
}

// load makes the documents from the records, with no Elasticsearch between: what
// is counted in them is counted independently of it.
func load(t testing.TB) *corpus {
	t.Helper()
	loaded.once.Do(func() {
		c := newCorpus()
		var documents transform.Documents
		for r := range records {
			var record transform.Record
			if err := record.Parse(r.Payload, transform.Options{Kind: transform.Kind(r.Kind)}); err != nil {
				t.Errorf("%s: %v", r.Name, err)
				continue
			}
			if err := record.Documents(&documents, receipt); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
			for d := range documents.All() {
				var fields map[string]any
				if err := json.Unmarshal(d.Source, &fields); err != nil {
					t.Errorf("%s: %v", r.Name, err)
				}
				view := "kcing-" + d.Kind
				c.documents[view] = append(c.documents[view], document{string(d.ID), fields})
			}
		}
		for view, all := range kinds {
			if len(all) == 1 {
				continue
			}
			for _, kind := range all {
				c.documents[view] = append(c.documents[view], c.documents["kcing-"+kind]...)
			}
		}
		loaded.corpus = c
	})
	if loaded.corpus == nil {
		t.Fatal("there are no documents")
	}
	return loaded.corpus
}

// values are a field's values in a document as texts. It knows of the index
// templates what counts here: X.keyword is X, and a build's status is its result
// too.
func (d document) values(field string) []string {
	field = strings.TrimSuffix(field, ".keyword")
	var all []string
	add := func(v any) {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case float64:
			all = append(all, strconv.FormatFloat(v, 'f', -1, 64))
		case bool:
			all = append(all, strconv.FormatBool(v))
		}
	}
	names := []string{field}
	if field == "build_result" {
		names = append(names, "status")
	}
	for _, name := range names {
		if list, ok := d.fields[name].([]any); ok {
			for _, v := range list {
				add(v)
			}
			continue
		}
		add(d.fields[name])
	}
	return all
}

// number is a field as a number: milliseconds since 1970 for a date.
func (d document) number(field string) (float64, bool) {
	values := d.values(field)
	if len(values) == 0 {
		return 0, false
	}
	if field == "@timestamp" {
		at, err := time.Parse("2006-01-02T15:04:05.000Z", values[0])
		return float64(at.UnixMilli()), err == nil
	}
	n, err := strconv.ParseFloat(values[0], 64)
	return n, err == nil
}

// words cuts a text as Elasticsearch's standard analyzer does, as far as our
// queries tell: letters and digits, held together by _ and, between two of them,
// by a full stop.
func words(text string) []string {
	runes := []rune(strings.ToLower(text))
	part := func(i int) bool {
		if i < 0 || i >= len(runes) {
			return false
		}
		return unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]) || runes[i] == '_'
	}
	var all []string
	var word []rune
	for i, r := range runes {
		switch {
		case part(i), r == '.' && part(i-1) && part(i+1):
			word = append(word, r)
		case word != nil:
			all, word = append(all, string(word)), nil
		}
	}
	if word != nil {
		all = append(all, string(word))
	}
	return all
}

func phrase(text, wanted string) bool {
	want := words(wanted)
	// Most texts do not have even one of the words: do not cut them all.
	if len(want) == 0 || !strings.Contains(strings.ToLower(text), want[0]) {
		return false
	}
	got := words(text)
	for i := range len(got) - len(want) + 1 {
		if slices.Equal(got[i:i+len(want)], want) {
			return true
		}
	}
	return false
}

// column is a field's values in each document.
func (c *corpus) column(view, field string) [][]string {
	key := [2]string{view, field}
	if c.columns[key] == nil {
		column := make([][]string, len(c.documents[view]))
		for i, d := range c.documents[view] {
			column[i] = d.values(field)
		}
		c.columns[key] = column
	}
	return c.columns[key]
}

// matching tells for each document of a view whether a parsed query finds it.
func (c *corpus) matching(view string, n node) []bool {
	key := [2]string{view, n.String()}
	if c.matches[key] != nil {
		return c.matches[key]
	}
	found := make([]bool, len(c.documents[view]))
	var operands [][]bool
	for _, child := range n.children {
		operands = append(operands, c.matching(view, child))
	}
	var column [][]string
	if operands == nil {
		column = c.column(view, n.field)
	}
	for i := range found {
		switch n.op {
		case "and":
			found[i] = !slices.ContainsFunc(operands, func(o []bool) bool { return !o[i] })
		case "or":
			found[i] = slices.ContainsFunc(operands, func(o []bool) bool { return o[i] })
		case "not":
			found[i] = !operands[0][i]
		default:
			found[i] = n.holds(typesOf[view][n.field], column[i])
		}
	}
	c.matches[key] = found
	return found
}

// yesterday is now-1d; no record is so young that it matters when that is.
var yesterday = time.Now().UTC().AddDate(0, 0, -1).Format(time.RFC3339)

// holds reports whether a field's values are what the query asks for.
func (n node) holds(typ string, values []string) bool {
	number := typ == "long" || typ == "double"
	switch {
	case n.op == "<" && n.value == "now-1d":
		return len(values) > 0 && values[0] < yesterday
	case n.op != "is":
		limit, err := strconv.ParseFloat(n.value, 64)
		return err == nil && slices.ContainsFunc(values, func(text string) bool {
			v, err := strconv.ParseFloat(text, 64)
			return err == nil && map[string]bool{"<": v < limit, "<=": v <= limit, ">": v > limit,
				">=": v >= limit}[n.op]
		})
	case n.value == "*" && !n.quoted && number:
		// others are ignored
		return slices.ContainsFunc(values, func(v string) bool {
			_,
				err := strconv.ParseFloat(v, 64)
			return err == nil
		})
	case n.value == "*" && !n.quoted:
		return len(values) > 0
	case typ == "text":
		return slices.ContainsFunc(values, func(v string) bool { return phrase(v, n.value) })
	}
	return slices.Contains(values, n.value)
}

// find tells for each document of a view whether it is found by a query.
func (c *corpus) find(view, query string) []bool {
	n, known := c.parsed[query]
	if !known {
		n, _ = parseKQL(query) // the rule kql is about those that do not parse
		c.parsed[query] = n
	}
	if n.op == "" {
		return slices.Repeat([]bool{strings.TrimSpace(query) == ""}, len(c.documents[view]))
	}
	return c.matching(view, n)
}

// both are the numbers of the documents that all queries find.
func (c *corpus) both(view string, queries ...string) []int {
	var found [][]bool
	for _, q := range queries {
		found = append(found, c.find(view, q))
	}
	var all []int
	for i := range c.documents[view] {
		if !slices.ContainsFunc(found, func(f []bool) bool { return !f[i] }) {
			all = append(all, i)
		}
	}
	return all
}
