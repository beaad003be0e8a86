package incident

import (
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// report is one report of the kernel's, as far as it has been read.
type report struct {
	form     *form
	groups   []string // of the form's expression; the first is all of it
	line     int      // number of the header's line
	sequence int      // among the reports of the log
	thread   string   // what its messages share
	stamp    string
	text     string // header from where it begins

	lines []reportLine // its messages, the first with the header

	everyCPU bool // other processors print their stacks into it
	died     bool // an oops confirmed it
	fatal    bool // a panic followed
	mixed    bool // messages are missing, or of somebody else: the trace cannot be trusted
}

// reportLine is a message of a report.
type reportLine struct {
	text  string
	marks bits
}

// beginsTrace tells lines behind which a stack trace stands. Lockdep's "stack
// backtrace:" only announces a "Call Trace:".
func (l reportLine) beginsTrace() bool {
	switch {
	case l.marks.has(markMain), l.marks.has(markTrace):
		return true
	case l.marks.has(markBacktrace): // of kmemleak; now "backtrace (crc 1234abcd):"
		return strings.HasSuffix(l.text, ":") && !strings.Contains(l.text, "stack backtrace")
	case l.marks.has(markLocal):
		return strings.Contains(l.text, " created at")
	}
	rest, ok := strings.CutPrefix(l.text, "Allocated")
	if !ok {
		rest, ok = strings.CutPrefix(l.text, "Freed")
	}
	return ok && hasPrefix(rest, " by task", ":") || l.text == "Stack:"
}

// frames are the functions from line i on to the end of that trace, or to a line
// that stops it, if stop is given.
func (r *report) frames(i int, stop func(string) bool) iter.Seq[string] {
	return r.framesOf(i, stop, func(frame) bool { return true })
}

// callers are the functions of arm's lines "callee from function" alone.
func (r *report) callers() iter.Seq[string] {
	return r.framesOf(1, nil, func(f frame) bool { return f.callee != "" })
}

func (r *report) framesOf(i int, stop func(string) bool, wanted func(frame) bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, l := range r.from(i) {
			if l.beginsTrace() || stop != nil && stop(l.text) {
				return
			}
			f, ok := readFrame(l.text)
			if !ok {
				f.function, _ = readPlace(l.text)
			} else if !wanted(f) {
				continue
			}
			if f.callee != "" && !yield(f.callee) || f.function != "" && !yield(f.function) {
				return
			}
		}
	}
}

func (r *report) from(i int) []reportLine { return r.lines[min(i, len(r.lines)):] }

// find is the first line for which is holds; -1 when there is none.
func (r *report) find(is func(string) bool) int {
	return slices.IndexFunc(r.lines, func(l reportLine) bool { return is(l.text) })
}

// mainTrace is the first line from i on behind which the report's own trace
// stands; -1 when there is none.
func (r *report) mainTrace(i int) int {
	for j, l := range r.from(i) {
		if l.marks.has(markMain) {
			return i + j
		}
	}
	return -1
}

// trace are the functions of the report's own trace, the first from line i on.
func (r *report) trace(i int) iter.Seq[string] {
	if j := r.mainTrace(i); j >= 0 {
		return r.frames(j+1, nil)
	}
	return func(func(string) bool) {}
}

// hasTrace tells whether the report's own trace has functions.
func (r *report) hasTrace() bool {
	for range r.trace(0) {
		return true
	}
	return false
}

// registers is where the kernel was: the line that says it, -1 for none, and the
// function, which may be unknown.
func (r *report) registers(i int) (line int, function string) {
	for j, l := range r.from(i) {
		if f, at := readPlace(l.text); at != nowhere {
			if _, isFrame := readFrame(l.text); !isFrame {
				return i + j, f
			}
		}
	}
	return -1, ""
}

// named is the function that the header itself names.
func (r *report) named() string {
	if i := r.form.re().SubexpIndex("f"); i > 0 {
		return r.groups[i]
	}
	return ""
}

// blamed is a function as people write it; empty when it is innocent.
func (r *report) blamed(function string) string {
	if function == "" || innocent().match(function) || r.form.innocent.match(function) {
		return ""
	}
	return plainName(function)
}

// pick is the first function that is not innocent, as people write it.
func (r *report) pick(functions iter.Seq[string]) string {
	for f := range functions {
		if name := r.blamed(f); name != "" {
			return name
		}
	}
	return ""
}

// guilty are the functions that are not innocent, as people write them.
func (r *report) guilty(functions iter.Seq[string]) (all []string) {
	for f := range functions {
		if name := r.blamed(f); name != "" {
			all = append(all, name)
		}
	}
	return all
}

// function is the one that names the bug; empty where it cannot be known: a wrong
// name is worse than none.
func (r *report) function() string {
	switch {
	case r.form.locate == nil:
		return ""
	case r.mixed:
		return r.blamed(r.named())
	}
	return r.form.locate(r)
}

// provoked tells a crash that a test made on purpose.
func (r *report) provoked() bool {
	const head = 120
	return strings.Contains(r.text, "sysrq triggered") ||
		slices.ContainsFunc(r.lines[:min(len(r.lines), head)], func(l reportLine) bool {
			return l.marks.has(markProvoked)
		})
}

// callTrace are the lines of the report's own trace; of all of it, where it is
// not clear which that is.
func (r *report) callTrace() []string {
	symbols := make([]string, 0, maxTrace+1)
	for _, l := range r.from(r.mainTrace(0) + 1) {
		if l.beginsTrace() && len(symbols) > 0 || len(symbols) == maxTrace {
			break
		}
		if !strings.Contains(l.text, "+0x") {
			continue // most lines, where there is a memory dump
		}
		f, ok := readFrame(l.text)
		if !ok {
			continue
		}
		if f.callee != "" && len(symbols) == 0 {
			symbols = append(symbols, f.callee)
		}
		symbols = append(symbols, symbolText(f.symbol))
	}
	return symbols[:min(len(symbols), maxTrace)]
}

// form is one way in which a report begins, and the title that it makes.
//
// To add one, write its line into the table of its sort, in front of those that
// match it as well, and a report of that form into the tests.
type form struct {
	kind Kind
	// has are phrases, with | between them, of which each line with a header of the
	// form has one: they are looked for in all lines (window.go). A phrase whose first
	// seven bytes are rare in logs costs least, so many begin in the middle of a word.
	has string
	re  func() *regexp.Regexp
	// title has {1}, {2} … for the groups of re, {F} for the function, {access} for
	// KASAN's " Read" or " Write" and {next} for the message behind the header.
	// Without a function it ends before " in {F}".
	title string
	// locate finds the function; nil where the title has none, and in a row where it
	// is the table's.
	locate locator
	// innocent are further functions that do not name a bug of this form.
	innocent nameSet

	// traced says that a stack trace follows the header. With the table's locate it is set.
	traced bool
	// detail says that the header also comes second in a report, behind the one that
	// says what happened.
	detail bool
	// byKernel says that only the kernel's own message counts: it has a stamp.
	byKernel bool
	// ifKernels says that the same words are said of a user's fault: only a kernel's
	// has registers or an oops behind it.
	ifKernels bool
}

// table is forms of one sort. Those that say nothing else have its kind and, where their
// title has a function, its locate, which is for reports that are traced.
type table struct {
	kind   Kind
	locate locator
	forms  []form
}

// rx compiles an expression when it is first needed: most logs need none.
func rx(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// locator finds the function that names the bug of a report; empty when there is
// none that can be trusted.
type locator func(*report) string
