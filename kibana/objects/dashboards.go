package objects

import (
	"cmp"
	"fmt"
)

const (
	columns     = 48
	menuID      = "kcing-menu"
	menuOutID   = "kcing-menu-details"
	everyMinute = 60_000
)

// mainPages are those that the menu leads to, in its order.
var mainPages = []struct{ id, label string }{
	{"kcing-home", "Home"}, {"kcing-failures", "Failures"}, {"kcing-incidents", "Incidents"},
	{"kcing-builds", "Builds"}, {"kcing-boots", "Boots"}, {"kcing-tests", "Tests"}, {"kcing-logs", "Logs"},
	{"kcing-board", "Board"},
}

// menus are two: the main pages keep filters and time range from one to the
// next. A page that rows lead to was opened with a query for, say, one board
// alone, which must not follow: Kibana has no menu that keeps the filters and
// not the query.
func menus() []Object {
	menu := func(id, title, description string, keep bool) Object {
		o := Object{Type: "links", ID: id}
		items := list{}
		for i, page := range mainPages {
			name := page.id[len("kcing-"):]
			ref := "link_" + name + "_dashboard"
			items = append(items, fields{
				"id": name, "label": page.label, "order": i, "type": "dashboardLink", "destinationRefName": ref,
				"options": fields{"openInNewTab": false, "useCurrentFilters": keep, "useCurrentDateRange": keep},
			})
			o.References = append(o.References, Reference{ID: page.id, Name: ref, Type: "dashboard"})
		}
		o.Attributes = fields{"title": title, "description": description, "layout": "horizontal", "links": items}
		return o
	}
	return []Object{
		menu(menuID, "[KernelCI] Menu", "Leads to the other pages with the filters and the time range of this one.",
			true),
		menu(menuOutID, "[KernelCI] Menu of pages opened from rows",
			"Leads to the main pages without the query that the row's link brought along.", false),
	}
}

// row is a row of panels: their height and the panels from left to right.
type row struct {
	height int
	panels []panel
}

// panel is an object's type and id, and how many of the 48 columns it has.
type panel struct {
	kind, id string
	width    int
}

func lens(id string, width int) panel { return panel{"lens", "kcing-" + id, width} }

func rows(id string) panel { return panel{"search", "kcing-" + id, columns} }

func equal(height int, ids ...string) row {
	r := row{height: height}
	for _, id := range ids {
		r.panels = append(r.panels, lens(id, columns/len(ids)))
	}
	return r
}

func listRow(height int, id string) row { return row{height, []panel{rows(id)}} }

// page is a dashboard. from is the beginning of its time range, "" for seven
// days; controls are field names, whose choices come from the view.
type page struct {
	id, title, description, from string
	fromRows                     bool // rows lead to it, with a query
	view                         string
	controls                     []string
	rows                         []row
}

// dashboard makes the page; untitled are the panels that say themselves what
// their title says.
func (p page) dashboard(untitled map[string]bool) Object {
	menu := menuID
	if p.fromRows {
		menu = menuOutID
	}
	o := Object{Type: "dashboard", ID: "kcing-" + p.id}
	panels := list{}
	y := 0
	for _, r := range append([]row{{3, []panel{{"links", menu, columns}}}}, p.rows...) {
		x := 0
		for _, panel := range r.panels {
			index := fmt.Sprint(len(panels) + 1)
			config := fields{"enhancements": fields{}}
			if untitled[panel.id] {
				config["hidePanelTitles"] = true
			}
			panels = append(panels, fields{
				"type": panel.kind, "panelIndex": index, "panelRefName": "panel_" + index,
				"gridData":         fields{"x": x, "y": y, "w": panel.width, "h": r.height, "i": index},
				"embeddableConfig": config,
			})
			o.References = append(o.References, Reference{ID: panel.id, Name: index + ":panel_" + index,
				Type: panel.kind})
			x += panel.width
		}
		y += r.height
	}
	controls := fields{}
	for i, field := range p.controls {
		id := "control-" + field
		controls[id] = fields{
			"type": "optionsListControl", "order": i, "width": "small", "grow": true,
			"explicitInput": fields{
				"id": id, "fieldName": field, "title": labels[field], "selectedOptions": list{},
				"searchTechnique": "wildcard", "sort": fields{"by": "_count", "direction": "desc"},
				"enhancements": fields{},
			},
		}
		o.References = append(o.References, Reference{ID: p.view, Name: "controlGroup_" + id + ":optionsListDataView",
			Type: "index-pattern"})
	}
	o.Attributes = fields{
		"title": "[KernelCI] " + p.title, "description": p.description, "version": 1,
		"timeRestore": true, "timeFrom": cmp.Or(p.from, "now-7d"), "timeTo": "now",
		"refreshInterval":       fields{"pause": true, "value": everyMinute},
		"kibanaSavedObjectMeta": fields{"searchSourceJSON": fields{"query": kuery(""), "filter": list{}}},
		"optionsJSON": fields{"useMargins": true, "syncColors": false, "syncCursor": true,
			"syncTooltips": false, "hidePanelTitles": false},
		"panelsJSON": panels,
		"controlGroupInput": fields{
			"controlStyle": "oneLine", "chainingSystem": "HIERARCHICAL", "panelsJSON": controls,
			"ignoreParentSettingsJSON": fields{"ignoreFilters": false, "ignoreQuery": false, "ignoreTimerange": false,
				"ignoreValidations": false},
		},
	}
	return o
}
