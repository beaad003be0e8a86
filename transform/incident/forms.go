package incident

import (
	"cmp"
	"strings"
)

// forms are tried in this order.
var forms = joinForms(sanitizerForms, oopsForms, lockForms, hangForms, bugForms, leakForms, warningForms,
	trapForms, panicForms, otherForms)

func joinForms(tables ...table) []*form {
	var all []*form
	for _, t := range tables {
		for i := range t.forms {
			f := &t.forms[i]
			f.kind = cmp.Or(f.kind, t.kind)
			if f.locate == nil && strings.Contains(f.title, "{F}") {
				f.locate, f.traced = t.locate, true
			}
			all = append(all, f)
		}
	}
	return all
}

// formWindows finds which forms have a phrase in a line.
var formWindows = newWindowTable(formPhrases(), formFactor)

func formPhrases() []string {
	all := make([]string, len(forms))
	for i, f := range forms {
		all[i] = f.has
	}
	return all
}

const formFactor = 0x9E4D9E93

// Suspect tells whether a line may hold a report's header. It is meant to be
// asked of every line of a log, in the form that JSON has it.
func Suspect(line []byte) bool {
	return setsIn(formWindows, line).any()
}

// notHeaders are parts of lines that hold a header's words and are none.
var notHeaders = [...]string{
	"DEBUG:", "Kernel command line", "nknown parameter", "nknown kernel command line",
	"Booting Linux", "Linux version",
	"INFO: lockdep is turned off", "INFO: Stall ended", "[ end Kernel panic",
}

// isNoHeader tells lines of notHeaders, and the fault of a user's program.
func isNoHeader(text string) bool {
	return hasAny(text, notHeaders[:]...) ||
		strings.Contains(text, " ip:") && strings.Contains(text, " sp:") && strings.Contains(text, " error:")
}

// beforeHeader is what may stand before a header that has no stamp: programs
// print without stamps too, but a report begins its line.
var beforeHeader = rx(`^(?:.{0,40}login: |\d{4}/\d\d/\d\d [\d:]+ |<\d+>)?[\s\[-]*` +
	`(?:[A-Za-z0-9 _./-]{1,30}: |(?:CPU \d+|kernel) ?)?$`)

// byDaemon is how a program signs what it writes to the kernel's log.
var byDaemon = rx(`[\w.-]\[\d+\]: `)

// header finds the form that a message begins a report with, the bounds of its
// groups as regexp's index functions give them; nil when it begins none.
func header(m *message) (*form, []int) {
	if m.repeats || strings.HasPrefix(strings.TrimLeft(m.text, " "), "kern ") {
		return nil, nil
	}
	found := setsIn(formWindows, m.line)
	if !found.any() || isNoHeader(m.text) {
		return nil, nil
	}
	for i, f := range forms {
		if !found.has(i) || f.byKernel && !m.stamped() {
			continue
		}
		at := f.re().FindStringSubmatchIndex(m.text)
		if at == nil {
			continue
		}
		before := m.text[:at[0]]
		if !m.stamped() && !beforeHeader().MatchString(before) ||
			m.stamped() && before != "" && byDaemon().MatchString(before) {
			return nil, nil
		}
		return f, at
	}
	return nil, nil
}
