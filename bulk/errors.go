package bulk

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Errors of Add. ErrInvalid and ErrTooLarge concern that document only and will
// not change; the others concern the Indexer.
var (
	ErrClosed   = errors.New("bulk: indexer is closed")
	ErrInvalid  = errors.New("bulk: invalid document")
	ErrTooLarge = errors.New("bulk: document too large")
)

// ErrOutOfTime is in Result.Err of a document that is Undelivered because its
// request has failed for as long as Options.RetryFor allows.
var ErrOutOfTime = errors.New("gave up")

// Error is what Elasticsearch said about a document or a request.
type Error struct {
	Status int    // HTTP status of the item or the request
	Type   string // e.g. "document_parsing_exception"; empty when the answer had none
	Reason string // at most 2 KiB; may quote the document
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Elasticsearch answered %d", e.Status)
	if e.Type != "" {
		b.WriteString(" " + e.Type)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	return b.String()
}

// FatalError means that no document can be delivered until a person changes
// something: the credentials, their privileges, the address. The documents
// without an outcome are Undelivered, none is Rejected.
type FatalError Error

// Error says what was refused and what to look at. It never holds a secret: the
// credentials are not known to this package.
func (e *FatalError) Error() string {
	answer := (*Error)(e).Error()
	switch e.Status {
	case http.StatusUnauthorized:
		return "the credentials were not accepted, check the API key (expired?) or the user name and password: " +
			answer
	case http.StatusForbidden:
		return "the credentials are known but may not write, " +
			"the role needs create_index, create_doc and index on these indices: " + answer
	case http.StatusNotFound:
		return "no bulk API at this address, check the URL of Elasticsearch: " + answer
	case http.StatusBadRequest:
		return "the bulk request itself is refused, whatever document is in it: " + answer
	}
	return "the bulk request is refused: " + answer
}

// UndeliveredError is what Close returns when documents were not delivered.
type UndeliveredError struct {
	Count int64 // documents with the outcome Undelivered
	Cause error // why: a *FatalError, the end of Close's context, or the last failure
}

func (e *UndeliveredError) Error() string {
	return fmt.Sprintf("%d documents were not delivered: %v", e.Count, e.Cause)
}

// Unwrap returns the Cause.
func (e *UndeliveredError) Unwrap() error { return e.Cause }
