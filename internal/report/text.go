package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rivo/uniseg"
)

// Width is the most columns that a line of the text has.
const Width = 100

// shown is how many lines of one kind the text has; JSON and the page have all.
const shown = 20

// WriteText writes the report for a terminal or a mail.
func (r *Report) WriteText(w io.Writer) error {
	t := &text{w: bufio.NewWriter(w)}
	t.line("kcing report: %s to %s (UTC)", r.Since.Format("2006-01-02 15:04"), r.Until.Format("2006-01-02 15:04"))
	switch {
	case len(r.Trees) > 0:
	case len(r.Others) == 0:
		t.line("no kernel was tested in this time")
	default:
		t.line("no kernel was tested in this time that these filters leave; without them:")
		for _, name := range r.Others {
			t.line("  %s", name)
		}
	}
	for i := range r.Trees {
		t.tree(&r.Trees[i])
	}
	t.incidents(r.Incidents)
	t.places(r)
	if r.LeftOut > 0 {
		t.line("")
		t.line("%s left out (--limit)", count(r.LeftOut, "change or incident", "changes and incidents"))
	}
	return t.w.Flush()
}

type text struct{ w *bufio.Writer }

// line writes one line, no wider than Width.
func (t *text) line(format string, args ...any) {
	_, _ = t.w.WriteString(strings.TrimRight(clip(fmt.Sprintf(format, args...), Width), " ") + "\n")
}

func (t *text) tree(tree *Tree) {
	t.line("")
	t.line("%s: %s", tree.Name(), tree.Kernel)
	if tree.Previous != "" {
		t.line("%s  before: %s", strings.Repeat(" ", len(tree.Name())), tree.Previous)
	}
	for _, c := range kindCards(*tree) {
		t.line("  %-8s %8d pass %8d fail %8d inconclusive  %8s pass %s", strings.ToLower(c.Name),
			c.Now.Pass, c.Now.Fail, c.Now.Inconclusive, c.Rate, c.Change)
	}
	if len(tree.Counts) == 0 {
		t.line("  nothing fails, nothing changed")
	}
	for _, change := range Changes {
		t.changes(tree, change)
	}
}

func (t *text) changes(tree *Tree, change Change) {
	total := tree.Counts[change]
	if total == 0 {
		return
	}
	t.line("")
	t.line("  %s: %d", change, total)
	lines := 0
	for _, d := range tree.Changes {
		if d.Change != change || lines == shown {
			continue
		}
		lines++
		t.line("    %s", d.What())
		if more := d.Remarks(tree.Kernel); more != "" {
			t.line("      %s", more)
		}
	}
	if total > lines {
		t.line("    … and %d more", total-lines)
	}
}

// Name of a tree and branch: "mainline master".
func (t Tree) Name() string {
	return strings.TrimSpace(or(t.Tree, "(no tree)") + " " + t.Branch)
}

// What names the pair on one line: what failed, on what board, of which build.
func (d Difference) What() string {
	of := slices.DeleteFunc([]string{d.Arch, d.Defconfig, d.Compiler}, func(s string) bool { return s == "" })
	parts := []string{d.Kind}
	if d.TestPath != "" {
		parts = append(parts, d.TestPath)
	}
	if d.Board != "" {
		parts = append(parts, "on "+d.Board)
	}
	return strings.Join(append(parts, strings.Join(of, " ")), "  ")
}

// Remarks are the incident, the lab, and since when.
func (d Difference) Remarks(kernel string) string {
	var parts []string
	if d.Incident != "" {
		parts = append(parts, d.Incident)
	}
	if d.SinceKernel != "" && d.SinceKernel != kernel {
		parts = append(parts, "since "+d.SinceKernel)
	}
	if d.Change == StillFailing && !d.Since.IsZero() {
		parts = append(parts, "from "+d.Since.Format(time.DateOnly))
	}
	if d.Lab != "" {
		parts = append(parts, "in "+d.Lab)
	}
	return strings.Join(parts, ", ")
}

func (t *text) incidents(all []Incident) {
	for _, part := range []struct {
		title string
		ofJob bool
	}{{"incidents", false}, {"errors of jobs", true}} {
		of := slices.DeleteFunc(slices.Clone(all), func(i Incident) bool { return i.OfJob() != part.ofJob })
		if len(of) == 0 {
			continue
		}
		t.line("")
		t.line("%s: %d", part.title, len(of))
		for _, i := range of[:min(len(of), shown)] {
			t.line("  %-4s %s", i.Mark(), i.Title)
			t.line("       %s, %s, %s; %s to %s", count(int(i.Jobs), "job", "jobs"), few(i.Boards, "board", "boards"),
				few(i.Labs, "lab", "labs"), i.First.Format(time.DateOnly), i.Last.Format(time.DateOnly))
		}
		if len(of) > shown {
			t.line("  … and %d more", len(of)-shown)
		}
	}
}

// Mark is "new", "gone" or nothing.
func (i Incident) Mark() string {
	switch {
	case i.New:
		return "new"
	case i.Gone:
		return "gone"
	}
	return ""
}

func (t *text) places(r *Report) {
	if len(r.Labs) > 0 {
		t.line("")
		t.line("%-40s %8s %8s %13s %6s %7s", "boots by lab", "pass", "fail", "inconclusive", "lost", "rate")
		for _, l := range r.Labs[:min(len(r.Labs), shown)] {
			t.place(l.Lab, l.Place)
		}
	}
	if len(r.Boards) > 0 {
		t.line("")
		t.line("%-40s %8s %8s %13s %6s %7s", "boots by board, the worst first",
			"pass", "fail", "inconclusive", "lost", "rate")
		for _, b := range r.Boards[:min(len(r.Boards), shown)] {
			t.place(b.Board, b.Place)
		}
		if len(r.Boards) > shown {
			t.line("… and %d more", len(r.Boards)-shown)
		}
	}
}

func (t *text) place(name string, p Place) {
	rate := ""
	if percent, known := p.PassRate(); known {
		rate = fmt.Sprintf("%5.1f %%", percent)
	}
	name = clip(name, 40)
	t.line("%s%s %8d %8d %13d %6d %7s", name, strings.Repeat(" ", 40-uniseg.StringWidth(name)), p.Pass, p.Fail,
		p.Inconclusive, p.Lost, rate)
}

// few names some of a list: "3 boards (a, b, …)".
func few(list []string, one, many string) string {
	names := strings.Join(list[:min(len(list), 2)], ", ")
	if len(list) > 2 {
		names += ", …"
	}
	if names == "" {
		return count(len(list), one, many)
	}
	return count(len(list), one, many) + " (" + names + ")"
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// clip cuts a text to so many columns, and makes control characters harmless.
func clip(s string, columns int) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if uniseg.StringWidth(s) <= columns {
		return s
	}
	out, width, state := "", 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var wide int
		cluster, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if width += wide; width > columns-1 {
			break
		}
		out += cluster
	}
	return out + "…"
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
