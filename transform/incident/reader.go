package incident

import (
	"hash/maphash"
	"slices"
	"strings"
	"unicode/utf8"
)

// Reader finds the reports in the lines of one console. The zero value is ready
// to be used. It is not safe for concurrent use.
//
// Its work for a line without a report around is [Suspect]'s; it grows with the
// log and with nothing else, and what it keeps is bounded.
type Reader struct {
	open     []*report          // whose messages still come, the oldest first
	last     *report            // begun last; whether it was fatal is only known behind it
	settled  map[string]settled // the last report of each thread of which no message comes any more
	sequence int
	titles   map[string]*Incident
	seen     map[uint64]bool // headers by stamp and text: dmesg prints them again
	messages []message       // of the present line
}

// Reset forgets the log read so far.
func (r *Reader) Reset() {
	if r.sequence > 0 {
		*r = Reader{messages: r.messages[:0]}
	}
}

// Reading tells that the reader is within a report: it has to see the next line.
// Of others it has to see those that [Suspect] holds for.
func (r *Reader) Reading() bool { return len(r.open) > 0 }

// Line reads a line of the console. Numbers must not fall.
func (r *Reader) Line(number int, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		r.closeBehind(number)
		r.messages = appendMessages(r.messages[:0], line)
		for i := range r.messages {
			r.message(number, &r.messages[i])
		}
	}
	clear(r.messages) // they hold on to the text
}

// Incidents ends the log and returns its incidents in the order of their first
// reports. The reader is to be reset before the next log.
func (r *Reader) Incidents() []Incident {
	for len(r.open) > 0 {
		r.close(r.open[0])
	}
	r.settle(r.last)
	r.last = nil
	if len(r.titles) == 0 {
		return nil
	}
	all := make([]Incident, 0, len(r.titles))
	for _, in := range r.titles {
		all = append(all, *in)
	}
	slices.SortFunc(all, func(a, b Incident) int { return a.sequence - b.sequence })
	return all
}

func (r *Reader) message(number int, m *message) {
	m.marks = setsIn(marks, m.text)
	if m.marks.has(markReplay) {
		r.dropLast()
		return
	}
	f, at := header(m)
	if f == nil {
		r.body(m)
		return
	}
	begin := strings.TrimSpace(m.text[at[0]:])
	if m.stamped() {
		key := fingerprint(m.stamp, begin)
		if r.seen[key] {
			return // printed twice, or again by dmesg
		}
		r.remember(key)
	}
	next := &report{form: f, line: number, thread: m.thread(), stamp: m.stamp, text: begin}
	next.lines = append(make([]reportLine, 0, usualLines), reportLine{m.text, m.marks})
	for i := 0; i < len(at); i += 2 {
		group := ""
		if at[i] >= 0 {
			group = m.text[at[i]:at[i+1]]
		}
		next.groups = append(next.groups, group)
	}
	if !r.fold(next) {
		r.begin(next)
	}
}

var seed = maphash.MakeSeed()

// fingerprint is the same for the same message of the kernel.
func fingerprint(stamp, text string) uint64 { return maphash.Comparable(seed, [2]string{stamp, text}) }

// remember bounds what is known of headers that may come again.
func (r *Reader) remember(key uint64) {
	const most = 64 << 10
	if r.seen == nil || len(r.seen) >= most {
		r.seen = make(map[uint64]bool)
	}
	r.seen[key] = true
}

// own is the open report of a thread.
func (r *Reader) own(thread string) *report {
	for _, o := range r.open {
		if o.thread == thread {
			return o
		}
	}
	return nil
}

// begin opens a report.
func (r *Reader) begin(next *report) {
	own := r.own(next.thread)
	if own != nil && next.form.locate == nil && next.form.kind != Panic {
		own.add(next.lines[0]) // a single line amid another's report
		r.number(next)
		r.settle(next)
		return
	}
	if own != nil && own.interleavedWith(next) {
		own.mixed, next.mixed = true, true
	}
	if own != nil {
		r.close(own)
	}
	if len(r.open) == maxOpen {
		r.close(r.open[0])
	}
	r.number(next)
	previous := r.last
	r.last = next
	r.open = append(r.open, next)
	if previous != nil && !slices.Contains(r.open, previous) {
		r.settle(previous)
	}
}

func (r *Reader) number(next *report) {
	r.sequence++
	next.sequence = r.sequence
}

// interleavedWith tells whether two processors report at once, line by line,
// without a caller to tell their lines apart.
func (r *report) interleavedWith(next *report) bool {
	const near = 12
	if next.thread != byProgram && next.thread != "" || len(r.lines) >= near || !r.form.traced || !next.form.traced {
		return false
	}
	for _, l := range r.lines {
		if _, at := readPlace(l.text); at != nowhere || l.marks.has(markMain) {
			return false
		}
	}
	return true
}

// close ends a report's messages. The last one begun is settled later.
func (r *Reader) close(o *report) {
	r.open = without(r.open, o)
	if o != r.last {
		r.settle(o)
	}
}

// closeBehind ends reports that the log has left behind.
func (r *Reader) closeBehind(number int) {
	for len(r.open) > 0 && number-r.open[0].line > maxDistance {
		r.close(r.open[0])
	}
}

// dropLast forgets the report just begun: the console begins it again.
func (r *Reader) dropLast() {
	if r.last == nil || len(r.last.lines) > 1 {
		return
	}
	delete(r.seen, fingerprint(r.last.stamp, r.last.text))
	r.forget(r.last)
}

// settle makes an incident of a report whose end is known.
func (r *Reader) settle(o *report) {
	if o == nil || o.form.ifKernels && !o.died && !o.fatal && !o.hasRegisters() {
		return
	}
	title, function := o.title()
	if title == "" {
		return
	}
	known := r.titles[title]
	if known == nil && len(r.titles) >= maxTitles {
		return
	}
	fatal := o.fatal || o.form.kind == Panic
	if known != nil {
		known.Count++
		known.Fatal = known.Fatal || fatal
		if known.sequence < o.sequence {
			r.ofThread(o, title)
			return
		}
	}
	trace := o.callTrace()
	in := &Incident{
		Title: title, Kind: o.form.kind, Function: function, Line: o.line,
		Message: cutRunes(o.text, maxMessage), Trace: strings.Join(trace, "\n"),
		Signature: signature(o.form.kind, title, trace),
		Count:     1, Fatal: fatal, Provoked: o.provoked(), sequence: o.sequence,
	}
	if known != nil {
		in.Count, in.Fatal = known.Count, known.Fatal
	}
	if r.titles == nil {
		r.titles = make(map[string]*Incident)
	}
	r.titles[title] = in
	r.ofThread(o, title)
}

// settled is what is known of a report when a panic of its thread comes later.
type settled struct {
	title string
	line  int
}

// ofThread remembers a report by its thread, where the kernel says which it is.
func (r *Reader) ofThread(o *report, title string) {
	const most = 256
	if o.thread == "" || o.thread == byProgram {
		return
	}
	if r.settled == nil || len(r.settled) >= most {
		r.settled = make(map[string]settled)
	}
	r.settled[o.thread] = settled{title, o.line}
}

// hasRegisters tells a kernel's fault: registers of a user's program have no
// function of the kernel.
func (r *report) hasRegisters() bool {
	return slices.ContainsFunc(r.lines, func(l reportLine) bool {
		_, isFrame := readFrame(l.text)
		_, at := readPlace(l.text)
		return at == named && !isFrame
	})
}

// cutRunes is the beginning of a text, valid UTF-8.
func cutRunes(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}

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

// forget leaves a report out.
func (r *Reader) forget(o *report) {
	r.open = without(r.open, o)
	if r.last == o {
		r.last = nil
	}
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
	if before, known := r.settled[next.thread]; known && own == nil && cause.thread != next.thread &&
		next.line-before.line <= maxDistance { // another thread's report has come in between
		r.titles[before.title].Fatal = true
		return true
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
