package incident

import (
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// nameSet is a set of function names by pattern: the patterns by their first two
// bytes.
type nameSet map[[2]byte][]namePattern

// namePattern is a part of names.
type namePattern struct {
	text         string
	begins, ends bool // it stands at the beginning, at the end
}

// patterns reads a set: words between blanks, each a part of a name. A ^ binds to
// the name's beginning, a $ to its end; {a,b} is a or b.
func patterns(lists ...string) nameSet {
	s := nameSet{}
	for _, list := range lists {
		for _, word := range strings.Fields(list) {
			for _, w := range alternatives(word) {
				p := namePattern{}
				p.text, p.begins = strings.CutPrefix(w, "^")
				p.text, p.ends = strings.CutSuffix(p.text, "$")
				key := [2]byte{p.text[0], p.text[1]}
				s[key] = append(s[key], p)
			}
		}
	}
	return s
}

// alternatives writes a pattern's {a,b} out.
func alternatives(pattern string) []string {
	before, rest, ok := strings.Cut(pattern, "{")
	if !ok {
		return []string{pattern}
	}
	choices, after, _ := strings.Cut(rest, "}")
	var all []string
	for _, end := range alternatives(after) {
		for choice := range strings.SplitSeq(choices, ",") {
			all = append(all, before+choice+end)
		}
	}
	return all
}

// match tells whether the name is of the set.
func (s nameSet) match(name string) bool {
	for i := 0; i+1 < len(name) && len(s) > 0; i++ {
		for _, p := range s[[2]byte{name[i], name[i+1]}] {
			if strings.HasPrefix(name[i:], p.text) && (!p.begins || i == 0) && (!p.ends || len(name) == i+len(p.text)) {
				return true
			}
		}
	}
	return false
}

// entryPrefixes are what the macros of one system call put before its name: they
// differ between architectures and years.
var entryPrefixes = [...]string{
	"__x64_", "__ia32_", "__arm64_", "__riscv_", "__s390x_", "__s390_", "__powerpc_",
	"__se_sys_", "__do_sys_", "__se_", "ksys_", "sys_", "__sys_", "___sys_", "____sys_",
	"SyS_", "SYSC_", "compat_SyS_", "compat_SYSC_",
}

// plainName is a symbol as people write it: C++ and Rust read, without the prefix
// of a system call.
func plainName(symbol string) string {
	if strings.HasPrefix(symbol, "_Z") || strings.HasPrefix(symbol, "_R") {
		const longest = 8 // 2^8 bytes
		name, err := demangle.ToString(symbol, demangle.NoParams, demangle.NoTemplateParams,
			demangle.MaxLength(longest))
		if err == nil && name != "" {
			return name
		}
	}
	short := symbol
	for _, p := range entryPrefixes {
		if rest, ok := strings.CutPrefix(symbol, p); ok && rest != "" && len(rest) < len(short) {
			short = rest
		}
	}
	return short
}
