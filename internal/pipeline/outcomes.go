package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// pending is a record whose documents are under way. It does not hold the
// record's bytes.
type pending struct {
	run            *run
	key            state.Key
	digest         state.Digest
	source, lab    string
	received, time time.Time
	documents      int
	ack            func(source.Settled)
	known, over    state.Known
	node           string
	replaced       []state.Key
	earlier        *earlier // what is to be deleted then; nil: nothing

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
		r.giveUp(res)
	case bulk.Rejected:
		p.refused(res)
		fallthrough
	default:
		r.lastGood = time.Now()
	}
	p.release()
}

// giveUp ends the run when a document was tried for as long as it may be and
// nothing at all got in during the second half of that time: the documents still
// to come would each take as long, one batch after the other. Half, because an
// answer that was on its way when the outage began may come late. While others
// get in, an undelivered document only leaves its record pending.
func (r *run) giveUp(res bulk.Result) {
	patience := r.config.ES.Bulk.RetryFor
	if patience == 0 {
		patience = bulk.DefaultOptions().RetryFor
	}
	enough := patience // of waiting; for a document that was given up after MaxAttempts
	if errors.Is(res.Err, bulk.ErrOutOfTime) {
		enough = patience / 2
	}
	if since := time.Since(r.lastGood); patience > 0 && since >= enough {
		r.stop(fmt.Errorf("%w for %v: %w", errAway, since.Round(100*time.Millisecond), res.Err))
	}
}

// errAway ends a run that has waited for Elasticsearch long enough.
var errAway = errors.New("nothing was taken by Elasticsearch")

// refused notes a rejected document. Rejects go to the ledger as they come: a
// record may have 200,000 of them.
func (p *pending) refused(res bulk.Result) {
	if p.rejected.Add(1) == 1 {
		p.class, p.reason = res.Type, res.Reason
	}
	p.run.notices.rejected(p.source, res)
	p.run.committer.add(commit{rejects: []state.Reject{p.reject(res)}})
}

func (p *pending) reject(res bulk.Result) state.Reject {
	return state.Reject{
		ID:   rejectID(nil, p.key.Kind, p.key.ID, p.source, res.Doc.Index, res.Doc.ID),
		Kind: p.key.Kind, Key: p.key.ID, Source: p.source, Lab: p.lab, Received: p.received, Time: p.time,
		Type: res.Type, Reason: res.Reason, Index: res.Doc.Index, DocumentID: res.Doc.ID,
		Status: res.Status, Attempts: max(res.Attempts,
			1), Overwrites: res.Doc.Op == bulk.OpIndex, Body: bytes.Clone(res.Doc.Body),
	}
}

// release counts one document down; the last one finishes the record. Its
// rejects were handed to the committer before.
func (p *pending) release() {
	if p.open.Add(-1) > 0 {
		return
	}
	if p.undelivered.Load() {
		p.run.flights.land(p.key) // its followers stay pending with it
		return
	}
	rejected := int(p.rejected.Load())
	p.run.committer.add(commit{
		finished: &state.Finished{Key: p.key, Digest: p.digest, Time: p.time, Documents: p.documents,
			Rejected: rejected,
			Known:    p.known, Over: p.over},
		earlier: p.earlier, node: p.node, replaced: p.replaced, ack: p.ack,
		settled: &source.Settled{Outcome: source.Stored, Kind: p.key.Kind, Key: p.key.ID, Rejected: rejected,
			Type: p.class, Reason: p.reason},
	})
}

// committed counts what the ledger has now. The committer calls it.
func (r *run) committed(c commit) {
	if c.settled == nil {
		for i := range c.rejects {
			r.tally.documentRejected(c.rejects[i].Type)
		}
		return
	}
	r.settled(c.ack, *c.settled)
	if c.finished != nil {
		r.landed(c.finished.Key)
	}
}

// landed ends the flight of a key's record; those that came meanwhile with the
// same bytes are settled with it.
func (r *run) landed(key state.Key) {
	for _, ack := range r.flights.land(key) {
		r.settled(ack, source.Settled{Outcome: source.Skipped, Kind: key.Kind, Key: key.ID})
	}
}

// settled counts a record for which nothing is left to do, and says so to where it
// came from.
func (r *run) settled(ack func(source.Settled), s source.Settled) {
	r.tally.settled(s)
	r.config.Progress.Settled.Add(1)
	if ack == nil {
		return
	}
	r.acking.Lock()
	defer r.acking.Unlock()
	ack(s)
}
