package bulk

import (
	"context"
	"time"
)

// entry is one document of a batch and, once known, its outcome.
type entry struct {
	doc     Doc // Body is nil: the bytes are in the payload
	start   int // payload[start:end] are its two lines
	body    int // payload[body:end-1] is its body
	end     int
	key     uint64 // hash of index and id
	charge  int64
	outcome Outcome
	status  int
	fault   *Error // what Elasticsearch said last
	refused int64  // when it was refused first, while its index took nothing; nanoseconds since 1970, 0: not yet
	err     error  // why it is Undelivered
}

// batch is the documents of one request. It is filled under the Indexer's lock
// and belongs to one sender afterwards. Its payload is given to net/http and
// therefore never written again: the transport may still be reading it when the
// answer is here.
type batch struct {
	seq, after uint64      // it may be sent when all batches up to after are settled
	full       int         // bytes with which it is sent
	due        bool        // FlushInterval is over, or an Add waits for memory
	timer      *time.Timer // of FlushInterval
	payload    []byte
	entries    []entry
}

func (b *batch) empty() bool { return b == nil || len(b.entries) == 0 }

func (b *batch) add(d Doc, key uint64, charge int64) {
	start := len(b.payload)
	b.reserve(d.size())
	var body int
	b.payload, body = appendDoc(b.payload, &d)
	d.Body = nil
	b.entries = append(b.entries, entry{
		doc: d, start: start, body: body, end: len(b.payload), key: key, charge: charge,
	})
}

// reserve makes room by doubling, up to a full batch: append grows large slices by
// a quarter only, and would copy a 5 MiB payload a dozen times.
func (b *batch) reserve(n int) {
	need := len(b.payload) + n
	if need <= cap(b.payload) {
		return
	}
	grown := make([]byte, len(b.payload), max(need, min(2*cap(b.payload), b.full)))
	copy(grown, b.payload)
	b.payload = grown
}

// trim frees unused capacity, which MaxPendingBytes does not count.
func (b *batch) trim() {
	if spare := cap(b.payload) - len(b.payload); spare > len(b.payload)/8 {
		b.payload = append(make([]byte, 0, len(b.payload)), b.payload...)
	}
	if spare := cap(b.entries) - len(b.entries); spare > len(b.entries)/8 {
		b.entries = append(make([]entry, 0, len(b.entries)), b.entries...)
	}
}

// piece is what one request carries: at first a whole batch, later a half of it,
// or what is left of it after an answer.
type piece struct {
	batch    *batch
	payload  []byte
	entries  []entry
	attempts int       // requests these documents were in
	failures int       // those that count against MaxAttempts
	step     int       // failures since the last progress: the backoff's exponent
	since    time.Time // the first of them; zero when there is none
	due      time.Time // when it is sent again, at the earliest
	last     error     // why it must be
	tooLarge time.Time // of a document alone: when it was refused for its size first
}

// body is the request body: the entries are neighbours in the payload.
func (p *piece) body() []byte {
	return p.payload[p.entries[0].start:p.entries[len(p.entries)-1].end]
}

// halves shares the payload: nothing is copied.
func (p *piece) halves() (left, right *piece) {
	l, r := *p, *p
	n := len(p.entries) / 2
	l.entries, r.entries = p.entries[:n:n], p.entries[n:]
	return &l, &r
}

// rest returns the documents still without outcome, encoded anew, or nil. The
// settled ones stay behind in p.
func (p *piece) rest() *piece {
	size, n := 0, 0
	for i := range p.entries {
		if e := &p.entries[i]; e.outcome == 0 {
			size += e.end - e.start
			n++
		}
	}
	switch n {
	case 0:
		return nil
	case len(p.entries):
		return p
	}
	left := *p
	left.payload = make([]byte, 0, size)
	left.entries = make([]entry, 0, n)
	for i := range p.entries {
		e := p.entries[i]
		if e.outcome != 0 {
			continue
		}
		start := len(left.payload)
		left.payload = append(left.payload, p.payload[e.start:e.end]...)
		e.start, e.body, e.end = start, start+e.body-e.start, len(left.payload)
		left.entries = append(left.entries, e)
	}
	return &left
}

// patience is how long p may fail; negative: without end. What may be too large has
// an end even then, else such documents alone could keep all senders.
func (p *piece) patience(o *Options) time.Duration {
	if o.RetryFor < 0 && !p.tooLarge.IsZero() {
		return endlessPatience
	}
	return o.RetryFor
}

// deadline ends ctx when the piece's time budget does.
func (p *piece) deadline(ctx context.Context, o *Options) (context.Context, context.CancelFunc) {
	patience := p.patience(o)
	if patience < 0 || p.since.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, p.since.Add(patience))
}
