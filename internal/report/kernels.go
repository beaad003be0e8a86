package report

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kcing/kcing/mappings"
)

// kernel is one kernel of a tree and branch.
type kernel struct {
	name        string // git_describe
	first, last time.Time
}

// branch is one branch of a tree.
type branch struct{ tree, branch string }

// trees are the branches that were tested within the time, each with its newest
// kernel and the one before it. A kernel is as new as its first document: names
// are no order (v6.9, v6.10, next-20260101), and an old kernel is tested again.
func (s *snapshot) trees(ctx context.Context, o Options) ([]Tree, error) {
	var asked []any
	if o.Compare[0] != "" {
		asked = []any{anyOf([]any{terms(fieldKernel, o.Compare[:]...), terms(fieldVersion, o.Compare[:]...)})}
	}
	found, err := s.kernels(ctx, o.Filter, asked)
	if err != nil {
		return nil, err
	}
	trees := []Tree{}
	for _, b := range sortedBranches(found) {
		kernels := found[b]
		newest, previous, ok := newestOf(kernels, o.Since)
		if o.Compare[0] != "" {
			if previous, newest, ok, err = s.chosen(ctx, b, o); err != nil {
				return nil, err
			}
		}
		if !ok {
			continue
		}
		trees = append(trees, Tree{
			Tree: b.tree, Branch: b.branch, Kernel: newest, Previous: previous,
			Counts: map[Change]int{}, Changes: []Difference{}, kernels: kernels,
		})
	}
	if len(trees) == 0 && o.Compare[0] != "" {
		return nil, s.noKernel(ctx, o)
	}
	return trees, nil
}

// kernels are all kernels by tree and branch, oldest first.
func (s *snapshot) kernels(ctx context.Context, f Filter, more []any) (map[branch][]kernel, error) {
	seen := map[branch]map[string]kernel{}
	for _, kind := range f.kinds() {
		q := question{
			kind: kind, fields: []string{fieldTree, fieldBranch, fieldKernel}, times: true,
			query: slices.Concat([]any{exists(fieldKernel)}, f.clauses(), more),
		}
		err := s.each(ctx, q, func(b bucket) error {
			at := branch{strings.Clone(b.key[0]), strings.Clone(b.key[1])}
			if seen[at] == nil {
				seen[at] = map[string]kernel{}
			}
			k, known := seen[at][b.key[2]]
			if !known {
				k = kernel{name: strings.Clone(b.key[2]), first: b.first, last: b.last}
			}
			if b.first.Before(k.first) {
				k.first = b.first
			}
			if b.last.After(k.last) {
				k.last = b.last
			}
			seen[at][k.name] = k
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	out := make(map[branch][]kernel, len(seen))
	for at, kernels := range seen {
		for _, k := range kernels {
			out[at] = append(out[at], k)
		}
		slices.SortFunc(out[at], func(a, b kernel) int {
			return cmp.Or(a.first.Compare(b.first), naturally(a.name, b.name))
		})
	}
	return out, nil
}

// kinds are the kinds of documents with results that the filter leaves.
func (f Filter) kinds() []string {
	if f.ofPlaces() {
		return []string{mappings.Boot, mappings.Test}
	}
	return []string{mappings.Build, mappings.Boot, mappings.Test}
}

// newestOf is the last kernel, if it was tested since then, and the one before.
func newestOf(kernels []kernel, since time.Time) (newest, previous string, ok bool) {
	last := len(kernels) - 1
	if last < 0 || !slices.ContainsFunc(kernels, func(k kernel) bool { return !k.last.Before(since) }) {
		return "", "", false
	}
	if last > 0 {
		previous = kernels[last-1].name
	}
	return kernels[last].name, previous, true
}

// chosen are the two kernels of --compare in this branch: their git_describe,
// whether that or the kernel's version was given. Of several the last one.
func (s *snapshot) chosen(ctx context.Context, at branch, o Options) (before, now string, ok bool, err error) {
	names := [2]string{}
	for i, want := range o.Compare {
		f := o.Filter
		f.Tree, f.Branch = "", ""
		found, err := s.kernels(ctx, f, []any{
			equal(fieldTree, at.tree), equal(fieldBranch, at.branch),
			anyOf([]any{terms(fieldKernel, want), terms(fieldVersion, want)}),
		})
		if err != nil || len(found[at]) == 0 {
			return "", "", false, err
		}
		names[i] = found[at][len(found[at])-1].name
		for _, k := range found[at] {
			if k.name == want {
				names[i] = want
			}
		}
	}
	return names[0], names[1], true, nil
}

// noKernel explains why there is nothing to compare.
func (s *snapshot) noKernel(ctx context.Context, o Options) error {
	found, err := s.kernels(ctx, o.Filter, nil)
	if err != nil {
		return err
	}
	var kernels []kernel
	for _, of := range found {
		kernels = append(kernels, of...)
	}
	slices.SortFunc(kernels, func(a, b kernel) int {
		return cmp.Or(b.first.Compare(a.first), naturally(b.name, a.name))
	})
	e := &NoKernelError{Kernels: o.Compare[:]}
	for _, k := range kernels[:min(len(kernels), 5)] {
		if !slices.Contains(e.Known, k.name) {
			e.Known = append(e.Known, k.name)
		}
	}
	return e
}

// sinceOf is when the oldest of the kernels that are compared was first seen.
func (s *snapshot) sinceOf(trees []Tree) (since time.Time) {
	for _, t := range trees {
		for _, k := range t.kernels {
			if (k.name == t.Previous || k.name == t.Kernel) && (since.IsZero() || k.first.Before(since)) {
				since = k.first
			}
		}
	}
	return since
}

func sortedBranches(found map[branch][]kernel) []branch {
	var out []branch
	for b := range found {
		out = append(out, b)
	}
	slices.SortFunc(out, func(a, b branch) int {
		return cmp.Or(naturally(a.tree, b.tree), naturally(a.branch, b.branch))
	})
	return out
}

// naturally compares texts with the numbers in them as numbers: v6.9 before v6.10.
func naturally(a, b string) int {
	for a != "" && b != "" {
		x, y := leadingDigits(a), leadingDigits(b)
		if x == "" || y == "" {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		m, n := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n), cmp.Compare(len(x), len(y))); c != 0 {
			return c
		}
		a, b = a[len(x):], b[len(y):]
	}
	return cmp.Compare(len(a), len(b))
}

func leadingDigits(s string) string {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[:n]
}
