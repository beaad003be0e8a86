package crawl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
)

// download fetches an item into the spool. What is to be refused unread, and
// everything when there is no spool, is emitted at once. Its error ends the run.
func (c *Crawler) download(ctx context.Context, it Item, emit source.Emit) error {
	c.awaitRoom(ctx)
	if ctx.Err() != nil {
		return nil
	}
	payload, err := it.Fetch(ctx)
	received := c.options.Now()
	rec := source.Record{Name: it.Name, Kind: it.Form, Payload: payload, Size: int64(len(payload)), Lab: it.Lab,
		Received: received}
	switch {
	case err != nil && ctx.Err() != nil:
		return nil
	case errors.Is(err, source.ErrTooLarge):
		c.unanswered.Store(0)
		rec = rec.Limited(c.options.MaxRecordBytes)
		rec.Err, rec.Size = err, -1
		return c.emitUnspooled(ctx, it, rec, emit)
	case errors.Is(err, ErrStop):
		return err
	case err != nil:
		defer c.leave(it)
		return c.failed(ctx, it, err)
	}
	c.unanswered.Store(0)
	c.downloaded.Add(1)
	if c.queue == nil {
		return c.emitUnspooled(ctx, it, rec.Limited(c.options.MaxRecordBytes), emit)
	}
	spooled, err := c.put(ctx, it, received, payload)
	if err != nil {
		return err
	}
	c.enqueue(spooled, &task{item: it, own: true})
	return nil
}

// emitUnspooled emits a record of which the spool knows nothing.
func (c *Crawler) emitUnspooled(ctx context.Context, it Item, rec source.Record, emit source.Emit) error {
	c.open.Add(1)
	rec.Ack = c.acknowledge(&task{item: it, own: true})
	return emit(ctx, rec)
}

// enqueue puts a record of the spool in line.
func (c *Crawler) enqueue(it spool.Item, t *task) {
	c.mu.Lock()
	c.spooled[it] = t
	c.mu.Unlock()
	c.open.Add(1)
	c.queue.Add(it)
}

// put stores a download in the spool. While the spool is full it waits for records
// to be removed from it.
func (c *Crawler) put(ctx context.Context, it Item, received time.Time, payload []byte) (spool.Item, error) {
	meta := spool.Meta{Kind: it.Form, Key: c.spoolPrefix() + it.Key, Name: it.Name, Lab: it.Lab, Version: it.Version,
		Received: received}
	const patience = 30 // seconds without room and without anything of ours that could make some
	for quiet := 0; ; {
		// Also when the run has ended: the next one need not download it then.
		changed := c.queue.Changed()
		stored, err := c.options.Spool.Put(context.WithoutCancel(ctx), meta, payload)
		if !errors.Is(err, spool.ErrFull) || quiet == patience || ctx.Err() != nil {
			return stored, err
		}
		timer := time.NewTimer(time.Second) // some other process may have made room
		select {
		case <-changed:
			quiet = 0
		case <-timer.C:
			if quiet++; c.options.Spool.Stats().Records > 0 {
				quiet = 0
			}
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// failed notes a failed download. Its error ends the run.
func (c *Crawler) failed(ctx context.Context, it Item, err error) error {
	n := c.failures.Add(1)
	attempts := 0
	if c.options.Store != nil {
		u, storeErr := c.options.Store.CommitUnfetched(context.WithoutCancel(ctx),
			state.Unfetched{Source: c.options.Site.Name, Key: it.Key, Kind: it.Kind, Name: it.Name,
				Lab: it.Lab, Version: it.Version, Time: it.Time, Error: err.Error()})
		if storeErr != nil {
			return storeErr
		}
		attempts = u.Attempts
	}
	const loud = 20
	log := c.options.Logger.Warn
	if n > loud {
		log = c.options.Logger.Debug
	}
	log("cannot download", "source", it.Name, "run", attempts, "of", MaxRuns, "error", err)
	if n == loud {
		c.options.Logger.Warn("further downloads that fail are not logged; kcing status lists them")
	}
	var cut *fetch.TransferError
	if errors.As(err, &cut) && c.unanswered.Add(1) >= maxUnanswered {
		return fmt.Errorf("%w: %d downloads in a row failed, the last: %w", ErrAway, maxUnanswered, err)
	}
	return nil
}

// finish settles what the pipeline is through with, all that has come while it settled
// the last together. It waits for nothing but state.
func (c *Crawler) finish() {
	for {
		c.mu.Lock()
		tasks, failed := c.done, c.err != nil
		c.done, c.finishing = nil, len(tasks) > 0
		c.mu.Unlock()
		if len(tasks) == 0 {
			return
		}
		if failed {
			continue // the next run finds it finished
		}
		if err := c.settle(tasks); err != nil {
			c.fail(err)
		}
	}
}

// settle remembers first and removes then: what is still in the spool after a
// kill is found finished and costs nothing but a look.
func (c *Crawler) settle(tasks []*task) error {
	if c.options.Store != nil {
		var crawled []state.Crawled
		for _, t := range tasks {
			if t.own {
				crawled = append(crawled, state.Crawled{Source: c.options.Site.Name, Key: t.item.Key,
					Version: t.item.Version,
					Record:  state.Key{Kind: t.settled.Kind, ID: t.settled.Key}, Time: t.item.Time})
			}
		}
		if err := c.options.Store.CommitItems(context.Background(), crawled); err != nil {
			return err
		}
	}
	for _, t := range tasks {
		if t.remove != nil {
			t.remove(t.settled)
		}
		if t.own {
			c.leave(t.item)
		}
	}
	c.open.Add(-int64(len(tasks)))
	return nil
}
