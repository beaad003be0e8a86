package report

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kcing/kcing/mappings"
)

// Difference is one change between two kernels.
type Difference struct {
	Kind      string  `json:"kind"` // build, boot or test
	Change    Change  `json:"change"`
	Board     string  `json:"board,omitempty"`
	Arch      string  `json:"arch,omitempty"`
	Defconfig string  `json:"defconfig,omitempty"`
	Compiler  string  `json:"compiler,omitempty"`
	Lab       string  `json:"lab,omitempty"` // of the last result
	TestPath  string  `json:"test_path,omitempty"`
	Old       Outcome `json:"old"`
	New       Outcome `json:"new"`
	// SinceKernel is the first kernel with New, as far back as there are documents.
	SinceKernel string    `json:"since_kernel,omitempty"`
	Since       time.Time `json:"since,omitzero"`     // record time of the first such document
	Incident    string    `json:"incident,omitempty"` // title of what the kernel of a failed boot reported
}

// pairKind is how documents of a kind are paired from kernel to kernel.
type pairKind struct {
	kind   string
	result string   // field
	parts  []string // fields that name a pair, in the order of their values in a pair
	query  []any    // filters
}

// pairKinds in the order in which they are read: the boots come before the
// tests, whose absence they explain.
var pairKinds = []pairKind{
	{kind: mappings.Build, result: "build_result.keyword", parts: []string{fieldConfig, fieldArch, fieldCompiler}},
	{
		kind: mappings.Boot, result: "boot_result.keyword",
		parts: []string{fieldBoard, fieldConfig, fieldArch, fieldCompiler},
	},
	{
		kind: mappings.Test, result: "result.keyword", query: []any{exists(fieldPath)},
		parts: []string{fieldPath, fieldBoard, fieldConfig, fieldArch, fieldCompiler},
	},
	{ // of the first kcing, which knew no test_path
		kind: mappings.Test, result: "result.keyword", query: []any{equal(fieldPath, "")},
		parts: []string{fieldSuite, fieldName, fieldBoard, fieldConfig, fieldArch, fieldCompiler},
	},
}

// difference is a pair without what became of it.
func (k *pairKind) difference(pair []string) Difference {
	d := Difference{Kind: k.kind}
	for i, field := range k.parts {
		text := pair[i]
		switch field {
		case fieldConfig:
			d.Defconfig = text
		case fieldArch:
			d.Arch = text
		case fieldCompiler:
			d.Compiler = text
		case fieldBoard:
			d.Board = text
		case fieldPath:
			d.TestPath = text
		case fieldSuite:
			d.TestPath = withoutNumber(text)
		case fieldName:
			d.TestPath = strings.Trim(d.TestPath+"/"+text, "/")
		}
	}
	return d
}

// withoutNumber cuts the number that LAVA puts before the name of a suite.
func withoutNumber(suite string) string {
	if digits := leadingDigits(suite); digits != "" {
		return strings.TrimPrefix(suite[len(digits):], "_")
	}
	return suite
}

// boot names the boot that a test ran in.
type boot struct{ board, defconfig, arch, compiler string }

func (d Difference) boot() boot { return boot{d.Board, d.Defconfig, d.Arch, d.Compiler} }

// comparison reads one tree, pair by pair, and keeps those alone that changed.
type comparison struct {
	tree   *Tree
	limit  int
	unwell map[boot]bool // boots of which, in the newest kernel, one job did not end well, or there is none
	found  map[Change][]located
}

// located is a change with what its documents are found by.
type located struct {
	Difference
	of   *pairKind
	pair []string
}

// compare fills in what changed in the tree, and returns how many changes were
// left out.
func (s *snapshot) compare(ctx context.Context, t *Tree, o Options) (leftOut int, err error) {
	c := &comparison{tree: t, limit: o.Limit, unwell: map[boot]bool{}, found: map[Change][]located{}}
	kernels := []string{t.Kernel}
	if t.Previous != "" {
		kernels = append(kernels, t.Previous)
	}
	at := []any{equal(fieldTree, t.Tree), equal(fieldBranch, t.Branch)}
	for i := range pairKinds {
		k := &pairKinds[i]
		if !slices.Contains(o.Filter.kinds(), k.kind) {
			continue
		}
		query := slices.Concat(k.query, at, []any{terms(fieldKernel, kernels...)}, o.Filter.clauses())
		if err := c.read(ctx, s, k, query); err != nil {
			return 0, err
		}
	}
	kept := c.kept()
	if err := s.details(ctx, t, kept, slices.Concat(at, o.Filter.clauses())); err != nil {
		return 0, err
	}
	total := 0
	for _, n := range t.Counts {
		total += n
	}
	for _, d := range kept {
		t.Changes = append(t.Changes, d.Difference)
	}
	return total - len(kept), nil
}

// read goes through the pairs of a kind.
func (c *comparison) read(ctx context.Context, s *snapshot, k *pairKind, query []any) error {
	ofNewest, ofPrevious := c.tree.results(k.kind)
	n := len(k.parts)
	fields := append(slices.Clone(k.parts), fieldKernel, k.result, fieldError, fieldStatus)
	return s.groups(ctx, question{kind: k.kind, query: query, fields: fields}, n, func(of []bucket) {
		var before, now Results
		unwell := false
		for _, b := range of {
			end := b.ending(n + 1)
			is := end.outcome()
			if b.key[n] == c.tree.Kernel {
				now.add(is, b.count)
				ofNewest.add(is, b.count)
				unwell = unwell || !end.well()
			} else {
				before.add(is, b.count)
				ofPrevious.add(is, b.count)
			}
		}
		pair := of[0].key[:n]
		if k.kind == mappings.Boot && (unwell || now.outcome() == Missing) {
			c.unwell[k.difference(pair).boot()] = true
		}
		c.settle(k, pair, before.outcome(), now.outcome())
	})
}

// results are the numbers of a kind: in the newest kernel, and in the one before.
func (t *Tree) results(kind string) (ofNewest, ofPrevious *Results) {
	of := map[string][2]*Results{
		mappings.Build: {&t.Builds, &t.PreviousBuilds},
		mappings.Boot:  {&t.Boots, &t.PreviousBoots},
		mappings.Test:  {&t.Tests, &t.PreviousTests},
	}[kind]
	return of[0], of[1]
}

// settle notes what became of one pair. A test that is missing since its job did
// not end well, or is missing itself, is no change of its own: the job is. Which
// job a test is missing from nobody can say, so it is any of its board and build.
func (c *comparison) settle(k *pairKind, pair []string, before, now Outcome) {
	if c.tree.Previous == "" && now != Fail && now != Unstable {
		return
	}
	change := changeOf(before, now)
	if change == "" {
		return
	}
	if change == Disappeared && k.kind == mappings.Test && c.unwell[k.difference(pair).boot()] {
		return
	}
	c.tree.Counts[change]++
	if len(c.found[change]) >= c.limit {
		return
	}
	d := k.difference(pair)
	d.Change, d.Old, d.New = change, before, now
	c.found[change] = append(c.found[change], located{Difference: d, of: k, pair: pair})
}

// kept are the changes within the limit, the most urgent first.
func (c *comparison) kept() []located {
	var out []located
	for _, change := range Changes {
		out = append(out, c.found[change]...)
	}
	return out[:min(len(out), c.limit)]
}
