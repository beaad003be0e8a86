package checker

const (
	maxPanels  = 15     // on a page
	maxBuckets = 10_000 // of one panel's search
	maxBars    = 100    // of a date histogram: Kibana's setting histogram:maxBars
)

// checkPanels wants pages that are loaded in reasonable time, and each title once:
// a big number has its own.
func (f *file) checkPanels(o *object) {
	panels := o.dashboard.Panels.value
	if len(panels) > maxPanels {
		f.find("panels", o, "%d panels", len(panels))
	}
	for _, p := range panels {
		for _, r := range o.References {
			shown := f.byKey[r.Type+":"+r.ID]
			if r.Name != p.PanelIndex+":"+p.PanelRefName || shown == nil {
				continue
			}
			says := shown.links != nil || shown.lens != nil && shown.lens.VisualizationType == "lnsMetric"
			if says != p.EmbeddableConfig.HidePanelTitles {
				f.find("panel title", o, "%s: hidePanelTitles is %t", shown.ID, !says)
			}
		}
	}
}

// checkBuckets multiplies what a chart's buckets may be at most.
func (f *file) checkBuckets(o *object) {
	n := 1
	for _, c := range o.lens.onlyLayer().Columns {
		switch c.OperationType {
		case "terms":
			n *= c.terms.Size
		case "date_histogram":
			n *= maxBars
		}
	}
	if n > maxBuckets {
		f.find("buckets", o, "it may have %d buckets", n)
	}
}

// checkMenus wants pages that rows lead to to have a menu that does not take the
// query of the row along: builds know no board, so theirs would be empty.
func (f *file) checkMenus() {
	fromRows := map[string]bool{}
	for _, o := range f.objects {
		if o.view == nil {
			continue
		}
		for _, format := range o.view.FieldFormatMap.value {
			if id, _, ok := dashboardLink(format.Params.URLTemplate); ok {
				fromRows[id] = true
			}
		}
	}
	for _, o := range f.objects {
		if o.dashboard == nil {
			continue
		}
		for _, r := range o.References {
			menu := f.byKey[r.Type+":"+r.ID]
			if menu == nil || menu.links == nil {
				continue
			}
			for _, l := range menu.links.Links {
				if l.Options.UseCurrentFilters && fromRows[o.ID] {
					f.find("menu query", o, "the link %s takes the row's query along", l.ID)
				}
			}
		}
	}
}
