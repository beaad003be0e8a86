package incident

import "strings"

// What belongs to which report: how far one goes, and which of the kernel's
// messages only say more of the one before.

// body adds a message to the reports it belongs to: that of its thread; of a
// processor also that which asked all processors for their stacks; and one of a
// console without stamps, to which everything belongs.
func (r *Reader) body(m message) {
	thread := m.thread()
	if isLoss(m.text) {
		for _, o := range r.open {
			o.mixed = o.mixed || o.isYoung()
		}
	}
	// Reports may close meanwhile.
	for i := 0; i < len(r.open); i++ {
		o := r.open[i]
		if o.thread == thread || o.everyCPU && strings.HasPrefix(m.caller, "C") || m.stamped() && o.thread == byProgram {
			if r.extend(o, m) {
				i--
			}
		}
	}
}

// extend adds a message to a report and tells whether that ended it.
func (r *Reader) extend(o *report, m message) (closed bool) {
	text := m.text
	if isDoubtful(text) {
		return false
	}
	if strings.Contains(text, "Sending NMI from") {
		o.everyCPU = true
	}
	if m.caller == "" && beginsForeign(text) {
		r.close(o)
		return true
	}
	if m.caller == "" && o.injected(text) {
		o.mixed = true
	}
	o.add(text)
	const header = 2 // the mark of a report before may still come
	if strings.Contains(text, "---[ end ") && len(o.messages) > header || len(o.messages) > maxLines {
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
	return strings.HasPrefix(behindAddress(behindAddress(behindMarks(text))), "? ") && !strings.Contains(text, "<EOI>")
}

// isLoss tells that the console dropped messages, whosever they were.
func isLoss(text string) bool { return strings.Contains(text, "printk messages dropped") }

// isYoung tells a report whose trace may still be to come.
func (o *report) isYoung() bool {
	const head = 40
	return len(o.messages) < head
}

// injected tells the trace of fault injection, which it prints into whatever is
// being printed.
func (o *report) injected(text string) bool {
	const head = 80
	if len(o.messages) >= head {
		return false
	}
	f, ok := readFrame(text)
	return ok && strings.HasPrefix(f.functions[0], "should_fail")
}

// beginsForeign tells other messages that have a stack trace: without a caller
// the frames behind them cannot be told from the report's.
func beginsForeign(text string) bool {
	return hasAny(text, "FAULT_INJECTION: forcing", "vmalloc: allocation failure", "FAULT_FLAG_ALLOW_RETRY missing", "page allocation failure")
}

// fold adds a header to the report that it says more of; false when it begins a
// report of its own.
func (r *Reader) fold(new *report) bool {
	own := r.own(new.thread)
	switch {
	case own == nil:
	case own.repeatedBy(new):
		return true
	case strings.Contains(own.text, "ard LOCKUP") && strings.Contains(new.text, "watchdog"): // old kernels warn beside it
		own.add(new.text)
		return true
	case own.form.kind == Panic && strings.Contains(new.text, "ernel BUG at rust/"): // how Rust panics
		own.add(new.text)
		return true
	case own.form.kind == Leak && new.form.kind == Leak && len(own.messages) < 3: // "BUG: memory leak", "unreferenced object"
		own.add(new.text)
		return true
	case new.form.detail && own.explains():
		own.add(new.text)
		own.died = true
		return true
	case own.form.detail && !new.form.detail && len(own.messages) < 6 && (new.form.kind == Oops || new.form.kind == Bug):
		new.died = true // reordered by the console: what happened comes second
		r.open = without(r.open, own)
		if r.last == own {
			r.last = nil
		}
		return false
	}
	if new.form.kind == Panic && strings.Contains(new.text, kernelPanic) {
		return r.foldPanic(own, new)
	}
	return false
}

// add keeps a message as one of the report.
func (o *report) add(text string) {
	if len(o.messages) <= maxLines {
		o.messages = append(o.messages, text)
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
func (o *report) repeatedBy(new *report) bool {
	const near = 6
	return len(o.messages) < near && o.form == new.form && o.text == new.text
}

// explains tells a report of what happened, behind which "Oops" or "[#1]" says
// no more than that it was one.
func (o *report) explains() bool {
	const near = 100
	return !o.form.detail && (o.form.kind == Oops || o.form.kind == Bug || o.form.has == rustPanic) && len(o.messages) < near
}

// foldPanic makes the report before fatal when a panic is its consequence.
func (r *Reader) foldPanic(own, new *report) bool {
	cause := own
	if cause == nil {
		cause = r.last
	}
	const near = 150
	initDied := strings.Contains(new.text, "kill init")
	if cause == nil || !isConsequence(new.text) {
		return false
	}
	if behind := new.line - cause.line; own == nil && (behind > maxDistance || initDied && behind >= near) {
		return false
	}
	cause.fatal = true
	if own == nil {
		return true
	}
	const head = 12
	if len(own.messages) < head {
		own.add(new.text)
	} else {
		r.close(own)
	}
	return true
}

// consequences are the panics that only say that a report before was fatal.
var consequences = [...]string{
	"Fatal exception", "panic_on_warn", "fault=panic set", "kmsan.panic", "workqueue lockup", "Oops", "hung_task", "softlockup", "RCU Stall", "Hard LOCKUP", "bad mode", "Watchdog", "BUG!",
	"Attempted to kill init", "Aiee, killing", "Fatal hardware", "scheduling while atomic",
}

func isConsequence(text string) bool { return hasAny(text, consequences[:]...) }
