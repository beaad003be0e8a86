package bulk

import "slices"

// take returns the next batch to send, or nil when there will be none. finished
// is the one the caller has settled.
func (ix *Indexer) take(finished *batch) *batch {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if finished != nil {
		ix.active = slices.DeleteFunc(ix.active, func(seq uint64) bool { return seq == finished.seq })
	}
	for {
		if b := ix.ready(); b != nil {
			ix.active = append(ix.active, b.seq)
			if len(ix.queue) > 0 {
				// The signal for the next one may have come while this one had to
				// wait for another batch, and so no sender took it.
				ix.work.Signal()
			}
			return b
		}
		if ix.closed && len(ix.queue) == 0 {
			ix.work.Broadcast()
			return nil
		}
		ix.idle++
		ix.work.Wait()
		ix.idle--
	}
}

// ready removes the first batch from the queue if it may be sent now.
func (ix *Indexer) ready() *batch {
	if len(ix.queue) == 0 && !ix.filling.empty() && ix.filling.due {
		ix.seal(flushTime)
	}
	if len(ix.queue) == 0 {
		return nil
	}
	b := ix.queue[0]
	for _, seq := range ix.active {
		if seq <= b.after {
			return nil // It has a document that is still under way there.
		}
	}
	ix.queue[0] = nil
	ix.queue = ix.queue[1:]
	return b
}

func (ix *Indexer) senderEnded() {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.senders--; ix.senders == 0 {
		close(ix.sent)
		ix.results.Signal()
	}
}

// settle hands the n documents of p that have an outcome to the dispatcher. The
// sender must not write to p any more, if n > 0.
func (ix *Indexer) settle(p *piece, n int) {
	if n == 0 {
		return
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for i := range p.entries {
		e := &p.entries[i]
		if e.outcome != 0 && ix.latest[e.key] == p.batch.seq {
			delete(ix.latest, e.key)
		}
		if e.outcome == Undelivered {
			ix.cause = e.err
		}
	}
	ix.groups = append(ix.groups, p)
	ix.results.Signal()
}

// refusedBefore notes a request-level 400 for a single document and reports
// whether the one before it was the same.
func (ix *Indexer) refusedBefore(e *Error) bool {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	same := ix.refused != nil && *ix.refused == *e
	ix.refused = e
	return same
}

// leastRequest is the size in bytes below which no limit is lowered: a server that does
// not even take that takes nothing.
const leastRequest = 64 << 10

// tooLarge lowers the size of further requests after one of n bytes got a 413;
// otherwise each batch would be sent several times.
func (ix *Indexer) tooLarge(n int) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if limit := max(n/2, leastRequest); limit < ix.flushBytes {
		ix.flushBytes = limit
		ix.o.Logger.Warn("Elasticsearch refuses requests of this size; using smaller ones", "bytes", n, "now", limit)
	}
}

// dispatch runs the callbacks. Its goroutine is the only one that does, so they
// come one after the other, and for one id in the order of Add.
func (ix *Indexer) dispatch() {
	defer close(ix.done)
	for p := ix.nextGroup(); p != nil; p = ix.nextGroup() {
		bytes := ix.countOutcomes(p)
		for i := range p.entries {
			if e := &p.entries[i]; e.outcome != 0 {
				ix.onResult(p.result(e))
			}
		}
		ix.release(bytes)
	}
}

func (ix *Indexer) nextGroup() *piece {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for len(ix.groups) == 0 {
		if ix.senders == 0 {
			return nil
		}
		ix.results.Wait()
	}
	p := ix.groups[0]
	ix.groups[0] = nil
	ix.groups = ix.groups[1:]
	return p
}

func (p *piece) result(e *entry) Result {
	r := Result{Doc: e.doc, Outcome: e.outcome, Status: e.status, Attempts: p.attempts, Err: e.err}
	r.Doc.Body = p.payload[e.body : e.end-1 : e.end-1]
	if e.fault != nil {
		r.Type, r.Reason = e.fault.Type, e.fault.Reason
	}
	if e.outcome == Rejected {
		r.Err = e.fault
	}
	return r
}

// release gives the memory of documents back, after their callbacks.
func (ix *Indexer) release(bytes int64) {
	ix.mu.Lock()
	ix.stats.PendingBytes -= bytes
	ix.mu.Unlock()
	ix.mem.Release(bytes)
}
