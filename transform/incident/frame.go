package incident

import "strings"

// frame is what one line of a stack trace says.
type frame struct {
	function string
	callee   string // of arm's form "callee from function"
	symbol   string // the line from where the function stands: "f+0x1/0x2 [mod] …"
}

// readFrame reads a line of a stack trace. Architectures differ in what they put
// before the symbol:
//
//	f+0x1/0x2                               x86, arm64
//	[<ffffffff81000000>] f+0x1/0x2          riscv, mips, loongarch, all of old
//	[c000000000001000] [c000000000002000] f+0x1/0x2   powerpc
//	([<0000000000001000>] f+0x1/0x2)        s390
//	[<c0001000>] (f) from [<c0002000>] (g+0x1/0x2)    arm; now: f from g+0x1/0x2
func readFrame(line string) (f frame, ok bool) {
	s := behindMarks(line)
	s = behindAddress(behindAddress(s))
	s = strings.TrimPrefix(s, "(")
	s = strings.TrimPrefix(s, "? ") // the reader has left out those that are not to be trusted
	name, rest := cutSymbol(s)
	if name == "" {
		return f, false
	}
	if strings.HasPrefix(rest, "+0x") {
		f.function, f.symbol = name, s
		rest = strings.TrimLeft(rest[len("+0x"):], "0123456789abcdefx/")
	}
	rest = strings.TrimPrefix(rest, ")")
	caller, ok := strings.CutPrefix(rest, " from ")
	if !ok {
		return f, f.symbol != ""
	}
	caller = strings.TrimPrefix(behindAddress(caller), "(")
	second, rest := cutSymbol(caller)
	if second == "" || !strings.HasPrefix(rest, "+0x") {
		return f, f.symbol != ""
	}
	return frame{function: second, callee: name, symbol: caller}, true
}

// behindMarks skips blanks and x86's names of stacks: <IRQ>, <NMI>, <#DF>, <EOI>.
func behindMarks(s string) string {
	s = s[skip(s, 0, isSpace):]
	for strings.HasPrefix(s, "<") {
		name, rest, ok := strings.Cut(s[1:], ">")
		if !ok || len(name) > len("<ENTRY_TRAMPOLINE") {
			return s
		}
		s = strings.TrimLeft(rest, "> \t") // "<<EOE>>" too
	}
	return s
}

// behindAddress skips one address in brackets and the blanks behind it.
func behindAddress(s string) string {
	const least, most = 6, 16
	t := strings.TrimPrefix(s, "(")
	t, ok := strings.CutPrefix(t, "[")
	if !ok {
		return s
	}
	t = strings.TrimPrefix(strings.TrimPrefix(t, "<"), "0x")
	n := skip(t, 0, isHex)
	if n < least || n > most {
		return s
	}
	t, ok = strings.CutPrefix(strings.TrimPrefix(t[n:], ">"), "]")
	if !ok {
		return s
	}
	return strings.TrimLeft(strings.TrimPrefix(t, ")"), " ")
}

// cutSymbol cuts a function's name off, without what compilers put behind it
// (.isra.0, .constprop.0, .part.1, .cold) and the dot that old powerpc puts before.
func cutSymbol(s string) (name, rest string) {
	s = strings.TrimPrefix(s, ".")
	n := skip(s, 0, isName)
	if n == 0 || isDigit(s[0]) {
		return "", s
	}
	end := skip(s, n, func(c byte) bool { return c == '.' || isName(c) })
	return s[:n], s[end:]
}

// symbolText is the symbol that s begins with, and its module.
func symbolText(s string) string {
	const longest = 200
	end := skip(s, 0, func(c byte) bool { return c == '.' || c == '+' || c == '/' || isName(c) })
	text := s[:min(end, longest)]
	rest, bracket := strings.CutPrefix(s[end:], ")")
	module, ok := strings.CutPrefix(rest, " [")
	if !ok {
		return text
	}
	n := skip(module, 0, func(c byte) bool { return c == '-' || isName(c) })
	switch {
	case n == 0 || n >= longest:
		return text
	case !bracket && len(text) == end && strings.HasPrefix(module[n:], "]"):
		return s[:end+len(" [")+n+len("]")]
	}
	return text + " [" + module[:n] + "]"
}

// registers are what stands before the address at which the kernel was.
var registers = [...]string{
	"RIP: ", "RIP ", "RIP:", "EIP: ", "EIP is at ", "IP: ", // x86; IP: of old
	"PC is at ", "pc is at ", // arm, old arm64, sh, alpha
	"pc : ",                      // arm64
	"NIP ",                       // powerpc
	"epc : ", "epc   : ", "epc:", // riscv, mips
	"era   : ", "ERA: ", // loongarch
	"Krnl PSW : ", // s390
	"TPC: <",      // sparc
	"IAOQ[0]: ",   // parisc
	"PC: [<",      // m68k
	interruptedAt, // powerpc
}

const interruptedAt = "--- interrupt"

// registersBy has the registers by their first bytes.
var registersBy = func() (by [256][]string) {
	for _, r := range registers {
		by[r[0]] = append(by[r[0]], r)
	}
	return by
}()

// place is where the kernel was, as a line with registers says.
type place int

const (
	nowhere place = iota
	unnamed       // an address without a symbol, such as 0
	named
)

// readPlace reads the line of an instruction pointer. The user's is none.
func readPlace(line string) (function string, p place) {
	if hasAny(line, "IP: 0033:", "IP: 0023:", "IP: 0073:") {
		return "", nowhere
	}
	for i := range len(line) {
		if i > 0 && isName(line[i-1]) {
			continue
		}
		for _, r := range registersBy[line[i]] {
			if !strings.HasPrefix(line[i:], r) {
				continue
			}
			rest := line[i+len(r):]
			if strings.HasSuffix(r, "[<") {
				rest = "[<" + rest
			}
			if r == interruptedAt {
				_, rest, _ = strings.Cut(rest, " at ")
			}
			if function, p = readAddress(rest); p != nowhere {
				return function, p
			}
		}
	}
	return "", nowhere
}

// readAddress reads "0010:[<addr>] [<addr>] f+0x1/0x2" and what other
// architectures make of it.
func readAddress(s string) (function string, p place) {
	s = strings.TrimLeft(s, " ")
	numbers := false
	if n := skip(s, 0, isHex); n >= 2 && n <= 4 && n < len(s) && s[n] == ':' { // the segment
		s, numbers = strings.TrimLeft(s[n+1:], " "), true
	}
	for range 2 {
		t := behindAddress(s)
		if n := skip(t, 0, isHex); n >= 8 && n <= 16 && n < len(t) && t[n] == ' ' {
			t = strings.TrimLeft(t[n:], " ")
		}
		numbers = numbers || len(t) < len(s)
		s = t
	}
	name, rest := cutSymbol(strings.TrimPrefix(s, "("))
	switch {
	case name != "" && strings.HasPrefix(rest, "+0x"):
		return name, named
	case numbers && !strings.HasPrefix(s, "LR"), hasPrefix(s, "0x", "(null)", "[<"):
		return "", unnamed
	}
	return "", nowhere
}
