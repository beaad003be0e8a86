package intake

import "time"

const (
	historyStep   = 10 * time.Second
	historyPoints = 360 // an hour
	maxRecent     = 20  // rejects on the page
)

// point counts the records of one step.
type point struct{ received, stored, rejected int64 }

// history is a ring of the last hour's points. The caller locks.
type history struct {
	points [historyPoints]point
	began  time.Time // with the monotonic clock: a changed wall clock moves nothing
	last   int64     // the newest step, counted from began
}

// at gives the point of now, and empties those that were skipped since the last.
func (h *history) at(now time.Time) *point {
	step := int64(now.Sub(h.began) / historyStep)
	for h.last < step {
		h.last++
		if step-h.last < historyPoints {
			h.points[h.last%historyPoints] = point{}
		}
	}
	return &h.points[h.last%historyPoints]
}

// all gives the points, oldest first; the last is of the current step.
func (h *history) all(now time.Time) []point {
	h.at(now)
	list := make([]point, 0, historyPoints)
	for i := h.last + 1; i <= h.last+historyPoints; i++ {
		list = append(list, h.points[i%historyPoints])
	}
	return list
}

type rowKey struct{ kind, lab string }

// Row is a line of the table of /status: what came in of one kind from one lab
// since the process started.
type Row struct {
	Kind      string    `json:"kind"`
	Lab       string    `json:"lab"` // "-": none, "other": past the first labs
	Received  int64     `json:"received"`
	Stored    int64     `json:"stored"`
	Duplicate int64     `json:"duplicate"`
	Rejected  int64     `json:"rejected"`
	Last      time.Time `json:"last,omitzero"` // post
}

// Reject is a refused record as /status shows it.
type Reject struct {
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"`
	Lab       string    `json:"lab"`
	Key       string    `json:"key"` // empty when the record has none
	Reason    string    `json:"reason"`
	RequestID string    `json:"request_id,omitempty"`
}
