package transform_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kcing/kcing/transform"
)

var update = flag.Bool("update", false, "rewrite the golden files of ../testdata")

// goldenOptions are those of the cases that need some; the kind of the others
// is their directory, and received is when they came.
var goldenOptions = map[string]transform.Options{
	"lava/ingest-time": {Kind: transform.KindLAVA, IngestTime: true},
	"lava/lab-given":   {Kind: transform.KindLAVA, Lab: "lab given, é"},
}

// goldenCase is a record of ../testdata: KIND/CASE.json becomes
// KIND/CASE.golden.ndjson. What is bad/ is detected, and refused.
type goldenCase struct {
	name    string // KIND/CASE
	payload []byte
	options transform.Options
}

func goldenCases(tb testing.TB) []goldenCase {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join("..", "testdata", "*", "*.json"))
	if err != nil || len(files) == 0 {
		tb.Fatal("no cases in ../testdata", err)
	}
	var cases []goldenCase
	for _, f := range files {
		payload, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		kind := filepath.Base(filepath.Dir(f))
		c := goldenCase{name: kind + "/" + strings.TrimSuffix(filepath.Base(f), ".json"), payload: payload}
		if o, ok := goldenOptions[c.name]; ok {
			c.options = o
		} else if kind == "maestro" {
			c.options.Format = transform.FormatMaestro
		} else if kind != "bad" {
			c.options.Kind = transform.Kind(kind)
		}
		if c.options.OtherLab == "" {
			c.options.OtherLab = "lab-other"
		}
		cases = append(cases, c)
	}
	return cases
}

// render is what a golden file holds: what the record is, then its documents.
func render(tb testing.TB, c goldenCase, rec *transform.Record, docs *transform.Documents) []byte {
	tb.Helper()
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	put := func(v any) {
		if err := enc.Encode(v); err != nil {
			tb.Fatal(err)
		}
	}
	err := rec.Parse(c.payload, c.options)
	if err == nil {
		err = rec.Documents(docs, received)
	}
	var refused *transform.RefusedError
	switch {
	case errors.As(err, &refused):
		put(map[string]any{"refused": refused.Type, "field": refused.Field, "reason": refused.Error()})
		return out.Bytes()
	case err != nil:
		tb.Fatal(err)
	}
	put(map[string]any{"record": rec.Key, "kind": rec.Kind, "lab": rec.Lab, "time": docs.Time,
		"own_time": rec.HasTime(received), "documents": docs.Len()})
	for doc := range docs.All() {
		// As it is, not through the encoder: the bytes are the contract.
		out.WriteString(`{"_index":"` + doc.Kind + `","_id":"` + string(doc.ID) + `","_source":`)
		out.Write(doc.Source)
		out.WriteString("}\n")
	}
	return out.Bytes()
}

func TestGolden(t *testing.T) {
	for _, c := range goldenCases(t) {
		t.Run(c.name, func(t *testing.T) {
			got := render(t, c, new(transform.Record), new(transform.Documents))
			file := filepath.Join("..", "testdata", filepath.FromSlash(c.name)+".golden.ndjson")
			if *update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%v (go test ./transform -run TestGolden -update writes it)", err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("not as in %s (-update rewrites it; look at the difference):\n%s", file,
					firstDifference(got, want))
			}
		})
	}
}

func firstDifference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			return "line " + strings.Join([]string{
				"got:  " + strings.Join(g[min(i, len(g)):min(i+1, len(g))], ""),
				"want: " + strings.Join(w[min(i, len(w)):min(i+1, len(w))], ""),
			}, "\n")
		}
	}
	return ""
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9._:/@+=%-]{1,512}$`)

// TestGoldenLines asserts what holds for every document, and that values used
// again give the same.
func TestGoldenLines(t *testing.T) {
	var rec transform.Record
	var docs transform.Documents
	for _, c := range goldenCases(t) {
		first := render(t, c, &rec, &docs)
		if again := render(t, c, &rec, &docs); !bytes.Equal(first, again) {
			t.Errorf("%s: other documents on a second run: %s", c.name, firstDifference(again, first))
		}
		seen := map[string]bool{}
		for line := range bytes.Lines(first) {
			var l struct {
				Index  string          `json:"_index"`
				ID     string          `json:"_id"`
				Source json.RawMessage `json:"_source"`
			}
			if err := json.Unmarshal(line, &l); err != nil {
				t.Errorf("%s: not JSON: %v\n%s", c.name, err, line)
				continue
			}
			if l.Index == "" {
				continue // the record, or why it was refused
			}
			if !idForm.MatchString(l.ID) {
				t.Errorf("%s: bad id %q", c.name, l.ID)
			}
			if seen[l.Index+" "+l.ID] {
				t.Errorf("%s: id %q twice", c.name, l.ID)
			}
			seen[l.Index+" "+l.ID] = true
			checkSource(t, c, l.Source)
		}
	}
}

func checkSource(t *testing.T, c goldenCase, source []byte) {
	t.Helper()
	// No document holds a template literal that the record does not hold.
	if bytes.Contains(source, []byte("%{")) && !bytes.Contains(c.payload, []byte("%{")) {
		t.Errorf("%s: a template literal: %s", c.name, source)
	}
	if name := duplicateName(source); name != "" {
		t.Errorf("%s: %q twice: %s", c.name, name, source)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(source, &members); err != nil {
		t.Errorf("%s: %v", c.name, err)
	}
	for name, value := range members {
		if string(value) == "null" {
			t.Errorf("%s: %s is null", c.name, name)
		}
		for _, gone := range []string{"token", "headers", "message", "type", "@version", "@metadata"} {
			if name == gone && members["incident_type"] == nil { // an incident has a message of its own
				t.Errorf("%s: %s is still there", c.name, name)
			}
		}
	}
}

// duplicateName finds a name that an object in source holds twice; Elasticsearch
// refuses such documents.
func duplicateName(source []byte) string {
	dec := json.NewDecoder(bytes.NewReader(source))
	var walk func() (string, error)
	walk = func() (string, error) {
		tok, err := dec.Token()
		if err != nil {
			return "", err
		}
		delim, ok := tok.(json.Delim)
		if !ok {
			return "", nil
		}
		seen := map[string]bool{}
		for dec.More() {
			if delim == '{' {
				key, err := dec.Token()
				if err != nil {
					return "", err
				}
				name, _ := key.(string)
				if seen[name] {
					return name, nil
				}
				seen[name] = true
			}
			if dup, err := walk(); dup != "" || err != nil {
				return dup, err
			}
		}
		_, err = dec.Token()
		return "", err
	}
	dup, _ := walk()
	return dup
}
