package jsontext

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"
)

func TestReplaceLoneSurrogates(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, changed := ReplaceLoneSurrogates([]byte(in))
		if string(got) != want || changed != (in != want) {
			t.Errorf("%s: got %s %v, want %s", in, got, changed, want)
		}
	}
	f(`"plain"`, `"plain"`)
	f(`"\ud83d\ude80"`, `"\ud83d\ude80"`)
	f(`"\uD83D\uDE80 \u00e9"`, `"\uD83D\uDE80 \u00e9"`)
	f(`"\ud83d"`, `"\ufffd"`)
	f(`"a\ude80b"`, `"a\ufffdb"`)
	f(`"\ude80\ud83d"`, `"\ufffd\ufffd"`)
	f(`"\ud83d\ud83d\ude80"`, `"\ufffd\ud83d\ude80"`)
	f(`"\ud83dA\ud83dB"`, `"\ufffdA\ufffdB"`)
	f(`"\\ud83d \\\ud83d"`, `"\\ud83d \\\ufffd"`)
	f(`{"\ud800":["\udfff"]}`, `{"\ufffd":["\ufffd"]}`)
	f(`"\ufffd"`, `"\ufffd"`)
}

// sameText compares the texts of JSON strings with encoding/json, there and back.
func sameText(t *testing.T, content string) {
	t.Helper()
	raw := []byte(`"` + content + `"`)
	var want string
	if !utf8.ValidString(content) || json.Unmarshal(raw, &want) != nil {
		return
	}
	if got := ScalarText(raw); got != want {
		t.Fatalf("%s: text %q, want %q", raw, got, want)
	}
	if fixed, _ := ReplaceLoneSurrogates(raw); ScalarText(fixed) != want {
		t.Fatalf("%s: %s means something else", raw, fixed)
	}
	written := AppendString(nil, want)
	var again string
	if err := json.Unmarshal(written, &again); err != nil || again != want {
		t.Fatalf("%q written as %s: %v", want, written, err)
	}
}

func FuzzJSONText(f *testing.F) {
	for _, s := range []string{``, `a\nb`, `\"\\\/\b\f\n\r\t`, `\u0000\u001f`, `\ud83d\ude80`, `\ud83d`,
		`\ude80\ud83dA`, `é<>&`, `\u00e9\uFFFD`} {
		f.Add(s)
	}
	f.Fuzz(sameText)
}

func FuzzWalker(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { "a" : 1 , "a" : [ ] , "\u0061b" : { "c" : "}\"" } } `,
		`{"a":[{"b":[1,2,{"c":null}]},"d"],"e":-0.5e+10,"f":true}`,
		`{"a":"\\","b":"\\\"","c":""}`, "{\n\t\"a\":{\n}\r\n}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(sameMembers)
}

// sameMembers compares the walk through an object with encoding/json.
func sameMembers(t *testing.T, object []byte) {
	t.Helper()
	var want map[string]json.RawMessage
	if !utf8.Valid(object) || json.Unmarshal(object, &want) != nil || want == nil {
		return
	}
	got := map[string]json.RawMessage{}
	for f := range Members(object) {
		got[string(f.Name)] = f.Raw
		var list []json.RawMessage
		if f.Raw[0] != '[' {
			continue
		}
		if err := json.Unmarshal(f.Raw, &list); err != nil {
			t.Fatalf("%s: %v", f.Raw, err)
		}
		n := 0
		for e := range Elements(f.Raw) {
			if n == len(list) || !bytes.Equal(e, list[n]) {
				t.Fatalf("%s: element %d is %s", f.Raw, n, e)
			}
			n++
		}
		if n != len(list) {
			t.Fatalf("%s: %d elements", f.Raw, n)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: %s, want %s", object, got, want)
	}
}
