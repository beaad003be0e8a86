// Command generate writes the sources of kcing's saved objects, one file an
// object, to kibana/objects: run it by go generate ./kibana.
//
// It is what the panels have in common, so that a change of, say, what counts
// as a failed boot is made in one place (results.go). It does not know Kibana's
// import file; package kibana makes that from the files.
//
// The caveat that bites: a page's ids are those of people's bookmarks and of
// the links between pages. Do not rename them.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write("objects"); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// write replaces the folder's files by those of all().
func write(folder string) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	for _, o := range all() {
		name, data, err := o.file()
		if err != nil {
			return err
		}
		name = filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // sources are for all
			return err
		}
		if err := os.WriteFile(name, data, 0o644); err != nil { //nolint:gosec // sources are for all
			return err
		}
	}
	return nil
}

func all() []object {
	var objects []object
	for _, list := range [][]object{
		dataViews(), searches(), incidentSearches(), buildPanels(), bootPanels(), testPanels(), logPanels(), incidentPanels(), treePanels(), menus(),
	} {
		objects = append(objects, list...)
	}
	return append(objects, dashboards(objects)...)
}

type (
	fields = map[string]any
	list   = []any
)

// object is a saved object as objects/ has it.
type object struct {
	kind, id   string
	attributes fields
	references []reference
}

type reference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// typeVersions are the forms in which the objects are written: low ones, since
// Kibana migrates old objects and refuses newer ones than it knows. A links
// object has none: it has no migrations, and a version would be a newer one.
var typeVersions = map[string]string{
	"index-pattern": "8.0.0", "search": "8.0.0", "lens": "8.9.0", "dashboard": "8.9.0",
}

func (o object) file() (name string, data []byte, err error) {
	if o.references == nil {
		o.references = []reference{}
	}
	source := fields{
		"type": o.kind, "id": o.id, "attributes": o.attributes, "references": o.references,
		"managed": false, "coreMigrationVersion": "8.8.0",
	}
	if version := typeVersions[o.kind]; version != "" {
		source["typeMigrationVersion"] = version
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(source); err != nil {
		return "", nil, fmt.Errorf("%s %s: %w", o.kind, o.id, err)
	}
	return o.kind + "/" + o.id + ".json", text.Bytes(), nil
}
