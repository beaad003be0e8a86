package kibana

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kcing/kcing/kibana/kibanatest"
)

// TestExport: what was imported comes back as it was, in the canonical order,
// each time the same.
func TestExport(t *testing.T) {
	k := kibanatest.Start(t, kibanatest.Options{MissingTypes: []string{"map", "tag"}})
	c := connect(t, k, Options{})
	objects, err := Objects("lab-")
	if err != nil {
		t.Fatal(err)
	}
	all, err := File(objects, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Import(t.Context(), all, false); err != nil {
		t.Fatal(err)
	}
	k.Put("default", mine)
	want, err := ParseFile(all)
	if err != nil {
		t.Fatal(err)
	}
	got, missing, err := c.Export(t.Context(), Kcing())
	if err != nil || len(missing) > 0 {
		t.Fatal(missing, err)
	}
	var ours []Object
	for _, o := range got {
		if Ours(o) {
			ours = append(ours, o)
		}
	}
	if len(got) != len(ours)+1 || !slices.EqualFunc(ours, want, Same) {
		t.Errorf("%d objects come back, %d were imported", len(ours), len(want))
	}
	first, err := File(got, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := c.Export(t.Context(), Content()) // without the types that this Kibana does not have
	if err != nil {
		t.Fatal(err)
	}
	if second, err := File(again, nil); err != nil || !bytes.Equal(first, second) {
		t.Errorf("two exports differ: %v\n%s\n%s", err, first, second)
	}
	if r, err := c.Import(t.Context(), first, true); err != nil || len(r.Overwritten) != len(got) {
		t.Errorf("the backup cannot be restored: %+v, %v", r, err)
	}
}

func TestExportSelected(t *testing.T) {
	k := kibanatest.Start(t, kibanatest.Options{})
	k.Put("default", search)
	c := connect(t, k, Options{})
	got, missing, err := c.Export(t.Context(), Selection{Objects: []Reference{{"search", "kcing-boots"}}})
	if err != nil || len(got) != 1 || string(got[0].JSON) != search ||
		fmt.Sprint(missing) != "[index-pattern kcing-boot]" {
		t.Errorf("%s, missing %v, %v", got, missing, err)
	}
	k.Put("default", view)
	got, _, err = c.Export(t.Context(), Selection{Objects: []Reference{{"search", "kcing-boots"}}, References: true})
	if err != nil || len(got) != 2 || got[0].ID != "kcing-boot" {
		t.Errorf("with references: %s, %v", got, err)
	}
	_, _, err = c.Export(t.Context(), Selection{Objects: []Reference{{"search", "kcing-boots"}, {"lens", "nosuch"}}})
	if err == nil || !strings.Contains(err.Error(), "answered 400: Error fetching objects to export (lens nosuch)") {
		t.Error(err)
	}
}

// TestExportAnswers: an answer that breaks off must not become a backup.
func TestExportAnswers(t *testing.T) {
	k := kibanatest.Start(t, kibanatest.Options{})
	c := connect(t, k, Options{})
	f := func(body, want string) {
		t.Helper()
		k.Answer(answers(200, "application/ndjson", body))
		_, _, err := c.Export(t.Context(), Kcing())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	f(view+"\n"+`{"exportedCount":1}`, "")
	f(`{"exportedCount":0}`, "")
	f(view, "is not whole (1 objects")
	f("", "is not whole")
	f(view+"\n"+`{"exportedCount":2}`, "is not whole")
	f(view+"\n{", "line 2")
	f(view+"\n"+view+"\n"+`{"exportedCount":2}`, "is in line 1 already")
	f(`{"type":"lens","id":"x"}`, "needs type, id and attributes")
}

func TestCanonical(t *testing.T) {
	a := Object{"lens", "a", []byte(`{"version":"x","updated_at":"1","attributes":{"b":12345678901234567890,"a":"<&>"},"id":"a","type":"lens","created_by":"u"}`)}
	b := Object{"index-pattern", "z", []byte(`{"type":"index-pattern","id":"z"}`)}
	c := Object{"tag", "0", []byte(`{"type":"tag","id":"0"}`)}
	got, err := Canonical([]Object{c, a, b})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, o := range got {
		lines = append(lines, string(o.JSON))
	}
	want := []string{
		`{"id":"z","type":"index-pattern"}`,
		`{"attributes":{"a":"<&>","b":12345678901234567890},"id":"a","type":"lens"}`,
		`{"id":"0","type":"tag"}`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s, want\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	if _, err := Canonical([]Object{a, a}); err == nil {
		t.Error("the same object twice is accepted")
	}
	if _, err := Canonical([]Object{{"lens", "a", []byte("{")}}); err == nil {
		t.Error("half an object is accepted")
	}
}

func TestParseFile(t *testing.T) {
	f := func(text string, n int, want string) {
		t.Helper()
		objects, err := ParseFile([]byte(text))
		if len(objects) != n || (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %d objects, error %v; want %d, %q", text, len(objects), err, n, want)
		}
	}
	f(view, 1, "")
	f("\xef\xbb\xbf"+view+"\r\n\r\n"+search+"\n{\"exportedCount\":2}", 2, "")
	f("", 0, "no saved objects")
	f(`{"exportedCount":0}`, 0, "no saved objects")
	f("hello", 0, "line 1 is not a JSON object")
	f("[]", 0, "line 1 is not a JSON object")
	f(view+"\n{}", 0, "line 2 is not a saved object")
	f(view+"\n\n"+view, 0, "line 3: index-pattern kcing-boot is in line 1 already")

	// The ways in which raw documents of .kibana are written down.
	for _, dump := range []string{
		`{"_index":".kibana_1","_type":"_doc","_id":"dashboard:x","_score":1,"_source":{"type":"dashboard","dashboard":{}}}`,
		"[\n {\n  \"_index\": \".kibana_1\",\n  \"_id\": \"x\",\n  \"_source\": {}\n }\n]",
		`{"took":1,"hits":{"total":1,"hits":[{"_index":".kibana","_id":"x","_source":{}}]}}`,
		`[{"_id":"x","_type":"dashboard","_source":{"title":"t"}}]`,
		"[{'_index': '.kibana_1', '_id': 'x', '_source': {'type': 'space'}}]",
	} {
		if _, err := ParseFile([]byte(dump)); !errors.Is(err, ErrOldDump) {
			t.Errorf("%s: error %v", dump, err)
		}
	}
	// An object that only speaks of such documents is none.
	f(`{"type":"search","id":"x","attributes":{"q":"_index _id _source _type"}}`, 1, "")
}

func FuzzParseFile(f *testing.F) {
	for _, s := range []string{view, view + "\n" + search + "\n{\"exportedCount\":2}\n",
		`{"_index":".kibana_1","_id":"x","_source":{}}`, "\n\n",
		`{"type":"a","id":"b","attributes":{},"references":3}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		objects, err := ParseFile(data)
		if err != nil {
			return
		}
		canonical, err := Canonical(objects)
		if err != nil {
			return // nothing that JSON cannot hold, but ids that differ only in invalid UTF-8
		}
		text, err := File(canonical, nil)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseFile(text)
		if err != nil || len(again) != len(objects) {
			t.Fatalf("%d objects become %d: %v\n%s", len(objects), len(again), err, text)
		}
	})
}

func FuzzReadImport(f *testing.F) {
	f.Add([]byte(`{"success":true,"successResults":[{"type":"a","id":"b","overwrite":true,"destinationId":"c"}]}`))
	f.Add([]byte(`{"success":false,"errors":[{"type":"a","id":"b","error":{"type":"missing_references","references":[{"type":"c","id":"d"}]}}]}`))
	f.Add([]byte(`{"success":false,"errors":[{"error":{"type":"ambiguous_conflict","destinations":[{"id":"d"}]}}]}`))
	a, err := ParseAddress("kibana")
	if err != nil {
		f.Fatal(err)
	}
	c, err := New(Options{Address: a})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, err := c.readImport(answer{status: 200, body: body})
		if err != nil && (err.Error() == "" || strings.ContainsAny(err.Error(), "\n\x1b")) {
			t.Errorf("%q", err.Error())
		}
	})
}
