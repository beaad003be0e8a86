package objects

import (
	"fmt"
	"slices"
)

// layer is the one layer of each chart: its columns are aggregations, buckets
// (outer to inner) before metrics.
const layerID = "layer"

// chart is a Lens panel without its picture.
type chart struct {
	id, title, description string
	view                   string // data view
	query                  string // KQL
}

// column is one aggregation under the id that the visualization refers to.
type column struct {
	id string
	fields
}

func (c chart) lens(visualization string, state fields, columns ...column) Object {
	order, byID := list{}, fields{}
	for _, column := range columns {
		order = append(order, column.id)
		byID[column.id] = column.fields
	}
	return Object{Type: "lens", ID: c.id,
		Attributes: fields{
			"title": c.title, "description": c.description, "visualizationType": visualization,
			"state": fields{
				"datasourceStates": fields{"formBased": fields{"layers": fields{
					layerID: fields{"columnOrder": order, "columns": byID, "incompleteColumns": fields{}},
				}}},
				"visualization": state, "query": kuery(c.query), "filters": list{},
				"internalReferences": list{}, "adHocDataViews": fields{},
			},
		},
		References: []Reference{{ID: c.view, Name: "indexpattern-datasource-layer-" + layerID, Type: "index-pattern"}},
	}
}

func kuery(query string) fields { return fields{"language": "kuery", "query": query} }

// count counts the documents that match query as well ("": all).
func count(id, label, query string) column {
	return measure(id, label, "count", "___records___", query)
}

// measure is average, max, min or unique_count of a field, of the documents that
// match query as well ("": all).
func measure(id, label, operation, field, query string) column {
	c := fields{
		"operationType": operation, "sourceField": field, "label": label, "customLabel": true,
		"dataType": "number", "isBucketed": false, "scale": "ratio",
		"params": fields{"emptyAsNull": operation != "count"},
	}
	if field == "@timestamp" {
		c["dataType"] = "date"
	}
	if query != "" {
		c["filter"] = kuery(query)
	}
	return column{id, c}
}

// terms are the size values of a field with the most of the metric by; by ""
// orders them by themselves.
func terms(id, field string, size int, by string) column {
	order, direction := fields{"type": "alphabetical", "fallback": false}, "asc"
	if by != "" {
		order, direction = fields{"type": "column", "columnId": by}, "desc"
	}
	label := labels[field]
	if label == "" {
		panic(fmt.Sprintf("no label for the field %s", field))
	}
	return column{id, fields{
		"operationType": "terms", "sourceField": field, "label": label, "customLabel": true,
		"dataType": "string", "isBucketed": true, "scale": "ordinal",
		"params": fields{
			"size": size, "orderBy": order, "orderDirection": direction, "otherBucket": false, "missingBucket": false,
			"parentFormat": fields{"id": "terms"}, "include": list{}, "exclude": list{},
			"includeIsRegex": false, "excludeIsRegex": false,
		},
	}}
}

// overTime puts documents into intervals that fit the page's time range.
func overTime() column {
	return column{"time", fields{
		"operationType": "date_histogram", "sourceField": "@timestamp", "label": "Time", "customLabel": true,
		"dataType": "date", "isBucketed": true, "scale": "interval",
		"params": fields{"interval": "auto", "includeEmptyRows": true, "dropPartials": false},
	}}
}

func seriesColumns(all []series) (columns []column, accessors list, colors list, byID fields) {
	byID = fields{}
	for i, s := range all {
		id := fmt.Sprintf("result-%d", i+1)
		columns = append(columns, count(id, s.label, s.query))
		accessors = append(accessors, id)
		colors = append(colors, fields{"forAccessor": id, "color": s.color})
		byID[id] = s.color
	}
	return columns, accessors, colors, byID
}

// number is a big number; of what makes it a bar of the whole ("": none).
func (c chart) number(label, of, color string) Object {
	state := fields{"layerId": layerID, "layerType": "data", "metricAccessor": "count", "color": color}
	if of == "" {
		return c.lens("lnsMetric", state, count("count", label, ""))
	}
	state["maxAccessor"], state["showBar"] = "all", true
	return c.lens("lnsMetric", state, count("count", label, of), count("all", "All", ""))
}

// distinct is how many values of a field there are, as a big number.
func (c chart) distinct(label, field string) Object {
	id := field + "s"
	return c.lens("lnsMetric", fields{"layerId": layerID, "layerType": "data", "metricAccessor": id, "color": blue},
		measure(id, label, "unique_count", field, ""))
}

// shares is a donut of the series.
func (c chart) shares(all []series) Object {
	columns, accessors, _, colors := seriesColumns(all)
	return c.lens("lnsPie", fields{"shape": "donut", "layers": list{fields{
		"layerId": layerID, "layerType": "data", "primaryGroups": list{}, "metrics": accessors,
		"allowMultipleMetrics": true, "colorsByDimension": colors, "numberDisplay": "percent",
		"categoryDisplay": "default", "legendDisplay": "show", "legendPosition": "right", "nestedLegend": false,
	}}}, columns...)
}

func xy(kind, x, split string, accessors, colors list) fields {
	layer := fields{"layerId": layerID, "layerType": "data", "seriesType": kind, "xAccessor": x, "accessors": accessors}
	if split != "" {
		layer["splitAccessor"] = split
	}
	if colors != nil {
		layer["yConfig"] = colors
	}
	return fields{
		"preferredSeriesType": kind, "legend": fields{"isVisible": true, "position": "bottom"}, "valueLabels": "hide",
		"fittingFunction": "None", "layers": list{layer},
		"axisTitlesVisibilitySettings": fields{"x": false, "yLeft": false, "yRight": false},
	}
}

// trend stacks the series over time.
func (c chart) trend(all []series) Object { return c.stacked("bar_stacked", overTime(), all) }

// rate shows the series' shares over time.
func (c chart) rate(all []series) Object { return c.stacked("bar_percentage_stacked", overTime(), all) }

// stacked stacks the series for each x; further columns are not shown.
func (c chart) stacked(kind string, x column, all []series, further ...column) Object {
	columns, accessors, colors, _ := seriesColumns(all)
	return c.lens("lnsXY", xy(kind, x.id, "", accessors, colors), slices.Concat([]column{x}, columns, further)...)
}

// byField stacks the series for the size values of a field that have the most of
// the series numbered by (from 1).
func (c chart) byField(field string, size, by int, all []series) Object {
	return c.stacked("bar_horizontal_stacked", terms("value", field, size, fmt.Sprintf("result-%d", by)), all)
}

// newestKernels stacks the series for the newest kernels, newest first.
func (c chart) newestKernels(size int, all []series) Object {
	kernels := terms("value", "git_describe", size, "newest")
	return c.stacked("bar_horizontal_stacked", kernels, all, newest("newest"))
}

// split stacks counts over time, a colour for each of the size most frequent
// values of a field.
func (c chart) split(field string, size int, label string) Object {
	return c.lens("lnsXY", xy("bar_stacked", "time", "split", list{"count"}, nil),
		terms("split", field, size, "count"), overTime(), count("count", label, ""))
}

// lines is a metric over time, a line for each of the size values of a field
// for which it is highest.
func (c chart) lines(field string, size int, metric column) Object {
	return c.lens("lnsXY", xy("line", "time", "line", list{metric.id}, nil),
		terms("line", field, size, metric.id), overTime(), metric)
}

// table has the columns as they come, sorted by the one named, most first. The
// column none has a coloured cell where it is 0.
func (c chart) table(by string, columns ...column) Object {
	shown := list{}
	for _, column := range columns {
		cell := fields{"columnId": column.id}
		if column.id == "none" {
			cell["colorMode"], cell["palette"] = "cell", palette(0.5, band{yellow, 0, 0.5})
		}
		shown = append(shown, cell)
	}
	return c.lens("lnsDatatable", fields{
		"layerId": layerID, "layerType": "data", "columns": shown,
		"paging": fields{"enabled": true, "size": 10}, "sorting": fields{"columnId": by, "direction": "desc"},
	}, columns...)
}
