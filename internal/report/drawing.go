package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// label is a text at a place of a drawing; lines and cells have more places.
type label struct {
	X, Y, X2, TX, TY int
	Text, Class      string
}

// cell is a square of a matrix.
type cell struct {
	X, Y, W, H, TX, TY int
	Outcome            Outcome
	Sign, Title        string
}

type matrixDrawing struct {
	Width, Height int
	Columns, Rows []label
	Cells         []cell
}

// drawMatrix draws boards by kernels; nil when there is nothing to draw.
func drawMatrix(t Tree) *matrixDrawing {
	if len(t.Matrix) == 0 {
		return nil
	}
	const left, w, h, longest = 240, 76, 20, 30
	columns := t.Matrix[0].Cells
	top := 30
	for _, c := range columns {
		top = max(top, 30+min(len(c.Kernel), longest)*4)
	}
	d := &matrixDrawing{Width: left + w*len(columns) + 170, Height: top + h*len(t.Matrix) + 4}
	for i, c := range columns {
		d.Columns = append(d.Columns, label{X: left + i*w + w/2 - 6, Y: top - 6, Text: clip(c.Kernel, longest)})
	}
	for y, row := range t.Matrix {
		d.Rows = append(d.Rows, label{X: left - 8, Y: top + y*h + 14, Text: clip(row.Board, 34)})
		for x, c := range row.Cells {
			is := c.outcome()
			d.Cells = append(d.Cells, cell{
				X: left + x*w + 1, Y: top + y*h + 1, W: w - 2, H: h - 2, TX: left + x*w + w/2, TY: top + y*h + 14,
				Outcome: is, Sign: sign(is),
				Title: fmt.Sprintf("%s, %s: %s (%d pass, %d fail, %d inconclusive)", row.Board, c.Kernel, is, c.Pass,
					c.Fail, c.Inconclusive),
			})
		}
	}
	return d
}

type curve struct {
	Class, Points string
	Dots          []label
}

type curvesDrawing struct {
	Width, Height       int
	Grid, Ticks, Legend []label
	Lines               []curve
	Days                []Day
}

// Name of the day's tree and branch.
func (d Day) Name() string { return Tree{Tree: d.Tree, Branch: d.Branch}.Name() }

// drawCurves draws the pass rate of each tree by day, of the six trees with the
// most boots; nil when there is nothing to draw.
func drawCurves(days []Day) *curvesDrawing {
	const most, left, top, width, height = 6, 48, 12, 720, 200
	boots := map[string]int64{}
	var names []string
	var first, last time.Time
	for _, d := range days {
		if boots[d.Name()] == 0 {
			names = append(names, d.Name())
		}
		boots[d.Name()] += d.Total()
		if first.IsZero() || d.Day.Before(first) {
			first = d.Day
		}
		if d.Day.After(last) {
			last = d.Day
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.SortStableFunc(names, func(a, b string) int { return int(boots[b] - boots[a]) })
	names = names[:min(len(names), most)]
	span := max(last.Sub(first).Hours()/24, 1)
	x := func(day time.Time) int { return left + int(float64(width)*day.Sub(first).Hours()/24/span) }
	y := func(percent float64) int { return top + int(float64(height)*(100-percent)/100) }
	c := &curvesDrawing{Width: left + width + 30, Height: top + height + 40 + 18*len(names), Days: days}
	for _, percent := range []float64{0, 25, 50, 75, 100} {
		c.Grid = append(c.Grid, label{
			X: left, X2: left + width, Y: y(percent), TX: left - 6, TY: y(percent) + 4,
			Text: fmt.Sprintf("%.0f %%", percent),
		})
	}
	for _, day := range []time.Time{first, last} {
		if len(c.Ticks) == 0 || !last.Equal(first) {
			c.Ticks = append(c.Ticks, label{
				X: max(x(day), left+30), Y: top + height + 18, Text: day.Format(time.DateOnly),
			})
		}
	}
	for i, name := range names {
		line := curve{Class: fmt.Sprintf("c%d", i)}
		var points []string
		for _, d := range days {
			if percent, known := d.PassRate(); known && d.Name() == name {
				points = append(points, fmt.Sprintf("%d,%d", x(d.Day), y(percent)))
				line.Dots = append(line.Dots, label{
					X: x(d.Day), Y: y(percent), Class: line.Class,
					Text: fmt.Sprintf("%s, %s: %.1f %% of %d", name, d.Day.Format(time.DateOnly), percent,
						d.Pass+d.Fail),
				})
			}
		}
		line.Points = strings.Join(points, " ")
		c.Lines = append(c.Lines, line)
		at := top + height + 40 + 18*i
		c.Legend = append(c.Legend, label{
			X: left, X2: left + 36, Y: at, TX: left + 44, TY: at + 4, Text: clip(name, 80), Class: line.Class,
		})
	}
	return c
}
