// Package kibana holds the Kibana saved objects that go with kcing's documents:
// data views, dashboards and the panels on them, as a file that Kibana 8.19 and
// 9.x import. Objects and File do not talk to Kibana.
//
// Caveat: an object's id must never change. Importing overwrites by id,
// links between pages name dashboards by id, and an object that is renamed
// leaves the old one behind in every Kibana.
//
// What the objects are is in package objects.
package kibana

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/kcing/kcing/kibana/objects"
)

// Object is one saved object as Kibana's export writes it.
type Object struct {
	// Type is index-pattern (a data view), search, lens, links or dashboard.
	Type string
	// ID is the same in every version and begins with "kcing-".
	ID string
	// JSON is one line without its end, keys sorted. It belongs to the caller.
	JSON []byte
}

// Reference names the object.
func (o Object) Reference() Reference { return Reference{o.Type, o.ID} }

func compareObjects(a, b Object) int { return compareReferences(a.Reference(), b.Reference()) }

// typeVersions are the forms in which the objects are written: low ones, since
// Kibana migrates old objects and refuses newer ones than it knows. A links
// object has none: it has no migrations, and a version would be a newer one.
var typeVersions = map[string]string{
	"index-pattern": "8.0.0", "search": "8.0.0", "lens": "8.9.0", "dashboard": "8.9.0",
}

// typeOrder is the order of Objects: what refers comes after what it refers to.
var typeOrder = []string{"index-pattern", "search", "lens", "links", "dashboard"}

// stringified are the attributes that Kibana stores as strings of JSON.
var stringified = []string{
	"fieldAttrs", "fieldFormatMap", "fields", "ignoreParentSettingsJSON", "optionsJSON", "panelsJSON",
	"runtimeFieldMap", "searchSourceJSON", "sourceFilters", "typeMeta",
}

// Objects returns all saved objects, the data views for indices whose names
// begin with prefix (ES_INDEX_PREFIX; empty: none), by type and then by id. It
// returns an error when the prefix would make a data view of foreign indices.
func Objects(prefix string) ([]Object, error) {
	if i := strings.IndexAny(prefix, "*,<>?\"\\/| \t\n"); i >= 0 {
		return nil, fmt.Errorf("index prefix %q: %q is not allowed in an index name", prefix, prefix[i])
	}
	all := objects.All()
	made := make([]Object, len(all))
	for i, o := range all {
		var err error
		if made[i], err = importable(o, prefix); err != nil {
			return nil, fmt.Errorf("saved object %s %s: %w", o.Type, o.ID, err)
		}
	}
	slices.SortFunc(made, compareObjects)
	return made, nil
}

// importable writes an object in the form that Kibana imports.
func importable(o objects.Object, prefix string) (Object, error) {
	if o.References == nil {
		o.References = []objects.Reference{}
	}
	if title, ok := o.Attributes["title"].(string); ok && o.Type == "index-pattern" {
		patterns := strings.Split(title, ",")
		for i := range patterns {
			patterns[i] = prefix + patterns[i]
		}
		o.Attributes["title"] = strings.Join(patterns, ",")
	}
	source := map[string]any{
		"type": o.Type, "id": o.ID, "attributes": o.Attributes, "references": o.References,
		"managed": false, "coreMigrationVersion": "8.8.0",
	}
	if version := typeVersions[o.Type]; version != "" {
		source["typeMigrationVersion"] = version
	}
	if err := stringify(o.Attributes); err != nil {
		return Object{}, err
	}
	line, err := marshal(source)
	return Object{Type: o.Type, ID: o.ID, JSON: line}, err
}

// stringify turns the members named in stringified into strings, innermost
// first.
func stringify(v any) error {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if err := stringify(member); err != nil {
				return err
			}
			if _, is := member.(string); is || !slices.Contains(stringified, name) {
				continue
			}
			text, err := marshal(member)
			if err != nil {
				return err
			}
			v[name] = string(text)
		}
	case []any:
		for _, member := range v {
			if err := stringify(member); err != nil {
				return err
			}
		}
	}
	return nil
}

// marshal writes one line with sorted keys. Unlike json.Marshal it leaves < > &
// as they are, as Kibana does; links are full of them.
func marshal(v any) ([]byte, error) {
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(line.Bytes(), []byte("\n")), nil
}
