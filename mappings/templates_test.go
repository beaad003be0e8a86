package mappings

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the templates to testdata")

func TestTemplate(t *testing.T) {
	for _, kind := range Kinds {
		got, err := Template("x-", kind)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", kind+".golden.json")
		if *update {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := lineDiff(kind, want, got); d != "" {
			t.Errorf("the %s template has changed. When that is meant, raise Version and run go test ./mappings "+
				"-update\n%s", kind, d)
		}
		again, err := canonical(got)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: not in canonical form (%v)", kind, err)
		}
	}
}

func TestTemplateRefuses(t *testing.T) {
	if _, err := Template("boot-", Build); err == nil {
		t.Error("a bad prefix is accepted")
	}
	if _, err := Template("", "lava"); err == nil {
		t.Error("an unknown kind is accepted")
	}
	if _, err := properties(fieldLists{Keyword: []string{"a"}}, fieldLists{Long: []string{"a"}}); err == nil {
		t.Error("a field of two types is accepted")
	}
}

type field struct {
	Type   string           `json:"type"`
	Path   string           `json:"path"`
	Fields map[string]field `json:"fields"`
}

func fieldsOf(t *testing.T, kind string) map[string]field {
	t.Helper()
	body, err := Template("", kind)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Template struct {
			Mappings struct {
				Properties map[string]field `json:"properties"`
			} `json:"mappings"`
		} `json:"template"`
	}
	if err := json.Unmarshal(body, &template); err != nil {
		t.Fatal(err)
	}
	return template.Template.Mappings.Properties
}

// A data view over all kinds must not find one name with two types.
func TestFieldsHaveOneTypeInAllKinds(t *testing.T) {
	types := map[string]string{}
	for _, kind := range Kinds {
		count := 0
		for name, f := range fieldsOf(t, kind) {
			count += 1 + len(f.Fields)
			if seen := types[name]; seen != "" && seen != f.Type {
				t.Errorf("%s is %s and, in %s, %s", name, seen, kind, f.Type)
			}
			types[name] = f.Type
		}
		// The rest is for fields that nobody has thought of.
		if count > 400 {
			t.Errorf("%s has %d fields of the 1000 that an index may have", kind, count)
		}
	}
}

func TestEveryFieldHasItsKeyword(t *testing.T) {
	for _, kind := range Kinds {
		fields := fieldsOf(t, kind)
		for name, f := range fields {
			base, isKeyword := strings.CutSuffix(name, ".keyword")
			switch {
			case isKeyword:
				if f.Type != "alias" || f.Path != base || fields[base].Type == "" {
					t.Errorf("%s: %s is not an alias of %s", kind, name, base)
				}
			case fields[name+".keyword"].Type == "" && f.Fields["keyword"].Type != "keyword":
				t.Errorf("%s: %s has no .keyword", kind, name)
			}
		}
	}
}
