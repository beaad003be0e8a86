package checker

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/kcing/kcing/mappings"
)

// fieldTypes are the types of a kind's fields, from the index template that
// kcing installs, not from a copy of it. An alias has the type of its target.
func fieldTypes(kind string) map[string]string {
	body, err := mappings.Template("", kind)
	if err != nil {
		panic(err)
	}
	type mapping struct {
		Type   string
		Path   string
		Fields map[string]struct{ Type string }
	}
	var template struct {
		Template struct {
			Mappings struct{ Properties map[string]mapping }
		}
	}
	if err := json.Unmarshal(body, &template); err != nil {
		panic(err)
	}
	types := map[string]string{}
	properties := template.Template.Mappings.Properties
	for name, m := range properties {
		types[name] = m.Type
		if m.Type == "alias" {
			types[name] = properties[m.Path].Type
		}
		for sub, m := range m.Fields {
			types[name+"."+sub] = m.Type
		}
	}
	return types
}

var (
	typesOf = map[string]map[string]string{}
	kinds   = map[string][]string{
		"kcing-build": {"build"}, "kcing-boot": {"boot"}, "kcing-test": {"test"}, "kcing-log": {"log"},
		"kcing-incident": {"incident"},
		"kcing-results":  {"build", "boot", "test"},
	}
)

func init() {
	for view, all := range kinds {
		typesOf[view] = map[string]string{}
		for _, kind := range all {
			for field, typ := range fieldTypes(kind) {
				if before := typesOf[view][field]; before != "" && before != typ {
					typ = "in conflict" // what Kibana says of it
				}
				typesOf[view][field] = typ
			}
		}
	}
}

// checkFields holds every field that an object names to the template of its data
// view: it exists, and it can do what is asked of it.
func (f *file) checkFields(o *object) {
	need := func(view, field, what string, allowed ...string) {
		typ, ok := typesOf[view][field]
		switch {
		case view == "": // a reference is missing
		case !ok:
			f.find("field", o, "%s: no field %s in the template of %s", what, field, view)
		case len(allowed) > 0 && !slices.Contains(allowed, typ):
			rule := "aggregatable"
			switch what {
			case "sort":
				rule = "sortable"
			case "measure":
				rule = "field type"
			}
			f.find(rule, o, "%s needs one of %q, and %s is %s", what, allowed, field, typ)
		}
	}
	column := []string{"keyword", "long", "double", "date", "boolean"}
	switch {
	case o.view != nil:
		for _, field := range slices.Sorted(maps.Keys(o.view.FieldFormatMap.value)) {
			need(o.ID, field, "format")
		}
	case o.search != nil:
		view := o.dataView()
		for _, field := range o.search.Columns {
			need(view, field, "column")
		}
		for _, s := range o.search.Sort {
			need(view, s[0], "sort", column...)
		}
	case o.lens != nil:
		view := o.dataView()
		for _, c := range o.lens.onlyLayer().Columns {
			switch c.OperationType {
			case "terms", "unique_count":
				need(view, c.SourceField, c.OperationType, "keyword", "long", "double")
			case "date_histogram":
				need(view, c.SourceField, c.OperationType, "date")
			case "average":
				need(view, c.SourceField, "measure", "long", "double")
			case "min", "max":
				need(view, c.SourceField, "measure", map[string][]string{"number": {"long", "double"},
					"date": {"date"}}[c.DataType]...)
			}
		}
	case o.dashboard != nil:
		for id, c := range o.dashboard.ControlGroup.Panels.value {
			need(o.controlView(id), c.ExplicitInput.FieldName, "control", "keyword")
		}
	}
	for view, queries := range f.queries(o) {
		for _, q := range queries {
			if n, err := parseKQL(q); err == nil {
				for _, field := range n.fields() {
					need(view, field, "query")
				}
			}
		}
	}
}

// dataView is the id of the one data view that a search or a chart refers to.
func (o *object) dataView() string {
	for _, r := range o.References {
		if r.Type == "index-pattern" {
			return r.ID
		}
	}
	return ""
}

func (o *object) controlView(control string) string {
	for _, r := range o.References {
		if r.Name == "controlGroup_"+control+":optionsListDataView" {
			return r.ID
		}
	}
	return ""
}

// queries are the KQL texts of an object, by data view.
func (f *file) queries(o *object) map[string][]string {
	all := map[string][]string{}
	add := func(view string, q query) {
		if strings.TrimSpace(q.Query) != "" {
			all[view] = append(all[view], q.Query)
		}
	}
	switch {
	case o.search != nil:
		add(o.dataView(), o.search.Meta.SearchSource.value.Query)
	case o.lens != nil:
		add(o.dataView(), o.lens.State.Query)
		for _, c := range o.lens.onlyLayer().Columns {
			if c.Filter != nil {
				add(o.dataView(), *c.Filter)
			}
		}
	case o.dashboard != nil:
		for view := range kinds {
			add(view, o.dashboard.Meta.SearchSource.value.Query)
		}
	}
	return all
}

// checkQueries parses the KQL. Our own queries name the field and quote the
// value: an unquoted value is split at blanks and fails at special characters.
func (f *file) checkQueries(o *object) {
	for _, queries := range f.queries(o) {
		for _, q := range queries {
			n, err := parseKQL(q)
			if err != nil {
				f.find("kql", o, "%v", err)
			} else if loose := n.loose(); loose != "" {
				f.find("kql quotes", o, "%s in %s", loose, q)
			}
		}
	}
}
