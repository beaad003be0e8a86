package checker

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kcing/kcing/transform"
)

// row is a line of a chart's data: the values of its buckets, and its metrics;
// a metric that has no value is missing.
type row struct {
	keys    []string
	metrics map[string]float64
}

// histogramHours is the interval of date histograms; Kibana chooses one that
// fits the time range, and for seven days it is this one.
const histogramHours = 3

// counter counts a chart's data in the documents of a view.
type counter struct {
	*corpus
	view  string
	layer layer
}

// rows counts what a chart shows of the documents that query finds as well.
func (c *corpus) rows(o *object, query string) []row {
	k := counter{c, o.dataView(), o.lens.onlyLayer()}
	return k.count(c.both(k.view, o.lens.State.Query.Query, query), k.layer.ColumnOrder, nil)
}

func (k counter) count(documents []int, columns, keys []string) []row {
	id := columns[0]
	c := k.layer.Columns[id]
	if !c.IsBucketed {
		r := row{slices.Clone(keys), map[string]float64{}}
		for _, id := range columns {
			if v, ok := k.metric(documents, id); ok {
				r.metrics[id] = v
			}
		}
		return []row{r}
	}
	var rows []row
	buckets := k.buckets(documents, c)
	for _, key := range k.chosen(buckets, c) {
		rows = append(rows, k.count(buckets[key], columns[1:], append(keys, key))...)
	}
	return rows
}

func (k counter) buckets(documents []int, c column) map[string][]int {
	buckets := map[string][]int{}
	column := k.column(k.view, c.SourceField)
	for _, i := range documents {
		d := k.documents[k.view][i]
		keys := column[i]
		if len(keys) > 1 {
			keys = slices.Compact(slices.Sorted(slices.Values(keys)))
		}
		if c.OperationType == "date_histogram" {
			const interval = histogramHours * 3_600_000
			at, _ := d.number(c.SourceField)
			keys = []string{strconv.FormatFloat(math.Floor(at/interval)*interval, 'f', 0, 64)}
		}
		for _, key := range keys {
			buckets[key] = append(buckets[key], i)
		}
	}
	return buckets
}

// chosen are the buckets that are shown, in order.
func (k counter) chosen(buckets map[string][]int, c column) []string {
	keys := slices.Sorted(maps.Keys(buckets))
	if c.OperationType != "terms" {
		return keys
	}
	if by := c.terms.OrderBy; by.Type == "column" {
		value := func(key string) float64 {
			if v, ok := k.metric(buckets[key], by.ColumnID); ok {
				return v
			}
			return math.Inf(-1)
		}
		slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(value(b), value(a)) })
	}
	return keys[:min(c.terms.Size, len(keys))]
}

func (k counter) metric(documents []int, id string) (float64, bool) {
	c := k.layer.Columns[id]
	if len(c.References) > 0 {
		return k.layer.computed(id, func(id string) (float64, bool) { return k.metric(documents, id) })
	}
	if c.Filter != nil {
		found := k.find(k.view, c.Filter.Query)
		documents = slices.DeleteFunc(slices.Clone(documents), func(i int) bool { return !found[i] })
	}
	if c.OperationType == "count" {
		return float64(len(documents)), true
	}
	var numbers []float64
	distinct := map[string]bool{}
	for _, i := range documents {
		d := k.documents[k.view][i]
		if n, ok := d.number(c.SourceField); ok {
			numbers = append(numbers, n)
		}
		for _, v := range d.values(c.SourceField) {
			distinct[v] = true
		}
	}
	switch {
	case c.OperationType == "unique_count":
		return float64(len(distinct)), true
	case len(numbers) == 0:
		return 0, false
	case c.OperationType == "min":
		return slices.Min(numbers), true
	case c.OperationType == "max":
		return slices.Max(numbers), true
	}
	sum := 0.0
	for _, n := range numbers {
		sum += n
	}
	return sum / float64(len(numbers)), true
}

// computed is a formula or its quotient, of the metrics that it is made of. What
// is divided by 0 has no value.
func (l layer) computed(id string, metric func(string) (float64, bool)) (float64, bool) {
	of := l.Columns[id].References
	if len(of) == 1 {
		return l.computed(of[0], metric)
	}
	a, _ := metric(of[0])
	b, _ := metric(of[1])
	return a / b, b > 0
}

// noneMadeUp are queries for which the made-up records have nothing, and why.
var noneMadeUp = map[string]string{
	`not build_result : ("PASS" or "pass" or "FAIL" or "fail")`: `only builds of Maestro are incomplete`,
	`result : "fail" and error_type : ("` + strings.Join(transform.LabErrors, `" or "`) +
		`")`: `no lab breaks down in the middle of a test`,
	`lvl : "warning"`: `LAVA writes few`,
	`column node_id`:  `only jobs of Maestro have one`,
}

// checkData holds the objects to documents: each panel shows something, and what
// is split into parts is split into all of them, once.
func (f *file) checkData(c *corpus) {
	for _, o := range f.objects {
		switch {
		case o.lens != nil:
			f.checkChart(c, o)
		case o.search != nil:
			view := o.dataView()
			found := c.both(view, o.search.Meta.SearchSource.value.Query.Query)
			if len(found) == 0 {
				f.find("empty", o, "it lists nothing")
				continue
			}
			for _, field := range o.search.Columns {
				if noneMadeUp["column "+field] == "" && !slices.ContainsFunc(found,
					func(i int) bool { return len(c.documents[view][i].values(field)) > 0 }) {
					f.find("empty column", o, "no row has a %s", field)
				}
			}
		case o.dashboard != nil:
			for id, control := range o.dashboard.ControlGroup.Panels.value {
				if field := control.ExplicitInput.FieldName; len(c.both(o.controlView(id), field+" : *")) == 0 {
					f.find("empty control", o, "no document has a %s", field)
				}
			}
		}
	}
}

func (f *file) checkChart(c *corpus, o *object) {
	l := o.lens.onlyLayer()
	rows := c.rows(o, "")
	if len(rows) == 0 {
		f.find("empty", o, "it has no buckets")
	}
	for _, id := range l.ColumnOrder {
		column := l.Columns[id]
		if column.IsBucketed || column.Filter != nil && noneMadeUp[column.Filter.Query] != "" {
			continue
		}
		if !slices.ContainsFunc(rows, func(r row) bool { return r.metrics[id] > 0 }) && len(rows) > 0 {
			f.find("empty", o, "%s is nowhere more than 0", column.Label)
		}
	}
	if o.lens.VisualizationType != "lnsPie" {
		return
	}
	view := o.dataView()
	for _, i := range c.both(view, o.lens.State.Query.Query) {
		var in []string
		for _, id := range l.ColumnOrder {
			if column := l.Columns[id]; column.Filter != nil && c.find(view, column.Filter.Query)[i] {
				in = append(in, column.Label)
			}
		}
		if len(in) != 1 {
			f.find("shares", o, "%s is counted as [%s]", c.documents[view][i].id, strings.Join(in, ", "))
			return
		}
	}
}
