package pipeline

import (
	"bufio"
	"context"
	"io"
	"sync"
	"time"

	"github.com/tidwall/gjson"
	"github.com/zeebo/xxh3"

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
	r := d.run
	r.read(src)
	src.Ack = nil // nothing becomes of the record
	it := item{source: src, record: &d.record, received: r.config.received(src)}
	if !r.accept(&it) {
		return nil
	}
	defer func() {
		d.docs.Reset()
		d.record = transform.Record{} // refers to the payload
	}()
	it.digest = xxh3.Hash128(src.Payload).Bytes() // for this run only, and cheaper than the ledger's
	before, found := d.seen[it.key()]
	if v := it.judge(state.Entry{Found: found, Finished: before}, r.config); v != store {
		r.leave(&it, v)
		return nil
	}
	if !r.transform(&it, &d.docs) {
		return nil
	}
	at := it.indexTime(d.docs.Time)
	if found || len(d.seen) < maxSeen {
		d.seen[it.key()] = state.Finished{Digest: it.digest, Time: at, Documents: d.docs.Len(),
			Known: it.knowledge()}
	}
	if err := d.write(it.op.String(), at); err != nil {
		return err
	}
	r.settled(nil, source.Settled{Outcome: source.Stored})
	return nil
}

// write writes the documents that were made.
func (d *dryRun) write(op string, at time.Time) error {
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
