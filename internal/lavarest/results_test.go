package lavarest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestSplitResults(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		suites, err := splitResults([]byte(in))
		var got strings.Builder
		for _, s := range suites {
			fmt.Fprintf(&got, "%s(%d) ", s.name, len(s.rows))
		}
		if err != nil {
			got.WriteString(err.Error())
		}
		if strings.TrimSpace(got.String()) != want {
			t.Errorf("%q: %q, not %q", in, got.String(), want)
		}
	}
	f("[]\n", "")
	f("", "")
	f("- id: '1'\n  suite: lava\n", "lava(1)")
	f("- suite: lava\n  id: '1'\n- suite: lava\n", "lava(2)")
	f("- a: 1\n  suite: b\n- suite: a\n- suite: b", "b(2) a(1)")
	f("- suite: '0_x'\n- suite: 0_x\n- suite: \"0_\\x78\"\n", "0_x(3)")
	f("- suite: '12'\n- suite: 12\n", "12(2)")
	f("- name: a\n  suite: 'a long\n    name'\n", "a long name(1)")
	// What is inside of a row is not another row's, and metadata's suite not the row's.
	f("- metadata:\n    suite: x\n    list:\n    - suite: y\n  msg: |\n    - suite: z\n  suite: lava\n", "lava(1)")
	f("- id: '1'\n", `a row of its results names no suite: ""`)
	f("- suite: [a]\n", `a row of its results names no suite: " [a]\n"`)
	f("nothing\n", "its results are no list of rows")
	f("{}\n", "its results are no list of rows")
}

// FuzzBody: whatever a server says, the body is JSON, and no text is lost or made.
func FuzzBody(f *testing.F) {
	f.Add("- id: '1'\n  suite: lava\n- suite: b\n", "- {\"msg\": \"x\"}\n")
	f.Add("- suite: \"\\x00\"\n", "\x00\xff\"\\\u2028\t")
	f.Add("[]", "")
	f.Add("- suite: &a b\n- suite: *a\n", "")
	f.Fuzz(func(t *testing.T, rows, log string) {
		j := job{id: "1", ran: true, head: []byte(`{"id":1`)}
		body, err := j.body([]byte(rows), []byte(log))
		if err != nil {
			return
		}
		if !gjson.ValidBytes(body) && strings.ToValidUTF8(rows+log, "") == rows+log {
			t.Fatalf("no JSON: %q", body)
		}
		suites, err := splitResults([]byte(rows))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, s := range suites {
			n += len(bytes.Join(s.rows, nil))
		}
		if n != len(rows) && n != 0 {
			t.Errorf("%d of %d bytes of results", n, len(rows))
		}
	})
}

// FuzzParseJob: no row makes it panic, and a head is JSON.
func FuzzParseJob(f *testing.F) {
	f.Add(`{"id":1,"state":"Finished","health":"Complete","end_time":"2026-01-02T03:04:05Z","start_time":"2026-01-02T03:04:00Z","definition":"x"}`)
	f.Add(`{"id":1,"state":"Running","health":"Unknown","end_time":null}`)
	f.Add(`{"id":"1","state":[],"health":{},"end_time":5}`)
	f.Fuzz(func(t *testing.T, row string) {
		if !gjson.Valid(row) {
			return
		}
		for _, r := range []release{{2023, 1}, {2026, 7}} {
			j, err := parseJob(gjson.Parse(row), r)
			if err == nil && !gjson.Valid(string(j.head)+"}") {
				t.Errorf("%s", j.head)
			}
		}
	})
}
