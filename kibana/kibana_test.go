package kibana_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/kcing/kcing/kibana"
	"github.com/kcing/kcing/mappings"
)

// A data view that names no index of ours, or that Kibana would change on
// export, is found here, since there is no Kibana to import it into.
func TestDataViews(t *testing.T) {
	kinds := map[string]bool{}
	for line := range bytes.Lines(kibana.DataViews) {
		var o struct {
			Attributes struct {
				Title, Name, TimeFieldName string
				Fields                     string
				AllowNoIndex               bool
			}
			ID, Type, TypeMigrationVersion, CoreMigrationVersion string
		}
		if err := json.Unmarshal(line, &o); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		var any map[string]any
		if err := json.Unmarshal(line, &any); err != nil {
			t.Fatal(err)
		}
		canonical, err := json.Marshal(any)
		if err != nil || !bytes.Equal(canonical, bytes.TrimSuffix(line, []byte("\n"))) {
			t.Errorf("not in canonical form: %s", line)
		}
		kind := o.ID[len("kcing-"):]
		kinds[kind] = true
		if o.Type != "index-pattern" || o.Attributes.Title != kind+"-*" || o.Attributes.TimeFieldName != "@timestamp" || !o.Attributes.AllowNoIndex {
			t.Errorf("data view %s: %s", o.ID, line)
		}
		if o.TypeMigrationVersion != "8.0.0" || o.CoreMigrationVersion != "8.8.0" {
			t.Errorf("data view %s: versions %s, %s", o.ID, o.TypeMigrationVersion, o.CoreMigrationVersion)
		}
	}
	for _, k := range mappings.Kinds {
		if !kinds[k] {
			t.Errorf("no data view for %s", k)
		}
	}
}
