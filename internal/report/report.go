// Package report answers from Elasticsearch what fails now and since when,
// whether it is the kernel or the lab, and what the last kernel changed.
//
// It does not bisect and remembers nothing: each report is read anew from the
// indices, at one moment ([Make] opens a point in time), with a read-only role.
// The caveat: a kernel is the text in git_describe, and a kernel is as new as its
// first document; records that name no git_describe are in no report.
package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options say what a report is about.
type Options struct {
	Prefix string    // of the indices
	Since  time.Time // kernels tested since then
	Until  time.Time // now
	Filter Filter
	// Compare are two kernels, the older one first, to compare instead of the
	// newest of each tree with the one before it. Both empty: not asked for.
	Compare [2]string
	// Limit is how many changes of each tree, and how many incidents, are kept;
	// what is over it is counted in [Report.LeftOut].
	Limit int
}

// Filter narrows a report. An empty field takes everything. Builds belong to no
// lab and no board, so with one of these there are none.
type Filter struct {
	Tree, Branch, Lab, Board, Arch string
}

// Report is what `kcing report --json` prints. Times are RFC 3339; what is not
// known is left out. New fields may come, none changes its meaning.
type Report struct {
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"`
	LeftOut int       `json:"left_out"` // changes and incidents over the limit
	Trees   []Tree    `json:"trees"`
	// Others names the trees that were tested when the filter leaves none.
	Others    []string   `json:"other_trees,omitempty"`
	Incidents []Incident `json:"incidents"`
	Labs      []Place    `json:"labs"`   // the worst first
	Boards    []Place    `json:"boards"` // the worst first

	Days    []Day `json:"-"` // for the page alone, by tree and day
	Nothing bool  `json:"-"` // there are no results of any kernel, at no time
}

// Compared reports whether any tree has a kernel before its newest.
func (r *Report) Compared() bool {
	return slices.ContainsFunc(r.Trees, func(t Tree) bool { return t.Previous != "" })
}

// Tree is one branch of a tree: its newest kernel beside the one before it.
type Tree struct {
	Tree     string         `json:"tree"`
	Branch   string         `json:"branch"`
	Kernel   string         `json:"kernel"`             // git_describe
	Previous string         `json:"previous,omitempty"` // "": there is none
	Builds   Results        `json:"builds"`             // documents of Kernel
	Boots    Results        `json:"boots"`
	Tests    Results        `json:"tests"`
	Counts   map[Change]int `json:"counts"` // of all changes, also of those left out
	Changes  []Difference   `json:"changes"`

	// Of the previous kernel, for what changed since.
	PreviousBuilds, PreviousBoots, PreviousTests Results    `json:"-"`
	Matrix                                       []BoardRow `json:"-"`
	kernels                                      []kernel   // all, oldest first
	columns                                      []kernel   // of the matrix, from kernels
}

// Results are numbers of documents. What the lab lost, what was skipped and what
// ended in no known way is inconclusive.
type Results struct {
	Pass         int64 `json:"pass"`
	Fail         int64 `json:"fail"`
	Inconclusive int64 `json:"inconclusive"`
}

func (r *Results) add(o Outcome, n int64) {
	switch o {
	case Pass:
		r.Pass += n
	case Fail:
		r.Fail += n
	default:
		r.Inconclusive += n
	}
}

// Total is the number of all documents.
func (r Results) Total() int64 { return r.Pass + r.Fail + r.Inconclusive }

// PassRate is the share of passes among what passed or failed, in per cent.
// known is false when nothing did.
func (r Results) PassRate() (percent float64, known bool) {
	if r.Pass+r.Fail == 0 {
		return 0, false
	}
	return 100 * float64(r.Pass) / float64(r.Pass+r.Fail), true
}

// Rate is PassRate for people to read; "" when it is not known.
func (r Results) Rate() string {
	percent, known := r.PassRate()
	if !known {
		return ""
	}
	return fmt.Sprintf("%.1f %%", percent)
}

// Place is how boots ended in one lab, or on one kind of board.
type Place struct {
	Lab   string `json:"lab,omitempty"`
	Board string `json:"board,omitempty"`
	Results
	Lost int64 `json:"lost"` // boots that the lab lost, offline ones too, or somebody canceled; they are inconclusive
}

// Name of the lab or board.
func (p Place) Name() string { return cmp.Or(p.Lab, p.Board) }

// Make reads a report from Elasticsearch. No index at all is an empty report.
// A kernel of Compare that no tree has is a [*NoKernelError], both of them being
// one a [*SameKernelError].
func Make(ctx context.Context, es Elasticsearch, o Options) (*Report, error) {
	s, err := open(ctx, es, o.Prefix)
	if err != nil {
		return nil, err
	}
	defer s.close(ctx)
	r := &Report{
		Since: o.Since.UTC(), Until: o.Until.UTC(),
		Incidents: []Incident{},
	}
	found, err := s.kernels(ctx, o.Filter)
	if err != nil {
		return nil, err
	}
	if r.Trees, err = treesOf(found, o); err != nil {
		return nil, err
	}
	if len(r.Trees) == 0 {
		if err := s.others(ctx, r, o); err != nil {
			return nil, err
		}
	}
	if o.Compare[0] != "" {
		r.Since = s.sinceOf(r.Trees)
	}
	for i := range r.Trees {
		left, err := s.compare(ctx, &r.Trees[i], o)
		if err != nil {
			return nil, err
		}
		r.LeftOut += left
	}
	in := scopeOf(r, o)
	for i := range r.Trees {
		if err := s.matrix(ctx, &r.Trees[i], in); err != nil {
			return nil, err
		}
	}
	if r.Labs, err = s.bootsBy(ctx, fieldLab, in, func(name string) Place { return Place{Lab: name} }); err != nil {
		return nil, err
	}
	if r.Boards, err = s.bootsBy(ctx, fieldBoard, in,
		func(name string) Place { return Place{Board: name} }); err != nil {
		return nil, err
	}
	if err := s.days(ctx, r, in); err != nil {
		return nil, err
	}
	left, err := s.incidents(ctx, r, in, o.Limit)
	r.LeftOut += left
	return r, err
}

// scope is what the parts of a report that go by time look at.
type scope struct {
	filters   []any // of the user
	window    []any // filters: all documents of the time, or with --compare those of the kernels compared
	incidents []any // filters: the same, and always those of the kernels compared
	newest    map[kernelOf]bool
	before    map[kernelOf]bool // the kernels before
}

// kernelOf names a kernel of a branch: others may have one of the same name.
type kernelOf struct {
	branch
	name string
}

func (s scope) query() []any { return slices.Concat(s.window, s.filters) }

func scopeOf(r *Report, o Options) scope {
	s := scope{filters: o.Filter.clauses(), newest: map[kernelOf]bool{}, before: map[kernelOf]bool{}}
	var compared []any
	for _, t := range r.Trees {
		at, kernels := branch{t.Tree, t.Branch}, []string{t.Kernel}
		s.newest[kernelOf{at, t.Kernel}] = true
		if t.Previous != "" {
			s.before[kernelOf{at, t.Previous}] = true
			kernels = append(kernels, t.Previous)
		}
		compared = append(compared,
			all(equal(fieldTree, t.Tree), equal(fieldBranch, t.Branch), terms(fieldKernel, kernels...)))
	}
	if o.Compare[0] != "" {
		s.window = []any{anyOf(compared)}
		s.incidents = s.window
	} else {
		s.window = []any{between(r.Since, r.Until)}
		s.incidents = []any{anyOf(append(compared, s.window...))}
	}
	return s
}

func (f Filter) clauses() (clauses []any) {
	for _, c := range []struct{ field, value string }{
		{fieldTree, f.Tree}, {fieldBranch, f.Branch}, {fieldLab, f.Lab}, {fieldBoard, f.Board}, {fieldArch, f.Arch},
	} {
		if c.value != "" {
			clauses = append(clauses, terms(c.field, c.value))
		}
	}
	return clauses
}

// NoKernelError says that a kernel to compare is in no tree.
type NoKernelError struct {
	Kernels []string // those that were asked for
	Known   []string // the newest that there are
}

func (e *NoKernelError) Error() string {
	known := "there are no kernels"
	if len(e.Known) > 0 {
		known = "the newest are " + strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("no tree and branch has both %s; %s", strings.Join(e.Kernels, " and "), known)
}

// SameKernelError says that the two kernels to compare are one.
type SameKernelError struct {
	Names  [2]string // that were asked for: git describe or version
	Kernel string    // git describe
}

func (e *SameKernelError) Error() string {
	return e.Names[0] + " and " + e.Names[1] + " are one kernel"
}
