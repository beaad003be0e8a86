package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

var objects = []string{
	`{}`, ` { } `, `{"a":1}`, `{"a":{"b":[1,2,{"c":null}]},"d":"e\"f\\","g":-0.5e+10}`, `{"a" : [ ] , "b":{} }`,
	`{"a":1,"a":2}`, `{"\u0061":true,"":false}`, `{"a":"\ud83d\ude80\/\b\f\n\r\t"}`,
	`{"long":"0123456789abcdef\n0123456789abcdef"}`,
	`{"é":"ü","x":"\u00e9"}`, `{"a":"` + "\x7f\u2028" + `"}`,
}

var damagedJSON = []string{
	``, ` `, `{`, `}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{a:1}`, `{"a":01}`, `{"a":1.}`,
	`{"a":.1}`, `{"a":-}`, `{"a":1e}`, `{"a":+1}`,
	`{"a":nul}`, `{"a":NaN}`, `{"a":'x'}`, `{"a":"x}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u12g4"}`, `{"a":"\`,
	"{\"a\":\"\n\"}", "{\"a\":\"0123456\t\"}", `{"a":1}{`, `{"a":1} x`, `{"a":[1,]}`,
	`{"a":[1 2]}`, `{"a":1 "b":2}`, `{"a":tru e}`, "\xef\xbb\xbf{}", "\u00a0{}", `{"a":[}`, `{"a":{]}`, `/* c */{}`,
	`{"a":"\`,
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
		if f.ASCII && !printableASCII(f.Raw) {
			t.Fatalf("%q: %q is said to be printable ASCII", b, f.Raw)
		}
		got = append(got, pair{strings.ToValidUTF8(string(f.Name), "\uFFFD"), string(f.Raw)})
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

// stretch is as many bytes as a scanner may take at once.
const stretch = 64

// TestScanKnowsASCII: or each log would be looked through a second time.
func TestScanKnowsASCII(t *testing.T) {
	f := func(text string, want bool) {
		t.Helper()
		for pad := range 3*stretch + 9 {
			b := []byte(`{"before":"é","log":"` + strings.Repeat(" ", pad) + text + `","behind":"a word or two"}`)
			fields, err := scanJSON(b, nil)
			if err != nil || fields[1].ASCII != want {
				t.Errorf("%s: ascii %v, error %v, want %v", b, fields[1].ASCII, err, want)
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
	for _, s := range []string{`1`, `"x"`, `null`, `true`} {
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
	for _, b := range [][]byte{nested(MaxDepth + 1), bytes.Repeat([]byte("["), 1_000_000),
		bytes.Repeat([]byte(`{"a":`), 1_000_000)} {
		var refused *RefusedError
		if _, err := scanJSON(b, nil); !errors.As(err, &refused) || refused.Type != "too_deep" {
			t.Errorf("%.20s…: %v", b, err)
		}
	}
}

// Each byte counts in each place, and so does how much follows.
func TestScanJSONStrings(t *testing.T) {
	const plain = `0123456789abcdefghijklmnopqrstuvwxyz`
	long := strings.Repeat(plain, 6)
	for _, text := range []string{plain[:20], long[:stretch+19], long[:3*stretch+1]} {
		for c := range 256 {
			for at := range len(text) - 1 {
				body := []byte(`{"a":"` + text + `","b":1}`)
				body[len(`{"a":"`)+at] = byte(c)
				bad := c < 0x20 || c == '"' || c == '\\' && !strings.ContainsRune(`bfnrt`, rune(text[at+1]))
				if _, err := scanJSON(body, nil); (err != nil) != bad {
					t.Fatalf("%q: %v", body, err)
				}
			}
		}
	}
	for _, escape := range []string{`\n`, `\"`, `\\`, `\\\"`, `\/`, `\u00e9`, `\u005c`, `\ud83d\ude80`, `\`, `\"\`,
		`\x`, `\u12g4`, `\u`} {
		for at := range 2*stretch + 9 {
			for _, more := range []int{0, 1, 7, stretch - 1, 2 * stretch} {
				sameAsOthers(t, []byte(`{"a":"`+long[:at]+escape+long[:more]+`","b":1}`))
			}
		}
	}
}

// TestScanJSONCut is for a body that ends anywhere, in an escape too.
func TestScanJSONCut(t *testing.T) {
	for at := range 2 * stretch {
		body := `{"a":"` + strings.Repeat("x", stretch+at) + `\n\u00e9\\"}`
		for end := range len(body) {
			if _, err := scanJSON([]byte(body)[:end:end], nil); err == nil {
				t.Fatalf("%q: taken", body[:end])
			}
		}
	}
}

// TestScanJSONAnyStrings is for what comes together: pieces that mean something
// to a scanner, in any order.
func TestScanJSONAnyStrings(t *testing.T) {
	pieces := []string{`\`, `\\`, `\"`, `\n`, `\u00e9`, `"`, `u`, `12g4`, "\x01", "\x7f", "é", `,"b":"`, `text`,
		`a longer text of words`}
	rnd := rand.New(rand.NewPCG(1, 2))
	taken := 0
	for range 20_000 {
		body := []byte(`{"a":"`)
		for range rnd.IntN(40) {
			p := pieces[rnd.IntN(len(pieces))]
			if rnd.IntN(10) > 0 { // mostly what is valid
				p = pieces[len(pieces)-1-rnd.IntN(2)*rnd.IntN(13)]
			}
			body = append(body, p...)
		}
		body = append(body, `"}`...)
		sameAsOthers(t, body)
		if json.Valid(body) {
			taken++
		}
	}
	if taken < 2_000 || taken > 18_000 {
		t.Errorf("%d of 20,000 were valid: not a fair test", taken)
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
			f.Add([]byte(strings.ReplaceAll(s, `:"`, `:"`+strings.Repeat(`- {\"dt\": 7}\n`, 20))))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) { sameAsOthers(t, b) })
}
