package report

import (
	"cmp"
	"context"
	"slices"
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
	Jobs    int64     `json:"jobs"` // within the time, and of the kernels compared
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

// incidents fills in the titles of the time and of the kernels compared, new ones
// first, then the most frequent, and returns how many were left out.
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
				query: slices.Concat(in.incidents, in.filters, []any{terms(fieldTitle, batch...), exists(field)}),
			}
			err := s.each(ctx, q, func(b bucket) {
				if i := byTitle[b.key[0]]; i != nil {
					*list(i) = append(*list(i), b.key[1])
				}
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
	q := question{
		kind: mappings.Incident, fields: []string{fieldTitle, fieldType, fieldTree, fieldBranch, fieldKernel},
		times: true, window: in.incidents,
		query: append(slices.Clone(in.filters), object{
			"bool": object{"must_not": object{"term": object{fieldProvoked: true}}},
		}),
	}
	err = s.groups(ctx, q, 2, func(of []bucket) {
		if i := incidentOf(of, in); i.Jobs > 0 {
			total++
			found = keepBest(found, i, limit)
		}
	})
	return found, total, err
}

// incidentOf is the incident of one title and type, from its buckets by kernel.
func incidentOf(of []bucket, in scope) Incident {
	slices.SortStableFunc(of, func(a, b bucket) int { return a.first.Compare(b.first) })
	i := Incident{
		Title: of[0].key[0], Type: of[0].key[1], First: of[0].first,
		Boards: []string{}, Labs: []string{}, Kernels: []string{},
	}
	newest, before, other := false, false, false
	for _, b := range of {
		i.Jobs += b.inWindow
		if b.last.After(i.Last) {
			i.Last = b.last
		}
		kernel := kernelOf{branch{b.key[2], b.key[3]}, b.key[4]}
		if kernel.name == "" {
			continue
		}
		if !slices.Contains(i.Kernels, kernel.name) {
			i.Kernels = append(i.Kernels, kernel.name)
		}
		newest, before = newest || in.newest[kernel], before || in.before[kernel]
		other = other || !in.newest[kernel]
	}
	i.New, i.Gone = newest && !other, before && !newest
	return i
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
