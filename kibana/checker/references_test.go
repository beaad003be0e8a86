package checker

import (
	"maps"
	"slices"
	"strings"
)

// use is a place in an object's attributes that needs a reference.
type use struct{ name, typ string }

// uses lists what Kibana looks up by name: each needs one reference, and a
// reference that none of them needs is a leftover.
func (o *object) uses() (list []use) {
	switch {
	case o.search != nil:
		list = append(list, use{o.search.Meta.SearchSource.value.IndexRefName, "index-pattern"})
	case o.lens != nil:
		for id := range o.lens.State.DatasourceStates.FormBased.Layers {
			list = append(list, use{"indexpattern-datasource-layer-" + id, "index-pattern"})
		}
	case o.links != nil:
		for _, l := range o.links.Links {
			list = append(list, use{l.DestinationRefName, "dashboard"})
		}
	case o.dashboard != nil:
		for _, p := range o.dashboard.Panels.value {
			list = append(list, use{p.PanelIndex + ":" + p.PanelRefName, p.Type})
		}
		for id := range o.dashboard.ControlGroup.Panels.value {
			list = append(list, use{"controlGroup_" + id + ":optionsListDataView", "index-pattern"})
		}
	}
	return list
}

func (f *file) checkReferences() {
	used := map[string]bool{}
	for _, o := range f.objects {
		uses := o.uses()
		for _, u := range uses {
			n := 0
			for _, r := range o.References {
				if r.Name != u.name {
					continue
				}
				if n++; r.Type != u.typ {
					f.find("reference type", o, "%s is a %s, and the reference says %s", u.name, u.typ, r.Type)
				}
			}
			if n != 1 {
				f.find("reference missing", o, "%d references of the name %q", n, u.name)
			}
		}
		for _, r := range o.References {
			if !slices.ContainsFunc(uses, func(u use) bool { return u.name == r.Name }) {
				f.find("reference unused", o, "nothing uses %q", r.Name)
			}
			if f.byKey[r.Type+":"+r.ID] == nil {
				f.find("reference target", o, "%s names %s:%s, which is not in the file", r.Name, r.Type, r.ID)
			}
			used[r.Type+":"+r.ID] = true
		}
	}
	for _, o := range f.objects {
		if !used[o.key()] && o.Type != "dashboard" {
			f.find("unused object", o, "it is on no page")
		}
	}
}

// checkReachable follows menus and the links of rows from Home.
func (f *file) checkReachable() {
	seen := map[string]bool{}
	var visit func(key string)
	visit = func(key string) {
		o := f.byKey[key]
		if o == nil || seen[key] {
			return
		}
		seen[key] = true
		for _, r := range o.References {
			visit(r.Type + ":" + r.ID)
		}
		if o.view != nil {
			for _, format := range o.view.FieldFormatMap.value {
				if id, _, ok := dashboardLink(format.Params.URLTemplate); ok {
					visit("dashboard:" + id)
				}
			}
		}
	}
	visit("dashboard:kcing-home")
	for _, o := range f.objects {
		if o.dashboard != nil && !seen[o.key()] {
			f.find("reachable", o, "no way leads to it from Home")
		}
	}
}

// checkLayout holds the panels in 48 columns, beside and below each other.
func (f *file) checkLayout(o *object) {
	const columns = 48
	panels := o.dashboard.Panels.value
	seen := map[string]bool{}
	bottom := 0
	for i, p := range panels {
		g := p.GridData
		if g.I != p.PanelIndex || seen[g.I] {
			f.find("panel index", o, "panel %d: i %q, panelIndex %q", i, g.I, p.PanelIndex)
		}
		seen[g.I] = true
		if g.X < 0 || g.W < 1 || g.X+g.W > columns || g.Y < 0 {
			f.find("layout width", o, "panel %s at %d,%d is %d wide", g.I, g.X, g.Y, g.W)
		}
		if g.H < 2 {
			f.find("layout height", o, "panel %s is %d high", g.I, g.H)
		}
		for _, other := range panels[:i] {
			h := other.GridData
			if g.X < h.X+h.W && h.X < g.X+g.W && g.Y < h.Y+h.H && h.Y < g.Y+g.H {
				f.find("layout overlap", o, "panels %s and %s", g.I, h.I)
			}
		}
		bottom = max(bottom, g.Y+g.H)
	}
	// Kibana moves panels up into a gap, so the file would not be what is seen.
	covered := make([]int, bottom)
	for _, p := range panels {
		for y := p.GridData.Y; y < p.GridData.Y+p.GridData.H && y >= 0; y++ {
			covered[y] += p.GridData.W
		}
	}
	for y, width := range covered {
		if width < columns {
			f.find("layout hole", o, "row %d is %d wide", y, width)
			break
		}
	}
	if !o.dashboard.TimeRestore || o.dashboard.TimeTo != "now" || !strings.HasPrefix(o.dashboard.TimeFrom, "now-") {
		f.find("time", o, "the page's time range is not restored")
	}
}

// checkControls wants them numbered in order and the filters of users' wishes on
// each page that the menu leads to.
func (f *file) checkControls(o *object) {
	controls := o.dashboard.ControlGroup.Panels.value
	orders := map[int]bool{}
	for _, id := range slices.Sorted(maps.Keys(controls)) {
		c := controls[id]
		if c.ExplicitInput.ID != id || len(c.ExplicitInput.SelectedOptions) > 0 || orders[c.Order] ||
			c.Order >= len(controls) {
			f.find("control", o, "%s: id %q, order %d, selected %q", id, c.ExplicitInput.ID, c.Order,
				c.ExplicitInput.SelectedOptions)
		}
		orders[c.Order] = true
	}
	if o.dashboard.TimeFrom != "now-7d" { // a page about one build or boot
		return
	}
	for _, field := range []string{"job", "git_branch", "git_describe", "arch", "defconfig_full", "build_environment"} {
		if !slices.ContainsFunc(slices.Collect(maps.Values(controls)),
			func(c control) bool { return c.ExplicitInput.FieldName == field }) {
			f.find("control missing", o, "none for %s", field)
		}
	}
	if panels := o.dashboard.Panels.value; len(panels) == 0 || panels[0].Type != "links" {
		f.find("menu", o, "its first panel is no menu")
	}
}
