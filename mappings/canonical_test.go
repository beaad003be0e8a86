package mappings

import "testing"

func TestCanonical(t *testing.T) {
	f := func(a, b string, same bool) {
		t.Helper()
		x, err := canonical([]byte(a))
		if err != nil {
			t.Fatal(err)
		}
		y, err := canonical([]byte(b))
		if err != nil {
			t.Fatal(err)
		}
		if d := lineDiff("x", x, y); (d == "") != same {
			t.Errorf("same should be %v:\n%s\n%s\n%s", same, a, b, d)
		}
	}
	f(`{"template":{"settings":{"number_of_shards":1,"index.mapping.total_fields.limit":1000}}}`,
		`{"template":{"settings":{"index":{"number_of_shards":"1","mapping":{"total_fields":{"limit":"1000"}}}}}}`,
		true)
	f(`{"priority":1}`, `{"priority":1,"composed_of":[],"created_date_millis":5,"modified_date":"x"}`, true)
	f(`{"template":{"settings":{"index":{"number_of_shards":1}}}}`,
		`{"template":{"settings":{"index":{"number_of_shards":2}}}}`, false)
	f(`{"priority":1}`, `{"priority":1,"composed_of":["a"]}`, false)
	f(`{"template":{"settings":{"a":[1]}}}`, `{"template":{"settings":{"index.a":[2]}}}`, false)
	f(`{"a":"<&>","b":1.0}`, `{"b":1.0,"a":"<&>"}`, true)
	if _, err := canonical([]byte(`[1]`)); err == nil {
		t.Error("a list is taken for a template")
	}
}

func TestFlattenDoesNotTakeAnObjectForItsText(t *testing.T) {
	got, err := canonical([]byte(`{"template":{"settings":{"index":{"a":{"b":true,"c":null}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "template": {
    "settings": {
      "index.a.b": "true",
      "index.a.c": null
    }
  }
}
`
	if string(got) != want {
		t.Errorf("got %s", got)
	}
}
