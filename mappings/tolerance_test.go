package mappings

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/estest"
)

// fieldValues are put into a keyword, a number, a date, a text and a field that
// nobody knows, one after the other into the same index.
func fieldValues() []string {
	wide := strings.Repeat("\u20ac", 20000) // 60000 bytes, Lucene's limit is 32766
	return []string{
		`"x"`, `1`, `-1.5`, `true`, `null`, `""`, `" "`, `"None"`, `{}`, `[]`, `[null]`, `{"a":1}`,
		`{"a":{"b":["x",2]}}`,
		`[1,"x",true,1.5,null,[2]]`, `["x",1]`, `[true,1]`, `[1,0.5]`, `[{"a":1},{"a":"x"},{"a":{"b":1}}]`,
		`[[{"c":1}],"x"]`,
		`12345678901234567890`, strings.Repeat("9", 900), `1e400`, `1e99999999`, `"1e999999999"`, `-0`, `"NaN"`,
		`"Infinity"`,
		`"` + strings.Repeat("x", 40000) + `"`, `"` + wide + `"`, `["` + wide + `","y"]`, `{"b":"` + wide + `"}`,
		`"\u0000\u001b[0m"`, `"\ud83d\ude80"`, `"2020-01-01"`, `"292278995-01-01T00:00:00"`, `{"$oid":"5c"}`,
		`{"$date":1556000000000}`,
		`{"a.b":1,"a":{"b":"x"}}`, `{"":1}`, `{" ":1}`, `{"_id":"x","_source":{"a":1}}`,
		strings.Repeat(`[`, 100) + strings.Repeat(`]`, 100),
		strings.Repeat(`{"d":`, 500) + `1` + strings.Repeat(`}`, 500),
	}
}

func TestStrangeValuesAreAccepted(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	actions(t, es, InstallOptions{Prefix: prefix})
	forth := fieldValues()
	back := slices.Clone(forth)
	slices.Reverse(back)
	f := func(kind, name string, values []string) {
		t.Helper()
		var body strings.Builder
		for _, value := range values {
			fmt.Fprintf(&body, "{\"index\":{}}\n{%q:%s}\n", name, value)
		}
		for i, refusal := range es.bulk(t, IndexName(prefix, kind, november10), body.String()) {
			if refusal != "" {
				t.Errorf("%s: %s: %.80s: %.300s", kind, name, values[i], refusal)
			}
		}
	}
	for kind, names := range map[string]string{
		Build: "arch warnings created_on error_msg", Boot: "boot_time", Test: "logged @timestamp", Log: "msg dt",
	} {
		for name := range strings.FieldsSeq(names) {
			f(kind, name, forth)
		}
	}
	// The first value decides how an unknown field is mapped.
	f(Build, "unheard_of", forth)
	f(Build, "unheard_of_2", back)
	f(Log, "dotted.name", forth)
	// So it does inside one document.
	for i, value := range []string{`[1,"x"]`, `["x",1]`, `[1,0.5]`, `[0.5,1]`, `[true,1]`, `[0.5,"x",true]`,
		`[{"a":1},{"a":"x"}]`} {
		f(Boot, fmt.Sprintf("mixed_%d", i), []string{value})
	}
}

func TestStrangeDocumentsAreAccepted(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	actions(t, es, InstallOptions{Prefix: prefix})
	index := IndexName(prefix, Build, november10)
	many := func(name, value string) string {
		var doc strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&doc, `,"%s%d":%s`, name, i, value)
		}
		return "{" + doc.String()[1:] + "}"
	}
	for _, doc := range []string{
		`{}`, `{"_id":{"$oid":"5c"}}`, `{"_id":{}}`, `{"_id":[{"$oid":"5c"}]}`, `{"_id.$oid":"5c"}`,
		`{"_source":{"a":1}}`,
		`{"a.":1}`, `{".a":1}`, `{"a..b":1}`, `{".":1}`, `{"x":{"":1}}`, `{"a\u0000b":1}`, `{"\ud83d\ude80":"x"}`,
		`{"` + strings.Repeat("n", 40000) + `":"x"}`, `{"` + strings.Repeat("m", 40000) + `":1}`,
		many("f", `1`), many("s", `"x"`), many("o", `{"a":[{"b":1}]}`), // over the limit of fields an index may have
		`{"after_the_limit":"x"}`, `{"after_the_limit_2":[1,"x"]}`, `{"arch":"arm64","after_the_limit":{"a":1}}`,
	} {
		if refusal := es.index(t, index, "1", doc); refusal != "" {
			t.Errorf("%.80s: %.300s", doc, refusal)
		}
	}
	// Our own fields are not among those left out.
	if got := es.search(t, index, object{"query": object{"term": object{"arch.keyword": "arm64"}}}); got.Hits.Total.Value != 1 {
		t.Errorf("arch is not found beside too many fields: %+v", got.Hits)
	}
}

// The list in templates.go of what no mapping helps with: when Elasticsearch
// becomes more lenient, the list can become shorter.
func TestWhatIsRefused(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	actions(t, es, InstallOptions{Prefix: prefix})
	index := IndexName(prefix, Build, november10)
	for _, doc := range []string{
		`{"":1}`, `{" ":1}`, `{"\t":null}`,
		`{"_id":"5c"}`, `{"_id":null}`, `{"_id":["x"]}`, `{"_source":1}`, `{"_index":"x"}`, `{"_routing":"x"}`,
		`{"_version":1}`,
		`{"_seq_no":1}`, `{"_field_names":"x"}`, `{"_ignored":"x"}`, `{"_doc_count":"x"}`,
		`{"arch.keyword":"x"}`, `{"arch":{"keyword":"x"}}`,
		`{"arch":"a","arch":"b"}`, `{"arch":` + strings.Repeat("9", 1001) + `}`,
		strings.Repeat(`{"d":`, 1001) + `1` + strings.Repeat(`}`, 1001),
	} {
		if refusal := es.index(t, index, "1", doc); refusal == "" {
			t.Errorf("%.80s is accepted now", doc)
		}
	}
}
