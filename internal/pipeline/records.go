package pipeline

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// worker transforms records and hands their documents to the indexer.
type worker struct {
	run     *run
	records []transform.Record
	docs    transform.Documents
	ids     idStrings
}

func newWorker(r *run) *worker {
	return &worker{run: r, records: make([]transform.Record, batchRecords)}
}

// item is a record of a batch on its way through a worker.
type item struct {
	source source.Record
	record *transform.Record
	digest state.Digest // of its bytes
	// documents is the digest of its documents; zero until they are made.
	documents state.Digest
	received  time.Time
	known     state.Entry      // what the ledger has under its key
	former    []state.Key      // keys that its job may have had before its lab and number were known
	earlier   []state.Finished // what the ledger has under those
	begun     time.Time        // of what was begun under its key and not finished
	op        bulk.Op
}

func (it *item) key() state.Key {
	return state.Key{Kind: string(it.record.Kind), ID: it.record.Key}
}

// work takes batches until there are none left. After an error, which ends the
// run, it only empties the channel.
func (w *worker) work(ctx context.Context, jobs <-chan []source.Record) {
	for batch := range jobs {
		if ctx.Err() != nil {
			continue
		}
		if err := w.feed(ctx, batch); err != nil {
			w.run.stop(err)
		}
		w.forget(batch)
	}
}

// forget lets go of large payloads, to which parsed records refer until they are
// used again.
func (w *worker) forget(batch []source.Record) {
	const large = 64 << 10
	for i := range batch {
		if len(batch[i].Payload) > large {
			w.records[i] = transform.Record{}
		}
	}
}

// feed takes one batch to the indexer. Its error ends the run. Records whose key
// another one under way has are put off until that has ended; nothing is held
// while they wait, so that no two workers wait for each other.
func (w *worker) feed(ctx context.Context, batch []source.Record) error {
	items, err := w.identify(ctx, w.accept(batch))
	if err != nil {
		return err
	}
	for len(items) > 0 {
		claimed, later := w.claim(items)
		if err := w.deliver(ctx, claimed); err != nil {
			return err
		}
		items = items[:0]
		for _, l := range later {
			if err := l.other.wait(ctx); err != nil {
				return err
			}
			items = append(items, l.item)
		}
	}
	return nil
}

// putOff is an item that has to wait for another one of its key.
type putOff struct {
	item  item
	other *keyLock
}

func (w *worker) claim(items []item) (claimed []item, later []putOff) {
	for i := range items {
		switch other, follows := w.run.keys.claim(&items[i]); {
		case other == nil:
			claimed = append(claimed, items[i])
		case !follows:
			later = append(later, putOff{items[i], other})
		}
	}
	return claimed, later
}

// deliver takes items whose keys are claimed to the indexer.
func (w *worker) deliver(ctx context.Context, items []item) error {
	items, err := w.skipFinished(ctx, items)
	if err != nil {
		return err
	}
	if err := w.fixReceipts(ctx, items); err != nil {
		return err
	}
	if err := w.begin(ctx, items); err != nil {
		return err
	}
	for i := range items {
		if err := w.send(ctx, &items[i]); err != nil {
			return err
		}
		items[i] = item{} // its payload is not needed any more
	}
	return nil
}

// accept parses the records of a batch and leaves out those that are settled then.
func (w *worker) accept(batch []source.Record) []item {
	items := make([]item, 0, len(batch))
	for i, src := range batch {
		it := item{source: src, record: &w.records[i], received: w.run.config.received(src)}
		if w.run.accept(&it) {
			sum := sha256.Sum256(src.Payload)
			it.digest = state.Digest(sum[:len(state.Digest{})])
			items = append(items, it)
		}
	}
	return items
}

// accept parses a record; false: it is blank, not finished or refused, and settled.
func (r *run) accept(it *item) bool {
	err := r.config.parse(it.source, it.record)
	switch {
	case err == nil:
		return true
	case errors.Is(err, transform.ErrBlank):
		r.settled(it.source.Ack, source.Settled{Outcome: source.Blank})
	case isNotFinished(err):
		r.notices.write(slog.LevelWarn, "record left out", "source", it.source.Name, "reason", err)
		r.settled(it.source.Ack, source.Settled{Outcome: source.NotFinished})
	default:
		r.refuse(it, state.Key{}, err)
	}
	return false
}

// skipFinished leaves out the records of which the ledger knows that their
// documents are there, or those of one that knows more.
func (w *worker) skipFinished(ctx context.Context, items []item) ([]item, error) {
	if len(items) == 0 {
		return items, nil
	}
	var keys []state.Key
	for i := range items {
		it := &items[i]
		it.former = it.formerKeys()
		keys = append(append(keys, it.key()), it.former...)
	}
	entries, err := w.run.config.Ledger.Lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	rest := items[:0]
	for i := range items {
		own, n := entries[0], len(items[i].former)
		for _, e := range entries[1 : 1+n] {
			if e.Found {
				items[i].earlier = append(items[i].earlier, e.Finished)
			}
		}
		entries = entries[1+n:]
		if v := items[i].judge(own, w.run.config); v != store {
			w.run.leave(&items[i], v)
			continue
		}
		rest = append(rest, items[i])
	}
	return rest, nil
}

// leave settles a record that is not to be stored.
func (r *run) leave(it *item, v verdict) {
	key, outcome := it.key(), source.Skipped
	if v == superseded {
		outcome = source.Superseded
		r.notices.write(slog.LevelInfo, "record left out: one that knows more of this job is stored",
			"source", it.source.Name, "key", key.ID)
	} else if it.known.OpenRejects {
		r.tally.count(func(t *Report) { t.SkippedWithRejects++ })
	}
	r.settled(it.source.Ack, source.Settled{Outcome: outcome, Kind: key.Kind, Key: key.ID})
	r.releaseKey(key)
}

// fixReceipts gives records without a time of their own the time at which they
// were first received, and those whose time moves the first one that they had:
// their index depends on it, also in the next run.
func (w *worker) fixReceipts(ctx context.Context, items []item) error {
	var receipts []state.Receipt
	var of []int
	for i := range items {
		it := &items[i]
		own := it.record.HasTime(it.received)
		if own && !it.record.TimeMoves {
			continue
		}
		receipt := state.Receipt{Key: it.key(), Time: it.received}
		if own {
			receipt.Time = it.record.Time
		}
		receipts = append(receipts, receipt)
		of = append(of, i)
	}
	if len(receipts) == 0 {
		return nil
	}
	if err := w.run.config.Ledger.ReceivedAll(ctx, receipts); err != nil {
		return err
	}
	for j, i := range of {
		if it := &items[i]; it.record.HasTime(it.received) {
			it.record.Time = receipts[j].Time
		} else {
			it.received = receipts[j].Time
		}
	}
	return nil
}

// send transforms one record and adds its documents to the indexer.
func (w *worker) send(ctx context.Context, it *item) error {
	if !w.run.transform(it, &w.docs) {
		return nil
	}
	return w.addDocuments(ctx, w.newPending(it), it.op)
}

// transform makes a record's documents; false: they are not to be stored, and it is settled.
func (r *run) transform(it *item, docs *transform.Documents) bool {
	err := documents(it.record, docs, it.received)
	if err == nil {
		it.documents = docs.Digest()
		switch v := it.judgeDocuments(docs.Len(), r.config); v {
		case store:
			if len(docs.Tags) > 0 {
				r.tally.count(func(t *Report) { t.Damaged++ })
				r.notices.write(slog.LevelWarn, "record damaged in part", "source", it.source.Name,
					"tags", strings.Join(docs.Tags, " "))
			}
			return true
		case conflicting:
			err = r.conflict(it)
		default:
			r.leave(it, v)
			return false
		}
	}
	r.refuse(it, it.key(), err)
	r.releaseKey(it.key())
	return false
}

// newPending is the item's record once its documents are made.
func (w *worker) newPending(it *item) *pending {
	p := &pending{run: w.run, source: it.source.Name, ack: it.source.Ack, lab: it.record.Lab, received: it.received,
		finished: state.Finished{Key: it.key(), Digest: it.digest, Time: it.indexTime(w.docs.Time),
			Documents: w.docs.Len(), Known: it.knowledge(), Over: it.known.Finished.Known},
		earlier: it.replaces()}
	for _, f := range it.earlier {
		p.replaced = append(p.replaced, f.Key)
	}
	if len(it.former) > 0 {
		p.node = it.record.Node()
	}
	if p.earlier != nil {
		p.earlier.days = append(p.earlier.days, p.finished.Time)
	}
	return p
}

// addDocuments hands the documents that were made to the indexer. Its error ends the
// run, and leaves the record unfinished.
func (w *worker) addDocuments(ctx context.Context, p *pending, op bulk.Op) error {
	p.open.Store(1) // held by this function until all documents are added
	d := bulk.Doc{Op: op, Tag: p}
	kind, n := "", int64(0)
	defer func() { w.run.made(kind, n) }()
	for doc := range w.docs.All() {
		if doc.Kind != kind { // they come kind by kind
			w.run.made(kind, n)
			kind, n = doc.Kind, 0
			d.Index = mappings.IndexName(w.run.config.ES.Prefix, kind, p.finished.Time)
		}
		n++
		d.ID, d.Body = w.ids.of(doc.ID), doc.Source
		if p.earlier != nil {
			p.earlier.stores(d.ID)
		}
		p.open.Add(1)
		err := w.run.indexer.Add(ctx, d)
		switch {
		case err == nil:
		case errors.Is(err, bulk.ErrTooLarge), errors.Is(err, bulk.ErrInvalid):
			p.refused(bulk.Result{Doc: d, Type: "document_not_sendable", Reason: err.Error()})
			p.release()
		default:
			return err // p stays open for ever
		}
	}
	p.release()
	return nil
}

// idStrings makes strings of ids, some hundred in one allocation. That lives as
// long as one of them is under way.
type idStrings struct{ b strings.Builder }

func (s *idStrings) of(id []byte) string {
	const chunk = 16 << 10
	if s.b.Cap()-s.b.Len() < len(id) {
		s.b.Reset()
		s.b.Grow(max(chunk, len(id)))
	}
	from := s.b.Len()
	_, _ = s.b.Write(id)
	return s.b.String()[from:]
}
