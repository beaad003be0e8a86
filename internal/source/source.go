package source

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Record is one payload on its way to the pipeline.
type Record struct {
	// Name says where it came from: a path, or "stdin" with a number.
	Name string
	// Kind is "build", "boot" or "lava" when the user said so, "maestro", which is the
	// format, when the origin did, else empty.
	Kind string
	// Payload is the record's bytes, decompressed. The receiver owns it.
	Payload []byte
	// Size is the record's length in bytes. It is larger than len(Payload) when
	// the record was over the limit and only its beginning was kept, and -1 when
	// such a record's length is not known.
	Size int64
	// Lab, when set, is the lab_name of this callback, whatever it says itself.
	Lab string
	// NodeID is the Maestro node that this callback was posted for, if any.
	NodeID string
	// Tags are put among the tags of its build or boot document.
	Tags []string
	// Received is when the record was accepted first; zero: now.
	Received time.Time
	// RejectID is the id under which the record is among the rejects already, and
	// stays when it is refused again; empty: it is not.
	RejectID string
	// Ack is called when nothing is left to do for the record: once, after the
	// ledger has it. A record whose Ack is not called is pending. The calls come one
	// at a time, hold the run up, and must not wait for emit. Nil: nobody wants to
	// know.
	Ack func(Settled)
	// Err is why the payload is no whole record ([ErrTooLarge], [*GzipError]);
	// nil for a good one.
	Err error
}

// Settled is what became of a record with which nothing is left to do.
type Settled struct {
	Outcome Outcome
	// Kind and Key are what it turned out to be; empty when it could not be parsed.
	Kind, Key string
	// Rejected is how many of its documents are now among the rejects.
	Rejected int
	// Type and Reason say why it was refused, or its first rejected document was.
	Type, Reason string
}

// Outcome is how a record was settled.
type Outcome uint8

const (
	// Stored has each document in Elasticsearch or among the rejects.
	Stored Outcome = iota
	// Skipped was stored earlier, with the same bytes.
	Skipped
	// Superseded was left out: another record of its key is stored, and knows more.
	Superseded
	// Blank had nothing in it.
	Blank
	// NotFinished was left out: its job still runs; a later record holds all of it.
	NotFinished
	// Refused is among the rejects as a whole.
	Refused
)

// Emit takes a record. It blocks while there is no room and returns an error
// when no more records are wanted; the source then stops and returns it. It is for use
// by several goroutines.
type Emit func(ctx context.Context, r Record) error

// ErrTooLarge marks a record over the limit on record bytes.
var ErrTooLarge = errors.New("record too large")

// keepOfTooLarge is how much of a record that is refused for its size is kept, to
// know it by.
const keepOfTooLarge int64 = 64 << 10

// Beginning is what is kept of a payload that can never be a record.
func Beginning(payload []byte) []byte { return payload[:min(int64(len(payload)), keepOfTooLarge)] }

// Limited is the record itself, or when it is larger than maxBytes one that is to be
// refused, with only its beginning.
func (r Record) Limited(maxBytes int64) Record {
	if r.Size > maxBytes {
		r.Err = tooLarge(r.Size, maxBytes)
		r.Payload = Beginning(r.Payload[:min(int64(len(r.Payload)), maxBytes)])
	}
	return r
}

// tooLarge is the error of a record of size bytes, -1 when it is not known how many.
func tooLarge(size, limit int64) error {
	if size < 0 {
		return fmt.Errorf("%w: more than %d bytes (KCING_MAX_RECORD_BYTES)", ErrTooLarge, limit)
	}
	return fmt.Errorf("%w: %d bytes, the limit is %d (KCING_MAX_RECORD_BYTES)", ErrTooLarge, size, limit)
}

// GzipError marks a record whose compression is damaged.
type GzipError struct{ Err error }

// Error says so.
func (e *GzipError) Error() string { return fmt.Sprintf("damaged gzip data: %v", e.Err) }

// Unwrap gives the decompressor's error.
func (e *GzipError) Unwrap() error { return e.Err }
