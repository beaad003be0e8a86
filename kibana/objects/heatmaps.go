package objects

// band is a colour for values from one number to another.
type band struct {
	color    string
	from, to float64
}

// palette colours numbers; those above most, when it is not 0, have no colour.
func palette(most float64, bands ...band) fields {
	starts, ends := list{}, list{}
	for _, b := range bands {
		starts = append(starts, fields{"color": b.color, "stop": b.from})
		ends = append(ends, fields{"color": b.color, "stop": b.to})
	}
	params := fields{
		"name": "custom", "rangeType": "number", "rangeMin": 0, "rangeMax": nil, "continuity": "above",
		"progression": "fixed",
		"reverse":     false, "steps": len(bands), "maxSteps": 5, "stops": ends, "colorStops": starts,
	}
	if most != 0 {
		params["rangeMax"], params["continuity"] = most, "none"
	}
	return fields{"type": "palette", "name": "custom", "params": params}
}

// heatmap shows the first of the metrics for values of two fields: for those of y
// with the most, those of x.
func (c chart) heatmap(x, y column, metrics ...column) Object {
	return c.cells(x, y, nil, append([]column{y, x}, metrics...))
}

// kernels shows the first of the metrics for the newest kernels, newest first, and
// for each kernel's values of a field. Kernels come first so that their order is
// that of the axis.
func (c chart) kernels(y column, colors fields, metrics ...column) Object {
	x := terms("kernel", "git_describe", 30, "newest")
	return c.cells(x, y, colors, append(append([]column{x, y}, metrics...), newest("newest")))
}

// cells is the heatmap of columns; the first behind x and y is shown, the others
// are what it is made of or ordered by.
func (c chart) cells(x, y column, colors fields, columns []column) Object {
	state := fields{
		"layerId": layerID, "layerType": "data", "shape": "heatmap", "xAccessor": x.id, "yAccessor": y.id,
		"valueAccessor": columns[2].id,
		"legend":        fields{"isVisible": true, "position": "right", "type": "heatmap_legend"},
		"gridConfig": fields{"type": "heatmap_grid", "isCellLabelVisible": true, "isXAxisLabelVisible": true,
			"isYAxisLabelVisible": true, "isXAxisTitleVisible": false, "isYAxisTitleVisible": false},
	}
	if colors != nil {
		state["palette"] = colors
	}
	return c.lens("lnsHeatmap", state, columns...)
}

// newest is what kernels are ordered by, since their names are no order: a kernel
// is as new as its first document.
func newest(id string) column { return measure(id, "First seen", "min", "@timestamp", "") }

// rates shows the pass rate of the newest kernels by the values of a field.
func (c chart) rates(field, succeeded, failed string) Object {
	colors := palette(0, band{red, 0, 0.5}, band{yellow, 0.5, 0.95}, band{green, 0.95, 1})
	return c.kernels(terms("value", field, 60, ""), colors, rate("rate", "Pass rate", succeeded, failed)...)
}

// rate is what succeeded of what succeeded or failed: a formula, with the columns
// that Kibana's editor would make of it.
func rate(id, label, succeeded, failed string) []column {
	conclusive := "(" + succeeded + ") or (" + failed + ")"
	text := "count(kql='" + succeeded + "') / count(kql='" + conclusive + "')"
	computed := func(id, label, operation string, params fields, references ...any) column {
		return column{id, fields{
			"operationType": operation, "label": label, "customLabel": true, "dataType": "number", "isBucketed": false,
			"scale": "ratio", "params": params, "references": references,
		}}
	}
	a, b, quotient := id+"X0", id+"X1", id+"X2"
	part := "Part of " + label
	return []column{
		computed(id, label, "formula", fields{
			"formula": text, "isFormulaBroken": false, "format": fields{"id": "percent",
				"params": fields{"decimals": 0}},
		}, quotient),
		count(a, part, succeeded), count(b, part, conclusive),
		computed(quotient, part, "math", fields{"tinymathAst": fields{
			"type": "function", "name": "divide", "args": list{a, b}, "location": fields{"min": 0, "max": len(text)},
			"text": text,
		}}, a, b),
	}
}
