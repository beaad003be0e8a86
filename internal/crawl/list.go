package crawl

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
)

// list sends what there is to do to the workers.
func (c *Crawler) list(ctx context.Context, wanted chan<- Item) error {
	p, err := c.makePlan(ctx)
	if err != nil {
		return err
	}
	if c.queue != nil {
		if err := c.leftovers(ctx); err != nil {
			return err
		}
	}
	b := &batch{c: c, wanted: wanted}
	if c.options.Store != nil && !c.options.Force && !c.options.RetryFailed {
		if err := c.earlierFailures(ctx, b); err != nil {
			return err
		}
	}
	if c.options.HowMany > 0 {
		err = c.newest(ctx, p, func(it Item) error { return b.add(ctx, it) })
	} else {
		p.complete, err = c.options.Site.Origin.Items(ctx, c.window(p), func(it Item) error { return b.add(ctx, it) })
	}
	if err == nil {
		err = b.flush(ctx)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan = p
	return nil
}

// batch gathers listed items, so that state is asked once for many.
type batch struct {
	c      *Crawler
	wanted chan<- Item
	items  []Item
}

func (b *batch) add(ctx context.Context, it Item) error {
	c := b.c
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !c.wants(it.Kind) {
		return nil
	}
	c.listed.Add(1)
	return b.look(ctx, it)
}

// look has an item downloaded unless this run, or state, knows better.
func (b *batch) look(ctx context.Context, it Item) error {
	// Taken before it is looked up: when another worker has finished it by then,
	// state says so.
	if !b.c.take(it) {
		return nil
	}
	if b.items = append(b.items, it); len(b.items) < lookupBatch {
		return nil
	}
	return b.flush(ctx)
}

// flush sends on those that are to be downloaded.
func (b *batch) flush(ctx context.Context) error {
	c := b.c
	items := b.items
	b.items = nil
	entries := make([]state.ItemEntry, len(items))
	if c.options.Store != nil && len(items) > 0 {
		keys := make([]string, len(items))
		for i := range items {
			keys[i] = items[i].Key
		}
		var err error
		if entries, err = c.options.Store.LookupItems(ctx, c.options.Site.Name, keys); err != nil {
			return err
		}
	}
	wanted := items[:0]
	for i, it := range items {
		if it.Lab = cmp.Or(it.Lab, c.options.Lab); c.skips(it, entries[i]) {
			c.leave(it)
			continue
		}
		wanted = append(wanted, it)
	}
	finished, err := c.finishedElsewhere(ctx, wanted)
	if err != nil {
		return err
	}
	for i, it := range wanted {
		if finished[i] {
			c.known.Add(1)
			c.leave(it)
			continue
		}
		if err := send(ctx, b.wanted, it); err != nil {
			return err
		}
	}
	return nil
}

// finishedElsewhere reports for each item whether the same record, with as much in it,
// has been finished from another source, such as a job's callback. Such items are
// stored as done, so that they are no failures any more.
func (c *Crawler) finishedElsewhere(ctx context.Context, items []Item) ([]bool, error) {
	finished := make([]bool, len(items))
	if c.options.Store == nil || c.options.Force {
		return finished, nil
	}
	var keys []state.Key
	var of []int
	for i := range items {
		if items[i].Record != (state.Key{}) {
			keys, of = append(keys, items[i].Record), append(of, i)
		}
	}
	if len(keys) == 0 {
		return finished, nil
	}
	entries, err := c.options.Store.Lookup(ctx, keys)
	if err != nil {
		return nil, err
	}
	var done []state.Crawled
	for j, i := range of {
		if e, it := entries[j], items[i]; e.Found && e.Finished.Known.Level >= it.Level {
			finished[i] = true
			done = append(done, state.Crawled{Source: c.options.Site.Name, Key: it.Key, Version: it.Version,
				Record: it.Record,
				Time:   it.Time})
		}
	}
	return finished, c.options.Store.CommitItems(ctx, done)
}

// skips reports whether nothing is to be done for an item, and counts it.
func (c *Crawler) skips(it Item, e state.ItemEntry) bool {
	failed := e.Unfetched.Key != "" && e.Unfetched.Version == it.Version
	switch {
	case c.options.Force:
		return false
	case e.Crawled.Key != "" && e.Crawled.Version == it.Version:
		c.known.Add(1)
		return true
	case failed && !e.Unfetched.Last.Before(c.started): // by this run
		return true
	case failed && e.Unfetched.Attempts >= MaxRuns && !c.options.RetryFailed:
		c.givenUp.Add(1)
		return true
	}
	return false
}

func send(ctx context.Context, to chan<- Item, it Item) error {
	select {
	case to <- it:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// leftovers puts in line what interrupted runs have left in the spool.
func (c *Crawler) leftovers(ctx context.Context) error {
	items, err := c.options.Spool.Adopt(ctx)
	if err != nil {
		return err
	}
	for i := range items {
		meta, err := c.options.Spool.Stat(items[i])
		if spool.Lost(err) {
			continue
		}
		if err != nil {
			return err
		}
		t := new(task)
		if key, ok := strings.CutPrefix(meta.Key, c.spoolPrefix()); ok {
			t.own = true
			t.item = Item{Key: key, Kind: meta.Kind, Name: meta.Name, Lab: meta.Lab, Version: meta.Version}
			c.take(t.item)
		}
		c.resumed.Add(1)
		c.enqueue(items[i], t)
	}
	return nil
}

// spoolPrefix is what the keys of this source's downloads in the spool begin
// with.
func (c *Crawler) spoolPrefix() string { return "crawl " + c.options.Site.Name + " " }

// earlierFailures has the items downloaded again that earlier runs could not download.
func (c *Crawler) earlierFailures(ctx context.Context, b *batch) error {
	failed, _, err := c.options.Store.Unfetched(ctx, c.options.Site.Name, 0)
	if err != nil {
		return err
	}
	for _, u := range failed {
		was := Item{Key: u.Key, Kind: u.Kind, Name: u.Name, Lab: u.Lab, Version: u.Version, Time: u.Time}
		if u.Attempts >= MaxRuns || !c.wants(u.Kind) || c.underWay(was) {
			continue
		}
		it, err := c.options.Site.Origin.Item(ctx, was)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, ErrStop):
			return err
		case err != nil:
			err = c.failed(ctx, was, fmt.Errorf("%s: %w", was.Name, err))
		default:
			err = b.look(ctx, it)
		}
		if err != nil {
			return err
		}
	}
	return b.flush(ctx)
}
