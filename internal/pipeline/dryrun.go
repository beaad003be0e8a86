package pipeline

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/tidwall/gjson"
	"golang.org/x/sync/semaphore"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// DryRun writes what Run would send as one _bulk body to w, in the order of the
// records, and touches nothing else: what the ledger knows (finished records,
// earlier times of receipt) is not asked for. Of records of one key it treats the
// later ones as Run would, as long as it has seen no more than maxSeen. Config
// needs no Transport and no Ledger. In the Report finished means written, and
// pending not written.
func DryRun(ctx context.Context, src Source, w io.Writer, c Config) (Report, error) {
	r := newRun(c)
	runCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	started := time.Now()

	jobs := make(chan *preview, r.config.Workers)
	var workers sync.WaitGroup
	for range r.config.Workers {
		workers.Go(func() {
			var rec transform.Record
			for p := range jobs {
				r.preview(p, &rec)
				p.done <- struct{}{}
			}
		})
	}
	seen := map[state.Key]state.Finished{}
	order := make(chan *preview, 2*r.config.Workers+2)
	free := make(chan *preview, cap(order))
	for range cap(free) {
		free <- &preview{done: make(chan struct{}, 1)}
	}
	memory := semaphore.NewWeighted(previewBytes)
	var writeErr error
	workers.Go(func() {
		writeErr = r.writeBulk(w, order, seen, func(p *preview) {
			memory.Release(p.weight)
			free <- p
		}, stop)
	})

	sourceErr := src.Run(runCtx, func(ctx context.Context, rec source.Record) error {
		r.read(rec)
		weight := min(int64(len(rec.Payload)), previewBytes)
		if memory.Acquire(ctx, weight) != nil {
			return context.Cause(ctx)
		}
		select {
		case p := <-free:
			p.source, p.weight = rec, weight
			order <- p // has room for all there are
			jobs <- p
			return nil
		case <-ctx.Done():
			memory.Release(weight)
			return context.Cause(ctx)
		}
	})
	close(jobs)
	close(order)
	workers.Wait()
	report := r.report(time.Since(started))
	switch {
	case writeErr != nil:
		return report, writeErr
	case ctx.Err() != nil && (sourceErr != nil || report.Pending > 0):
		return report, context.Cause(ctx)
	}
	return report, sourceErr
}

// previewBytes bounds the records between reading and writing. Documents are
// larger than their records: large ones go alone.
const previewBytes = 4 << 20

// preview is a record and what became of it. They are used again, since the
// documents' buffers are what costs.
type preview struct {
	source source.Record
	weight int64 // that it has of previewBytes
	kind   string
	item   item
	known  state.Known         // of docs
	docs   transform.Documents // none of a record refused or blank
	err    error
	done   chan struct{} // gets one value when the fields above are set
}

func (r *run) preview(p *preview, rec *transform.Record) {
	if p.err = r.config.parse(p.source, rec); p.err == nil {
		p.err = documents(rec, &p.docs, r.config.received(p.source))
	}
	p.kind = recordKind(p.source, rec)
	if p.err == nil {
		p.item = item{record: &transform.Record{Kind: rec.Kind, Key: rec.Key, Rank: rec.Rank,
			Overwrites: rec.Overwrites},
			digest: p.docs.Digest()}
		p.known = p.item.knowledge()
		p.known.Digest = p.item.digest
	}
	p.source.Payload = nil
	*rec = transform.Record{} // refers to the payload
}

// writeBulk writes the documents of the previews in order. After an error it
// only empties the channel, so that nobody waits for it. Each preview is given
// to done, without what was large in it.
func (r *run) writeBulk(w io.Writer, order <-chan *preview, seen map[state.Key]state.Finished, done func(*preview),
	stop context.CancelCauseFunc,
) error {
	out := bufio.NewWriterSize(w, 256<<10)
	names := newIndexNames(r.config.ES.Prefix)
	var err error
	for p := range order {
		<-p.done
		if err == nil {
			if err = r.writePreview(out, p, &names, seen); err != nil {
				stop(err)
			}
		}
		p.docs.Reset()
		done(p)
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}

func (r *run) writePreview(out *bufio.Writer, p *preview, names *indexNames, seen map[state.Key]state.Finished) error {
	switch {
	case errors.Is(p.err, transform.ErrBlank):
		r.settled(nil, source.Settled{Outcome: source.Blank})
		return nil
	case isNotFinished(p.err):
		r.notices.leftOut(p.source.Name, p.err)
		r.settled(nil, source.Settled{Outcome: source.NotFinished})
		return nil
	case p.err != nil:
		class, reason := Reason(p.err)
		r.notices.refused(p.source.Name, p.kind, reason)
		r.settled(nil, source.Settled{Outcome: source.Refused, Type: class})
		return nil
	}
	if !r.judge(p, seen) {
		return nil
	}
	if len(p.docs.Tags) > 0 {
		r.tally.damaged.Add(1)
		r.notices.damaged(p.source.Name, p.docs.Tags)
	}
	var action []byte
	kind, n := "", int64(0)
	defer func() { r.made(kind, n) }()
	for doc := range p.docs.All() {
		if doc.Kind != kind { // they come kind by kind
			r.made(kind, n)
			kind, n = doc.Kind, 0
			action = append(append(append(action[:0], `{"`...), p.item.op.String()...), `":{"_index":`...)
			action = gjson.AppendJSONString(action, names.name(kind, p.item.indexTime(p.docs.Time)))
			action = append(action, `,"_id":"`...)
		}
		n++
		_, _ = out.Write(action) // bufio keeps the first error
		_, _ = out.Write(doc.ID) // its characters need no escaping
		_, _ = out.WriteString("\"}}\n")
		_, _ = out.Write(doc.Source)
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
	}
	r.settled(nil, source.Settled{Outcome: source.Stored})
	return nil
}

// maxSeen bounds the memory for the keys of a dry run to some 20 MB.
const maxSeen = 100_000

// judge tells whether the record's documents are to be written, after those of
// earlier records of its key. A record whose documents are not is settled.
func (r *run) judge(p *preview, seen map[state.Key]state.Finished) bool {
	key := p.item.key()
	before, found := seen[key]
	v := p.item.judge(state.Entry{Found: found, Finished: before}, r.config)
	if v == store {
		v = p.item.judgeDocuments(p.docs.Len(), p.known.Digest, r.config)
	}
	switch v {
	case same:
		r.settled(nil, source.Settled{Outcome: source.Skipped})
	case superseded:
		r.settled(nil, source.Settled{Outcome: source.Superseded})
		r.notices.superseded(p.source.Name, key.ID)
	case conflicting:
		r.settled(nil, source.Settled{Outcome: source.Refused, Type: TypeConflict})
		r.notices.refused(p.source.Name, p.kind, "another record before it has the same key and other documents")
	default:
		if found || len(seen) < maxSeen {
			seen[key] = state.Finished{Digest: p.item.digest, Time: p.item.indexTime(p.docs.Time),
				Documents: p.docs.Len(),
				Known:     p.known}
		}
		return true
	}
	return false
}
