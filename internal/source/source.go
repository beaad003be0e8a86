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
	// Kind is "build", "boot", "lava" or "maestro" when the user said so, else empty.
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
	// Tag is handed back when the record is finished; the source's own business.
	Tag any
	// Err is why the payload is no whole record ([ErrTooLarge], [*GzipError]);
	// nil for a good one.
	Err error
}

// Emit takes a record. It blocks while there is no room and returns an error
// when no more records are wanted; the source then stops and returns it.
type Emit func(ctx context.Context, r Record) error

// ErrTooLarge marks a record over the limit on record bytes.
var ErrTooLarge = errors.New("record too large")

// GzipError marks a record whose compression is damaged.
type GzipError struct{ Err error }

// Error says so.
func (e *GzipError) Error() string { return fmt.Sprintf("damaged gzip data: %v", e.Err) }

// Unwrap gives the decompressor's error.
func (e *GzipError) Unwrap() error { return e.Err }
