package transform

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestRecordKey(t *testing.T) {
	f := func(kind Kind, payload, want string) {
		t.Helper()
		var r Record
		if err := r.Parse([]byte(payload), Options{Kind: kind}); err != nil || r.Key != want {
			t.Errorf("%s: got %q, %v, want %q", payload, r.Key, err, want)
		}
	}
	f(KindBuild, `{"_id":{"$oid":"5fa3"},"id":"x"}`, "5fa3")
	f(KindBuild, `{"_id":"5fa3","id":"x"}`, "5fa3")
	f(KindBuild, `{"_id":{},"id":"x"}`, "x")
	f(KindBuild, `{"_id":null,"id":7}`, "7")
	f(KindBoot, `{"id":"a b%é"}`, "a%20b%25%C3%A9")
	f(KindBoot, `{"id":"._:/@+=-Az9"}`, "._:/@+=-Az9")
	const digest = "sha256:44a7eaf58d5ef5c7f5d6659c372a7021" // printf '{"job":"x"}' | sha256sum
	f(KindBuild, `{"job":"x"}`, digest)
	f(KindBoot, " {\"job\":\"x\"}\r\n", digest)
	f(KindBuild, `{"job":"x","id":null,"_id":{"$oid":""}}`, "sha256:0f0c24ef2fd1aff72b961e9bc8ba467d")
	long := strings.Repeat("x", 200)
	f(KindBuild, `{"id":"`+long+`"}`, long)
	f(KindBuild, `{"id":"`+long+`x"}`, long[:167]+"=84a0678c90937f5dcf9994d5866668da")

	id := func(lab, id, want string) {
		t.Helper()
		f(KindLAVA, string(callbackJSON("id", id, "lab_name", lab)), want)
	}
	id(`"lab-a"`, `12`, "lab-a/12")
	id(`"lab-a"`, `"12.3"`, "lab-a/12.3")
	id(`"lab a/ü"`, `"1 2"`, "lab%20a/%C3%BC/1%202")
	id(`5`, `12`, "5/12")
}

// TestWhoseJob: where a callback's lab comes from, and its key when nobody knows.
func TestWhoseJob(t *testing.T) {
	const node = "6b00989341dcea75e5d60010"
	f := func(want string, o Options, fields ...string) {
		t.Helper()
		var r Record
		o.Kind = KindLAVA
		err := r.Parse(callbackJSON(append([]string{"id", "12"}, fields...)...), o)
		if err != nil || r.Key != want {
			t.Errorf("got %q, %v, want %q", r.Key, err, want)
		}
	}
	body := []string{"lab_name", `"lab-b"`}
	definition := []string{"definition", `"metadata: {node_id: ` + node + `}\n"`}
	f("lab-a/12", Options{Lab: "lab-a", OtherLab: "lab-c", NodeID: node}, body...)
	f("lab-b/12", Options{OtherLab: "lab-c", NodeID: node}, body...)
	f("lab-c/12", Options{OtherLab: "lab-c", NodeID: node}, definition...)
	f("node/"+node, Options{NodeID: node})
	f("node/"+node, Options{}, definition...)
	var r Record
	refusedAs(t, r.Parse(callbackJSON("id", "12"), Options{Kind: KindLAVA}), "no_lab", "name the lab")
}

func TestShorten(t *testing.T) {
	long := []byte(strings.Repeat("x", 600))
	a, b := string(shorten([]byte(string(long)+"a"), 0, 200)), string(shorten([]byte(string(long)+"b"), 0, 200))
	if len(a) != 200 || len(b) != 200 || a == b {
		t.Errorf("%d %d bytes, the same: %v", len(a), len(b), a == b)
	}
	if got := string(shorten([]byte("keep|"+string(long)), 5, 100)); len(got) != 105 ||
		!strings.HasPrefix(got, "keep|xx") {
		t.Errorf("%q", got)
	}
}

func testIDs(t *testing.T, o Options, rows ...string) []string {
	t.Helper()
	r, d, err := made(callbackJSON("results", fmt.Sprintf(`{"s":%q}`, strings.Join(rows, "\n"))), o)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	seen := map[string]bool{}
	for doc := range d.All() {
		if doc.Kind != DocTest {
			continue
		}
		id := string(doc.ID)
		if seen[id] || len(id) > 512 || !regexp.MustCompile(`^[A-Za-z0-9._:/@+=%-]+$`).MatchString(id) {
			t.Errorf("id %q, twice: %v", id, seen[id])
		}
		seen[id] = true
		ids = append(ids, strings.TrimPrefix(id, r.Key))
	}
	return ids
}

func TestTestIDs(t *testing.T) {
	f := func(want string, rows ...string) {
		t.Helper()
		if got := strings.Join(testIDs(t, Options{}, rows...), " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	f("/t/1 /t/2", "- {id: 1}", "- {id: 2}")
	f("/t/1 /t/1/2 /t/1/3", "- {id: 1}", "- {id: 1}", "- {id: '1'}")
	f("/t/a/x/1 /t/a/x/2 /t/b/x/1", "- {suite: a, name: x}", "- {suite: a, name: x}", "- {suite: b, name: x}")
	f("/t/s//1 /t/s//2", "- {result: pass}", "- {id: ''}")
	f("/t/a/x%20%C3%BC/1", "- {suite: a, name: 'x ü'}")
	// What is numbered never meets an id that reads the same.
	f("/t/1 /t/1/2 /t/1/3", "- {id: 1}", "- {id: 1/2}", "- {id: 1}")
	f("/t/1 /t/1/2 /t/1/2/2", "- {id: 1}", "- {id: 1}", "- {id: 1/2}")
	f("/t/a/x/1 /t/a/x/1/2 /t/a/x/2", "- {suite: a, name: x}", "- {id: a/x/1}", "- {suite: a, name: x}")
	f("/t/a/b/c/1 /t/a/b/c/2", "- {suite: a/b, name: c}", "- {suite: a, name: b/c}")
}

func TestTestIDsAreShort(t *testing.T) {
	long := strings.Repeat("x", 700)
	rows := []string{}
	for i := range 3 {
		rows = append(rows, "- {id: "+long+"}", fmt.Sprintf("- {id: %s%d}", long, i),
			fmt.Sprintf("- {suite: %s, name: %s%d}", long, long, i))
	}
	testIDs(t, Options{}, rows...)
	testIDs(t, Options{Lab: strings.Repeat("ü", 500)}, rows...)
}

func TestLinkKeys(t *testing.T) {
	f := func(want string, parts ...string) {
		t.Helper()
		if got := linkKey(parts...); got != want {
			t.Errorf("%q: got %q, want %q", parts, got, want)
		}
	}
	f("a|b|c", "a", "b", "c")
	f("a||", "a", "", "")
	f("a_b_c__|x", "a b&c%é", "x")
	f("._+:/@=,|-|Az09", "._+:/@=,|-", "Az09")
	f("_________________", "'\"()!*?#<>[]{}\\~`")
}

// TestKeysOfARecord: the three keys of one job, joined as the dashboards do.
func TestKeysOfARecord(t *testing.T) {
	_, d, err := made(callbackJSON("lab_name", `"lab a"`, "results", `{"s":"- {suite: s, name: n 1}"}`, "definition",
		`"metadata: {kernel.tree: t, git.branch: b, git.describe: d, kernel.defconfig: c+x=y, job.arch: a, job.build_environment: e, device.type: 'dev,1'}"`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const build = "t|b|d|c+x=y|a|e"
	s := sources(t, d)
	for kind, docs := range s {
		if docs[0]["build_key"] != build || docs[0]["boot_key"] != build+"|lab_a|dev,1" {
			t.Errorf("%s: %v %v", kind, docs[0]["build_key"], docs[0]["boot_key"])
		}
	}
	if got := s[DocTest][0]["test_key"]; got != build+"|s/n_1" {
		t.Errorf("test_key %v", got)
	}
	if s[DocBoot][0]["test_key"] != nil || s[DocLog][0]["test_key"] != nil {
		t.Error("test_key on a boot or log document")
	}
}
