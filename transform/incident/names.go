package incident

import (
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// nameSet is a set of function names by pattern.
type nameSet struct {
	exact              map[string]bool
	begins, ends, have []string
}

// patterns reads a set: words between blanks, each a part of a name. A ^ binds to
// the name's beginning, a $ to its end; {a,b} is a or b.
func patterns(lists ...string) *nameSet {
	s := &nameSet{exact: map[string]bool{}}
	for _, list := range lists {
		for _, word := range strings.Fields(list) {
			for _, w := range alternatives(word) {
				s.add(w)
			}
		}
	}
	return s
}

func (s *nameSet) add(pattern string) {
	rest, first := strings.CutPrefix(pattern, "^")
	rest, last := strings.CutSuffix(rest, "$")
	switch {
	case first && last:
		s.exact[rest] = true
	case first:
		s.begins = append(s.begins, rest)
	case last:
		s.ends = append(s.ends, rest)
	default:
		s.have = append(s.have, rest)
	}
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

// match tells whether the name is of the set. A nil set is empty.
func (s *nameSet) match(name string) bool {
	if s == nil {
		return false
	}
	if s.exact[name] {
		return true
	}
	for _, p := range s.begins {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	for _, p := range s.ends {
		if strings.HasSuffix(name, p) {
			return true
		}
	}
	for _, p := range s.have {
		if strings.Contains(name, p) {
			return true
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
		name, err := demangle.ToString(symbol, demangle.NoParams, demangle.NoTemplateParams, demangle.MaxLength(longest))
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
