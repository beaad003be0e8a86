package intake

import (
	"fmt"
	"net/http"
	"time"
)

// Refusal is the answer to a record that will never be taken as it is.
type Refusal struct {
	// Status is the HTTP status: 400 (no such form), 403 (another lab's token),
	// 413 (too long), 415 (content type or encoding) or 422 (not a record).
	Status int
	// Type is one word to count rejects by, such as "too_large".
	Type string
	// Reason is a sentence for the sender: what is wrong and what to do. It holds
	// no secret.
	Reason string
	// NoReject says that the sender is told and nothing is kept or counted among
	// the rejects.
	NoReject bool
}

func (r *Refusal) Error() string { return fmt.Sprintf("%d: %s", r.Status, r.Reason) }

// Busy is the answer to a record that cannot be taken now: 503.
type Busy struct {
	RetryAfter time.Duration // for Retry-After, in whole seconds, at least 1
	Reason     string        // for the sender, without secrets
}

func (b *Busy) Error() string { return b.Reason }

func otherLab(lab string) *Refusal {
	return &Refusal{Status: http.StatusForbidden, Type: "other_lab",
		Reason: fmt.Sprintf("this token may not post records of lab %q: use that lab's token, or correct lab_name",
			lab)}
}
