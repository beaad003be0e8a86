package bulk

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckRefuses(t *testing.T) {
	o := DefaultOptions()
	f := func(want error, d Doc) {
		t.Helper()
		if err := d.check(&o); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", d, err, want)
		}
	}
	ok := []byte(`{"a":1}`)
	f(nil, Doc{Index: "i", ID: "1", Body: ok})
	f(nil, Doc{Index: "i", ID: "1", Body: []byte(" {\"a\":\r1}\t")})
	f(nil, Doc{Index: "i", ID: strings.Repeat("x", 512), Op: OpIndex, Body: ok})
	f(ErrInvalid, Doc{ID: "1", Body: ok})
	f(ErrInvalid, Doc{Index: "i", Body: ok})
	f(ErrInvalid, Doc{Index: "i", ID: strings.Repeat("x", 513), Body: ok})
	f(ErrInvalid, Doc{Index: "i", ID: "\xff", Body: ok})
	f(ErrInvalid, Doc{Index: "\xff", ID: "1", Body: ok})
	f(ErrInvalid, Doc{Index: "i", ID: "1", Op: 2, Body: ok})
	for _, body := range []string{"", "{", "[]", "1", "null", `"{}"`, `{"a":}`, "{\n}", `{"a":1}{}`, `{"a":1}}`,
		`{"a":"` + "\x01" + `"}`} {
		f(ErrInvalid, Doc{Index: "i", ID: "1", Body: []byte(body)})
	}
	deep := `{"a":` + strings.Repeat("[", 5<<20) + strings.Repeat("]", 5<<20) + `}`
	f(ErrInvalid, Doc{Index: "i", ID: "1", Body: []byte(deep)}) // nests too deep for recursion

	o.MaxDocBytes = 10
	f(ErrTooLarge, Doc{Index: "i", ID: "1", Body: []byte(`{"a":12345}`)})
	f(nil, Doc{Index: "i", ID: "1", Body: []byte(`{"a":1234}`)})
	o.MaxDocBytes, o.MaxPendingBytes = 1<<20, 4096
	f(ErrTooLarge, Doc{Index: "i", ID: "1", Body: []byte(`{"a":"` + strings.Repeat("x", 4096) + `"}`)})
	o.TrustBodies = true
	f(nil, Doc{Index: "i", ID: "1", Body: []byte(`{"a":}`)})
	f(ErrInvalid, Doc{Index: "i", ID: "1", Body: []byte("{\n}")})
}

// FuzzEncode: what check accepts becomes two lines from which encoding/json
// reads the same index, id and body.
func FuzzEncode(f *testing.F) {
	f.Add("log-2026.01.02", "lab/1/l/7", []byte(`{"a":1}`), false)
	f.Add("x", "\a\x7f\"\\<>&\u2028\ufffd", []byte(`{"a":"\u0000"}`), true)
	f.Add("\n", "\xff", []byte("{\n}"), true)
	o := DefaultOptions()
	f.Fuzz(func(t *testing.T, index, id string, body []byte, overwrite bool) {
		d := Doc{Index: index, ID: id, Body: body}
		if overwrite {
			d.Op = OpIndex
		}
		if d.check(&o) != nil {
			return
		}
		out, at := appendDoc([]byte("before"), &d)
		out = out[len("before"):]
		at -= len("before")
		if bytes.Count(out, []byte{'\n'}) != 2 || out[at-1] != '\n' || out[len(out)-1] != '\n' ||
			!bytes.Equal(out[at:len(out)-1], body) {
			t.Fatalf("not two lines: %q", out)
		}
		if utf8.ValidString(index+id) && len(out) > d.size()+5*len(index+id) {
			t.Fatalf("%d bytes, size says %d", len(out), d.size())
		}
		type meta struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		var action map[string]meta
		if err := json.Unmarshal(out[:at], &action); err != nil {
			t.Fatalf("action line %q: %v", out[:at], err)
		}
		got := action[d.Op.String()]
		if len(action) != 1 || got.Index != index || got.ID != id {
			t.Fatalf("action %+v for %+v", action, d)
		}
		if !json.Valid(body) {
			t.Fatalf("accepted invalid JSON %q", body)
		}
	})
}
