package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maestroRecord is a record of ../testdata/maestro as a map.
func maestroRecord(t *testing.T, name string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "maestro", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// maestroDoc is a document, its kind and id among its members.
type maestroDoc map[string]any

func maestroDocs(t *testing.T, record map[string]any, o Options) (all []maestroDoc, rec *Record) {
	t.Helper()
	payload, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	rec = new(Record)
	var docs Documents
	if err := rec.Parse(payload, o); err != nil {
		t.Fatal(err)
	}
	if err := rec.Documents(&docs, testReceived); err != nil {
		t.Fatal(err)
	}
	for d := range docs.All() {
		var m maestroDoc
		if err := json.Unmarshal(d.Source, &m); err != nil {
			t.Fatal(err)
		}
		m["_kind"], m["_id"] = d.Kind, string(d.ID)
		all = append(all, m)
	}
	return all, rec
}

// With its node a callback becomes the documents that it becomes without, more
// of them at most, and each knows more.
func TestMaestroCallbackIsTheSame(t *testing.T) {
	r := maestroRecord(t, "job")
	whole, rec := maestroDocs(t, r, Options{})
	plain, plainRec := maestroDocs(t, r["callback"].(map[string]any), Options{Lab: "lava-example"})
	if rec.Key != plainRec.Key || rec.Kind != plainRec.Kind || !rec.Time.Equal(plainRec.Time) ||
		rec.Lab != plainRec.Lab {
		t.Errorf("got %+v, want %+v", rec, plainRec)
	}
	if !rec.Overwrites || rec.TimeMoves || plainRec.Overwrites || plainRec.TimeMoves {
		t.Error("Overwrites or TimeMoves")
	}
	byID := map[string]maestroDoc{}
	for _, d := range whole {
		byID[fmt.Sprint(d["_kind"], d["_id"])] = d
	}
	for _, want := range plain {
		got := byID[fmt.Sprint(want["_kind"], want["_id"])]
		for name, v := range want {
			switch name {
			case "node_id", "build_key", "boot_key", "test_key":
				continue
			}
			if fmt.Sprint(got[name]) != fmt.Sprint(v) {
				t.Errorf("%s %s: %v, want %v", want["_id"], name, got[name], v)
			}
		}
		for _, name := range []string{"job", "git_commit", "arch", "defconfig_full", "build_environment", "board",
			"node_id"} {
			if got[name] == nil {
				t.Errorf("%s has no %s", want["_id"], name)
			}
		}
	}
	if len(whole) != len(plain)+1 {
		t.Errorf("%d documents, without the node %d", len(whole), len(plain))
	}
}

// The lab that the command says wins over the runtime.
func TestMaestroLab(t *testing.T) {
	for _, name := range []string{"job", "job-lava-log"} {
		docs, rec := maestroDocs(t, maestroRecord(t, name), Options{Kind: KindLAVA, Lab: "my-lab"})
		if rec.Lab != "my-lab" || docs[0]["lab_name"] != "my-lab" {
			t.Errorf("%s: %q, %v", name, rec.Lab, docs[0]["lab_name"])
		}
	}
}

// parsed holds what kind a payload is found to be, or why it is refused.
func parsed(t *testing.T, payload string, o Options, want Kind, wantType string) {
	t.Helper()
	var r Record
	err := r.Parse([]byte(payload), o)
	var refused *RefusedError
	if errors.As(err, &refused) != (wantType != "") || refused != nil && refused.Type != wantType || r.Kind != want {
		t.Errorf("%s as %+v: %q, %v; want %q, %q", payload, o, r.Kind, err, want, wantType)
	}
}

func TestMaestroDetect(t *testing.T) {
	f := func(payload string, o Kind, want Kind, wantType string) {
		t.Helper()
		parsed(t, payload, Options{Kind: o}, want, wantType)
	}
	maestro := func(payload string, want Kind, wantType string) {
		t.Helper()
		parsed(t, payload, Options{Format: FormatMaestro}, want, wantType)
	}
	const id = `"id":"6b00941641dcea75e5d60001"`
	f(`{"kind":"kbuild",`+id+`,"data":{}}`, "", KindBuild, "")
	f(`{"kind":"kbuild",`+id+`,"data":{}}`, KindBuild, KindBuild, "")
	maestro(`{"kind":"kbuild",`+id+`,"data":{}}`, KindBuild, "")
	f(`{"kind":"kbuild",`+id+`,"data":{}}`, KindLAVA, KindLAVA, "no_results")
	f(`{"kind":"kbuild","_id":{"$oid":"6b00941641dcea75e5d60001"},"data":{}}`, "", KindBuild, "")
	f(`{"kind":"kbuild","id":null,"data":{}}`, "", "", "unknown_kind")
	maestro(`{"kind":"kbuild","id":null,"data":{}}`, "", "not_a_node")
	f(`{"kind":"pytest",`+id+`,"data":{}}`, "", "", "unknown_kind")
	f(`{"kind":"checkout",`+id+`,"data":{}}`, "", KindLAVA, "bare_node")
	f(`{"node":{"kind":"checkout",`+id+`}}`, "", KindLAVA, "not_lava")
	f(`{"node":{"kind":"job",`+id+`,"data":{"runtime":"lava-x"}}}`, "", KindLAVA, "")
	f(`{"node":{"kind":"job",`+id+`,"data":{"runtime":"shell"}},"log":"x"}`, "", KindLAVA, "")
	f(`{"node":{"kind":"job",`+id+`,"data":{"runtime":"lava-x"}}}`, KindBoot, KindBoot, "")
	f(`{"node":{"kind":"job",`+id+`},"callback":[]}`, "", KindLAVA, "bad_callback")
	f(`{"node":{"kind":"job",`+id+`},"callback":[],"tests":[]}`, "", KindLAVA, "")
	f(`{"node":"host1","build_result":"PASS"}`, "", KindBuild, "") // a build with a field of that name
	f(`{"node":{"name":"host1"},"build_result":"PASS"}`, "", KindBuild, "")
	maestro(`[]`, "", "unknown_kind")
}

// Ids differ whatever the nodes' ids hold, also from those of the callback.
func TestMaestroHostileIDs(t *testing.T) {
	r := maestroRecord(t, "job")
	r["node"].(map[string]any)["data"].(map[string]any)["runtime"] = "maestro"
	var tests []any
	for i, id := range []string{"19346049/t/1", "x", "x", "x/2", strings.Repeat("é", 300), strings.Repeat("é", 301),
		"19346049"} {
		tests = append(tests, map[string]any{"kind": "test", "id": id, "name": fmt.Sprint(i),
			"path": []any{"checkout", "kbuild-gcc-14-arm64", "baseline", "s", fmt.Sprint(i)}})
	}
	r["tests"] = tests
	docs, _ := maestroDocs(t, r, Options{})
	seen := map[string]bool{}
	for _, d := range docs {
		id := fmt.Sprint(d["_kind"], " ", d["_id"])
		if seen[id] || len(id) > 512+len("build ") {
			t.Errorf("%q, twice: %v", id, seen[id])
		}
		seen[id] = true
	}
	if len(docs) != 12+7 {
		t.Errorf("%d documents", len(docs))
	}
}

func TestMaestroLimits(t *testing.T) {
	var tests bytes.Buffer
	for i := range MaxDocuments + 1 {
		fmt.Fprintf(&tests, `,{"kind":"test","id":"%d","path":["%d"]}`, i, i)
	}
	payload := `{"node":{"kind":"job","id":"1","data":{"runtime":"lava-x"}},"tests":[` + tests.String()[1:] + `]}`
	var r Record
	var refused *RefusedError
	err := r.Parse([]byte(payload), Options{})
	if err == nil {
		err = r.Documents(new(Documents), testReceived)
	}
	if !errors.As(err, &refused) || refused.Type != "too_many_fields" && refused.Type != "too_many_documents" {
		t.Error(err)
	}
}

// A secret of a node's URLs is in no document, and a reject's body lacks it too.
func TestMaestroSecrets(t *testing.T) {
	for _, name := range []string{"kbuild-2024", "job", "job-lava-log", "job-bad-callback"} {
		r := maestroRecord(t, name)
		docs, _ := maestroDocs(t, r, Options{})
		payload, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(bytes.ToUpper(payload), []byte("SECRET")) {
			t.Errorf("%s holds no secret: the test tests nothing", name)
		}
		for _, text := range []string{fmt.Sprint(docs), string(Redact(payload))} {
			if strings.Contains(strings.ToUpper(text), "SECRET") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	in := `{"node":{},"callback":{"definition":"notify: {callback: {token: s3cret}}","token":"s3cret"}}`
	if out := Redact([]byte(in)); bytes.Contains(out, []byte("s3cret")) || !json.Valid(out) {
		t.Errorf("%s", out)
	}
}

func TestCleanURL(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := cleanURL(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	f("https://h/a/b.gz", "https://h/a/b.gz")
	f("https://h/a?sig=x", "https://h/a")
	f("https://u:p@h/a#x", "https://h/a")
	f("https://u:p@x@h", "https://h")
	f("https://h/a@b", "https://h/a@b")
	f("git@h:a.git", "git@h:a.git")
	f("", "")
}

// FuzzNode asserts what holds for all bytes as a Maestro record.
func FuzzNode(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "maestro", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatal("no records in ../testdata/maestro", err)
	}
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		var r Record
		var docs Documents
		if r.Parse(payload, Options{Format: FormatMaestro}) != nil {
			return
		}
		if r.Kind != KindBuild && r.Kind != KindLAVA || !r.Overwrites || r.Key == "" {
			t.Fatalf("%+v", r)
		}
		if err := r.Documents(&docs, testReceived); err != nil {
			var refused *RefusedError
			if !errors.As(err, &refused) || docs.Len() > 0 {
				t.Fatal(err)
			}
			return
		}
		seen := map[string]bool{}
		for d := range docs.All() {
			id := d.Kind + " " + string(d.ID)
			if len(d.ID) == 0 || len(d.ID) > maxID || seen[id] {
				t.Fatalf("id %q, twice: %v", id, seen[id])
			}
			seen[id] = true
			if !json.Valid(d.Source) || bytes.ContainsAny(d.Source, "\r\n") {
				t.Fatalf("not one line of JSON: %s", d.Source)
			}
			var members map[string]json.RawMessage
			if err := json.Unmarshal(d.Source, &members); err != nil {
				t.Fatal(err)
			}
			if members["node_id"] == nil {
				t.Fatalf("no node_id: %s", d.Source)
			}
		}
	})
}

// Real nodes, where they are at hand: each build becomes a document, each job of
// LAVA a boot, and nothing is refused for another reason than its kind.
func TestMaestroRealNodes(t *testing.T) {
	shared := os.Getenv("KCING_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	var files []string
	for _, dir := range []string{"nodes", "nodes/recorded"} {
		found, _ := filepath.Glob(filepath.Join(shared, "data", dir, "*.json"))
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skip("no real nodes (KCING_SHARED)")
	}
	count := map[string]int{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var one map[string]any
		if json.Unmarshal(raw, &one) != nil {
			continue // a list of events, or an error's text
		}
		nodes, ok := one["items"].([]any)
		if !ok {
			nodes = []any{one}
		}
		for _, n := range nodes {
			node, ok := n.(map[string]any)
			if !ok || node["kind"] == nil {
				continue
			}
			payload, _ := json.Marshal(map[string]any{"node": node, "tests": nodes[:min(10, len(nodes))]})
			var r Record
			var docs Documents
			err := r.Parse(payload, Options{Format: FormatMaestro})
			var refused *RefusedError
			switch {
			case errors.As(err, &refused):
				count[refused.Type]++
				if refused.Type != "not_lava" && (refused.Type != "not_a_node" || node["id"] != nil) {
					t.Errorf("%s: %v", file, err)
				}
				continue
			case err != nil:
				t.Fatal(err)
			}
			if err := r.Documents(&docs, testReceived); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			count[string(r.Kind)]++
			for d := range docs.All() {
				if d.Kind == DocBuild && !bytes.Contains(d.Source, []byte(`"git_describe":`)) ||
					!bytes.Contains(d.Source, []byte(`"node_id":`)) {
					t.Errorf("%s: %s", file, d.Source)
				}
				break
			}
		}
	}
	t.Log(count)
}
