package incident

import (
	"cmp"
	"strings"
)

// What belongs to which report: how far one goes, and which of the kernel's
// messages only say more of the one before.

// body adds a message to the reports it belongs to: that of its thread; of a
// processor also that which asked all processors for their stacks; and one of a
// console without stamps, to which everything belongs.
func (r *Reader) body(m *message) {
	thread := m.thread()
	if m.marks.has(markLoss) {
		for _, o := range r.open {
			o.mixed = o.mixed || o.isYoung()
		}
	}
	// Reports may close meanwhile.
	for i := 0; i < len(r.open); i++ {
		o := r.open[i]
		everyCPU := o.everyCPU && strings.HasPrefix(m.caller, "C")
		if o.thread == thread || everyCPU || o.thread == byProgram && m.stamped() {
			if r.extend(o, m) {
				i--
			}
		}
	}
}

// extend adds a message to a report and tells whether that ended it.
func (r *Reader) extend(o *report, m *message) (closed bool) {
	text := strings.TrimPrefix(m.text, "kmemleak: ")
	if isDoubtful(text) {
		return false
	}
	if m.marks.has(markAllCPUs) {
		o.everyCPU = true
	}
	if m.caller == "" && m.marks.has(markForeign) { // the frames behind it could not be told from the report's
		r.close(o)
		return true
	}
	if m.caller == "" && o.injected(m) {
		o.mixed = true
	}
	o.add(reportLine{text, m.marks})
	const header = 2 // the mark of a report before may still come
	if m.marks.has(markEnd) && len(o.lines) > header || len(o.lines) > maxLines {
		r.close(o)
		return true
	}
	return false
}

// isDoubtful tells addresses that are on the stack but may be of no caller.
// Behind <EOI>, x86 marks so what it interrupted.
func isDoubtful(text string) bool {
	if strings.HasSuffix(text, "(unreliable)") {
		return true
	}
	return strings.Contains(text, "? ") && !strings.Contains(text, "<EOI>") &&
		strings.HasPrefix(behindAddress(behindAddress(behindMarks(text))), "? ")
}

// isYoung tells a report whose trace may still be to come.
func (o *report) isYoung() bool {
	const head = 40
	return len(o.lines) < head
}

// injected tells the trace of fault injection, which it prints into whatever is
// being printed.
func (o *report) injected(m *message) bool {
	const head = 80
	if len(o.lines) >= head || !m.marks.has(markInjected) {
		return false
	}
	f, ok := readFrame(m.text)
	return ok && strings.HasPrefix(cmp.Or(f.callee, f.function), "should_fail")
}

// fold adds a header to the report that it says more of; false when it begins a
// report of its own.
func (r *Reader) fold(next *report) bool {
	own := r.own(next.thread)
	switch {
	case own == nil:
	case own.repeatedBy(next):
		return true
	case strings.Contains(own.text, "ard LOCKUP") && strings.Contains(next.text, "watchdog"): // old kernels warn too
		own.add(next.lines[0])
		return true
	case own.form.kind == Panic && strings.Contains(next.text, "ernel BUG at rust/"): // how Rust panics
		own.add(next.lines[0])
		return true
	case own.form.kind == Leak && next.form.kind == Leak && len(own.lines) < 3: // "memory leak", "unreferenced object"
		own.add(next.lines[0])
		return true
	case next.form.detail && own.explains():
		own.add(next.lines[0])
		own.died = true
		return true
	case len(own.lines) == 1 && own.form.kind == next.form.kind && strings.HasSuffix(own.text, "[inline]"):
		r.forget(own) // a tool wrote the functions that the compiler put into others; the last header is the kernel's
		return false
	case own.form.detail && !next.form.detail && len(own.lines) < 6 &&
		(next.form.kind == Oops || next.form.kind == Bug):
		next.died = true // reordered by the console: what happened comes second
		r.forget(own)
		return false
	}
	if next.form.kind == Panic && strings.Contains(next.text, kernelPanic) {
		return r.foldPanic(own, next)
	}
	return false
}

// add keeps a line as one of the report.
func (o *report) add(l reportLine) {
	if len(o.lines) <= maxLines {
		o.lines = append(o.lines, l)
	}
}

// forget leaves a report out.
func (r *Reader) forget(o *report) {
	r.open = without(r.open, o)
	if r.last == o {
		r.last = nil
	}
}

func without(all []*report, o *report) []*report {
	kept := all[:0]
	for _, x := range all {
		if x != o {
			kept = append(kept, x)
		}
	}
	return kept
}

// repeatedBy tells a header that the console prints again at once.
func (o *report) repeatedBy(next *report) bool {
	const near = 6
	return len(o.lines) < near && o.form == next.form && o.text == next.text
}

// explains tells a report of what happened, behind which "Oops" or "[#1]" says
// no more than that it was one.
func (o *report) explains() bool {
	const near = 100
	dies := o.form.kind == Oops || o.form.kind == Bug || o.form.has == rustPanic
	return dies && !o.form.detail && len(o.lines) < near
}

// foldPanic makes the report before fatal when a panic is its consequence.
func (r *Reader) foldPanic(own, next *report) bool {
	cause := own
	if cause == nil {
		cause = r.last
	}
	const near = 150
	initDied := strings.Contains(next.text, "kill init")
	if cause == nil || !isConsequence(next.text) {
		return false
	}
	if behind := next.line - cause.line; own == nil && (behind > maxDistance || initDied && behind >= near) {
		return false
	}
	cause.fatal = true
	if own == nil {
		return true
	}
	const head = 12
	if len(own.lines) < head {
		own.add(next.lines[0])
	} else {
		r.close(own)
	}
	return true
}

// consequences are the panics that only say that a report before was fatal.
var consequences = [...]string{
	"Fatal exception", "panic_on_warn", "fault=panic set", "kmsan.panic", "workqueue lockup", "Oops", "hung_task",
	"softlockup", "RCU Stall", "Hard LOCKUP", "bad mode", "Watchdog", "BUG!",
	"Attempted to kill init", "Aiee, killing", "Fatal hardware", "scheduling while atomic",
}

func isConsequence(text string) bool { return hasAny(text, consequences[:]...) }
