package report

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kcing/kcing/mappings"
)

// detailsAtOnce is how many pairs one query asks for.
const detailsAtOnce = 200

// history is what became of one pair over the kernels of its tree.
type history struct {
	tallies map[string]*tally                // by kernel
	first   map[string]map[Outcome]time.Time // by kernel, of the first document
	last    time.Time                        // of the document whose lab and incident these are
	lab     string
	title   string
}

// details fills in since when, in which lab, and what the kernel reported.
func (s *snapshot) details(ctx context.Context, t *Tree, found []located, query []any) error {
	for _, k := range pairKinds {
		var of []*located
		for i := range found {
			if found[i].of.kind == k.kind && len(found[i].of.parts) == len(k.parts) {
				of = append(of, &found[i])
			}
		}
		for batch := range slices.Chunk(of, detailsAtOnce) {
			histories, err := s.histories(ctx, t, k, batch, query)
			if err != nil {
				return err
			}
			for _, d := range batch {
				if h := histories[strings.Join(d.pair, "\x00")]; h != nil {
					h.fill(t, &d.Difference)
				}
			}
		}
	}
	return nil
}

func (s *snapshot) histories(ctx context.Context, t *Tree, k pairKind, of []*located,
	query []any,
) (map[string]*history, error) {
	pairs := make([]any, len(of))
	out := make(map[string]*history, len(of))
	for i, d := range of {
		clauses := slices.Clone(k.query)
		for j, field := range k.parts {
			clauses = append(clauses, equal(field, d.pair[j]))
		}
		pairs[i] = all(clauses...)
		out[strings.Join(d.pair, "\x00")] = &history{
			tallies: map[string]*tally{}, first: map[string]map[Outcome]time.Time{},
		}
	}
	n := len(k.parts)
	fields := append(slices.Clone(k.parts), fieldKernel, k.result, fieldError, fieldStatus)
	if k.kind != mappings.Build {
		fields = append(fields, fieldLab)
	}
	if k.kind == mappings.Boot {
		fields = append(fields, fieldIncident)
	}
	q := question{kind: k.kind, fields: fields, times: true, query: slices.Concat(query, []any{anyOf(pairs)})}
	err := s.each(ctx, q, func(b bucket) error {
		h := out[strings.Join(b.key[:n], "\x00")]
		if h == nil {
			return nil
		}
		h.see(b.key[n], ending{b.key[n+1], b.key[n+2], b.key[n+3]}.outcome(), b)
		if is := b.key[n]; is == t.Kernel && !b.last.Before(h.last) {
			more := slices.Concat(b.key[n+4:], []string{"", ""})
			h.last, h.lab, h.title = b.last, strings.Clone(more[0]), strings.Clone(more[1])
		}
		return nil
	})
	return out, err
}

// see adds documents of one kernel.
func (h *history) see(kernel string, is Outcome, b bucket) {
	if h.tallies[kernel] == nil {
		kernel = strings.Clone(kernel)
		h.tallies[kernel], h.first[kernel] = new(tally), map[Outcome]time.Time{}
	}
	h.tallies[kernel].add(is, b.count)
	if first, known := h.first[kernel][is]; !known || b.first.Before(first) {
		h.first[kernel][is] = b.first
	}
}

// fill says since when it is as it is now: back over the kernels in which it
// was not tested, or the lab lost it, to the last one in which it was otherwise.
func (h *history) fill(t *Tree, d *Difference) {
	d.Lab = h.lab
	d.SinceKernel = t.Kernel
	newest := slices.IndexFunc(t.kernels, func(k kernel) bool { return k.name == t.Kernel })
	if d.Change == Disappeared {
		if newest >= 0 {
			d.Since = t.kernels[newest].first
		}
		return
	}
	is := d.New
	if is == Unstable {
		is = Fail
	}
	d.Since = h.first[t.Kernel][is]
	if d.Change == StillFailing {
		for i := newest - 1; i >= 0; i-- {
			name := t.kernels[i].name
			if h.tallies[name] == nil || h.tallies[name].outcome() == Inconclusive {
				continue
			}
			if h.tallies[name].outcome() != Fail {
				break
			}
			d.SinceKernel, d.Since = name, h.first[name][Fail]
		}
	}
	if d.New != Pass {
		d.Incident = h.title
	}
}
