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

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/transform"
)

// DryRun writes what Run would send as one _bulk body to w, in the order of the
// records, and touches nothing else: what the ledger knows (finished records,
// earlier times of receipt) is not asked for. Config needs no Transport and no
// Ledger. In the Report finished means written, and pending not written.
func DryRun(ctx context.Context, src Source, w io.Writer, c Config) (Report, error) {
	r := newRun(c)
	runCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	started := time.Now()

	jobs := make(chan *preview, r.Workers)
	var workers sync.WaitGroup
	for range r.Workers {
		workers.Go(func() {
			var rec transform.Record
			for p := range jobs {
				r.preview(p, &rec)
				p.done <- struct{}{}
			}
		})
	}
	order := make(chan *preview, 2*r.Workers+2)
	free := make(chan *preview, cap(order))
	for range cap(free) {
		free <- &preview{done: make(chan struct{}, 1)}
	}
	memory := semaphore.NewWeighted(previewBytes)
	var writeErr error
	workers.Go(func() {
		writeErr = r.writeBulk(w, order, func(p *preview) {
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
	op     bulk.Op
	docs   transform.Documents // none of a record refused or blank
	err    error
	done   chan struct{} // gets one value when the fields above are set
}

func (r *run) preview(p *preview, rec *transform.Record) {
	if p.err = r.parse(p.source, rec); p.err == nil {
		p.err = documents(rec, &p.docs, r.received(p.source))
	}
	p.kind, p.op = recordKind(p.source, rec), r.op(rec.Overwrites)
	p.source.Payload = nil
	*rec = transform.Record{} // refers to the payload
}

// writeBulk writes the documents of the previews in order. After an error it
// only empties the channel, so that nobody waits for it. Each preview is given
// to done, without what was large in it.
func (r *run) writeBulk(w io.Writer, order <-chan *preview, done func(*preview), stop context.CancelCauseFunc) error {
	out := bufio.NewWriterSize(w, 256<<10)
	names := newIndexNames(r.Prefix)
	var err error
	for p := range order {
		<-p.done
		if err == nil {
			if err = r.writePreview(out, p, &names); err != nil {
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

func (r *run) writePreview(out *bufio.Writer, p *preview, names *indexNames) error {
	switch {
	case errors.Is(p.err, transform.ErrBlank):
		r.tally.blank.Add(1)
		r.Progress.Settled.Add(1)
		return nil
	case isNotFinished(p.err):
		r.leaveOut(p.source.Name, p.err)
		r.Progress.Settled.Add(1)
		return nil
	case p.err != nil:
		class, reason := Reason(p.err)
		r.tally.recordRefused(class)
		r.Progress.Settled.Add(1)
		r.notices.refused(p.source.Name, p.kind, reason)
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
			action = append(append(append(action[:0], `{"`...), p.op.String()...), `":{"_index":`...)
			action = gjson.AppendJSONString(action, names.name(kind, p.docs.Time))
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
	r.tally.finished.Add(1)
	r.Progress.Settled.Add(1)
	return nil
}
