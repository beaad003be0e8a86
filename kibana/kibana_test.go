package kibana_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/kcing/kcing/kibana"
	"github.com/kcing/kcing/mappings"
)

func TestPrefix(t *testing.T) {
	objects, err := kibana.Objects("ci-")
	if err != nil {
		t.Fatal(err)
	}
	titles := map[string]bool{}
	for _, o := range objects {
		var object struct{ Attributes struct{ Title string } }
		if err := json.Unmarshal(o.JSON, &object); err != nil {
			t.Fatal(err)
		}
		if o.Type == "index-pattern" {
			titles[object.Attributes.Title] = true
		}
	}
	for _, kind := range mappings.Kinds {
		if !titles["ci-"+kind+"-*"] {
			t.Errorf("no data view for the indices ci-%s-*: %v", kind, titles)
		}
	}
	if all := "ci-build-*,ci-boot-*,ci-test-*"; !titles[all] {
		t.Errorf("no data view for %s: %v", all, titles)
	}
	for _, bad := range []string{"*", "a,b-", "a b", "x\n"} {
		if _, err := kibana.Objects(bad); err == nil || !strings.Contains(err.Error(), "prefix") {
			t.Errorf("prefix %q: %v", bad, err)
		}
	}
}

// shipped is the file with our objects.
func shipped(t *testing.T) []byte {
	t.Helper()
	objects, err := kibana.Objects("")
	if err != nil {
		t.Fatal(err)
	}
	file, err := kibana.File(objects, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// Saved twice, the file is the same: otherwise each backup differs.
func TestFileIsStable(t *testing.T) {
	first := shipped(t)
	for range 5 {
		if again := shipped(t); !bytes.Equal(first, again) {
			t.Fatal("another file from the same objects")
		}
	}
	if !bytes.HasSuffix(first, []byte("\n")) {
		t.Error("the last line has no end")
	}
}

// TestObjectsTwice: what one call makes of the objects is not the other's.
func TestObjectsTwice(t *testing.T) {
	first, err := kibana.Objects("one-")
	if err != nil {
		t.Fatal(err)
	}
	second, err := kibana.Objects("one-")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for i := range first {
		if string(first[i].JSON) != string(second[i].JSON) {
			t.Errorf("%s %s is another the second time", first[i].Type, first[i].ID)
		}
		if ids[first[i].ID] {
			t.Errorf("%s %s is there twice", first[i].Type, first[i].ID)
		}
		ids[first[i].ID] = true
	}
}
