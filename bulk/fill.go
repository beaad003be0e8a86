package bulk

import "time"

// append puts d into the filling batch.
func (ix *Indexer) append(d Doc, key uint64, charge int64) {
	if b := ix.filling; b != nil && len(b.payload)+d.size() > ix.flushBytes {
		ix.seal(flushSize)
	}
	// Two documents with one id are never under way at the same time: else
	// Elasticsearch might carry them out, and we report them, in any order.
	earlier := ix.latest[key]
	if ix.filling != nil && earlier == ix.filling.seq {
		ix.seal(flushOrder)
	}
	if ix.filling == nil {
		ix.begin()
	}
	b := ix.filling
	b.after = max(b.after, earlier)
	b.add(d, key, charge)
	ix.latest[key] = b.seq
	ix.stats.Added++
	ix.stats.PendingDocs++
	ix.stats.PendingBytes += charge
	switch {
	case len(b.payload) >= ix.flushBytes:
		ix.seal(flushSize)
	case len(b.entries) >= ix.o.FlushActions:
		ix.seal(flushCount)
	}
}

// begin starts a batch with room for what the recent ones held.
func (ix *Indexer) begin() {
	ix.seq++
	b := &batch{
		seq:     ix.seq,
		payload: make([]byte, 0, min(ix.sizeHint+ix.sizeHint/16, ix.flushBytes)),
		full:    ix.flushBytes,
		entries: make([]entry, 0, min(ix.docsHint+ix.docsHint/16, ix.o.FlushActions)),
	}
	b.timer = time.AfterFunc(ix.o.FlushInterval, func() {
		ix.mu.Lock()
		defer ix.mu.Unlock()
		if ix.filling == b {
			ix.flushNow()
		}
	})
	ix.filling = b
}

// seal ends the filling batch, if there is one, and hands it to the senders.
func (ix *Indexer) seal(why string) {
	b := ix.filling
	if b.empty() {
		return
	}
	ix.filling = nil
	b.timer.Stop()
	b.timer = nil // MaxPendingBytes does not count it
	ix.sizeHint = max(len(b.payload), ix.sizeHint-ix.sizeHint/16)
	ix.docsHint = max(len(b.entries), ix.docsHint-ix.docsHint/16)
	b.trim()
	ix.queue = append(ix.queue, b)
	ix.stats.Flushes[why]++
	ix.work.Signal()
}

// flushNow lets the next free sender take the filling batch.
func (ix *Indexer) flushNow() {
	if !ix.filling.empty() {
		ix.filling.due = true
		ix.work.Signal()
	}
}
