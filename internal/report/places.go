package report

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kcing/kcing/mappings"
)

// places fills in how boots ended in each lab and on each board, the worst first.
func (s *snapshot) places(ctx context.Context, r *Report, in scope) error {
	labs, err := s.bootsBy(ctx, fieldLab, in)
	if err != nil {
		return err
	}
	boards, err := s.bootsBy(ctx, fieldBoard, in)
	if err != nil {
		return err
	}
	for name, p := range labs {
		r.Labs = append(r.Labs, Lab{name, *p})
	}
	for name, p := range boards {
		r.Boards = append(r.Boards, Board{name, *p})
	}
	slices.SortFunc(r.Labs, func(a, b Lab) int { return cmp.Or(worse(a.Place, b.Place), cmp.Compare(a.Lab, b.Lab)) })
	slices.SortFunc(r.Boards, func(a, b Board) int {
		return cmp.Or(worse(a.Place, b.Place), cmp.Compare(a.Board, b.Board))
	})
	return nil
}

// worse sorts by the share of passes among all boots: a lab that loses them is
// one to look at as well.
func worse(a, b Place) int {
	share := func(p Place) float64 { return float64(p.Pass) / float64(max(p.Total(), 1)) }
	return cmp.Or(cmp.Compare(share(a), share(b)), cmp.Compare(b.Total(), a.Total()))
}

func (s *snapshot) bootsBy(ctx context.Context, field string, in scope) (map[string]*Place, error) {
	out := map[string]*Place{}
	q := question{
		kind: mappings.Boot, query: append(in.query(), exists(field)),
		fields: []string{field, "boot_result.keyword", fieldError, fieldStatus},
	}
	err := s.each(ctx, q, func(b bucket) error {
		p := out[b.key[0]]
		if p == nil {
			p = new(Place)
			out[strings.Clone(b.key[0])] = p
		}
		e := ending{b.key[1], b.key[2], b.key[3]}
		p.add(e.outcome(), b.count)
		if e.lost() {
			p.Lost += b.count
		}
		return nil
	})
	return out, err
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
	return s.each(ctx, q, func(b bucket) error {
		day := dayOf(b.key[2])
		last := len(r.Days) - 1
		if last < 0 || r.Days[last].Tree != b.key[0] || r.Days[last].Branch != b.key[1] ||
			!r.Days[last].Day.Equal(day) {
			r.Days = append(r.Days, Day{Tree: strings.Clone(b.key[0]), Branch: strings.Clone(b.key[1]), Day: day})
			last++
		}
		r.Days[last].add(ending{b.key[3], b.key[4], b.key[5]}.outcome(), b.count)
		return nil
	})
}

// dayOf reads a day as Elasticsearch gives it, in milliseconds since 1970.
func dayOf(text string) time.Time {
	ms, _ := strconv.ParseInt(text, 10, 64)
	return time.UnixMilli(ms).UTC()
}

const (
	matrixKernels = 8  // columns of a matrix, the newest kernels
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

// Outcome of the boots of a cell.
func (c Cell) Outcome() Outcome { return tally{c.Results}.outcome() }

// matrix fills in boards by kernels.
func (s *snapshot) matrix(ctx context.Context, r *Report, in scope) error {
	for i := range r.Trees {
		if err := s.matrixOf(ctx, &r.Trees[i], in); err != nil {
			return err
		}
	}
	return nil
}

func (s *snapshot) matrixOf(ctx context.Context, t *Tree, in scope) error {
	var columns []string
	for _, k := range t.kernels[max(0, len(t.kernels)-matrixKernels):] {
		columns = append(columns, k.name)
	}
	q := question{
		kind: mappings.Boot,
		query: append(slices.Clone(in.filters), equal(fieldTree, t.Tree), equal(fieldBranch, t.Branch),
			terms(fieldKernel, columns...), exists(fieldBoard)),
		fields: []string{fieldBoard, fieldKernel, "boot_result.keyword", fieldError, fieldStatus},
	}
	err := s.each(ctx, q, func(b bucket) error {
		last := len(t.Matrix) - 1
		if last < 0 || t.Matrix[last].Board != b.key[0] {
			row := BoardRow{Board: strings.Clone(b.key[0]), Cells: make([]Cell, len(columns))}
			for i, name := range columns {
				row.Cells[i].Kernel = name
			}
			t.Matrix = append(t.Matrix, row)
			last++
		}
		if i := slices.Index(columns, b.key[1]); i >= 0 {
			t.Matrix[last].Cells[i].add(ending{b.key[2], b.key[3], b.key[4]}.outcome(), b.count)
		}
		return nil
	})
	slices.SortStableFunc(t.Matrix, func(a, b BoardRow) int { return cmp.Compare(b.failures(), a.failures()) })
	t.Matrix = t.Matrix[:min(len(t.Matrix), matrixBoards)]
	return err
}

// failures counts the kernels that failed, the newest ones more.
func (r BoardRow) failures() (n int) {
	for i, c := range r.Cells {
		if o := c.Outcome(); o == Fail || o == Unstable {
			n += i + 1
		}
	}
	return n
}
