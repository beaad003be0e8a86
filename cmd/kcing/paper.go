package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// printf writes to stdout.
func (a *app) printf(format string, args ...any) {
	_, err := fmt.Fprintf(a.stdout, format, args...)
	a.wrote(err)
}

// wrote takes an error of writing to stdout: it is the command's when that has no other.
func (a *app) wrote(err error) {
	if err != nil && a.unprinted == nil {
		a.unprinted = fmt.Errorf("standard output: %w", err)
	}
}

// say writes a sentence or a line of a report to stdout. On a terminal it is
// broken between words where it does not fit.
func (a *app) say(format string, args ...any) { a.sayIn(2, format, args...) }

// sayIn is say for a line whose further lines begin at a column, where there is
// room for that.
func (a *app) sayIn(column int, format string, args ...any) {
	width := widthOf(a.stdout)
	if column > width-leastColumn {
		column = 4
	}
	a.printf("%s\n", folded(fmt.Sprintf(format, args...), width, column))
}

// writeJSON writes a report for programs to stdout, on one line.
func (a *app) writeJSON(report any) error { return json.NewEncoder(a.stdout).Encode(report) }

// complain writes the line with which a command ends that did not do all.
func (a *app) complain(text string) {
	_, _ = fmt.Fprintln(a.stderr, folded("kcing: "+text, widthOf(a.stderr.out), 2))
}

// input says at a terminal that standard input is read, and how to end it.
func (a *app) input(what string) io.Reader {
	if isTerminal(a.stdin) {
		a.typesRecords = true
		text := "reading " + what + " from this terminal; end with Ctrl-D on a line of its own"
		_, _ = fmt.Fprintln(a.stderr, folded(text, widthOf(a.stderr.out), 2))
	}
	return a.stdin
}

// table is rows of cells in columns.
type table struct {
	rows  [][]string
	right []bool // by column: numbers, which end at the same place
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

const (
	tableGap    = 2
	leastColumn = 16 // what a last column needs to be broken into lines of
)

// print lays the table out for the width of a terminal. Columns that find no
// room go to a second line of each row; a width of 0 has room for all.
func (t *table) print(w io.Writer) error {
	width := widthOf(w)
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columns(cell))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		at := 0
		for i, cell := range row {
			last := i == len(row)-1
			room := widths[i]
			if last {
				room = min(columns(cell), leastColumn)
			}
			switch {
			case i == 0:
			case width > 0 && at+tableGap+room > width && at > tableGap:
				b.WriteString("\n" + strings.Repeat(" ", tableGap))
				at = tableGap
			default:
				b.WriteString(strings.Repeat(" ", tableGap))
				at += tableGap
			}
			pad := strings.Repeat(" ", max(widths[i]-columns(cell), 0))
			switch {
			case i < len(t.right) && t.right[i]:
				b.WriteString(pad + cell)
			case last && width > 0:
				b.WriteString(strings.TrimLeft(folded(strings.Repeat(" ", at)+cell, width, at), " "))
			case last:
				b.WriteString(cell)
			default:
				b.WriteString(cell + pad)
			}
			at += widths[i]
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// helpPaper is what the library writes its help texts to, in pieces. On a
// terminal a line that does not fit is broken between words, below where the
// text of its last column begins.
type helpPaper struct {
	out  io.Writer
	line []byte // what has come of a line
}

// textColumn is what stands before a line's last column.
var textColumn = regexp.MustCompile(`^ *(?:\S.*? {2,})?`)

// Write implements [io.Writer].
func (h *helpPaper) Write(p []byte) (int, error) {
	h.line = append(h.line, p...)
	for {
		line, rest, whole := bytes.Cut(h.line, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		h.line = rest
		text, width := string(line), widthOf(h.out)
		at := len(textColumn.FindString(text))
		if at > width-leastColumn {
			at = 8
		}
		if _, err := fmt.Fprintln(h.out, folded(text, width, at)); err != nil {
			return 0, err
		}
	}
}
