package report

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kcing/kcing/mappings"
)

// Fields of incident documents.
const (
	fieldTitle    = "title.keyword"
	fieldType     = "incident_type.keyword"
	fieldProvoked = "provoked"
)

// typeJob is the type of an incident that is a job's error, not a kernel's report.
const typeJob = "job"

// Incident is one kernel report, or one error of jobs, by its title. Those that
// a test provoked are left out.
type Incident struct {
	Title   string    `json:"title"`
	Type    string    `json:"type"`
	Jobs    int64     `json:"jobs"` // within the time
	Boards  []string  `json:"boards"`
	Labs    []string  `json:"labs"`
	Kernels []string  `json:"kernels"` // that had it, as far back as there are documents, in order of time
	First   time.Time `json:"first"`   // seen, as far back as there are documents
	Last    time.Time `json:"last"`
	New     bool      `json:"new"`  // no kernel but the newest of a tree had it
	Gone    bool      `json:"gone"` // the kernel before had it, the newest one does not
}

// OfJob reports whether it is a job's error: the lab's or the test's, not the kernel's.
func (i Incident) OfJob() bool { return i.Type == typeJob }

// incidents fills in the titles of the time, new ones first, then the most
// frequent, and returns how many were left out.
func (s *snapshot) incidents(ctx context.Context, r *Report, in scope, limit int) (leftOut int, err error) {
	found, total, err := s.titles(ctx, in, limit)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	byTitle := make(map[string]*Incident, len(found))
	titles := make([]string, len(found))
	for i := range found {
		byTitle[found[i].Title], titles[i] = &found[i], found[i].Title
	}
	for batch := range slices.Chunk(titles, detailsAtOnce) {
		for field, list := range map[string]func(*Incident) *[]string{
			fieldBoard: func(i *Incident) *[]string { return &i.Boards },
			fieldLab:   func(i *Incident) *[]string { return &i.Labs },
		} {
			q := question{
				kind: mappings.Incident, fields: []string{fieldTitle, field},
				query: append(in.query(), terms(fieldTitle, batch...), exists(field)),
			}
			err := s.each(ctx, q, func(b bucket) error {
				if i := byTitle[b.key[0]]; i != nil {
					*list(i) = append(*list(i), strings.Clone(b.key[1]))
				}
				return nil
			})
			if err != nil {
				return 0, err
			}
		}
	}
	r.Incidents = found
	return total - len(found), nil
}

// titles are the incidents without their boards and labs, and how many there are
// in all.
func (s *snapshot) titles(ctx context.Context, in scope, limit int) (found []Incident, total int, err error) {
	type seen struct {
		name  string
		first time.Time
	}
	var now Incident
	var kernels []seen
	settle := func() {
		if now.Jobs > 0 {
			total++
			slices.SortStableFunc(kernels, func(a, b seen) int { return a.first.Compare(b.first) })
			now.New = true
			newest, before := false, false
			for _, k := range kernels {
				now.Kernels = append(now.Kernels, k.name)
				now.New = now.New && in.newest[k.name]
				newest, before = newest || in.newest[k.name], before || in.before[k.name]
			}
			now.New, now.Gone = now.New && newest, before && !newest
			found = keepBest(found, now, limit)
		}
		now, kernels = Incident{Boards: []string{}, Labs: []string{}, Kernels: []string{}}, nil
	}
	q := question{
		kind: mappings.Incident, fields: []string{fieldTitle, fieldType, fieldKernel}, times: true, window: in.window,
		query: append(slices.Clone(in.filters), object{
			"bool": object{"must_not": object{"term": object{fieldProvoked: true}}},
		}),
	}
	err = s.each(ctx, q, func(b bucket) error {
		if b.key[0] != now.Title || b.key[1] != now.Type {
			settle()
			now.Title, now.Type = strings.Clone(b.key[0]), strings.Clone(b.key[1])
			now.First, now.Last = b.first, b.last
		}
		now.Jobs += b.window.count
		if b.first.Before(now.First) {
			now.First = b.first
		}
		if b.last.After(now.Last) {
			now.Last = b.last
		}
		if b.key[2] != "" {
			kernels = append(kernels, seen{strings.Clone(b.key[2]), b.first})
		}
		return nil
	})
	if err == nil {
		settle()
	}
	return found, total, err
}

// keepBest adds an incident to those that are shown, and drops the last one
// when there are too many.
func keepBest(found []Incident, i Incident, limit int) []Incident {
	at, _ := slices.BinarySearchFunc(found, i, bySignificance)
	if found = slices.Insert(found, at, i); len(found) > limit {
		found = found[:limit]
	}
	return found
}

// bySignificance sorts reports of the kernel before errors of jobs, new ones
// first, then by how many jobs had them.
func bySignificance(a, b Incident) int {
	no := func(b bool) int {
		if b {
			return 0
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(no(!a.OfJob()), no(!b.OfJob())), cmp.Compare(no(a.New), no(b.New)),
		cmp.Compare(b.Jobs, a.Jobs), cmp.Compare(a.Title, b.Title), cmp.Compare(a.Type, b.Type),
	)
}
