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
	// "explicit" (Close), "order" (a second document with a pending id).
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
}

type flushReason uint8

const (
	flushSize flushReason = iota
	flushCount
	flushTime
	flushClose
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
	requestTime, longestRequest  time.Duration
	requestCount                 int64
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
		RequestSeconds: Latency{Count: c.requestCount, Sum: c.requestTime.Seconds(), Max: c.longestRequest.Seconds()},
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
	ix.count.requestCount++
	ix.count.requestTime += took
	ix.count.longestRequest = max(ix.count.longestRequest, took)
}

func (ix *Indexer) countRetried(n int) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.count.retried += int64(n)
}

// countOutcomes counts the documents of p that have an outcome, and returns
// what they hold of the memory bound.
func (ix *Indexer) countOutcomes(p *piece) (bytes int64) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for i := range p.entries {
		e := &p.entries[i]
		if e.outcome == 0 {
			continue
		}
		bytes += e.charge
		ix.count.outcomes[e.outcome]++
		if e.outcome == Rejected {
			ix.count.reject(e.fault.Type)
		}
	}
	return bytes
}

func (c *counters) reject(typ string) {
	if _, known := c.rejectedBy[typ]; !known && len(c.rejectedBy) >= 100 {
		typ = "other"
	}
	c.rejectedBy[typ]++
}
