package incident

import (
	"slices"
	"strings"
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

	messages []string
	lines    []reportLine // the messages read, once that is asked for

	everyCPU bool // other processors print their stacks into it
	died     bool // an oops confirmed it
	fatal    bool // a panic followed
	mixed    bool // messages are missing, or of somebody else: the trace cannot be trusted
}

// reportLine is a message with what is to be read from it.
type reportLine struct {
	text    string
	frame   frame
	isFrame bool
	at      place  // of a line with registers
	there   string // function of those
	section bool   // another stack trace begins here
}

// read reads the messages. All of them are there by then.
func (r *report) read() []reportLine {
	if r.lines != nil {
		return r.lines
	}
	r.lines = make([]reportLine, 0, len(r.messages))
	for _, text := range r.messages {
		l := reportLine{text: text, section: beginsTrace(text)}
		if l.frame, l.isFrame = readFrame(text); !l.isFrame {
			l.there, l.at = readPlace(text)
		}
		r.lines = append(r.lines, l)
	}
	return r.lines
}

// beginsTrace tells lines behind which a stack trace stands. Lockdep's "stack
// backtrace:" only announces a "Call Trace:".
func beginsTrace(text string) bool {
	if mainTrace(text) {
		return true
	}
	trimmed := strings.TrimLeft(text, " ")
	if strings.Contains(text, "backtrace") && strings.HasSuffix(trimmed, ":") && !strings.Contains(text, "stack backtrace") {
		return true // of kmemleak; now "backtrace (crc 1234abcd):"
	}
	return text == "Stack:" || hasAny(text, "Uninit was stored", "Uninit was created", "badaddr: ") ||
		hasPrefix(text, "Allocated by task", "Freed by task", "Allocated:", "Freed:") ||
		strings.Contains(text, "Local variable ") && strings.Contains(text, " created at")
}

// mainTrace tells the line before the trace of the report itself.
func mainTrace(text string) bool {
	return hasAny(text, "Call Trace", "Call trace", "Backtrace:")
}

// frames are the functions from line i on to the end of that trace, or to a line
// that stops it, if stop is given.
func (r *report) frames(i int, stop func(string) bool) []string {
	var all []string
	for _, l := range r.from(i) {
		if l.section || stop != nil && stop(l.text) {
			break
		}
		switch {
		case l.isFrame && l.frame.from:
			all = append(all, l.frame.functions[0], l.frame.functions[1])
		case l.isFrame:
			all = append(all, l.frame.functions[0])
		case l.at == named:
			all = append(all, l.there)
		}
	}
	return all
}

// framesFrom are the functions of arm's lines "f from g" alone.
func (r *report) framesFrom(i int) []string {
	var all []string
	for _, l := range r.from(i) {
		if l.section {
			break
		}
		if l.isFrame && l.frame.from {
			all = append(all, l.frame.functions[0], l.frame.functions[1])
		} else if l.at == named {
			all = append(all, l.there)
		}
	}
	return all
}

func (r *report) from(i int) []reportLine {
	lines := r.read()
	return lines[min(i, len(lines)):]
}

// find is the first line from i on for which is holds; -1 when there is none.
func (r *report) find(i int, is func(string) bool) int {
	for j, l := range r.from(i) {
		if is(l.text) {
			return i + j
		}
	}
	return -1
}

// trace are the functions of the report's own trace, the first from line i on.
func (r *report) trace(i int) []string {
	if j := r.find(i, mainTrace); j >= 0 {
		return r.frames(j+1, nil)
	}
	return nil
}

// registers is where the kernel was: the line that says it, -1 for none, and the
// function, which may be unknown.
func (r *report) registers(i int) (line int, function string) {
	for j, l := range r.from(i) {
		if l.at != nowhere && !l.isFrame {
			return i + j, l.there
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

// pick is the first function that is not innocent, as people write it.
func (r *report) pick(functions ...string) string {
	for _, f := range functions {
		if f != "" && !innocent().match(f) && !r.form.innocent.match(f) {
			return plainName(f)
		}
	}
	return ""
}

// guilty are the functions that are not innocent, as people write them.
func (r *report) guilty(functions []string) []string {
	var all []string
	for _, f := range functions {
		if name := r.pick(f); name != "" {
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
		return r.pick(r.named())
	}
	return r.form.locate(r)
}

// provoked tells a crash that a test made on purpose.
func (r *report) provoked() bool {
	const head = 120
	return strings.Contains(r.text, "sysrq triggered") || slices.ContainsFunc(r.messages[:min(len(r.messages), head)], func(text string) bool {
		return hasAny(text, "lkdtm_", "kunit_try_run_case", "sysrq_handle_crash")
	})
}

// callTrace are the lines of the report's own trace; of all of it, where it is
// not clear which that is.
func (r *report) callTrace() (symbols []string) {
	begin := r.find(0, mainTrace) + 1
	for _, l := range r.from(begin) {
		if l.section && len(symbols) > 0 || len(symbols) == maxTrace {
			break
		}
		if !l.isFrame {
			continue
		}
		if l.frame.from && len(symbols) == 0 {
			symbols = append(symbols, l.frame.functions[0])
		}
		symbols = append(symbols, l.frame.symbol)
	}
	return symbols[:min(len(symbols), maxTrace)]
}

func hasAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

func hasPrefix(text string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(text, prefix) })
}
