package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kcing/kcing/mappings"
)

// kernel is one kernel of a tree and branch.
type kernel struct {
	name        string   // git_describe
	versions    []string // that its documents name; some twice
	first, last time.Time
}

// branch is one branch of a tree.
type branch struct{ tree, branch string }

// treesOf are the branches that were tested within the time, each with its newest
// kernel and the one before it, or with those to compare. A kernel is as new as
// its first document: names are no order (v6.9, v6.10, next-20260101), and an old
// kernel is tested again.
func treesOf(found map[branch][]kernel, o Options) ([]Tree, error) {
	trees, one := []Tree{}, ""
	branches := slices.SortedFunc(maps.Keys(found), func(a, b branch) int {
		return cmp.Or(naturally(a.tree, b.tree), naturally(a.branch, b.branch))
	})
	for _, b := range branches {
		kernels := found[b]
		newest, previous, ok := newestOf(kernels, o.Since)
		columns := kernels[max(0, len(kernels)-matrixKernels):]
		if o.Compare[0] != "" {
			previous, newest = chosen(kernels, o.Compare[0]), chosen(kernels, o.Compare[1])
			ok = previous != "" && newest != ""
			columns = slices.DeleteFunc(slices.Clone(kernels), func(k kernel) bool {
				return k.name != previous && k.name != newest
			})
		}
		if ok && newest == previous {
			one, ok = newest, false
		}
		if !ok {
			continue
		}
		trees = append(trees, Tree{
			Tree: b.tree, Branch: b.branch, Kernel: newest, Previous: previous,
			Counts: map[Change]int{}, Changes: []Difference{}, kernels: kernels, columns: columns,
		})
	}
	switch {
	case len(trees) > 0 || o.Compare[0] == "":
		return trees, nil
	case one != "":
		return nil, &SameKernelError{Names: o.Compare, Kernel: one}
	}
	return nil, noKernel(found, o.Compare)
}

// others fills in what there is instead when the filters or the time leave no tree.
func (s *snapshot) others(ctx context.Context, r *Report, o Options) error {
	found, err := s.kernels(ctx, Filter{})
	if err != nil {
		return err
	}
	r.Nothing = len(found) == 0
	trees, err := treesOf(found, o)
	for _, t := range trees {
		r.Others = append(r.Others, t.Name())
	}
	return err
}

// kernels are all kernels by tree and branch, oldest first.
func (s *snapshot) kernels(ctx context.Context, f Filter) (map[branch][]kernel, error) {
	seen := map[branch]map[string]*kernel{}
	for _, kind := range f.kinds() {
		q := question{
			kind: kind, fields: []string{fieldTree, fieldBranch, fieldKernel, fieldVersion}, times: true,
			query: append([]any{exists(fieldKernel)}, f.clauses()...),
		}
		err := s.each(ctx, q, func(b bucket) {
			at, name := branch{b.key[0], b.key[1]}, b.key[2]
			if seen[at] == nil {
				seen[at] = map[string]*kernel{}
			}
			if seen[at][name] == nil {
				seen[at][name] = &kernel{name: name, first: b.first}
			}
			k := seen[at][name]
			if b.first.Before(k.first) {
				k.first = b.first
			}
			if b.last.After(k.last) {
				k.last = b.last
			}
			k.versions = append(k.versions, b.key[3])
		})
		if err != nil {
			return nil, err
		}
	}
	out := make(map[branch][]kernel, len(seen))
	for at, kernels := range seen {
		for _, k := range kernels {
			out[at] = append(out[at], *k)
		}
		slices.SortFunc(out[at], func(a, b kernel) int {
			return cmp.Or(a.first.Compare(b.first), naturally(a.name, b.name))
		})
	}
	return out, nil
}

// kinds are the kinds of documents with results that the filter leaves.
func (f Filter) kinds() []string {
	if f.Lab != "" || f.Board != "" { // builds belong to neither
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

// chosen is the kernel of this git_describe, else the last one of this version;
// "" when there is neither.
func chosen(kernels []kernel, want string) (name string) {
	for _, k := range kernels {
		if k.name == want {
			return want
		}
		if slices.Contains(k.versions, want) {
			name = k.name
		}
	}
	return name
}

// noKernel says which kernels there are to compare instead.
func noKernel(found map[branch][]kernel, asked [2]string) error {
	kernels := slices.Concat(slices.Collect(maps.Values(found))...)
	slices.SortFunc(kernels, func(a, b kernel) int {
		return cmp.Or(b.first.Compare(a.first), naturally(b.name, a.name))
	})
	e := &NoKernelError{Kernels: asked[:]}
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
