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

// load makes a task's record: from the spool when it is there, else by
// downloading it, into the spool. False: there is none; the error ends the run.
func (c *Crawler) load(ctx context.Context, t *task) (bool, error) {
	if t.spooled != nil {
		return c.fromSpool(t)
	}
	payload, err := t.item.Fetch(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, nil
	case errors.Is(err, source.ErrTooLarge):
		c.inARow.Store(0)
		c.open.Add(1)
		t.record = c.record(t, payload, t.item.Form, c.options.Now())
		t.record.Err, t.record.Size = err, -1
		return true, nil
	case errors.Is(err, ErrStop):
		return false, err
	case err != nil:
		defer c.leave(t.item)
		return false, c.failed(ctx, t.item, err)
	}
	c.inARow.Store(0)
	c.downloaded.Add(1)
	c.open.Add(1)
	received := c.options.Now()
	if c.options.Spool != nil {
		it, err := c.put(ctx, t.item, received, payload)
		if err != nil {
			return false, err
		}
		t.spooled = &it
	}
	t.record = c.record(t, payload, t.item.Form, received)
	return true, nil
}

func (c *Crawler) record(t *task, payload []byte, form string, received time.Time) source.Record {
	r := source.Record{Name: t.item.Name, Kind: form, Payload: payload, Size: int64(len(payload)), Lab: t.item.Lab, Received: received}
	r.Ack = func(s source.Settled) {
		t.key = state.Key{Kind: s.Kind, ID: s.Key}
		c.done <- t
	}
	if r.Size > c.options.MaxRecordBytes {
		r.Err = fmt.Errorf("%w: %d bytes, the limit is %d (KCING_MAX_RECORD_BYTES)", source.ErrTooLarge, r.Size, c.options.MaxRecordBytes)
		r.Payload = payload[:min(64<<10, c.options.MaxRecordBytes)]
	}
	return r
}

// fromSpool reads a record that an interrupted run has left.
func (c *Crawler) fromSpool(t *task) (bool, error) {
	meta, payload, err := c.options.Spool.Read(*t.spooled)
	var damaged *spool.CorruptError
	if errors.As(err, &damaged) { // set aside, and said; the next listing brings it again
		c.open.Add(-1)
		if t.own {
			c.gap.Store(true)
			c.leave(t.item)
		}
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !t.own {
		t.item = Item{Name: meta.Name, Lab: meta.Lab}
	}
	t.record = c.record(t, payload, meta.Kind, meta.Received)
	return true, nil
}

// put stores a download in the spool. While the spool is full it waits for
// records of this run to be finished.
func (c *Crawler) put(ctx context.Context, it Item, received time.Time, payload []byte) (spool.Item, error) {
	meta := spool.Meta{Kind: it.Form, Key: c.spoolPrefix() + it.Key, Name: it.Name, Lab: it.Lab, Version: it.Version, Received: received}
	const patience = 30 // seconds without room and without anything of ours that could make some
	for quiet := 0; ; {
		// Also when the run has ended: the next one need not download it then.
		stored, err := c.options.Spool.Put(context.WithoutCancel(ctx), meta, payload)
		if !errors.Is(err, spool.ErrFull) || quiet == patience || ctx.Err() != nil {
			return stored, err
		}
		timer := time.NewTimer(time.Second) // some other process may have made room
		select {
		case <-c.settled:
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
		u, storeErr := c.options.Store.CommitUnfetched(context.WithoutCancel(ctx), state.Unfetched{Source: c.options.Source, Key: it.Key, Kind: it.Kind, Name: it.Name,
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
	if errors.As(err, &cut) && c.inARow.Add(1) >= awayAfter {
		return fmt.Errorf("%w: %d downloads in a row failed, the last: %w", ErrAway, awayAfter, err)
	}
	return nil
}

// finish removes what the pipeline has finished from the spool and stores it as done.
// It waits for nothing but state and disk.
func (c *Crawler) finish() {
	const most = 500
	for t := range c.done {
		tasks := []*task{t}
		timer := time.NewTimer(100 * time.Millisecond)
	gather:
		for len(tasks) < most {
			select {
			case t, ok := <-c.done:
				if !ok {
					break gather
				}
				tasks = append(tasks, t)
			case <-timer.C:
				break gather
			}
		}
		timer.Stop()
		if c.err == nil {
			if c.err = c.settle(tasks); c.err != nil {
				c.mu.Lock()
				c.stop(c.err)
				c.mu.Unlock()
			}
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
				crawled = append(crawled, state.Crawled{Source: c.options.Source, Key: t.item.Key, Version: t.item.Version, Record: t.key, Time: t.item.Time})
			}
		}
		if err := c.options.Store.CommitItems(context.Background(), crawled); err != nil {
			return err
		}
	}
	if c.options.Spool != nil {
		var items []spool.Item
		for _, t := range tasks {
			if t.spooled != nil {
				items = append(items, *t.spooled)
			}
		}
		if err := c.options.Spool.Remove(items...); err != nil {
			return err
		}
	}
	for _, t := range tasks {
		if t.own {
			c.leave(t.item)
		}
	}
	c.open.Add(-int64(len(tasks)))
	select {
	case c.settled <- struct{}{}:
	default:
	}
	return nil
}
