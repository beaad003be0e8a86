package bulk

import (
	"maps"
	"time"
)

// Stats is what an Indexer has done so far. At all times
//
//	Added = Stored + Duplicate + Rejected + Undelivered + PendingDocs
//
// where a document counts as pending until just before its callback.
type Stats struct {
	Added       int64 `json:"added"` // accepted by Add
	Stored      int64 `json:"stored"`
	Duplicate   int64 `json:"duplicate"`
	Rejected    int64 `json:"rejected"`
	Undelivered int64 `json:"undelivered"`
	PendingDocs int64 `json:"pending_docs"`

	// PendingBytes is what counts against MaxPendingBytes now.
	PendingBytes int64 `json:"pending_bytes"`
	// RejectedBy counts the rejected by Elasticsearch's error type; "" for an
	// answer without one, "other" when there are more than a hundred types.
	RejectedBy map[string]int64 `json:"rejected_by,omitempty"`
	// RetriedDocs counts a document each time it is sent again after a failure.
	RetriedDocs int64 `json:"retried_docs"`
	// Requests counts the requests by HTTP status, or "network" (no answer),
	// "unusable" (success, but the items could not be read), "cancelled".
	Requests map[string]int64 `json:"requests"`
	// Flushes counts the batches by what ended them: "size", "count", "time",
	// "explicit" (Flush, Close), "order" (a second document with a pending id).
	Flushes   map[string]int64 `json:"flushes"`
	BytesRaw  int64            `json:"bytes_raw"`  // request bodies before compression, retries included
	BytesWire int64            `json:"bytes_wire"` // the same as sent

	AddBlockedSeconds float64 `json:"add_blocked_seconds"` // all Add calls together
	PausedSeconds     float64 `json:"paused_seconds"`      // after 429, 502, 503, 504 or no connection
	RequestSeconds    Latency `json:"request_seconds"`
}

// Latency describes the durations of requests, in seconds.
type Latency struct {
	Count int64   `json:"count"`
	Sum   float64 `json:"sum"`
	Max   float64 `json:"max"`
	P50   float64 `json:"p50"` // within a factor of two, as the buckets are
	P99   float64 `json:"p99"`
	// Buckets are not cumulative: Count of the last one is of all above Le.
	Buckets []Bucket `json:"-"`
}

// Bucket counts the requests that took at most Le seconds and more than the
// bucket before it.
type Bucket struct {
	Le    float64
	Count int64
}

type flushReason uint8

const (
	flushSize flushReason = iota
	flushCount
	flushTime
	flushExplicit
	flushOrder
	flushReasons
)

var flushNames = [flushReasons]string{"size", "count", "time", "explicit", "order"}

// counters are guarded by the Indexer's lock.
type counters struct {
	added, pendingBytes, retried int64
	bytesRaw, bytesWire          int64
	outcomes                     [Undelivered + 1]int64
	flushes                      [flushReasons]int64
	rejectedBy, requests         map[string]int64
	addBlocked                   time.Duration
	latency                      histogram
}

func newCounters() counters {
	return counters{rejectedBy: map[string]int64{}, requests: map[string]int64{}}
}

// Stats returns a consistent copy.
func (ix *Indexer) Stats() Stats {
	paused := ix.gate.pausedFor()
	ix.mu.Lock()
	defer ix.mu.Unlock()
	c := &ix.count
	s := Stats{
		Added: c.added, Stored: c.outcomes[Stored], Duplicate: c.outcomes[Duplicate],
		Rejected: c.outcomes[Rejected], Undelivered: c.outcomes[Undelivered],
		PendingDocs:  c.added - c.outcomes[Stored] - c.outcomes[Duplicate] - c.outcomes[Rejected] - c.outcomes[Undelivered],
		PendingBytes: c.pendingBytes, RejectedBy: maps.Clone(c.rejectedBy), RetriedDocs: c.retried,
		Requests: maps.Clone(c.requests), Flushes: map[string]int64{},
		BytesRaw: c.bytesRaw, BytesWire: c.bytesWire,
		AddBlockedSeconds: c.addBlocked.Seconds(), PausedSeconds: paused.Seconds(),
		RequestSeconds: c.latency.read(),
	}
	for i, n := range c.flushes {
		s.Flushes[flushNames[i]] = n
	}
	return s
}

func (ix *Indexer) countRequest(class string, raw, wire int, took time.Duration) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.count.requests[class]++
	ix.count.bytesRaw += int64(raw)
	ix.count.bytesWire += int64(wire)
	ix.count.latency.add(took)
}

func (ix *Indexer) countRetried(n int) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.count.retried += int64(n)
}

// countOutcomes counts the documents of p that have an outcome, and returns
// their number and what they hold of the memory bound.
func (ix *Indexer) countOutcomes(p *piece) (n int, bytes int64) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for i := range p.entries {
		e := &p.entries[i]
		if e.outcome == 0 {
			continue
		}
		n++
		bytes += e.charge
		ix.count.outcomes[e.outcome]++
		if e.outcome == Rejected {
			ix.count.reject(e.fault.Type)
		}
	}
	return n, bytes
}

func (c *counters) reject(typ string) {
	if _, known := c.rejectedBy[typ]; !known && len(c.rejectedBy) >= 100 {
		typ = "other"
	}
	c.rejectedBy[typ]++
}

// histogram has buckets that end at 1 ms × 2ⁱ, up to 131 s, and one for the rest.
type histogram struct {
	buckets  [19]int64
	sum, top time.Duration
}

func (h *histogram) add(d time.Duration) {
	i := 0
	for limit := time.Millisecond; d > limit && i < len(h.buckets)-1; limit *= 2 {
		i++
	}
	h.buckets[i]++
	h.sum += d
	h.top = max(h.top, d)
}

func (h *histogram) read() Latency {
	l := Latency{Sum: h.sum.Seconds(), Max: h.top.Seconds(), Buckets: make([]Bucket, len(h.buckets))}
	le := 0.001
	for i, n := range h.buckets {
		l.Buckets[i] = Bucket{Le: le, Count: n}
		l.Count += n
		le *= 2
	}
	l.P50, l.P99 = l.quantile(0.5), l.quantile(0.99)
	return l
}

// quantile interpolates within the bucket, whose upper end is at most the Max.
func (l *Latency) quantile(q float64) float64 {
	rank, seen, from := q*float64(l.Count), 0.0, 0.0
	for i, b := range l.Buckets {
		to := min(b.Le, l.Max)
		if i == len(l.Buckets)-1 {
			to = l.Max
		}
		n := float64(b.Count)
		if n > 0 && seen+n >= rank {
			return from + (to-from)*max(rank-seen, 0)/n
		}
		seen, from = seen+n, b.Le
	}
	return l.Max
}
