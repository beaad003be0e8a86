package pipeline

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// verdict is what to do with a record whose key the ledger knows, or not.
type verdict int

const (
	store       verdict = iota // its documents are to be stored, with the item's op
	same                       // nothing: they are there
	superseded                 // nothing: a record that knows more is there
	conflicting                // it and another one claim the same key
)

// before judges by what is known without making the documents. store may become
// another verdict by [item.after].
func (it *item) before(e state.Entry, c Config) verdict {
	it.known, it.op = e, c.op(it.record.Overwrites)
	switch {
	case !e.Found || c.Force:
		return store
	case e.Finished.Matches(it.digest):
		return same
	case e.Finished.Known == (state.Known{}):
		return store
	case it.record.Rank.Compare(rankOf(e.Finished.Known)) < 0:
		return superseded
	}
	return store
}

// after judges when the documents are made.
func (it *item) after(documents int, digest state.Digest, c Config) verdict {
	e := it.known
	if !e.Found || c.Force {
		return store
	}
	known := e.Finished.Known
	switch {
	case known == (state.Known{}): // of an earlier kcing: the number of documents is all that it has kept
		if documents < e.Finished.Documents && !it.record.Overwrites {
			return superseded
		}
	case it.record.Rank.Compare(rankOf(known)) == 0 && known.Digest == digest:
		return same
	case it.record.Rank.Compare(rankOf(known)) == 0 && known.Version == transform.Version && !it.record.Overwrites:
		return conflicting
	}
	it.op = bulk.OpIndex
	return store
}

func rankOf(k state.Known) transform.Rank { return transform.Rank{Level: k.Level, Updated: k.Updated} }

// indexTime is the time whose day the documents are filed under: that of the
// record before, where they take its documents' place.
func (it *item) indexTime(own time.Time) time.Time {
	if it.known.Found && !it.known.Finished.Time.IsZero() {
		return it.known.Finished.Time
	}
	return own
}

// conflictError refuses a record whose key another one has, with documents that
// know as much and are others.
type conflictError struct {
	stored   state.Finished
	digest   state.Digest
	received time.Time
}

func (e *conflictError) Error() string {
	return fmt.Sprintf("other documents with the same key were stored at %s (digest %s); those of this record, received at %s, "+
		"have digest %s; if they are the right ones: kcing rejects retry --force",
		e.stored.At.UTC().Format(time.RFC3339), short(e.stored.Known.Digest), e.received.UTC().Format(time.RFC3339), short(e.digest))
}

func short(d state.Digest) string { return hex.EncodeToString(d[:6]) }

// TypeConflict is the type of the reject of a record whose key another one has,
// with other documents that know as much.
const TypeConflict = "conflict"
