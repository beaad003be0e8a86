package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
)

// run is the state of one Run, shared by its workers.
type run struct {
	config    Config
	tally     *tally
	notices   notices
	keys      keyLocks
	indexer   *bulk.Indexer
	committer *committer // nil: a dry run
	stop      context.CancelCauseFunc
	acking    sync.Mutex // one call of an Ack at a time
	lastTaken time.Time  // when the indexer last had an outcome other than Undelivered; settle's
}

func newRun(c Config) *run {
	c = c.withDefaults()
	return &run{config: c, tally: newTally(), notices: notices{log: c.Logger, each: c.LogEach}}
}

// Run feeds all records of src and returns when each document has its outcome.
// The error says why the run could not be finished: a *bulk.FatalError or a
// *bulk.UndeliveredError, the ledger's or the source's error, or ctx's cause. It
// is nil only when no record is pending. The Report holds either way.
func Run(ctx context.Context, src Source, c Config) (Report, error) {
	r := newRun(c)
	runCtx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	started := time.Now()
	r.stop, r.lastTaken = stop, started
	r.config.ES.Bulk.OnPause = r.config.Progress.pause
	indexer, err := bulk.New(r.config.ES.Transport, r.settle, r.config.ES.Bulk)
	if err != nil {
		return Report{}, err
	}
	r.indexer = indexer
	r.committer = newCommitter(context.WithoutCancel(ctx), r.config.Ledger, r.removeReplaced, r.committed, stop)

	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-indexer.Done(): // nobody may be in Add to hear of it
			stop(indexer.Fatal())
		case <-runCtx.Done():
		}
	})
	sourceErr := r.feedAll(runCtx, src)
	closeErr := r.closeIndexer(runCtx)
	commitErr := r.committer.close()
	stopped := context.Cause(runCtx)
	stop(nil)
	watch.Wait()

	report := r.report(time.Since(started))
	return report, explain(report, stopped, ending{source: sourceErr, close: closeErr, commit: commitErr})
}

// feedAll takes the records from the source through the workers to the indexer.
func (r *run) feedAll(ctx context.Context, src Source) error {
	records := make(chan source.Record)
	jobs := make(chan []source.Record)
	var workers sync.WaitGroup
	for range r.config.Workers {
		workers.Go(func() { newWorker(r).work(ctx, jobs) })
	}
	workers.Go(func() { gather(records, jobs) })
	err := src.Run(ctx, func(ctx context.Context, rec source.Record) error {
		r.read(rec)
		select {
		case records <- rec:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(records)
	workers.Wait()
	return err
}

// A batch of records is looked up and transformed together, so that the ledger
// is asked once for many small records. Bounded in records and bytes.
const (
	batchRecords = 64
	batchBytes   = 1 << 20
)

// gather makes batches of what comes while all workers are busy; a worker that
// is free gets what there is, so that no record waits for the next one of a slow
// source. It closes jobs when there are no more records.
func gather(records <-chan source.Record, jobs chan<- []source.Record) {
	defer close(jobs)
	var batch []source.Record
	size := 0
	for records != nil || len(batch) > 0 {
		take, give := records, jobs
		if len(batch) == 0 {
			give = nil
		}
		if len(batch) >= batchRecords || size >= batchBytes {
			take = nil
		}
		select {
		case rec, ok := <-take:
			if !ok {
				records = nil
				continue
			}
			batch = append(batch, rec)
			size += len(rec.Payload)
		case give <- batch:
			batch, size = nil, 0
		}
	}
}

// closeIndexer waits for all outcomes; after ctx ended only for DrainTimeout, or
// not at all when the run has waited for Elasticsearch long enough.
func (r *run) closeIndexer(ctx context.Context) error {
	closeCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ctx, func() {
		drain := r.config.DrainTimeout
		if errors.Is(context.Cause(ctx), errNothingTaken) {
			drain = 0
		}
		timer := time.NewTimer(drain)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(context.Cause(ctx))
		case <-closeCtx.Done():
		}
	})()
	return r.indexer.Close(closeCtx)
}

// ending is how the parts of a run ended.
type ending struct{ source, close, commit error }

// explain picks the error that explains the others: what stopped the run first.
// What the source had to say for itself is never left out.
func explain(report Report, stopped error, e ending) error {
	var fatal *bulk.FatalError
	var why error
	switch {
	case e.commit != nil:
		why = e.commit
	case errors.As(e.close, &fatal):
		why = fatal
	case e.source == nil && report.Pending == 0:
		return nil // all done, whatever came in the last moment
	case stopped != nil:
		why = stopped
	case e.close != nil:
		why = e.close
	}
	own := e.source != nil && (stopped == nil || !errors.Is(e.source, stopped) &&
		!errors.Is(e.source, context.Canceled))
	switch {
	case own && why != nil:
		return fmt.Errorf("%w; and reading records: %w", why, e.source)
	case own:
		return fmt.Errorf("reading records: %w", e.source)
	case why == nil && report.Pending > 0:
		return fmt.Errorf("%d records have no outcome; this is a fault of kcing's, please report it", report.Pending)
	}
	return why
}
