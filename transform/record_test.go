package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var testReceived = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Detect says what a payload is by its fields alone.
func Detect(payload []byte) (Kind, error) {
	var r Record
	err := r.Parse(payload, Options{})
	if r.Kind != "" {
		err = nil // known for what it is, whatever else is wrong with it
	}
	return r.Kind, err
}

func TestDetect(t *testing.T) {
	f := func(payload string, want Kind) {
		t.Helper()
		if got, err := Detect([]byte(payload)); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", payload, got, err, want)
		}
	}
	f(`{"build_result":"PASS","job":"x"}`, KindBuild)
	f(`{"status":"PASS","build_environment":"gcc-12"}`, KindBuild)
	f(`{"kernel_image":null}`, KindBuild)
	f(`{"build_result":"PASS","boot_result":null,"board":null}`, KindBuild)
	f(`{"defconfig":"x","test_cases":null,"resource_uri":null,"requested_device_type":null}`, KindBuild)
	f(`{"definition":"x","results":{},"log":"","boot_result":null,"requested_device_type":null}`, KindLAVA)
	f(`{"defconfig":"x","arch":"arm"}`, KindBuild)
	f(`{"revision":{},"build":{},"environment":{},"kernel":{}}`, KindBuild)
	f(`{"boot_result":"PASS","build_environment":"gcc-12","defconfig_full":"x"}`, KindBoot)
	f(`{"boot_time":"1","board":"x"}`, KindBoot)
	f(`{"board":"x","lab_name":"y","defconfig_full":"z"}`, KindBoot)
	f(`{"board":"x","version":"1","build_id":"7","tests":"3"}`, KindBoot)
	f(`{"id":1,"definition":"x","results":{"a":"[]"},"log":"[]"}`, KindLAVA)
	// Not whole, but known for what they are; Parse says what is missing.
	f(`{"definition":"x","actual_device_id":"y"}`, KindLAVA)
	f(`{"actual_device_id":"y","log":null}`, KindLAVA)
	f(`{"results":{},"log":""}`, KindLAVA)

	g := func(payload, wantType string) {
		t.Helper()
		var refused *RefusedError
		if kind, err := Detect([]byte(payload)); !errors.As(err, &refused) || refused.Type != wantType || kind != "" {
			t.Errorf("%s: got %q, %v, want %s", payload, kind, err, wantType)
		}
	}
	g(`{}`, "unknown_kind")
	g(`{"hello":"world"}`, "unknown_kind")
	g(`{"results":{}}`, "unknown_kind")
	g(`{`, "not_json")
	g(`[]`, "unknown_kind")
	g(`1`, "not_an_object")
	g(`{"lab_name":"y"}`, "unknown_kind")
	g(`{"lab_name":"y","defconfig":"x"}`, "unknown_kind")
	if _, err := Detect([]byte(" \n")); !errors.Is(err, ErrBlank) {
		t.Errorf("blank: %v", err)
	}
}

// TestSaidKind: a record that is plainly of another kind than its sender says is
// refused; one that could be anything is what he says.
func TestSaidKind(t *testing.T) {
	const boot = `{"id":"b","board":"x","lab_name":"l","boot_result":"PASS","defconfig":"d","build_platform":["x"]}`
	const build = `{"id":"u","defconfig":"d","build_result":"PASS"}`
	plain := map[Kind]string{KindBuild: build, KindBoot: boot, KindLAVA: string(callbackJSON())}
	for is, payload := range plain {
		for _, said := range []Kind{KindBuild, KindBoot, KindLAVA} {
			var r Record
			err := r.Parse([]byte(payload), Options{Kind: said, Lab: "l"})
			if said != is {
				refusedAs(t, err, "unknown_kind", "no "+string(said)+", as its sender says: it looks like "+withArticle[is])
			} else if err != nil {
				t.Errorf("%s said to be %s: %v", is, said, err)
			}
		}
	}
	for _, said := range []Kind{KindBuild, KindBoot} {
		var r Record
		err := r.Parse([]byte(`{"id":"x","job":"next","definition":null,"results":null}`), Options{Kind: said})
		if err != nil || r.Kind != said {
			t.Errorf("said to be %s: %s, %v", said, r.Kind, err)
		}
	}
}

// TestForeign: what is somebody else's is said to be that, whatever it is taken
// for by who sends it.
func TestForeign(t *testing.T) {
	f := func(payload, looks string) {
		t.Helper()
		for _, kind := range []Kind{"", KindBuild, KindBoot, KindLAVA} {
			var r Record
			refusedAs(t, r.Parse([]byte(payload), Options{Kind: kind}), "unknown_kind", looks)
		}
	}
	const facts = `"job":"j","kernel":"k","defconfig":"d","lab_name":"l","board":"b",`
	f(`{`+facts+`"name":"n","test_cases":[{"name":"c","status":"PASS"}]}`, "test group")
	f(`{`+facts+`"sub_groups":[]}`, "test group")
	f(`{`+facts+`"test_group_id":"5f","status":"PASS"}`, "test group")
	f(`{"version":{"major":5,"minor":3},"builds":[{"id":"o:1"}]}`, "KCIDB submission")
	f(`{"checkouts":[],"tests":[]}`, "KCIDB submission")
	f(`{"id":"o:1","origin":"o","checkout_id":"o:2","architecture":"arm","config_name":"d"}`, "object of a KCIDB")
	f(`{"count":1,"next":null,"previous":null,"results":[{"id":7}]}`, "LAVA's REST")
	f(`{"id":7,"definition":"x","requested_device_type":"q","state":"Finished","health":"Complete"}`, "LAVA's REST")
	f(`{"id":3,"resource_uri":"http://l/api/v0.2/jobs/1/suites/2/tests/3/","name":"n","result":"pass"}`, "LAVA's REST")
	f(`{"items":[],"total":0,"limit":50,"offset":0}`, "Maestro's API")
	f(`{"detail":"Not found."}`, "error of a REST API")
	f(`[{"build_result":"PASS"}]`, "array")
}

// callbackJSON is a small whole callback, changed as the arguments say: a name,
// its JSON value, and so on; an empty value leaves the field out.
func callbackJSON(changes ...string) []byte {
	fields := []string{
		"id", `1`, "status", `2`, "results", `{"lava":"- {name: job, result: pass}\n"}`,
		"log", `"- {\"dt\": \"2026-11-20T07:00:01.123456\", \"lvl\": \"info\", \"msg\": \"y\"}\n"`, "definition",
		`"metadata: {}\n"`,
	}
	for i := 0; i < len(changes); i += 2 {
		found := false
		for j := 0; j < len(fields); j += 2 {
			if fields[j] == changes[i] {
				fields[j+1], found = changes[i+1], true
			}
		}
		if !found {
			fields = append(fields, changes[i], changes[i+1])
		}
	}
	var b bytes.Buffer
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] != "" {
			fmt.Fprintf(&b, `,%q:%s`, fields[i], fields[i+1])
		}
	}
	return append(append([]byte("{"), b.Bytes()[1:]...), '}')
}

// made reads a record and makes its documents.
func made(payload []byte, o Options) (*Record, *Documents, error) {
	var r Record
	var d Documents
	if o.OtherLab == "" {
		o.OtherLab = "lab-a"
	}
	err := r.Parse(payload, o)
	if err == nil {
		err = r.Documents(&d, testReceived)
	}
	return &r, &d, err
}

// sources are the documents' sources, by kind.
func sources(t testing.TB, d *Documents) map[string][]map[string]any {
	t.Helper()
	out := map[string][]map[string]any{}
	for doc := range d.All() {
		var m map[string]any
		if err := json.Unmarshal(doc.Source, &m); err != nil {
			t.Fatalf("%v: %s", err, doc.Source)
		}
		out[doc.Kind] = append(out[doc.Kind], m)
	}
	return out
}

func TestRefused(t *testing.T) {
	f := func(payload []byte, wantType, wantField, wantHelp string) {
		t.Helper()
		_, d, err := made(payload, Options{Kind: KindLAVA})
		var refused *RefusedError
		if !errors.As(err, &refused) {
			t.Errorf("%.200s: %v", payload, err)
			return
		}
		if refused.Type != wantType || refused.Field != wantField || !strings.Contains(refused.Detail, wantHelp) {
			t.Errorf("%.200s: got %q of field %q: %q", payload, refused.Type, refused.Field, refused.Detail)
		}
		if wantField != "" && !strings.HasPrefix(err.Error(), wantField+": ") {
			t.Errorf("%q does not begin with the field", err)
		}
		if d.Len() != 0 {
			t.Errorf("%.200s: refused, with %d documents", payload, d.Len())
		}
	}
	for _, missing := range []string{``, `null`, `""`, `{}`, `[]`} {
		f(callbackJSON("id", missing), "no_id", "id", "number")
		f(callbackJSON("results", missing, "log", missing), "no_results", "", "dataset: all")
		f(callbackJSON("results", missing, "log", missing, "status", ""), "no_results", "", "dataset: all")
	}
	f(callbackJSON("results", `"- name: x\n"`), "bad_results", "results", "content-type")
	f(callbackJSON("results", `[1]`), "bad_results", "results", "content-type")
	for _, lab := range []string{`""`, `" "`, `{}`, `[]`} {
		f(callbackJSON("lab_name", lab), "empty_lab_name", "lab_name", "--lab-name")
	}
	f(callbackJSON("results", `{"a":"{"}`, "definition", `"'"`, "log", `"text"`), "unreadable", "", "YAML")
	f(callbackJSON("results", `{"a":1}`, "definition", `1`, "log", `1`), "unreadable", "", "YAML")
	f([]byte(`{"a":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`), "too_deep", "", "100 levels")
	f([]byte(`{"a":1,}`), "not_json", "", "line 1")
	f([]byte(`"text"`), "not_an_object", "", "one JSON object")

	if _, _, err := made([]byte(`{"a":1}`), Options{Kind: "kernel"}); err == nil ||
		!strings.Contains(err.Error(), "kernel") {
		t.Errorf("unknown kind given: %v", err)
	}
}

// One part that can be read is enough.
func TestNotRefused(t *testing.T) {
	bad := []string{"results", `{"a":"{"}`, "definition", `"'"`, "log", `"text"`}
	for i := 0; i < len(bad); i += 2 {
		changes := append(append([]string{}, bad[:i]...), bad[i+2:]...)
		if _, d, err := made(callbackJSON(changes...), Options{}); err != nil || len(d.Tags) == 0 {
			t.Errorf("only %s readable: %v, tags %v", bad[i], err, d.Tags)
		}
	}
	// Null and absent are the same.
	if r, _, err := made(callbackJSON("lab_name", `null`), Options{}); err != nil || r.Key != "lab-a/1" {
		t.Errorf("lab null: %v", err)
	}
	// A lab that was given wins, also over an empty one.
	for _, body := range []string{`"b"`, `""`, ``} {
		if r, _, err := made(callbackJSON("lab_name", body), Options{Lab: "a"}); err != nil || r.Key != "a/1" ||
			r.Lab != "a" {
			t.Errorf("lab %s and a: %v", body, err)
		}
	}
	if r, _, err := made(callbackJSON("lab_name", `"b"`), Options{}); err != nil || r.Key != "b/1" {
		t.Errorf("lab in the body: %v", err)
	}
}

func TestBlank(t *testing.T) {
	var r Record
	for _, s := range []string{"", " ", "\n\r\n\t", "\xef\xbb\xbf", "\xef\xbb\xbf \n"} {
		if err := r.Parse([]byte(s), Options{Kind: KindBuild}); !errors.Is(err, ErrBlank) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"\u00a0", "\x00", "\x0b"} { // golden cases of the old pipeline: refused
		if err := r.Parse([]byte(s), Options{Kind: KindBuild}); err == nil || errors.Is(err, ErrBlank) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestInvalidUTF8(t *testing.T) {
	payload := bytes.Replace(callbackJSON("lab_name", `"lab"`), []byte("y"), []byte("a\xff\xfeb"), 1)
	_, d, err := made(payload, Options{Lab: "l\xff"})
	if err != nil {
		t.Fatal(err)
	}
	s := sources(t, d)
	if got := s[DocLog][0]["msg"]; got != "a\uFFFDb" {
		t.Errorf("msg %q", got)
	}
	if got := s[DocBoot][0]["lab_name"]; got != "l\uFFFD" {
		t.Errorf("lab %q", got)
	}
	if got := fmt.Sprint(s[DocBoot][0]["tags"]); got != "[_invalidutf8]" {
		t.Errorf("tags %s", got)
	}
}

// Half a surrogate pair is no character either, wherever it stands.
func TestLoneSurrogates(t *testing.T) {
	line := func(msg string) string {
		return `"- {\"dt\": \"2026-11-20T07:00:01.123456\", \"lvl\": \"info\", \"msg\": \"` + msg + `\"}\n"`
	}
	f := func(payload []byte, wantMsg, wantTags string) {
		t.Helper()
		_, d, err := made(payload, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := sources(t, d)[DocLog][0]["msg"]; got != wantMsg || fmt.Sprint(d.Tags) != wantTags {
			t.Errorf("msg %q, tags %v, want %q, %s", got, d.Tags, wantMsg, wantTags)
		}
	}
	f(callbackJSON("log", line(`a\ud83d\ude80`)), "a🚀", "[]")
	f(callbackJSON("log", line(`a\ud83db`)), "a\uFFFDb", "[_invalidutf8]")
	f(callbackJSON("log", line(`a\ude80`)), "a\uFFFD", "[_invalidutf8]")
	f(callbackJSON("log", line(`a\ufffd`)), "a\uFFFD", "[]")
	f(callbackJSON("extra", `"\ud800"`), "y", "[_invalidutf8]")
	f(callbackJSON("results", `{"s":"- name: '\ud800'\n"}`), "y", "[_invalidutf8]")
}

// TestPure: neither an earlier record nor the payload's surroundings show.
func TestPure(t *testing.T) {
	var r Record
	var d Documents
	all := func(payload []byte) string {
		t.Helper()
		if err := r.Parse(payload, Options{Kind: KindLAVA, OtherLab: "lab-a"}); err != nil {
			t.Fatal(err)
		}
		if err := r.Documents(&d, testReceived); err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for doc := range d.All() {
			b.WriteString(doc.Kind + string(doc.ID) + string(doc.Source) + "\n")
		}
		return b.String()
	}
	small := callbackJSON()
	want := all(small)
	all(callbackJSON("lab_name", `"x"`, "definition", `"metadata: {kernel.tree: t, node_id: n}"`, "results",
		`{"a":"- {id: 1}\n- {id: 1}\n","lava":"- name: job\n  metadata: {error_type: E, error_msg: M}\n"}`,
		"extra", `1`, "log", `"- a\n"`))
	if got := all(small); got != want {
		t.Errorf("something is left of another record:\n%s\nwant\n%s", got, want)
	}
	if got := all([]byte("\xef\xbb\xbf\r\n " + string(small) + "\n")); got != want {
		t.Errorf("other documents with white space around:\n%s", got)
	}
	if err := r.Parse([]byte(`{`), Options{Kind: KindLAVA, OtherLab: "lab-a"}); err == nil {
		t.Fatal("damaged, but taken")
	}
	if got := all(small); got != want {
		t.Errorf("other documents after a damaged record:\n%s", got)
	}
}
