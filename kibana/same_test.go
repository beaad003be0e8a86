package kibana

import (
	"encoding/json"
	"testing"
)

func TestSame(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		x, y := Object{"lens", "a", []byte(a)}, Object{"lens", "a", []byte(b)}
		if Same(x, y) != want || Same(y, x) != want {
			t.Errorf("%s and %s: want %v", a, b, want)
		}
	}
	base := `{"attributes":{"t":1},"references":[{"id":"x","name":"n","type":"lens"},{"id":"y","name":"m","type":"lens"}]}`
	f(base, `{"managed":false,"typeMigrationVersion":"10.1.0","references":[{"name":"m","id":"y","type":"lens"},{"id":"x","name":"n","type":"lens"}],"attributes":{"t":1}}`, true)
	f(base, `{"attributes":{"t":2},"references":[{"id":"x","name":"n","type":"lens"},{"id":"y","name":"m","type":"lens"}]}`, false)
	f(base, `{"attributes":{"t":1},"references":[{"id":"x","name":"n","type":"lens"}]}`, false)
	f(base, `{`, false)
	if Same(Object{"lens", "a", []byte(base)}, Object{"lens", "b", []byte(base)}) {
		t.Error("another id is the same object")
	}
}

// TestSameSearch: whichever form a Kibana keeps a search in, it says the same,
// and an edit in any of them is seen.
func TestSameSearch(t *testing.T) {
	search := func(attributes string) Object {
		return Object{"search", "a", []byte(`{"attributes":{"title":"T","description":"",` + attributes +
			`},"references":[]}`)}
	}
	f := func(attributes string, want bool) {
		t.Helper()
		x := search(`"columns":["a"],"hideChart":true,"timeRestore":false,"grid":{}`)
		if y := search(attributes); Same(x, y) != want || Same(y, x) != want {
			t.Errorf("%s: want %v", attributes, want)
		}
	}
	const content = `"columns":["a"],"hideChart":true`
	f(content, true)
	f(content+`,"hits":0,"version":1`, true)
	f(`"tabs":[{"id":"1","label":"Untitled","attributes":{`+content+`}}]`, true)
	f(`"tabs":[{"id":"2","label":"Mine","attributes":{`+content+`,"grid":{},"hideTable":false,"sort":[]}}]`, true)
	f(content+`,"tabs":[{"id":"3","label":"","attributes":{`+content+`,"timeRestore":false}}]`, true)
	f(`"columns":["b"],"hideChart":true`, false)
	f(`"tabs":[{"id":"1","attributes":{"columns":["b"],"hideChart":true}}]`, false)
	f(`"tabs":[{"id":"1","attributes":{"columns":["a"]}}]`, false)
	f(`"tabs":[{"id":"1","attributes":{`+content+`}},{"id":"2","attributes":{`+content+`}}]`, false)
	f(`"columns":["b"],"tabs":[{"id":"1","attributes":{`+content+`}}]`, false)
	f(`"tabs":[]`, false)
	f(`"tabs":[1]`, false)
	lens := func(text string) Object { return Object{"lens", "a", []byte(text)} }
	if Same(lens(`{"attributes":{"a":false}}`), lens(`{"attributes":{}}`)) {
		t.Error("what is left out of a search is left out of a lens")
	}
}

// FuzzSame: what comes from Kibana is the same as itself if it is an object at
// all, and never breaks the comparison.
func FuzzSame(f *testing.F) {
	for _, s := range []string{
		`{"attributes":{"columns":["a"],"tabs":[{"id":"1","attributes":{"columns":["b"]}}]},"references":[{"id":"x"}]}`,
		`{"attributes":{"tabs":[{},1,null]}}`, `{"attributes":[],"references":{}}`, `{`, `null`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var members map[string]any
		o := Object{"search", "a", []byte(text)}
		if err := json.Unmarshal(o.JSON, &members); err == nil && !Same(o, o) {
			t.Errorf("%s is not the same as itself", text)
		}
	})
}
