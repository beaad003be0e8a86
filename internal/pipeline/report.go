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
	mu     sync.Mutex
	report Report
}

func newTally() *tally {
	return &tally{report: Report{Refused: map[string]int64{}, Documents: map[string]int64{},
		RejectedDocuments: map[string]int64{}}}
}

func (t *tally) count(add func(*Report)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	add(&t.report)
}

// read counts a record that the source has handed over.
func (r *run) read(rec source.Record) {
	n := int64(len(rec.Payload))
	r.tally.count(func(t *Report) {
		t.Records++
		t.Pending++
		t.Bytes += n
	})
	r.config.Progress.Records.Add(1)
	r.config.Progress.Bytes.Add(n)
}

// made counts documents.
func (r *run) made(kind string, n int64) {
	if n > 0 {
		r.config.Progress.Documents.Add(n)
		r.tally.count(func(t *Report) { t.Documents[kind] += n })
	}
}

// settled counts a record for which nothing is left to do.
func (r *Report) settled(s source.Settled) {
	r.Pending--
	switch s.Outcome {
	case source.Stored:
		r.Finished++
	case source.Skipped:
		r.Skipped++
	case source.Superseded:
		r.Superseded++
	case source.Blank:
		r.Blank++
	case source.NotFinished:
		r.NotFinished++
	case source.Refused:
		r.Refused[s.Type]++
	}
}

// maxClasses bounds what is counted apart: the words come from Elasticsearch.
const maxClasses = 100

func (r *Report) documentRejected(class string) {
	if _, known := r.RejectedDocuments[class]; !known && len(r.RejectedDocuments) >= maxClasses {
		class = "other"
	}
	r.RejectedDocuments[class]++
}

func (r *run) report(elapsed time.Duration) (out Report) {
	r.tally.count(func(t *Report) {
		out = *t
		out.Refused, out.Documents = maps.Clone(t.Refused), maps.Clone(t.Documents)
		out.RejectedDocuments = maps.Clone(t.RejectedDocuments)
	})
	out.Elapsed, out.Seconds = elapsed, elapsed.Seconds()
	if r.indexer != nil {
		out.Bulk = r.indexer.Stats()
	}
	return out
}
