// Package objects writes kcing's saved objects: data views, searches, panels,
// menus and dashboards. What the panels have in common stands once, so that a
// change of, say, what counts as a failed boot is made in one place (results.go).
// It does not know Kibana's import file; package kibana makes that.
//
// The caveat that bites: a page's ids are those of people's bookmarks and of
// the links between pages. Do not rename them.
package objects

// Object is a saved object. What Kibana stores as a string of JSON (panelsJSON
// and the like) is still JSON in it.
type Object struct {
	// Type is index-pattern (a data view), search, lens, links or dashboard.
	Type string
	// ID is the same in every version and begins with "kcing-".
	ID string
	// Attributes are what the type has. Indices are without the prefix.
	Attributes map[string]any
	// References are the objects that this one names.
	References []Reference
}

// Reference is another object, by the name that Attributes have for it.
type Reference struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

// All returns all objects, each with an ID of its own.
func All() []Object {
	var all []Object
	for _, list := range [][]Object{
		dataViews(), searches(), incidentSearches(), buildPanels(), bootPanels(), testPanels(), logPanels(),
		incidentPanels(), treePanels(), menus(),
	} {
		all = append(all, list...)
	}
	return append(all, dashboards(all)...)
}

type (
	fields = map[string]any
	list   = []any
)
