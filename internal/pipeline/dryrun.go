package pipeline

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/mappings"
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
	started := time.Now()
	d := &dryRun{run: newRun(c), out: bufio.NewWriterSize(w, 256<<10), seen: map[state.Key]state.Finished{}}
	sourceErr := src.Run(ctx, d.emit)
	writeErr := d.out.Flush()
	report := d.run.report(time.Since(started))
	switch {
	case writeErr != nil:
		return report, writeErr
	case ctx.Err() != nil && (sourceErr != nil || report.Pending > 0):
		return report, context.Cause(ctx)
	}
	return report, sourceErr
}

// dryRun takes one record after the other: w does not take the output of more.
type dryRun struct {
	run *run
	out *bufio.Writer

	mu     sync.Mutex // held for the whole of a record
	record transform.Record
	docs   transform.Documents
	seen   map[state.Key]state.Finished
}

// maxSeen bounds the memory for the keys of a dry run to some 20 MB.
const maxSeen = 100_000

// emit implements [source.Emit].
func (d *dryRun) emit(ctx context.Context, src source.Record) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	d.run.read(src)
	err := d.run.config.parse(src, &d.record)
	if err == nil {
		err = documents(&d.record, &d.docs, d.run.config.received(src))
	}
	kind := recordKind(src, &d.record)
	switch {
	case errors.Is(err, transform.ErrBlank):
		d.settle(source.Blank, "")
	case isNotFinished(err):
		d.run.notices.leftOut(src.Name, err)
		d.settle(source.NotFinished, "")
	case err != nil:
		class, reason := Reason(err)
		d.run.notices.refused(src.Name, kind, reason)
		d.settle(source.Refused, class)
	default:
		err = d.write(src.Name)
		d.docs.Reset()
		d.record = transform.Record{} // refers to the payload
		return err
	}
	return nil
}

// settle counts a record. Its Ack is not called: nothing became of it.
func (d *dryRun) settle(o source.Outcome, class string) {
	d.run.settled(nil, source.Settled{Outcome: o, Type: class})
}

// write writes the record's documents, unless those of an earlier one of its key stand.
func (d *dryRun) write(name string) error {
	r := d.run
	it := item{record: &d.record, digest: d.docs.Digest()}
	key := it.key()
	before, found := d.seen[key]
	v := it.judge(state.Entry{Found: found, Finished: before}, r.config)
	if v == store {
		v = it.judgeDocuments(d.docs.Len(), it.digest, r.config)
	}
	switch v {
	case same:
		d.settle(source.Skipped, "")
		return nil
	case superseded:
		d.settle(source.Superseded, "")
		r.notices.superseded(name, key.ID)
		return nil
	case conflicting:
		d.settle(source.Refused, TypeConflict)
		r.notices.refused(name, key.Kind, "another record before it has the same key and other documents")
		return nil
	}
	at := it.indexTime(d.docs.Time)
	if found || len(d.seen) < maxSeen {
		known := it.knowledge()
		known.Digest = it.digest
		d.seen[key] = state.Finished{Digest: it.digest, Time: at, Documents: d.docs.Len(), Known: known}
	}
	if len(d.docs.Tags) > 0 {
		r.tally.damaged.Add(1)
		r.notices.damaged(name, d.docs.Tags)
	}
	if err := d.writeDocuments(it.op.String(), at); err != nil {
		return err
	}
	d.settle(source.Stored, "")
	return nil
}

func (d *dryRun) writeDocuments(op string, at time.Time) error {
	var action []byte
	kind, n := "", int64(0)
	defer func() { d.run.made(kind, n) }()
	for doc := range d.docs.All() {
		if doc.Kind != kind { // they come kind by kind
			d.run.made(kind, n)
			kind, n = doc.Kind, 0
			action = append(append(append(action[:0], `{"`...), op...), `":{"_index":`...)
			action = gjson.AppendJSONString(action, mappings.IndexName(d.run.config.ES.Prefix, kind, at))
			action = append(action, `,"_id":"`...)
		}
		n++
		_, _ = d.out.Write(action) // bufio keeps the first error
		_, _ = d.out.Write(doc.ID) // its characters need no escaping
		_, _ = d.out.WriteString("\"}}\n")
		_, _ = d.out.Write(doc.Source)
		if err := d.out.WriteByte('\n'); err != nil {
			return err
		}
	}
	return nil
}
