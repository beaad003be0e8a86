package pipeline

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// verdict is what to do with a record whose key the ledger knows, or not.
type verdict int

const (
	store       verdict = iota // its documents are to be stored, with the item's op
	same                       // nothing: they are stored
	superseded                 // nothing: those of a record that knows more are
	conflicting                // it and another one claim the same key
)

// judge decides by what is known without making the documents. store may become
// another verdict by [item.judgeDocuments].
func (it *item) judge(e state.Entry, c Config) verdict {
	it.known, it.op = e, c.op(it.record.Overwrites)
	if !c.Force &&
		slices.ContainsFunc(it.earlier, func(f state.Finished) bool { return it.knowledge().Compare(f.Known) < 0 }) {
		return superseded
	}
	switch {
	case !e.Found || c.Force:
		return store
	case e.Finished.Matches(it.digest):
		return same
	case e.Finished.Known == (state.Known{}):
		return store
	case it.knowledge().Compare(e.Finished.Known) < 0:
		return superseded
	}
	return store
}

// judgeDocuments decides when the documents are made.
func (it *item) judgeDocuments(documents int, c Config) verdict {
	e := it.known
	if !e.Found || c.Force {
		return store
	}
	known := e.Finished.Known
	more := it.knowledge().Compare(known)
	switch {
	case known == (state.Known{}): // of an earlier kcing: the number of documents is all that it has kept
		if documents < e.Finished.Documents && !it.record.Overwrites {
			return superseded
		}
	case more == 0 && known.Digest == it.documents:
		return same
	case more == 0 && known.Version == transform.Version && !it.record.Overwrites:
		return conflicting
	}
	it.op = bulk.OpIndex
	return store
}

// knowledge is how much the record knows, as the ledger keeps it.
func (it *item) knowledge() state.Known {
	return state.Known{Version: transform.Version, Level: it.record.Rank.Level,
		Updated: it.record.Rank.Updated.Truncate(time.Millisecond), Digest: it.documents}
}

// begin notes the items that the ledger does not know before anything of them is
// stored. Where that was noted before, by a run that ended before it could record
// what became of it, or by a process beside this one, what is there may be of
// another record: it is overwritten, under the day that it has, unless that one
// knew more and is still to come.
func (w *worker) begin(ctx context.Context, items []item) error {
	var records []state.Begun
	var of []*item
	for i := range items {
		if it := &items[i]; !it.known.Found {
			records = append(records,
				state.Begun{Key: it.key(), Digest: it.digest, Time: it.ownTime(), Level: it.record.Rank.Level})
			of = append(of, it)
		}
	}
	if len(records) == 0 {
		return nil
	}
	earlier, err := w.run.config.Ledger.Begin(ctx, records)
	if err != nil {
		return err
	}
	for i, it := range of {
		was := earlier[i]
		it.begun = was.Time
		if !was.Time.IsZero() && was.Digest != it.digest && was.Level <= it.record.Rank.Level {
			it.op = bulk.OpIndex
		}
	}
	return nil
}

// ownTime is the time under which the record is filed when nothing is there.
func (it *item) ownTime() time.Time {
	if it.record.HasTime(it.received) {
		return it.record.Time
	}
	return it.received
}

// indexTime is the time whose day the documents are filed under: that of the
// record before, where they take its documents' place.
func (it *item) indexTime(own time.Time) time.Time {
	return cmp.Or(it.known.Finished.Time, it.begun, own)
}

// conflict refuses a record whose key another one has, with documents that know as
// much and are others.
func (r *run) conflict(it *item) error {
	stored := it.known.Finished
	if r.committer == nil {
		return conflictError("another record before it has the same key and other documents")
	}
	return conflictError(fmt.Sprintf("other documents with the same key were stored at %s (digest %s); those of this "+
		"record, received at %s, have digest %s; if they are the right ones: kcing rejects retry --force",
		stored.At.UTC().Format(time.RFC3339), short(stored.Known.Digest),
		it.received.UTC().Format(time.RFC3339), short(it.documents)))
}

type conflictError string

func (e conflictError) Error() string { return string(e) }

func short(d state.Digest) string { return hex.EncodeToString(d[:6]) }

// TypeConflict is the type of the reject of a record whose key another one has,
// with other documents that know as much.
const TypeConflict = "conflict"
