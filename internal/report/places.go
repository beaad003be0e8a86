package report

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/kcing/kcing/mappings"
)

// bootsBy is how boots ended in each lab or on each board, the worst first. place
// makes one of its name.
func (s *snapshot) bootsBy(ctx context.Context, field string, in scope, place func(name string) Place,
) ([]Place, error) {
	places := []Place{}
	q := question{
		kind: mappings.Boot, query: append(in.query(), exists(field)),
		fields: []string{field, "boot_result.keyword", fieldError, fieldStatus},
	}
	err := s.groups(ctx, q, 1, func(of []bucket) {
		p := place(of[0].key[0])
		for _, b := range of {
			e := b.ending(1)
			p.add(e.outcome(), b.count)
			if e.lost() {
				p.Lost += b.count
			}
		}
		places = append(places, p)
	})
	slices.SortStableFunc(places, worse) // they come by name
	return places, err
}

// worse sorts by the share of passes among all boots: a lab that loses them is
// one to look at as well.
func worse(a, b Place) int {
	share := func(p Place) float64 { return float64(p.Pass) / float64(max(p.Total(), 1)) }
	return cmp.Or(cmp.Compare(share(a), share(b)), cmp.Compare(b.Total(), a.Total()))
}

// Day is how the boots of one branch ended on one day (UTC).
type Day struct {
	Tree, Branch string
	Day          time.Time
	Results
}

// days fills in the boots by tree and day, for the page's curves.
func (s *snapshot) days(ctx context.Context, r *Report, in scope) error {
	q := question{
		kind: mappings.Boot, query: in.query(),
		fields: []string{fieldTree, fieldBranch, dayField, "boot_result.keyword", fieldError, fieldStatus},
	}
	return s.groups(ctx, q, 3, func(of []bucket) {
		key := of[0].key
		ms, _ := strconv.ParseInt(key[2], 10, 64)
		day := Day{Tree: key[0], Branch: key[1], Day: time.UnixMilli(ms).UTC()}
		for _, b := range of {
			day.add(b.ending(3).outcome(), b.count)
		}
		r.Days = append(r.Days, day)
	})
}

const (
	matrixKernels = 8  // columns of a matrix, the newest kernels; with --compare the two
	matrixBoards  = 60 // rows, the worst boards
)

// BoardRow is how one board did with the newest kernels of a tree.
type BoardRow struct {
	Board string
	Cells []Cell // one a kernel, oldest first
}

// Cell is one board with one kernel.
type Cell struct {
	Kernel string
	Results
}

// matrix fills in boards by kernels of one tree.
func (s *snapshot) matrix(ctx context.Context, t *Tree, in scope) error {
	var columns []string
	for _, k := range t.columns {
		columns = append(columns, k.name)
	}
	q := question{
		kind: mappings.Boot,
		query: append(slices.Clone(in.filters), equal(fieldTree, t.Tree), equal(fieldBranch, t.Branch),
			terms(fieldKernel, columns...), exists(fieldBoard)),
		fields: []string{fieldBoard, fieldKernel, "boot_result.keyword", fieldError, fieldStatus},
	}
	err := s.groups(ctx, q, 1, func(of []bucket) {
		row := BoardRow{Board: of[0].key[0], Cells: make([]Cell, len(columns))}
		for i, name := range columns {
			row.Cells[i].Kernel = name
		}
		for _, b := range of {
			if i := slices.Index(columns, b.key[1]); i >= 0 {
				row.Cells[i].add(b.ending(2).outcome(), b.count)
			}
		}
		t.Matrix = append(t.Matrix, row)
	})
	slices.SortStableFunc(t.Matrix, func(a, b BoardRow) int { return cmp.Compare(b.failures(), a.failures()) })
	t.Matrix = t.Matrix[:min(len(t.Matrix), matrixBoards)]
	return err
}

// failures counts the kernels that failed, the newest ones more.
func (r BoardRow) failures() (n int) {
	for i, c := range r.Cells {
		if o := c.outcome(); o == Fail || o == Unstable {
			n += i + 1
		}
	}
	return n
}
