package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

var objects = []string{
	`{}`, ` { } `, `{"a":1}`, `{"a":{"b":[1,2,{"c":null}]},"d":"e\"f\\","g":-0.5e+10}`, `{"a" : [ ] , "b":{} }`,
	`{"a":1,"a":2}`, `{"\u0061":true,"":false}`, `{"a":"\ud83d\ude80\/\b\f\n\r\t"}`, `{"long":"0123456789abcdef\n0123456789abcdef"}`,
	`{"é":"ü","x":"\u00e9"}`, `{"a":"` + "\x7f\u2028" + `"}`,
}

var damagedJSON = []string{
	``, ` `, `{`, `}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{a:1}`, `{"a":01}`, `{"a":1.}`, `{"a":.1}`, `{"a":-}`, `{"a":1e}`, `{"a":+1}`,
	`{"a":nul}`, `{"a":NaN}`, `{"a":'x'}`, `{"a":"x}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\`, "{\"a\":\"\n\"}", "{\"a\":\"0123456\t\"}", `{"a":1}{`, `{"a":1} x`, `{"a":[1,]}`,
	`{"a":[1 2]}`, `{"a":1 "b":2}`, `{"a":tru e}`, "\xef\xbb\xbf{}", "\u00a0{}", `{"a":[}`, `{"a":{]}`, `/* c */{}`, `{"a":"\`,
}

// sameAsOthers compares what scanJSON finds in any bytes with encoding/json.
func sameAsOthers(t *testing.T, b []byte) {
	t.Helper()
	fields, err := scanJSON(b, nil)
	valid := json.Valid(b)
	var refused *RefusedError
	switch {
	case err != nil && !errors.As(err, &refused):
		t.Fatalf("%q: %v is no *RefusedError", b, err)
	case err != nil && refused.Type == "too_deep":
		if valid && depthOf(t, b) <= MaxDepth {
			t.Fatalf("%q: too deep with %d levels", b, depthOf(t, b))
		}
		return
	case err != nil && refused.Type == "too_many_fields":
		return // a fuzzer's input is never so long
	case err != nil && refused.Type == "not_json":
		if valid {
			t.Fatalf("%q is valid JSON: %v", b, err)
		}
		return
	case !valid:
		t.Fatalf("%q is no valid JSON, but taken (%v)", b, err)
	case depthOf(t, b) > MaxDepth:
		t.Fatalf("taken with %d levels", depthOf(t, b))
	case err != nil: // valid, but no object
		if gjson.ParseBytes(b).IsObject() {
			t.Fatalf("%q is an object: %v", b, err)
		}
		return
	}
	type pair struct{ name, raw string }
	var want, got []pair
	gjson.ParseBytes(b).ForEach(func(k, v gjson.Result) bool {
		want = append(want, pair{k.Raw, v.Raw})
		return true
	})
	for i, f := range fields {
		if i < len(want) {
			var name string // gjson reads halves of surrogate pairs in its own way
			if err := json.Unmarshal([]byte(want[i].name), &name); err != nil {
				t.Fatal(err)
			}
			want[i].name = name
		}
		if f.ascii && !printableASCII(f.raw) {
			t.Fatalf("%q: %q is said to be printable ASCII", b, f.raw)
		}
		got = append(got, pair{strings.ToValidUTF8(string(f.name), "\uFFFD"), string(f.raw)})
	}
	if !reflect.DeepEqual(got, want) && utf8.Valid(b) {
		t.Fatalf("%q: members %q, want %q", b, got, want)
	}
}

func depthOf(t *testing.T, b []byte) (deepest int) {
	t.Helper()
	level := 0
	dec := json.NewDecoder(bytes.NewReader(b))
	for {
		tok, err := dec.Token()
		if err != nil {
			return deepest
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			level++
			deepest = max(deepest, level)
		case json.Delim('}'), json.Delim(']'):
			level--
		}
	}
}

// TestScanKnowsASCII: or each log would be looked through a second time.
func TestScanKnowsASCII(t *testing.T) {
	f := func(text string, want bool) {
		t.Helper()
		for pad := range 17 {
			b := []byte(`{"before":"é","log":"` + strings.Repeat(" ", pad) + text + `","behind":"a word or two"}`)
			fields, err := scanJSON(b, nil)
			if err != nil || fields[1].ascii != want {
				t.Errorf("%s: ascii %v, error %v, want %v", b, fields[1].ascii, err, want)
			}
		}
	}
	f(``, true)
	f(`- {\"dt\": \"2026-01-02T03:04:05.678901\"}\n~`, true)
	f(`é`, false)
	f("\x7f", false)
	f("\x80", false)
	f("\xff", false)
}

func TestScanJSON(t *testing.T) {
	for _, s := range objects {
		if _, err := scanJSON([]byte(s), nil); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		sameAsOthers(t, []byte(s))
	}
	for _, s := range damagedJSON {
		if _, err := scanJSON([]byte(s), nil); err == nil {
			t.Errorf("%s: taken", s)
		}
		sameAsOthers(t, []byte(s))
	}
	for _, s := range []string{`1`, `"x"`, `null`, `[]`, `true`} {
		var refused *RefusedError
		if _, err := scanJSON([]byte(s), nil); !errors.As(err, &refused) || refused.Type != "not_an_object" {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestScanJSONDepth(t *testing.T) {
	nested := func(n int) []byte {
		return []byte(`{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}`)
	}
	if _, err := scanJSON(nested(MaxDepth), nil); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
	for _, b := range [][]byte{nested(MaxDepth + 1), bytes.Repeat([]byte("["), 1_000_000), bytes.Repeat([]byte(`{"a":`), 1_000_000)} {
		var refused *RefusedError
		if _, err := scanJSON(b, nil); !errors.As(err, &refused) || refused.Type != "too_deep" {
			t.Errorf("%.20s…: %v", b, err)
		}
	}
}

// A string is looked at eight bytes at a time: each byte counts in each place.
func TestScanJSONStrings(t *testing.T) {
	for c := range 256 {
		for at := range 19 {
			text := []byte(`0123456789abcdefghij`)
			text[at] = byte(c)
			body := append(append([]byte(`{"a":"`), text...), `","b":1}`...)
			bad := c < 0x20 || c == '"' || c == '\\' && !strings.ContainsRune(`bfnrt`, rune(text[at+1]))
			if _, err := scanJSON(body, nil); (err != nil) != bad {
				t.Fatalf("%q: %v", body, err)
			}
		}
	}
}

// The reason says where the damage is and shows nothing that could be a secret.
func TestScanJSONReason(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		_, err := scanJSON([]byte(body), nil)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", body, err, want)
		}
	}
	f("{\n \"token\": \"s3cret\",\n \"a\": x}", "not valid JSON: 'x' not expected in line 3, byte 7 of it")
	f(`{"token":"s3cre`, "not valid JSON: it ends too early, after 15 bytes")
	f("{\"a\":\"\x01\"}", `not valid JSON: '\x01' not expected in line 1, byte 7 of it`)
	f("{\"a\":\xff}", `not valid JSON: '\ufffd' not expected in line 1, byte 6 of it`)
}

func FuzzScanJSON(f *testing.F) {
	for _, list := range [][]string{objects, damagedJSON} {
		for _, s := range list {
			f.Add([]byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) { sameAsOthers(t, b) })
}
