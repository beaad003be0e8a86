package transform

import "errors"

// ErrBlank is returned for a payload of nothing but white space. Such payloads
// are dropped, not refused: health checks of load balancers post them.
var ErrBlank = errors.New("blank record")

// TypeNotFinished is the type of the refusal of a job that is not over. Its sender
// is told so, and nothing is kept: a later callback holds all of it.
const TypeNotFinished = "not_finished"

// RefusedError says why a record can never become documents.
type RefusedError struct {
	// Type is a short stable word for the reason, such as "not_json" or
	// "no_log"; rejects are counted by it.
	Type string
	// Field is the top-level field at fault, empty when it is the whole record.
	Field string
	// Detail is one sentence for a person: what is wrong and what helps.
	Detail string
}

// Error gives the detail, led by the field where there is one.
func (e *RefusedError) Error() string {
	if e.Field == "" {
		return e.Detail
	}
	return e.Field + ": " + e.Detail
}

func refuse(kind, field, detail string) error {
	return &RefusedError{Type: kind, Field: field, Detail: detail}
}

const typeUnknownKind = "unknown_kind"
