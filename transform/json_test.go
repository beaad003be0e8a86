package transform

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAppendValue(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := appendValue(nil, []byte(in)); string(got) != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
	f(`1`, `1`)
	f(`"a  b"`, `"a  b"`)
	f(`[ ]`, `[]`)
	f("{\n}", `{}`)
	f(`[ 1 , [ ] , { } , "x" , null ]`, `[1,[],{},"x",null]`)
	f(`{"a":1,"b":2,"a":3}`, `{"b":2,"a":3}`)
	f(`{"a":1,"a":2,"a":3}`, `{"a":3}`)
	f(`{"a":{"x":1,"x":{"y":1,"y":2}},"b":1,"a":{"z":1,"z":2}}`, `{"b":1,"a":{"z":2}}`)
	f(`{"\u0061":1,"a":2}`, `{"a":2}`)
	f(`{"":1,"a.":2," ":3,"b..c":{"d":4}}`, `{"a._":2,"_":3,"b._.c":{"d":4}}`)
	f(`{"a":"{","b":["}"]}`, `{"a":"{","b":["}"]}`)
	// aliases below a field
	f(`{"keyword":1,"x.keyword":2,"a":{"keyword":[3]}}`, `{"keyword_":1,"x.keyword_":2,"a":{"keyword_":[3]}}`)
	long, digits := strings.Repeat("9", 1000), strings.Repeat("9", 1001)
	f(long, long)
	f(digits, `"`+digits+`"`) // text, since no parser takes it as a number
	f(`[-0.`+digits+`,`+long+`]`, `["-0.`+digits+`",`+long+`]`)
	f(`"`+digits+`"`, `"`+digits+`"`)

	var many, want strings.Builder
	for i := range 40 {
		many.WriteString(`"k` + string(rune('a'+i%20)) + `":` + string(rune('0'+i/20)) + `,`)
	}
	for i := range 20 {
		want.WriteString(`"k` + string(rune('a'+i)) + `":1,`)
	}
	f(`{`+many.String()+`"end":[]}`, `{`+want.String()+`"end":[]}`)
}

// sameValue compares appendValue with encoding/json.
func sameValue(t *testing.T, raw []byte) {
	t.Helper()
	var want any
	if !utf8.Valid(raw) || json.Unmarshal(raw, &want) != nil {
		return
	}
	body := bytes.Trim(raw, " \t\r\n")
	if _, err := scanJSON(append(append([]byte(`{"a":`), body...), '}'), nil); err != nil {
		return // too deep
	}
	out := appendValue(nil, body)
	if bytes.ContainsAny(out, "\n\r") {
		t.Fatalf("%s: more than one line: %s", raw, out)
	}
	var got any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%s: %v: %s", raw, err, out)
	}
	if want, plain := renamed(want); plain && !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %s, want %v", raw, out, want)
	}
	if again := appendValue(nil, out); !bytes.Equal(again, out) {
		t.Fatalf("%s: %s becomes %s", raw, out, again)
	}
}

// renamed gives members the names that documents have; not plain where two
// become the same.
func renamed(v any) (_ any, plain bool) {
	plain = true
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			e, ok := renamed(e)
			_, twice := m[fieldName(k)]
			plain = plain && ok && !twice
			m[fieldName(k)] = e
		}
		return m, plain
	case []any:
		for i := range v {
			e, ok := renamed(v[i])
			v[i], plain = e, plain && ok
		}
	}
	return v, plain
}

func FuzzAppendValue(f *testing.F) {
	for _, s := range objects {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"":1,"a..b":[{"x":1,"x":2}]}`))
	f.Fuzz(sameValue)
}

func TestFieldName(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := fieldName(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	f("a", "a")
	f("a.b-c d", "a.b-c d")
	f("a. b", "a. b")
	f("", "_")
	f(" ", "_")
	f("\t", "_")
	f("\x1c", "_")
	f("\u2003", "_")
	f(".", "_._")
	f(".a", "_.a")
	f("a.", "a._")
	f("a..b", "a._.b")
	f("a. .b", "a._.b")
	f("  .a", "_.a")
}

// TestTopLevelNames: what Elasticsearch refuses never reaches it, and no two
// members get the same name.
func TestTopLevelNames(t *testing.T) {
	f := func(fields, want string) {
		t.Helper()
		var r Record
		var d Documents
		if err := r.Parse([]byte(`{"id":1,`+fields+`}`), Options{Kind: KindBuild}); err != nil {
			t.Fatal(err)
		}
		if err := r.Documents(&d, r.Time); err != nil {
			t.Fatal(err)
		}
		for doc := range d.All() {
			_, got, _ := strings.Cut(string(doc.Source), `"id":1`)
			if got != want+"}" {
				t.Errorf("%s: got %s, want %s", fields, got, want)
			}
		}
	}
	f(`"_index":1`, `,"_index_":1`)
	f(`"_id":{"$oid":""}`, `,"_id":{"$oid":""}`)
	f(`"_index":1,"_index_":2`, `,"_index_":2`)
	f(`"_index_":2,"_index":1`, `,"_index_":2`)
	f(`"":1," ":2,"\t":3`, `,"_":1`)
	f(`"":1,"":2`, `,"_":2`)
	f(`"_source":{"a":1}`, `,"_source":{"a":1}`)
}

// TestTopName: what Elasticsearch would refuse the whole document for (mappings,
// TestWhatIsRefused).
func TestTopName(t *testing.T) {
	f := func(name, value, want string) {
		t.Helper()
		if got := topName(name, []byte(value)); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
	f("board", `"x"`, "board")
	f("board.keyword", `"x"`, "board.keyword_")
	f("keyword", `"x"`, "keyword")
	f("status", `{"code":"PASS"}`, "status_")
	f("status", `["PASS",{"a":1}]`, "status_")
	f("status", `["PASS"]`, "status")
	f("status", `"{"`, "status")
	f("_id", `"x"`, "_id_")
	f("_id", `{"$oid":"x"}`, "_id")
	f("", `1`, "_")
}
