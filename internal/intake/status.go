package intake

import (
	"cmp"
	"slices"
	"time"
)

// report is what /status shows, and /status?format=json gives as it is.
type report struct {
	Version  string    `json:"version"`
	Now      time.Time `json:"now"`
	Started  time.Time `json:"started"`
	NotReady []string  `json:"not_ready"` // why /readyz answers 503
	Status
	Labs    []Row    `json:"labs"`           // by kind and lab
	Recent  []Reject `json:"recent_rejects"` // newest first
	History Series   `json:"history"`
}

// Series is the last hour, oldest first; the last step still goes on.
type Series struct {
	Step     float64 `json:"step_seconds"`
	Received []int64 `json:"received"`
	Stored   []int64 `json:"stored"`
	Rejected []int64 `json:"rejected"`
}

func (in *Intake) report(now time.Time) report {
	r := report{
		Version: in.config.Version, Now: now.UTC(), Started: in.started.UTC(),
		NotReady: in.notReady(), Status: in.status(),
	}
	in.metrics.fill(&r, now)
	return r
}

// fill adds what m has counted.
func (m *Metrics) fill(r *report, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r.Labs = make([]Row, 0, len(m.rows))
	for _, row := range m.rows {
		r.Labs = append(r.Labs, *row)
	}
	slices.SortFunc(r.Labs, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Lab, b.Lab))
	})
	r.Recent = slices.Clone(m.recent)
	slices.Reverse(r.Recent)
	points := m.history.all(now)
	r.History = Series{Step: historyStep.Seconds()}
	for _, p := range points {
		r.History.Received = append(r.History.Received, p.received)
		r.History.Stored = append(r.History.Stored, p.stored)
		r.History.Rejected = append(r.History.Rejected, p.rejected)
	}
}

func (in *Intake) notReady() []string {
	var reasons []string
	if in.draining.Load() {
		reasons = append(reasons, "shutting down")
	}
	if in.config.Ready != nil {
		reasons = append(reasons, in.config.Ready()...)
	}
	return reasons
}
