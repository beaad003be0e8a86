package incident

import (
	"regexp"
	"strings"
	"sync"
)

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
	// locate finds the function; nil where the title has none.
	locate locator
	// innocent are further functions that do not name a bug of this form.
	innocent nameSet

	// traced says that a stack trace follows the header.
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

// rx compiles an expression when it is first needed: most logs need none.
func rx(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// forms are tried in this order.
var forms = joinForms(sanitizerForms, oopsForms, lockForms, hangForms, bugForms, leakForms, warningForms,
	trapForms, panicForms, otherForms)

func joinForms(tables ...[]form) []*form {
	var all []*form
	for _, t := range tables {
		for i := range t {
			all = append(all, &t[i])
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

const formFactor = 0x9E4129CF

// Suspect tells whether a line may hold a report's header. It is meant to be
// asked of every line of a log, in the form that JSON has it.
func Suspect(line []byte) bool {
	return setsIn(formWindows, line).any()
}

// notHeaders are parts of lines that hold a header's words and are none.
var notHeaders = [...]string{
	"DEBUG:", "Kernel command line", "nknown parameter", "nknown kernel command line", "hostname",
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
