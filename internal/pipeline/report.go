package pipeline

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
)

// Progress tells how far a run has got while it goes on; counts only grow.
type Progress struct {
	Records   atomic.Int64 // read
	Settled   atomic.Int64 // of Records: finished, skipped, blank, left out or refused
	Documents atomic.Int64 // made
	Bytes     atomic.Int64 // of the records read
	// Paused is when requests began to pause, since Elasticsearch is busy or
	// away, in nanoseconds since 1970; 0 while they do not.
	Paused atomic.Int64
}

// pause is told when requests pause and when they go on.
func (p *Progress) pause(paused bool) {
	since := int64(0)
	if paused {
		since = time.Now().UnixNano()
	}
	p.Paused.Store(since)
}

// Report is what a run did. Records = Finished + Skipped + Superseded + Blank +
// NotFinished + the sum of Refused + Pending.
type Report struct {
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	// Finished records are in the ledger: each document is stored, was already
	// there, or is among the rejects.
	Finished int64 `json:"finished"`
	// Skipped are records that state says were finished earlier.
	Skipped int64 `json:"skipped"`
	// SkippedWithRejects are those of Skipped that still have documents among
	// the rejects.
	SkippedWithRejects int64 `json:"skipped_with_rejects"`
	// Superseded are records that were left out since one of the same key that
	// knows more is stored.
	Superseded int64 `json:"superseded"`
	Blank      int64 `json:"blank"`
	// NotFinished are callbacks of jobs that were still running: left out, since
	// a later one holds all of it.
	NotFinished int64 `json:"not_finished"`
	// Damaged are records of which a part could not be read.
	Damaged int64 `json:"damaged"`
	// Refused counts whole records that are now among the rejects, by reason.
	Refused map[string]int64 `json:"refused"`
	// Documents counts those made, and handed on, by kind.
	Documents map[string]int64 `json:"documents"`
	// RejectedDocuments counts those that are now among the rejects, by
	// Elasticsearch's error type.
	RejectedDocuments map[string]int64 `json:"rejected_documents"`
	// Pending are records that were read and are not finished.
	Pending int64         `json:"pending"`
	Elapsed time.Duration `json:"-"`
	Seconds float64       `json:"seconds"`
	Bulk    bulk.Stats    `json:"bulk"`
}

// Rejected reports whether anything of this run's records is among the rejects.
func (r Report) Rejected() bool {
	return len(r.Refused) > 0 || len(r.RejectedDocuments) > 0 || r.SkippedWithRejects > 0
}

// tally collects the Report.
type tally struct {
	records, bytes, damaged, skippedWithRejects atomic.Int64

	outcomes [source.Refused + 1]atomic.Int64 // settled records

	mu        sync.Mutex
	refused   map[string]int64
	documents map[string]int64
	rejected  map[string]int64
}

func newTally() *tally {
	return &tally{refused: map[string]int64{}, documents: map[string]int64{}, rejected: map[string]int64{}}
}

// read counts a record that the source has handed over.
func (r *run) read(rec source.Record) {
	n := int64(len(rec.Payload))
	r.tally.records.Add(1)
	r.tally.bytes.Add(n)
	r.config.Progress.Records.Add(1)
	r.config.Progress.Bytes.Add(n)
}

// made counts documents.
func (r *run) made(kind string, n int64) {
	if n == 0 {
		return
	}
	r.config.Progress.Documents.Add(n)
	r.tally.mu.Lock()
	defer r.tally.mu.Unlock()
	r.tally.documents[kind] += n
}

// settled counts a record for which nothing is left to do.
func (t *tally) settled(s source.Settled) {
	t.outcomes[s.Outcome].Add(1)
	if s.Outcome == source.Refused {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.refused[s.Type]++
	}
}

// maxClasses bounds what is counted apart: the words come from Elasticsearch.
const maxClasses = 100

func (t *tally) documentRejected(class string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.rejected[class]; !known && len(t.rejected) >= maxClasses {
		class = "other"
	}
	t.rejected[class]++
}

func (r *run) report(elapsed time.Duration) Report {
	t := r.tally
	t.mu.Lock()
	defer t.mu.Unlock()
	settled := func(o source.Outcome) int64 { return t.outcomes[o].Load() }
	out := Report{
		Records: t.records.Load(), Bytes: t.bytes.Load(), Damaged: t.damaged.Load(),
		Finished: settled(source.Stored), Superseded: settled(source.Superseded),
		Skipped: settled(source.Skipped), SkippedWithRejects: t.skippedWithRejects.Load(),
		Blank: settled(source.Blank), NotFinished: settled(source.NotFinished),
		Refused: maps.Clone(t.refused), Documents: maps.Clone(t.documents), RejectedDocuments: maps.Clone(t.rejected),
		Elapsed: elapsed, Seconds: elapsed.Seconds(),
	}
	if r.indexer != nil {
		out.Bulk = r.indexer.Stats()
	}
	out.Pending = out.Records
	for i := range t.outcomes {
		out.Pending -= t.outcomes[i].Load()
	}
	return out
}
