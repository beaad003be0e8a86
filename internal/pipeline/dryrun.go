package pipeline

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/tidwall/gjson"

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
	var writeErr error
	workers.Go(func() { writeErr = r.writeBulk(w, order, free, stop) })

	sourceErr := src.Run(runCtx, func(ctx context.Context, rec source.Record) error {
		r.read(rec)
		select {
		case p := <-free:
			p.source = rec
			order <- p // has room for all there are
			jobs <- p
			return nil
		case <-ctx.Done():
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

// preview is a record and what became of it. They are used again, since the
// documents' buffers are what costs, and their number bounds the memory.
type preview struct {
	source source.Record
	kind   string
	op     bulk.Op
	docs   transform.Documents // none of a record refused or blank
	err    error
	done   chan struct{} // gets one value when the fields above are set
}

func (r *run) preview(p *preview, rec *transform.Record) {
	p.docs.Reset()
	if p.err = r.parse(p.source, rec); p.err == nil {
		p.err = documents(rec, &p.docs, r.received(p.source))
	}
	p.kind, p.op = recordKind(p.source, rec), r.op(rec.Overwrites)
	p.source.Payload = nil
}

// writeBulk writes the documents of the previews in order. After an error it
// only empties the channel, so that nobody waits for it.
func (r *run) writeBulk(w io.Writer, order <-chan *preview, free chan<- *preview, stop context.CancelCauseFunc) error {
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
		free <- p
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
