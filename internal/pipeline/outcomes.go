package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// pending is a record whose documents are under way. It does not hold the
// record's bytes.
type pending struct {
	run         *run
	finished    state.Finished // but for Rejected
	source, lab string
	received    time.Time
	ack         func(source.Settled)
	node        string
	replaced    []state.Key
	earlier     *earlier // what is to be deleted then; nil: nothing

	open        atomic.Int64 // documents without an outcome, and one for the worker
	rejected    atomic.Int64 // by the indexer's goroutine, and by a worker if it could not be sent
	class       string       // of the first rejected document
	reason      string
	undelivered atomic.Bool
}

// settle takes a document's outcome. The indexer calls it for each document
// exactly once, from one goroutine.
func (r *run) settle(res bulk.Result) {
	p := res.Doc.Tag.(*pending) //nolint:forcetypeassert // send sets it on each
	r.config.OnOutcome(res.Outcome)
	switch res.Outcome {
	case bulk.Undelivered:
		p.undelivered.Store(true)
		r.endIfNothingIsTaken(res)
	case bulk.Rejected:
		p.refused(res)
		fallthrough
	default:
		r.lastTaken = time.Now()
	}
	p.release()
}

// endIfNothingIsTaken ends the run when a document was tried for as long as it may be and
// nothing at all got in during the second half of that time: the documents still
// to come would each take as long, one batch after the other. Half, because an
// answer that was on its way when the outage began may come late. While others
// get in, an undelivered document only leaves its record pending.
func (r *run) endIfNothingIsTaken(res bulk.Result) {
	patience := r.config.ES.Bulk.RetryFor
	if patience == 0 {
		patience = bulk.DefaultOptions().RetryFor
	}
	enough := patience // of waiting; for a document that was given up after MaxAttempts
	if errors.Is(res.Err, bulk.ErrOutOfTime) {
		enough = patience / 2
	}
	if since := time.Since(r.lastTaken); patience > 0 && since >= enough {
		r.stop(fmt.Errorf("%w for %v: %w", errNothingTaken, since.Round(100*time.Millisecond), res.Err))
	}
}

// errNothingTaken ends a run that has waited for Elasticsearch long enough.
var errNothingTaken = errors.New("nothing was taken by Elasticsearch")

// refused notes a rejected document. Rejects go to the ledger as they come: a
// record may have 200,000 of them.
func (p *pending) refused(res bulk.Result) {
	if p.rejected.Add(1) == 1 {
		p.class, p.reason = res.Type, res.Reason
	}
	p.run.notices.write(slog.LevelWarn, "document rejected", "source", p.source, "index", res.Doc.Index,
		"id", res.Doc.ID, "type", res.Type, "reason", res.Reason)
	p.run.committer.add(commit{rejects: []state.Reject{p.reject(res)}})
}

func (p *pending) reject(res bulk.Result) state.Reject {
	key := p.finished.Key
	return state.Reject{
		ID:   rejectID(nil, key.Kind, key.ID, p.source, res.Doc.Index, res.Doc.ID),
		Kind: key.Kind, Key: key.ID, Source: p.source, Lab: p.lab, Received: p.received, Time: p.finished.Time,
		Type: res.Type, Reason: res.Reason, Index: res.Doc.Index, DocumentID: res.Doc.ID, Status: res.Status,
		Attempts: max(res.Attempts, 1), Overwrites: res.Doc.Op == bulk.OpIndex, Body: bytes.Clone(res.Doc.Body),
	}
}

// release counts one document down; the last one finishes the record. Its
// rejects were handed to the committer before.
func (p *pending) release() {
	if p.open.Add(-1) > 0 {
		return
	}
	if p.undelivered.Load() {
		p.run.keys.release(p.finished.Key) // its followers stay pending with it
		return
	}
	p.finished.Rejected = int(p.rejected.Load())
	p.run.committer.add(commit{
		finished: p, ack: p.ack,
		settled: &source.Settled{Outcome: source.Stored, Kind: p.finished.Key.Kind, Key: p.finished.Key.ID,
			Rejected: p.finished.Rejected, Type: p.class, Reason: p.reason},
	})
}

// committed counts what the ledger has now. The committer calls it.
func (r *run) committed(c commit) {
	if c.settled == nil {
		for i := range c.rejects {
			r.tally.count(func(t *Report) { t.documentRejected(c.rejects[i].Type) })
		}
		return
	}
	r.settled(c.ack, *c.settled)
	if c.finished != nil {
		r.releaseKey(c.finished.finished.Key)
	}
}

// releaseKey ends the lock of a key; those that came meanwhile with the
// same bytes are settled with it.
func (r *run) releaseKey(key state.Key) {
	for _, ack := range r.keys.release(key) {
		r.settled(ack, source.Settled{Outcome: source.Skipped, Kind: key.Kind, Key: key.ID})
	}
}

// settled counts a record for which nothing is left to do, and says so to where it
// came from.
func (r *run) settled(ack func(source.Settled), s source.Settled) {
	r.tally.count(func(t *Report) { t.settled(s) })
	r.config.Progress.Settled.Add(1)
	if ack == nil {
		return
	}
	r.acking.Lock()
	defer r.acking.Unlock()
	ack(s)
}
