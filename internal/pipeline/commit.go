package pipeline

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// Commits are gathered, since each costs an fsync: up to this many records and
// rejects, or bytes of rejects, or for this long. A crash in between costs only
// that these are sent again.
const (
	commitRecords = 1000
	commitBytes   = 8 << 20
	commitEvery   = 200 * time.Millisecond
	// rejectBytes bounds the memory of rejects that wait to be written; a single
	// larger one may go alone.
	rejectBytes = 16 << 20
)

// commit is one thing for the ledger: a finished record, a record refused as a
// whole, or a rejected document.
type commit struct {
	finished *pending
	rejects  []state.Reject

	settled *source.Settled // of a record; nil for a document
	ack     func(source.Settled)
}

func (c *commit) bytes() (n int64) {
	for i := range c.rejects {
		n += int64(len(c.rejects[i].Body))
	}
	return min(n, rejectBytes)
}

// committer writes finished records and rejects to the ledger, in the order in
// which they were added. Nothing counts as finished, refused or rejected before
// it is written.
type committer struct {
	ledger  Ledger
	remove  func(context.Context, []*earlier) error // what finished records replace; called before the ledger has them
	written func(commit)                            // called for each after it is in the ledger, one call at a time
	failed  func(error)                             // called once; nothing is written after that
	memory  *semaphore.Weighted                     // rejectBytes
	in      chan commit
	done    chan struct{}
	err     error // first failure; read after done
}

// newCommitter starts a committer. ctx is for the ledger.
func newCommitter(ctx context.Context, l Ledger, remove func(context.Context, []*earlier) error,
	written func(commit), failed func(error),
) *committer {
	w := &committer{ledger: l, remove: remove, written: written, failed: failed,
		memory: semaphore.NewWeighted(rejectBytes), in: make(chan commit, 64), done: make(chan struct{})}
	go w.loop(ctx)
	return w
}

// add blocks while the ledger is behind: then nothing more is taken in. The
// committer waits for nobody but the ledger, so it is safe to block here in a
// callback of the indexer.
func (w *committer) add(c commit) {
	if n := c.bytes(); n > 0 {
		_ = w.memory.Acquire(context.Background(), n) // cannot fail: n is within the bound
	}
	w.in <- c
}

// close writes what is left and returns the first failure.
func (w *committer) close() error {
	close(w.in)
	<-w.done
	return w.err
}

func (w *committer) loop(ctx context.Context) {
	defer close(w.done)
	var gathered []commit
	for first := range w.in {
		gathered = w.gather(append(gathered[:0], first))
		w.write(ctx, gathered)
		for i := range gathered {
			w.memory.Release(gathered[i].bytes())
		}
		clear(gathered)
	}
}

// write takes the commits to the ledger, all or none.
func (w *committer) write(ctx context.Context, commits []commit) {
	if w.err != nil {
		return
	}
	var batch state.Batch
	var replaced []*earlier
	for i := range commits {
		if p := commits[i].finished; p != nil {
			if p.earlier != nil {
				replaced = append(replaced, p.earlier)
			}
			batch.Finished = append(batch.Finished, p.finished)
			if p.node != "" {
				batch.Nodes = append(batch.Nodes, state.NodeKey{Node: p.node, Key: p.finished.Key})
			}
			batch.Replaced = append(batch.Replaced, p.replaced...)
		}
		batch.Rejects = append(batch.Rejects, commits[i].rejects...)
	}
	if len(replaced) > 0 {
		if err := w.remove(ctx, replaced); err != nil {
			w.err = err
			w.failed(err)
			return
		}
	}
	if err := w.ledger.Commit(ctx, batch); err != nil {
		w.err = fmt.Errorf("what became of the records cannot be recorded, the next run sends them again: %w", err)
		w.failed(w.err)
		return
	}
	for i := range commits {
		w.written(commits[i])
	}
}

// gather adds to the first what arrives soon after it.
func (w *committer) gather(commits []commit) []commit {
	size := commits[0].bytes()
	timer := time.NewTimer(commitEvery)
	defer timer.Stop()
	for len(commits) < commitRecords && size < commitBytes {
		select {
		case more, ok := <-w.in:
			if !ok {
				return commits
			}
			commits = append(commits, more)
			size += more.bytes()
		case <-timer.C:
			return commits
		}
	}
	return commits
}
