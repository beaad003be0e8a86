package mappings

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/estest"
)

// oldFields are the fields that the templates and dashboards of the original
// kcing had as text with a .keyword. Each has a value as the pipeline writes it.
func oldFields() map[string]map[string]string {
	common := "arch board boot_result build_environment defconfig_full endian git_branch git_commit git_describe " +
		"job kernel lab_name"
	fields := map[string]string{
		Build: "arch build_environment build_log build_platform build_result compiler compiler_version " +
			"compiler_version_full" +
			" cross_compile defconfig defconfig_full file_server_resource git_branch git_commit git_describe " +
			"git_describe_v git_url" +
			" host job kernel_config modules system_map text_offset",
		Boot: common + " boot_log boot_log_html boot_result_description boot_time defconfig dtb dtb_addr dtb_url " +
			"file_server_resource" +
			" git_url host initrd initrd_addr kernel_image loadaddr mach tags version",
		Test: common + " boot_time id job_id level log_end_line log_start_line logged measurement name result suite " +
			"unit",
		Log: common + " boot_time job_id lineno lvl msg",
	}
	special := map[string]string{
		"boot_time": "23.9400000000", "measurement": "0.0900000000", "lineno": "12", "log_start_line": "3",
		"log_end_line": "4",
		"logged":       "2020-10-23 15:04:52.285", "msg": "U-Boot", "boot_result_description": "panic",
	}
	out := map[string]map[string]string{}
	for kind, names := range fields {
		out[kind] = map[string]string{}
		for name := range strings.FieldsSeq(names) {
			out[kind][name] = name + "-Value,1:x"
			if value, ok := special[name]; ok {
				out[kind][name] = value
			}
		}
	}
	return out
}

type capability struct {
	Type         string `json:"type"`
	Searchable   bool   `json:"searchable"`
	Aggregatable bool   `json:"aggregatable"`
}

// Whatever worked on X and X.keyword before works now.
func TestOldFieldNames(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	actions(t, es, InstallOptions{Prefix: prefix})
	for kind, values := range oldFields() {
		index := IndexName(prefix, kind, november10)
		doc, err := json.Marshal(values)
		if err != nil {
			t.Fatal(err)
		}
		if refusal := es.index(t, index, "1", string(doc)); refusal != "" {
			t.Fatal(refusal)
		}
		var caps struct {
			Fields map[string]map[string]capability `json:"fields"`
		}
		if err := json.Unmarshal(es.mustDo(t, "GET", "/"+index+"/_field_caps?fields=*", ""), &caps); err != nil {
			t.Fatal(err)
		}
		for _, x := range slices.Sorted(maps.Keys(values)) {
			for _, name := range []string{x, x + ".keyword"} {
				for _, c := range caps.Fields[name] {
					isText := c.Type == "text" // msg itself never could be aggregated
					if !c.Searchable || c.Aggregatable == isText || isText && name != x {
						t.Errorf("%s: %s has %+v", kind, name, c)
					}
				}
				if len(caps.Fields[name]) != 1 {
					t.Errorf("%s: %s has %d types", kind, name, len(caps.Fields[name]))
					continue
				}
				checkOldField(t, es, index, name, values[x], caps.Fields[name]["text"].Type == "text")
			}
		}
	}
}

func checkOldField(t *testing.T, es client, index, name, value string, isText bool) {
	t.Helper()
	query := object{"term": object{name: value}}
	if isText {
		query = object{"match": object{name: value}}
	}
	body := object{"query": query, "fields": []string{name}}
	if !isText {
		body["aggs"] = object{"a": object{"terms": object{"field": name}}}
	}
	got := es.search(t, index, body)
	if got.Hits.Total.Value != 1 {
		t.Errorf("%s: %s: %d hits for %q", index, name, got.Hits.Total.Value, value)
		return
	}
	if !isText && len(got.Aggregations["a"].Buckets) != 1 {
		t.Errorf("%s: %s: terms %v", index, name, got.Aggregations["a"])
	}
	if len(got.Hits.Hits[0].Fields[name]) != 1 || len(got.Hits.Hits[0].Ignored) != 0 {
		t.Errorf("%s: %s: fields %v, ignored %v", index, name, got.Hits.Hits[0].Fields, got.Hits.Hits[0].Ignored)
	}
}

// Text beside numbers neither refuses a document nor disturbs the numbers.
func TestNumbersBesideNone(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	actions(t, es, InstallOptions{Prefix: prefix})
	index := IndexName(prefix, Test, november10)
	for i, value := range []string{`"None"`, `"21.3900000000"`, `"0E-10"`, `0.61`, `"NaN"`, `""`, `null`, `true`,
		`{"a":1}`, `1e400`, `"1e999999999"`} {
		doc := fmt.Sprintf(`{"measurement":%s,"boot_time":%s,"log_start_line":%s}`, value, value, value)
		if refusal := es.index(t, index, fmt.Sprint(i), doc); refusal != "" {
			t.Errorf("%s: %s", value, refusal)
		}
	}
	sum := func(field string) object { return object{"sum": object{"field": field}} }
	got := es.search(t, index, object{
		"query": object{"range": object{"measurement": object{"gte": 0}}},
		"aggs": object{"m": sum("measurement"), "b": sum("boot_time"),
			"n": object{"value_count": object{"field": "measurement"}}},
	})
	if m, b, n := got.Aggregations["m"].Value, got.Aggregations["b"].Value, got.Aggregations["n"].Value; m != 22 ||
		b != 22 || n != 3 {
		t.Errorf("sums %v and %v of %v values", m, b, n)
	}
	got = es.search(t, index, object{"query": object{"term": object{"measurement.keyword": "None"}}})
	if got.Hits.Total.Value != 1 || got.Hits.Hits[0].ID != "0" {
		t.Errorf("None is not found: %+v", got.Hits)
	}
}

func TestDates(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	actions(t, es, InstallOptions{Prefix: prefix})
	index := IndexName(prefix, Test, november10)
	f := func(value, want string) {
		t.Helper()
		if refusal := es.index(t, index, "1", fmt.Sprintf(`{"logged":%s,"@timestamp":%s}`, value,
			value)); refusal != "" {
			t.Errorf("%s: %s", value, refusal)
			return
		}
		got := es.search(t, index, object{"docvalue_fields": []object{{"field": "logged",
			"format": "strict_date_time"}}})
		text := ""
		if values := got.Hits.Hits[0].Fields["logged"]; len(values) == 1 {
			text = fmt.Sprint(values[0])
		}
		if text != want || (want == "") != (len(got.Hits.Hits[0].Ignored) == 2) {
			t.Errorf("%s: got %q, want %q; ignored %v", value, text, want, got.Hits.Hits[0].Ignored)
		}
	}
	f(`"2020-11-04 16:46:26.466"`, "2020-11-04T16:46:26.466Z")
	f(`"2020-11-04 16:46:26"`, "2020-11-04T16:46:26.000Z")
	f(`"2020-11-04 16:46:26.466005"`, "2020-11-04T16:46:26.466Z")
	f(`"2020-11-04 16:46:26.466005+00:00"`, "2020-11-04T16:46:26.466Z")
	f(`"2020-11-04 16:46:26+02:00"`, "2020-11-04T14:46:26.000Z")
	f(`"2020-11-04T16:44:33.748"`, "2020-11-04T16:44:33.748Z")
	f(`"2020-11-04T16:44:33.748077"`, "2020-11-04T16:44:33.748Z")
	f(`"2020-11-04T16:46:26.466Z"`, "2020-11-04T16:46:26.466Z")
	f(`1556000000000`, "2019-04-23T06:13:20.000Z")
	f(`"None"`, "")
	f(`""`, "")
	f(`true`, "")
	f(`"2020-11-04 25:46:26"`, "")
}

// Later build.json files call the result status; one name finds both.
func TestBuildStatusIsFoundAsResult(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	if _, err := Install(t.Context(), es, InstallOptions{Prefix: prefix}); err != nil {
		t.Fatal(err)
	}
	index := prefix + "build-2026.01.02"
	for id, doc := range map[string]string{"1": `{"status":"PASS"}`, "2": `{"build_result":"FAIL"}`} {
		if refusal := es.index(t, index, id, doc); refusal != "" {
			t.Fatal(refusal)
		}
	}
	answer := es.search(t, index, object{"size": 0,
		"aggs": object{"results": object{"terms": object{"field": "build_result.keyword"}}}})
	if n := len(answer.Aggregations["results"].Buckets); n != 2 {
		t.Errorf("%d results, want FAIL and PASS", n)
	}
}
