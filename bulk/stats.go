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

// Keys of Stats.Flushes.
const (
	flushSize  = "size"
	flushCount = "count"
	flushTime  = "time"
	flushClose = "explicit"
	flushOrder = "order"
)

func newStats() Stats {
	return Stats{RejectedBy: map[string]int64{}, Requests: map[string]int64{},
		Flushes: map[string]int64{flushSize: 0, flushCount: 0, flushTime: 0, flushClose: 0, flushOrder: 0}}
}

// Stats returns a consistent copy.
func (ix *Indexer) Stats() Stats {
	paused := ix.gate.pausedFor()
	ix.mu.Lock()
	defer ix.mu.Unlock()
	s := ix.stats
	s.RejectedBy, s.Requests, s.Flushes = maps.Clone(s.RejectedBy), maps.Clone(s.Requests), maps.Clone(s.Flushes)
	s.PausedSeconds = paused.Seconds()
	return s
}

func (ix *Indexer) countRequest(class string, raw, wire int, took time.Duration) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	s := &ix.stats
	s.Requests[class]++
	s.BytesRaw += int64(raw)
	s.BytesWire += int64(wire)
	s.RequestSeconds.Count++
	s.RequestSeconds.Sum += took.Seconds()
	s.RequestSeconds.Max = max(s.RequestSeconds.Max, took.Seconds())
}

func (ix *Indexer) countRetried(n int) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.stats.RetriedDocs += int64(n)
}

// countOutcomes counts the documents of p that have an outcome, and returns
// what they hold of the memory bound.
func (ix *Indexer) countOutcomes(p *piece) (bytes int64) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	s := &ix.stats
	for i := range p.entries {
		e := &p.entries[i]
		switch e.outcome {
		case Stored:
			s.Stored++
		case Duplicate:
			s.Duplicate++
		case Rejected:
			s.Rejected++
			s.reject(e.fault.Type)
		case Undelivered:
			s.Undelivered++
		default:
			continue
		}
		s.PendingDocs--
		bytes += e.charge
	}
	return bytes
}

func (s *Stats) reject(typ string) {
	if _, known := s.RejectedBy[typ]; !known && len(s.RejectedBy) >= 100 {
		typ = "other"
	}
	s.RejectedBy[typ]++
}
