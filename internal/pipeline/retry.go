package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// Rejects is the list of what was refused. *state.Store is one.
type Rejects interface {
	Ledger
	// Reject returns a reject with its body, state.ErrNotFound if there is none.
	Reject(ctx context.Context, id string) (state.Reject, error)
	DropRejects(ctx context.Context, ids ...string) (int, error)
}

// Retry sends rejects again: records from their bytes (of a truncated one from
// the file it came from), documents as they are. Those that get in are dropped
// from the list; those refused again stay, with one attempt more. A record that
// gets in but for some of its documents is dropped as well, for these are listed
// in its place. accepted is how many got in entirely; maxRecordBytes is that of
// source.Files. c.Progress is not used for documents.
func Retry(ctx context.Context, list Rejects, ids []string, maxRecordBytes int64, c Config) (accepted int, err error) {
	c = c.withDefaults()
	accepted, records, err := retryDocuments(ctx, list, ids, c)
	if err != nil || len(records) == 0 {
		return accepted, err
	}
	src := &rejected{list: list, ids: records, maxBytes: maxRecordBytes}
	_, err = Run(ctx, src, c)
	accepted += src.accepted
	_, dropErr := list.DropRejects(context.WithoutCancel(ctx), src.done...)
	return accepted, errors.Join(err, dropErr)
}

// rejected is the source of records that were refused before.
type rejected struct {
	list     Rejects
	ids      []string
	maxBytes int64

	// Of those that got in, to be read when the run has ended.
	done     []string // ids, to be dropped
	accepted int      // without a rejected document
}

// Run implements [Source].
func (s *rejected) Run(ctx context.Context, emit source.Emit) error {
	for _, id := range s.ids {
		r, err := s.list.Reject(ctx, id)
		if errors.Is(err, state.ErrNotFound) {
			continue // somebody has dropped it meanwhile
		}
		if err != nil {
			return err
		}
		if err := emit(ctx, s.record(r)); err != nil {
			return err
		}
	}
	return nil
}

func (s *rejected) record(r state.Reject) source.Record {
	rec := source.Record{Payload: r.Body, Size: r.Size}
	if r.Truncated {
		whole, err := source.ReadFile(r.Source, s.maxBytes)
		if err == nil {
			rec = whole
		} else {
			rec.Err = &lostError{class: r.Type, reason: r.Reason, err: err}
		}
	}
	rec.Name, rec.Kind, rec.Lab, rec.NodeID, rec.Received = r.Source, r.Kind, r.Lab, r.NodeID, r.Received
	rec.RejectID = r.ID
	rec.Ack = func(settled source.Settled) {
		if settled.Outcome == source.Refused {
			return
		}
		s.done = append(s.done, r.ID)
		if settled.Rejected == 0 {
			s.accepted++
		}
	}
	return rec
}

// lostError refuses a record again of which only the beginning was kept.
type lostError struct {
	class, reason string // of the refusal before
	err           error
}

const lost = "; only its beginning was kept, and it cannot be read again: "

func (e *lostError) Error() string {
	reason, _, _ := strings.Cut(e.reason, lost)
	return fmt.Sprint(reason, lost, e.err)
}

func (e *lostError) Unwrap() error { return e.err }

// retryDocuments sends those of the rejects that are documents and returns the
// ids of the others.
func retryDocuments(ctx context.Context, list Rejects, ids []string, c Config) (
	accepted int, records []string, err error,
) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &run{config: c}
	c.ES.Bulk.TrustBodies = false // what was refused once gets every check
	c.ES.Bulk.Indices = &bulk.Indices{Judged: true}
	if c.Progress != nil {
		c.ES.Bulk.OnPause = c.Progress.pause
	}
	refusals := newCommitter(context.WithoutCancel(ctx), list, nil, func(commit) {},
		stop) // rejects alone replace nothing
	refused := func(old state.Reject, res bulk.Result) {
		old.Type, old.Reason, old.Status, old.Attempts = res.Type, res.Reason, res.Status, max(res.Attempts, 1)
		old.Body = bytes.Clone(res.Doc.Body)
		refusals.add(commit{rejects: []state.Reject{old}})
	}
	var done []string // written by the indexer's one callback goroutine, read after Close
	indexer, err := bulk.New(c.ES.Transport, func(res bulk.Result) {
		old := res.Doc.Tag.(*state.Reject) //nolint:forcetypeassert // set below on each
		switch res.Outcome {
		case bulk.Stored, bulk.Duplicate:
			done = append(done, old.ID)
		case bulk.Rejected:
			refused(*old, res)
		}
	}, c.ES.Bulk)
	if err != nil {
		return 0, nil, errors.Join(err, refusals.close())
	}
	r.indexer = indexer
	records, err = addDocuments(ctx, list, ids, indexer, c, refused)
	if closeErr := r.closeIndexer(ctx); closeErr != nil {
		err = closeErr
	}
	if commitErr := refusals.close(); commitErr != nil {
		err = commitErr
	}
	accepted, dropErr := list.DropRejects(context.WithoutCancel(ctx), done...)
	return accepted, records, errors.Join(err, dropErr)
}

// addDocuments adds the rejects that are documents to the indexer and returns
// the ids of the others.
func addDocuments(ctx context.Context, list Rejects, ids []string, indexer *bulk.Indexer, c Config,
	refused func(state.Reject, bulk.Result),
) (records []string, err error) {
	for _, id := range ids {
		r, err := list.Reject(ctx, id)
		switch {
		case errors.Is(err, state.ErrNotFound):
			continue
		case err != nil:
			return nil, err
		case r.Index == "":
			records = append(records, id)
			continue
		}
		d := bulk.Doc{Index: r.Index, ID: r.DocumentID, Body: r.Body, Op: c.op(r.Overwrites)}
		r.Body = nil
		d.Tag = &r
		err = indexer.Add(ctx, d)
		switch {
		case errors.Is(err, bulk.ErrTooLarge), errors.Is(err, bulk.ErrInvalid):
			refused(r, bulk.Result{Doc: d, Type: "document_not_sendable", Reason: err.Error()})
		case err != nil:
			return nil, err
		}
	}
	return records, nil
}
