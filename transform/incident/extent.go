package incident

import (
	"cmp"
	"slices"
	"strings"
)

// What belongs to a report, by its lines so far.

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

// add keeps a line as one of the report.
func (o *report) add(l reportLine) {
	if len(o.lines) <= maxLines {
		o.lines = append(o.lines, l)
	}
}

func without(all []*report, o *report) []*report {
	return slices.DeleteFunc(all, func(x *report) bool { return x == o })
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

// consequences are the panics that only say that a report before was fatal.
var consequences = [...]string{
	"Fatal exception", "panic_on_warn", "fault=panic set", "kmsan.panic", "workqueue lockup", "Oops", "hung_task",
	"softlockup", "RCU Stall", "Hard LOCKUP", "bad mode", "Watchdog", "BUG!",
	"Attempted to kill init", "Attempted to kill the idle task", "Machine halted", "system warned too often",
	"Aiee, killing", "Fatal hardware", "scheduling while atomic",
}

// Explains reports whether an incident of the log is what [JobError] made another of: a
// lab's message quotes the console.
func (in Incident) Explains(job Incident) bool {
	return in.Title == job.Title || job.Kind != Job &&
		(in.Message == job.Message || in.Fatal && isConsequence(job.Message))
}

func isConsequence(text string) bool { return hasAny(text, consequences[:]...) }
