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
			err = errors.Join(err, enum(errors.Join(oneOf("numberDisplay", l.NumberDisplay, "hidden", "percent", "value"),
				oneOf("categoryDisplay", l.CategoryDisplay, "default", "inside", "hide"), oneOf("legendDisplay", l.LegendDisplay, "default", "show", "hide"))))
		}
	case "lnsXY":
		var v lensXY
		err = strict(raw, &v)
		for _, l := range v.Layers {
			show(l.XAccessor, l.SplitAccessor)
			show(l.Accessors...)
			err = errors.Join(err, enum(errors.Join(oneOf("seriesType", l.SeriesType, "bar", "line", "area", "bar_stacked", "area_stacked", "bar_horizontal",
				"bar_percentage_stacked", "bar_horizontal_stacked", "area_percentage_stacked", "bar_horizontal_percentage_stacked"),
				oneOf("preferredSeriesType", v.PreferredSeriesType, l.SeriesType))))
			for _, y := range l.YConfig {
				err = errors.Join(err, enum(oneOf("forAccessor", y.ForAccessor, l.Accessors...)))
			}
		}
	case "lnsHeatmap":
		var v lensHeatmap
		err = strict(raw, &v)
		show(v.XAccessor, v.YAccessor, v.ValueAccessor)
		err = errors.Join(err, enum(oneOf("shape", v.Shape, "heatmap")))
	case "lnsDatatable":
		var v lensTable
		err = strict(raw, &v)
		for _, c := range v.Columns {
			show(c.ColumnID)
		}
		show(v.Sorting.ColumnID)
		err = errors.Join(err, enum(oneOf("direction", v.Sorting.Direction, "asc", "desc", "none")))
	default:
		return enum(oneOf("visualizationType", o.lens.VisualizationType, "lnsMetric", "lnsPie", "lnsXY", "lnsHeatmap", "lnsDatatable"))
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
						oneOf("orderDirection", c.terms.OrderDirection, "asc", "desc"), bucketed(c, true, "string", "ordinal")))
				}
				l.Columns[id] = c
			case "date_histogram":
				err = errors.Join(strict(c.Params, &histogramParams{}), enum(bucketed(c, true, "date", "interval")))
			case "count", "average", "unique_count":
				err = errors.Join(strict(c.Params, &metricParams{}), enum(bucketed(c, false, "number", "ratio")))
			case "min", "max":
				err = errors.Join(strict(c.Params, &metricParams{}), enum(bucketed(c, false, c.DataType, "ratio")))
			default:
				err = enum(oneOf("operationType", c.OperationType, "terms", "date_histogram", "count", "average", "unique_count", "min", "max"))
			}
			if err != nil {
				all = errors.Join(all, fmt.Errorf("column %s: %w", id, err))
			}
		}
	}
	return all
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
	if n := len(o.lens.State.DatasourceStates.FormBased.Layers); n != 1 || strings.Count(string(o.lens.State.Visualization), `"layerId":"layer"`) != 1 {
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
	metric := false
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
		if !slices.Contains(o.shown, id) {
			f.find("lens unused column", o, "%s is computed and not shown", id)
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
