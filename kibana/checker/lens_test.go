package checker

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// decodeLens reads the visualization, notes which columns it shows, and decodes
// the columns' params.
func (o *object) decodeLens() error {
	show := func(ids ...string) {
		for _, id := range ids {
			if id != "" {
				o.shown = append(o.shown, id)
			}
		}
	}
	raw, err := o.lens.State.Visualization, error(nil)
	switch o.lens.VisualizationType {
	case "lnsMetric":
		var v lensMetric
		err = strict(raw, &v)
		show(v.MetricAccessor, v.MaxAccessor)
		err = errors.Join(err, enum(oneOf("layerType", v.LayerType, "data")))
	case "lnsPie":
		var v lensPie
		err = strict(raw, &v)
		err = errors.Join(err, enum(oneOf("shape", v.Shape, "pie", "donut", "treemap", "mosaic", "waffle")))
		for _, l := range v.Layers {
			show(l.Metrics...)
			show(l.PrimaryGroups...)
			err = errors.Join(err, enum(errors.Join(oneOf("numberDisplay", l.NumberDisplay, "hidden", "percent",
				"value"),
				oneOf("categoryDisplay", l.CategoryDisplay, "default", "inside", "hide"),
				oneOf("legendDisplay", l.LegendDisplay, "default", "show", "hide"))))
		}
	case "lnsXY":
		var v lensXY
		err = strict(raw, &v)
		for _, l := range v.Layers {
			show(l.XAccessor, l.SplitAccessor)
			show(l.Accessors...)
			err = errors.Join(err, enum(errors.Join(oneOf("seriesType", l.SeriesType, "bar", "line", "area",
				"bar_stacked", "area_stacked", "bar_horizontal",
				"bar_percentage_stacked", "bar_horizontal_stacked", "area_percentage_stacked",
				"bar_horizontal_percentage_stacked"),
				oneOf("preferredSeriesType", v.PreferredSeriesType, l.SeriesType))))
			for _, y := range l.YConfig {
				err = errors.Join(err, enum(oneOf("forAccessor", y.ForAccessor, l.Accessors...)))
			}
		}
	case "lnsHeatmap":
		var v lensHeatmap
		err = strict(raw, &v)
		show(v.XAccessor, v.YAccessor, v.ValueAccessor)
		err = errors.Join(err, enum(errors.Join(oneOf("shape", v.Shape, "heatmap"), v.Palette.check())))
	case "lnsDatatable":
		var v lensTable
		err = strict(raw, &v)
		for _, c := range v.Columns {
			show(c.ColumnID)
			err = errors.Join(err, enum(errors.Join(oneOf("colorMode", c.ColorMode, "", "cell", "text"),
				c.Palette.check())))
		}
		show(v.Sorting.ColumnID)
		err = errors.Join(err, enum(oneOf("direction", v.Sorting.Direction, "asc", "desc", "none")))
	default:
		return enum(oneOf("visualizationType", o.lens.VisualizationType, "lnsMetric", "lnsPie", "lnsXY", "lnsHeatmap",
			"lnsDatatable"))
	}
	return errors.Join(err, o.decodeColumns())
}

func (o *object) decodeColumns() error {
	var all error
	for _, l := range o.lens.State.DatasourceStates.FormBased.Layers {
		for id, c := range l.Columns {
			var err error
			switch c.OperationType {
			case "terms":
				if err = strict(c.Params, &c.terms); err == nil {
					err = enum(errors.Join(oneOf("orderBy", c.terms.OrderBy.Type, "column", "alphabetical"),
						oneOf("orderDirection", c.terms.OrderDirection, "asc", "desc"),
						bucketed(c, true, "string", "ordinal")))
				}
				l.Columns[id] = c
			case "date_histogram":
				err = errors.Join(strict(c.Params, &histogramParams{}), enum(bucketed(c, true, "date", "interval")))
			case "count", "average", "unique_count":
				err = errors.Join(strict(c.Params, &metricParams{}), enum(bucketed(c, false, "number", "ratio")))
			case "min", "max":
				err = errors.Join(strict(c.Params, &metricParams{}), enum(bucketed(c, false, c.DataType, "ratio")))
			case "formula":
				err = errors.Join(strict(c.Params, &formulaParams{}), enum(bucketed(c, false, "number", "ratio")))
			case "math":
				if err = strict(c.Params, &c.math); err == nil {
					err = enum(errors.Join(oneOf("type", c.math.AST.Type, "function"),
						oneOf("name", c.math.AST.Name, "divide"), bucketed(c, false, "number", "ratio")))
				}
				l.Columns[id] = c
			default:
				err = enum(oneOf("operationType", c.OperationType, "terms", "date_histogram", "count", "average",
					"unique_count", "min", "max"))
			}
			if err != nil {
				all = errors.Join(all, fmt.Errorf("column %s: %w", id, err))
			}
		}
	}
	return all
}

// check wants each band to begin where the one before ends.
func (p *palette) check() error {
	if p == nil {
		return nil
	}
	params := p.Params
	if len(params.Stops) != params.Steps || len(params.ColorStops) != params.Steps {
		return fmt.Errorf("a palette of %d steps has %d stops and %d starts", params.Steps, len(params.Stops),
			len(params.ColorStops))
	}
	for i := range params.Stops {
		end, start := params.Stops[i], params.ColorStops[i]
		if start.Color != end.Color || start.Stop >= end.Stop || i > 0 && start.Stop != params.Stops[i-1].Stop {
			return fmt.Errorf("the palette's band %d goes from %v to %v", i, start, end)
		}
	}
	return errors.Join(oneOf("palette", p.Name+" "+p.Type+" "+params.Name, "custom palette custom"),
		oneOf("continuity", params.Continuity, "above", "none"), oneOf("rangeType", params.RangeType, "number"))
}

func bucketed(c column, want bool, dataType, scale string) error {
	if c.IsBucketed != want || c.DataType != dataType || c.Scale != scale {
		return fmt.Errorf("%s is bucketed %t, %s, %s", c.OperationType, c.IsBucketed, c.DataType, c.Scale)
	}
	return nil
}

// onlyLayer is the layer that all of our charts have.
func (l *lens) onlyLayer() layer { return l.State.DatasourceStates.FormBased.Layers["layer"] }

func (f *file) checkLens(o *object) {
	l := o.lens.onlyLayer()
	if n := len(o.lens.State.DatasourceStates.FormBased.Layers); n != 1 ||
		strings.Count(string(o.lens.State.Visualization), `"layerId":"layer"`) != 1 {
		f.find("lens layer", o, "%d layers, or the visualization names another", n)
		return
	}
	order := slices.Sorted(slices.Values(l.ColumnOrder))
	names := []string{}
	for name := range l.Columns {
		names = append(names, name)
	}
	slices.Sort(names)
	if !slices.Equal(order, names) {
		f.find("lens columns", o, "columnOrder %q, columns %q", order, names)
		return
	}
	f.checkFormulas(o)
	metric, used := false, l.used()
	for _, id := range l.ColumnOrder {
		c := l.Columns[id]
		if metric && c.IsBucketed {
			f.find("lens order", o, "the bucket %s comes after a metric", id)
		}
		metric = metric || !c.IsBucketed
		if by := c.terms.OrderBy; by.Type == "column" {
			if target, ok := l.Columns[by.ColumnID]; !ok || target.IsBucketed {
				f.find("lens order by", o, "%s is ordered by %q, which is no metric of the chart", id, by.ColumnID)
			}
		}
		if !slices.Contains(o.shown, id) && !used[id] {
			f.find("lens unused column", o, "%s is computed and not used", id)
		}
	}
	for _, id := range o.shown {
		if _, ok := l.Columns[id]; !ok {
			f.find("lens accessor", o, "the visualization shows %q, which is no column", id)
		}
	}
	if !json.Valid(o.lens.State.Visualization) || strings.TrimSpace(o.lens.Description) == "" {
		f.find("description", o, "nothing tells what it is for")
	}
}

// used are the columns that others are made of or ordered by.
func (l layer) used() map[string]bool {
	used := map[string]bool{}
	for _, c := range l.Columns {
		for _, id := range c.References {
			used[id] = true
		}
		used[c.terms.OrderBy.ColumnID] = true
	}
	return used
}

// checkFormulas wants the columns of a formula to be what its text says, since
// Kibana computes from the columns and shows the text.
func (f *file) checkFormulas(o *object) {
	l := o.lens.onlyLayer()
	for id, c := range l.Columns {
		if c.OperationType != "formula" {
			continue
		}
		var params formulaParams
		_ = json.Unmarshal(c.Params, &params) // decodeColumns has
		if len(c.References) != 1 || l.Columns[c.References[0]].OperationType != "math" {
			f.find("lens formula", o, "%s is made of %q, which is no math", id, c.References)
			continue
		}
		quotient := l.Columns[c.References[0]]
		var parts []string
		for _, part := range quotient.References {
			if of := l.Columns[part]; of.OperationType == "count" && of.Filter != nil {
				parts = append(parts, "count(kql='"+of.Filter.Query+"')")
			}
		}
		ast := quotient.math.AST
		if text := strings.Join(parts, " / "); text != params.Formula || text != ast.Text ||
			len(text) != ast.Location.Max || !slices.Equal(ast.Args, quotient.References) {
			f.find("lens formula", o, "%s says %s and is %s (%q)", id, params.Formula, text, ast.Args)
		}
	}
}
