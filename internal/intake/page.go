package intake

import (
	"bytes"
	"crypto/rand"
	_ "embed"
	"encoding/json"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"
)

//go:embed status.html
var statusHTML string

var statusTemplate = template.Must(template.New("status").Funcs(template.FuncMap{
	"bytes": func(n int64) string { return humanize.IBytes(uint64(max(n, 0))) },
	"count": func(n any) string {
		switch n := n.(type) {
		case int:
			return humanize.Comma(int64(n))
		case int64:
			return humanize.Comma(n)
		}
		return "?"
	},
	"clock":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"iso":     func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"span":    span,
	"percent": percent,
}).Parse(statusHTML))

// page is what the template gets. Everything from outside goes through
// html/template's escaping; nothing here is template.HTML.
type page struct {
	report
	Nonce string // of this answer's script and style, for the CSP
	Plot  plot
}

// statusPage shows the state of the process to people, or with format=json to
// machines. format=fragment is only the part that changes, for the page's script.
func (e *exchange) statusPage() {
	r := e.intake.report(time.Now())
	switch e.r.URL.Query().Get("format") {
	case "json":
		content, err := json.MarshalIndent(r, "", "  ")
		if err != nil { // numbers and text only
			e.intake.log.Error("could not encode the status", "error", err)
			e.fail(http.StatusInternalServerError, "internal error")
			return
		}
		e.write(http.StatusOK, "application/json", append(content, '\n'))
	case "fragment":
		e.render("main", page{report: r, Plot: draw(r.History)})
	default:
		e.render("status", page{report: r, Plot: draw(r.History), Nonce: rand.Text()})
	}
}

func (e *exchange) render(name string, p page) {
	h := e.w.Header()
	h.Set("Content-Security-Policy",
		"default-src 'none'; connect-src 'self'; img-src data:; "+
			"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"+
			"; script-src 'nonce-"+p.Nonce+"'; style-src 'nonce-"+p.Nonce+"'")
	h.Set("Referrer-Policy", "no-referrer")
	var content bytes.Buffer
	if err := statusTemplate.ExecuteTemplate(&content, name, p); err != nil {
		e.intake.log.Error("could not render the status page; this is a bug", "error", err)
		e.fail(http.StatusInternalServerError, "internal error")
		return
	}
	e.write(http.StatusOK, "text/html; charset=utf-8", content.Bytes())
}

// span is the time from t to now in at most two units.
func span(now, t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	d := max(now.Sub(t), 0)
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h " + strconv.Itoa(int(d.Minutes())%60) + " min"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " d " + strconv.Itoa(int(d.Hours())%24) + " h"
}

func percent(n, of int64) string {
	if of <= 0 {
		return ""
	}
	p := math.Round(100 * float64(n) / float64(of))
	if p == 0 && n > 0 {
		return "<1 %"
	}
	return strconv.Itoa(int(p)) + " %"
}

// plot is the picture of a Series: paths for a drawing of plotWidth by plotHeight.
type plot struct {
	Received, Stored, Rejected string
	Top, Half                  string // labels of the y axis, records a second
	Empty                      bool
}

const (
	plotWidth  = 718 // 359 whole steps, two pixels each
	plotHeight = 140
)

// draw leaves out the current step: not complete, it would always look like a fall.
func draw(s Series) plot {
	n := len(s.Received) - 1
	if n < 1 {
		return plot{Empty: true}
	}
	most := int64(0)
	for i := range n {
		most = max(most, s.Received[i], s.Stored[i], s.Rejected[i])
	}
	top := ceiling(float64(most) / s.Step)
	scale := func(v int64) float64 { return plotHeight * (1 - float64(v)/s.Step/top) }
	format := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	return plot{
		Received: "M0 " + strconv.Itoa(plotHeight) + line(s.Received[:n], scale, 'L') + "L" + strconv.Itoa(plotWidth) +
			" " + strconv.Itoa(plotHeight) + "Z",
		Stored:   line(s.Stored[:n], scale, 'M'),
		Rejected: ticks(s.Rejected[:n], scale),
		Top:      format(top), Half: format(top / 2), Empty: most == 0,
	}
}

// line draws values as steps; first is the command for the first point. Steps of
// one height are one stroke.
func line(values []int64, y func(int64) float64, first byte) string {
	b := []byte{first}
	width := float64(plotWidth) / float64(len(values))
	for i, v := range values {
		if i > 0 {
			if v == values[i-1] {
				continue
			}
			b = strconv.AppendFloat(append(b, 'H'), float64(i)*width, 'f', 1, 64)
			b = strconv.AppendFloat(append(b, 'V'), y(v), 'f', 1, 64)
			continue
		}
		b = append(b, "0 "...)
		b = strconv.AppendFloat(b, y(v), 'f', 1, 64)
	}
	return string(strconv.AppendInt(append(b, 'H'), plotWidth, 10))
}

// ticks draws each value that is not zero as a stroke from the ground.
func ticks(values []int64, y func(int64) float64) string {
	var b []byte
	width := float64(plotWidth) / float64(len(values))
	for i, v := range values {
		if v > 0 {
			b = strconv.AppendFloat(append(b, 'M'), (float64(i)+.5)*width, 'f', 1, 64)
			b = strconv.AppendInt(append(b, ' '), plotHeight, 10)
			b = strconv.AppendFloat(append(b, 'V'), y(v), 'f', 1, 64)
		}
	}
	return string(b)
}

// ceiling is the next of 1, 2, 5, 10, 20 … times a power of ten, at least 0.2.
func ceiling(v float64) float64 {
	if v <= 0.2 {
		return 0.2
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5, 10} {
		if v <= m*unit*(1+1e-9) {
			return math.Round(m*unit*1000) / 1000
		}
	}
	return 10 * unit
}
