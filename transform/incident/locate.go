package incident

import (
	"cmp"
	"strings"
)

// atRegisters: where the kernel was, the frames right behind, then the trace. An
// address of 0, or without a symbol, is a jump to nowhere: who jumped is in the trace.
func atRegisters(r *report) string {
	if line, f := r.registers(0); f != "" {
		if name := r.blamed(f); name != "" {
			return name
		}
		if name := r.pick(r.frames(line+1, endsStack)); name != "" {
			return name
		}
	}
	return inTraceOrAnywhere(r)
}

// endsStack tells the end of a stack in a trace of x86, and of a report.
func endsStack(text string) bool {
	text = strings.TrimLeft(text, " ")
	return hasPrefix(text, "</IRQ>", "</NMI>", "</EXC>", "</EOE>") || strings.Contains(text, "end trace")
}

func inTraceOrAnywhere(r *report) string {
	if r.hasTrace() {
		return r.pick(r.trace(0))
	}
	return r.pick(r.frames(1, nil))
}

// atWarning is atRegisters; the header of a warning names a function besides.
func atWarning(r *report) string {
	if name := atRegisters(r); name != "" {
		return name
	}
	return r.blamed(r.named())
}

// inTrace: the report's own trace. Arm of old has no line before it.
func inTrace(r *report) string {
	if r.hasTrace() {
		return r.pick(r.trace(0))
	}
	return r.pick(r.callers())
}

// inHeader: the function that the header names, unless it is innocent.
func inHeader(r *report) string {
	if name := r.blamed(r.named()); name != "" {
		return name
	}
	return inTraceOrAnywhere(r)
}

// inKFENCE is inHeader; the frames follow at once.
func inKFENCE(r *report) string {
	if name := r.blamed(r.named()); name != "" {
		return name
	}
	return r.pick(r.frames(1, nil))
}

// firstFrame: KMSAN's frames follow at once, and the header's function is the
// first of them.
func firstFrame(r *report) string {
	if name := r.pick(r.frames(1, nil)); name != "" {
		return name
	}
	return r.blamed(r.named())
}

// namedThere: the header's function whatever it is; of an address the trace.
func namedThere(r *report) string {
	if f := r.named(); skip(f, 0, isHex) < len(f) {
		return plainName(f)
	}
	return r.pick(r.trace(0))
}

// takenAt is the function of lockdep's "… at: f+0x1/0x2".
func takenAt(text string) string {
	_, rest, ok := strings.Cut(text, "at: ")
	if !ok {
		return ""
	}
	name, rest := cutSymbol(behindAddress(rest))
	if rest == "" || rest[0] != '+' {
		return ""
	}
	return name
}

// atLock: where the lock is taken, by whichever function.
func atLock(r *report) string {
	for _, l := range r.from(1) {
		if f := takenAt(l.text); f != "" {
			return plainName(f)
		}
		if frame, ok := readFrame(l.text); ok && strings.Contains(l.text, "[<") {
			return plainName(cmp.Or(frame.callee, frame.function)) // of old, below its lock
		}
	}
	return ""
}

// atLockOrBelowWork: where the lock is taken; where that is the workqueue's own,
// where the second one was, and who is below.
func atLockOrBelowWork(r *report) string {
	second := false
	for i, l := range r.lines {
		f := takenAt(l.text)
		if f == "" || i == 0 {
			continue
		}
		if name := r.blamed(f); name != "" {
			return name
		}
		if second {
			return r.pick(r.frames(i+1, has("stack backtrace")))
		}
		second = true
	}
	return ""
}

// atRelease: the frames behind "… is trying to release lock (…) at:".
func atRelease(r *report) string {
	if i := r.find(has("is trying to release lock")); i >= 0 {
		if name := r.pick(r.frames(i+1, nil)); name != "" {
			return name
		}
	}
	return r.pick(r.trace(0))
}

// whereUnsafe: where the lock became one that is taken with interrupts on.
func whereUnsafe(r *report) string {
	i := r.find(func(text string) bool {
		return strings.Contains(text, "which became ") && strings.Contains(text, " at:")
	})
	if i < 0 {
		return ""
	}
	return r.pick(r.frames(i+1, func(text string) bool {
		return text == "" || strings.Contains(text, "which became") || strings.Contains(text, "... key")
	}))
}

// whoAllocatedPage: the trace that page_owner kept.
func whoAllocatedPage(r *report) string {
	if i := r.find(has("page last allocated")); i >= 0 {
		return r.pick(r.frames(i+1, has("page last free")))
	}
	return ""
}

// whoAllocated: the trace that kmemleak kept.
func whoAllocated(r *report) string {
	if i := r.find(has("backtrace")); i >= 0 {
		return r.pick(r.frames(i+1, func(text string) bool {
			return hasAny(text, "BUG: memory leak", "unreferenced object")
		}))
	}
	return ""
}

// lastFunction: what the worker ran.
func lastFunction(r *report) string {
	const said = "last function: "
	if i := r.find(has(said)); i >= 0 {
		_, rest, _ := strings.Cut(r.lines[i].text, said)
		name, _ := cutSymbol(rest)
		return plainName(name)
	}
	return ""
}

// whoWaits: the function that made a hung task wait. Two waits are known by their
// own name, since many share them.
func whoWaits(r *report) string {
	frames := r.guilty(r.trace(0))
	for _, f := range frames {
		switch {
		case strings.Contains(f, "rtnl_lock"):
			return f
		case hasAny(f, "synchronize_rcu", "synchronize_srcu", "synchronize_net", "synchronize_sched"):
			return "synchronize_rcu"
		}
	}
	for _, f := range frames {
		if !waits().match(f) {
			return f
		}
	}
	return ""
}

// stalled is the function that the first dispatcher called, of a trace from the
// inside out.
func stalled(functions []string) string {
	for i, f := range functions {
		if dispatchers().match(f) {
			if strings.Contains(f, "smp_call_function") {
				return "smp_call_function" // waits for another processor
			}
			return functions[max(0, i-1)]
		}
	}
	return ""
}

// belowDispatcher: a loop, whose place is that of the registers and the trace.
func belowDispatcher(r *report) string {
	line, f := r.registers(0)
	var near []string
	if name := r.blamed(f); name != "" {
		near = append(near, name)
	}
	if line >= 0 {
		near = append(near, r.guilty(r.frames(line+1, nil))...)
	}
	return stalled(append(near, r.guilty(r.trace(max(line, 0)))...))
}

func belowDispatcherOfTrace(r *report) string { return stalled(r.guilty(r.trace(0))) }

// interrupts are the entries by which the timer finds a processor that stalls.
var interrupts = [...]string{
	"apic_timer_interrupt", "Exception stack", "el1h_64_irq", "el1_irq", "el1_64_irq", "__irq_svc",
}

// belowInterrupt: what the timer's interrupt interrupted. Above it is how the
// stall was found.
func belowInterrupt(r *report) string {
	if i := r.find(has(interrupts[0])); i >= 0 {
		if j, f := r.registers(i); j >= 0 {
			below := r.guilty(r.frames(j+1, nil))
			if name := r.blamed(f); name != "" {
				below = append([]string{name}, below...)
			}
			if name := stalled(below); name != "" {
				return name
			}
		}
	}
	i := r.find(func(text string) bool { return hasAny(text, interrupts[:]...) })
	if i < 0 {
		return ""
	}
	return stalled(r.guilty(r.frames(i+1, nil)))
}

func has(part string) func(string) bool {
	return func(text string) bool { return strings.Contains(text, part) }
}
