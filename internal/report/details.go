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

// details fills in since when, in which lab, and what the kernel reported.
func (s *snapshot) details(ctx context.Context, t *Tree, found []located, query []any) error {
	for i := range pairKinds {
		var of []*located
		for j := range found {
			if found[j].of == &pairKinds[i] {
				of = append(of, &found[j])
			}
		}
		for batch := range slices.Chunk(of, detailsAtOnce) {
			if err := s.detailsOf(ctx, t, &pairKinds[i], batch, query); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *snapshot) detailsOf(ctx context.Context, t *Tree, k *pairKind, of []*located, query []any) error {
	pairs := make([]any, len(of))
	byPair := make(map[string]*located, len(of))
	name := func(pair []string) string { return strings.Join(pair, "\x00") }
	for i, d := range of {
		clauses := slices.Clone(k.query)
		for j, field := range k.parts {
			clauses = append(clauses, equal(field, d.pair[j]))
		}
		pairs[i] = all(clauses...)
		byPair[name(d.pair)] = d
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
	return s.groups(ctx, q, n, func(of []bucket) {
		if d := byPair[name(of[0].key[:n])]; d != nil {
			d.fill(t, of)
		}
	})
}

// history is what became of one pair in one kernel.
type history struct {
	Results
	first map[Outcome]time.Time // of the first document that ended so
}

// fill goes through all documents of the pair. It says since when it is as it is
// now: back over the kernels in which it was not tested, or the lab lost it, to the
// last one in which it was otherwise.
func (d *located) fill(t *Tree, of []bucket) {
	n := len(d.pair)
	seen := map[string]*history{} // by kernel
	var last time.Time
	for _, b := range of {
		name, is := b.key[n], b.ending(n+1).outcome()
		if seen[name] == nil {
			seen[name] = &history{first: map[Outcome]time.Time{}}
		}
		h := seen[name]
		h.add(is, b.count)
		if first, known := h.first[is]; !known || b.first.Before(first) {
			h.first[is] = b.first
		}
		// Lab and incident are those of a document that ended as the change says: a
		// later one that a lab lost says nothing of a failure.
		explains := is == d.New || is == Fail && d.New == Unstable
		if name == t.Kernel && explains && !b.last.Before(last) {
			more := slices.Concat(b.key[n+4:], []string{"", ""})
			last, d.Lab, d.Incident = b.last, more[0], more[1]
		}
	}
	if d.New == Pass {
		d.Incident = ""
	}
	d.SinceKernel = t.Kernel
	newest := slices.IndexFunc(t.kernels, func(k kernel) bool { return k.name == t.Kernel })
	switch {
	case d.Change == Disappeared && newest >= 0:
		d.Since = t.kernels[newest].first
	case seen[t.Kernel] == nil:
	case d.New == Unstable:
		d.Since = seen[t.Kernel].first[Fail]
	default:
		d.Since = seen[t.Kernel].first[d.New]
	}
	for i := newest - 1; d.Change == StillFailing && i >= 0; i-- {
		h := seen[t.kernels[i].name]
		if h == nil || h.outcome() == Inconclusive {
			continue
		}
		if h.outcome() != Fail {
			break
		}
		d.SinceKernel, d.Since = t.kernels[i].name, h.first[Fail]
	}
}
