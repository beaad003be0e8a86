package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/rivo/uniseg"
)

// Width is the most columns that a line of the text has; longer ones are folded.
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
	t.places("boots by lab", r.Labs)
	t.places("boots by board, the worst first", r.Boards)
	if r.LeftOut > 0 {
		t.line("")
		t.line("%s left out (--limit)", count(r.LeftOut, "change or incident", "changes and incidents"))
	}
	return t.w.Flush()
}

type text struct{ w *bufio.Writer }

// line writes one line. What is wider than Width goes on in the next one, further in.
func (t *text) line(format string, args ...any) {
	rest := strings.TrimRight(harmless(fmt.Sprintf(format, args...)), " ")
	further := min(len(rest)-len(strings.TrimLeft(rest, " "))+2, Width/2)
	for {
		var line string
		line, rest = folded(rest, Width)
		_, _ = t.w.WriteString(line + "\n")
		if rest == "" {
			return
		}
		rest = strings.Repeat(" ", further) + rest
	}
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
	for _, g := range groupsOf(*tree) {
		t.line("")
		t.line("  %s: %d", g.Change, g.Total)
		changes := g.Changes[:min(len(g.Changes), shown)]
		for _, d := range changes {
			t.line("    %s", d.What())
			if remarks := d.Remarks(tree.Kernel); remarks != "" {
				t.line("      %s", remarks)
			}
		}
		t.more("    ", g.Total-len(changes))
	}
}

// more says how many lines of a list are not there.
func (t *text) more(indent string, n int) {
	if n > 0 {
		t.line("%s… and %d more", indent, n)
	}
}

// Name of a tree and branch: "mainline master".
func (t Tree) Name() string {
	return strings.TrimSpace(cmp.Or(t.Tree, "(no tree)") + " " + t.Branch)
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
	for _, table := range incidentTables(all) {
		t.line("")
		t.line("%s: %d", strings.ToLower(table.Title), len(table.Incidents))
		for _, i := range table.Incidents[:min(len(table.Incidents), shown)] {
			t.line("  %-4s %s", i.Mark(), i.Title)
			t.line("       %s, %s, %s; %s to %s", count(int(i.Jobs), "job", "jobs"), few(i.Boards, "board", "boards"),
				few(i.Labs, "lab", "labs"), i.First.Format(time.DateOnly), i.Last.Format(time.DateOnly))
		}
		t.more("  ", len(table.Incidents)-shown)
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

func (t *text) places(title string, all []Place) {
	if len(all) == 0 {
		return
	}
	t.line("")
	t.line("%-40s %8s %8s %13s %6s %7s", title, "pass", "fail", "inconclusive", "lost", "rate")
	for _, p := range all[:min(len(all), shown)] {
		name := clip(p.Name(), 40)
		t.line("%s%s %8d %8d %13d %6d %7s", name, strings.Repeat(" ", 40-uniseg.StringWidth(name)), p.Pass, p.Fail,
			p.Inconclusive, p.Lost, p.Rate())
	}
	t.more("", len(all)-shown)
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

// folded takes a line of so many columns off a text: between words, or within one
// that is too long for a line.
func folded(text string, columns int) (line, rest string) {
	line = beginning(text, columns)
	if line == text {
		return text, ""
	}
	indent := len(text) - len(strings.TrimLeft(text, " "))
	if i := strings.LastIndexByte(text[:len(line)+1], ' '); i > indent {
		line = text[:i]
	}
	return strings.TrimRight(line, " "), strings.TrimLeft(text[len(line):], " ")
}

// clip cuts a text to so many columns, and makes control characters harmless.
func clip(s string, columns int) string {
	s = harmless(s)
	if beginning(s, columns) == s {
		return s
	}
	return beginning(s, columns-1) + "…"
}

// beginning is what of a text fits into so many columns.
func beginning(text string, columns int) string {
	at, width, state := 0, 0, -1
	for rest := text; rest != ""; {
		var cluster string
		var wide int
		cluster, rest, wide, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if width += wide; width > columns {
			break
		}
		at += len(cluster)
	}
	return text[:at]
}

// harmless is a text without control characters.
func harmless(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
