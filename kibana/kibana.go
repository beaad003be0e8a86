// Package kibana holds the Kibana saved objects that go with kcing's documents:
// data views, dashboards and the panels on them, as a file that Kibana 8.19 and
// 9.x import. Objects and File do not talk to Kibana.
//
// Caveat: an object's id must never change. Importing overwrites by id,
// links between pages name dashboards by id, and an object that is renamed
// leaves the old one behind in every Kibana.
//
// The sources are in objects/, one file an object, made by kibana/generate.
// There, what Kibana stores as a string of JSON (panelsJSON and the like) is
// JSON, so that people and diffs can read it.
package kibana

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:generate go run ./generate

//go:embed objects
var sources embed.FS

// Object is one saved object as Kibana's export writes it.
type Object struct {
	// Type is index-pattern (a data view), search, lens, links or dashboard.
	Type string
	// ID is the same in every version and begins with "kcing-".
	ID string
	// JSON is one line without its end, keys sorted. It belongs to the caller.
	JSON []byte
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
	var objects []Object
	err := fs.WalkDir(sources, "objects", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		data, err := sources.ReadFile(name)
		if err != nil {
			return err
		}
		o, err := parseObject(data, prefix)
		if err != nil {
			return fmt.Errorf("saved object %s: %w", name, err)
		}
		objects = append(objects, o)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(objects, func(a, b Object) int {
		if by := slices.Index(typeOrder, a.Type) - slices.Index(typeOrder, b.Type); by != 0 {
			return by
		}
		return strings.Compare(a.ID, b.ID)
	})
	return objects, nil
}

// parseObject reads a source file into the form that Kibana imports.
func parseObject(data []byte, prefix string) (Object, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var source map[string]any
	if err := decoder.Decode(&source); err != nil {
		return Object{}, err
	}
	kind, _ := source["type"].(string)
	id, _ := source["id"].(string)
	attributes, _ := source["attributes"].(map[string]any)
	if kind == "" || id == "" || attributes == nil {
		return Object{}, fmt.Errorf("it needs type, id and attributes")
	}
	if title, ok := attributes["title"].(string); ok && kind == "index-pattern" {
		patterns := strings.Split(title, ",")
		for i := range patterns {
			patterns[i] = prefix + patterns[i]
		}
		attributes["title"] = strings.Join(patterns, ",")
	}
	if err := stringify(source); err != nil {
		return Object{}, err
	}
	line, err := marshal(source)
	return Object{Type: kind, ID: id, JSON: line}, err
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
