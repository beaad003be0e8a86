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
func (c *Crawler) list(ctx context.Context, wanted chan<- *task) error {
	p, err := c.makePlan(ctx)
	if err != nil {
		return err
	}
	if c.Spool != nil {
		if err := c.leftovers(ctx, wanted); err != nil {
			return err
		}
	}
	if c.Store != nil && !c.Force && !c.Insist {
		if err := c.earlierFailures(ctx, wanted); err != nil {
			return err
		}
	}
	b := &batch{c: c, wanted: wanted}
	if c.HowMany > 0 {
		var items []Item
		items, err = c.newest(ctx, p)
		for _, it := range items {
			if err == nil {
				err = b.add(ctx, it)
			}
		}
	} else {
		p.complete, err = c.Origin.Items(ctx, Window{From: p.from, To: p.to, Kinds: c.Kinds}, func(it Item) error { return b.add(ctx, it) })
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
	wanted chan<- *task
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
	// Taken before it is looked up: what another worker is through with by then,
	// state knows.
	if !c.take(it) {
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
	if c.Store != nil && len(items) > 0 {
		keys := make([]string, len(items))
		for i := range items {
			keys[i] = items[i].Key
		}
		var err error
		if entries, err = c.Store.LookupItems(ctx, c.Source, keys); err != nil {
			return err
		}
	}
	for i, it := range items {
		it.Lab = cmp.Or(it.Lab, c.Lab)
		if c.skips(it, entries[i]) {
			c.leave(it)
			continue
		}
		if err := send(ctx, b.wanted, &task{item: it, own: true}); err != nil {
			return err
		}
	}
	return nil
}

// skips tells whether nothing is to be done for an item, and counts it.
func (c *Crawler) skips(it Item, e state.ItemEntry) bool {
	failed := e.Unfetched.Key != "" && e.Unfetched.Version == it.Version
	switch {
	case c.Force:
		return false
	case e.Crawled.Key != "" && e.Crawled.Version == it.Version:
		c.known.Add(1)
		return true
	case failed && !e.Unfetched.Last.Before(c.started): // by this run
		return true
	case failed && e.Unfetched.Attempts >= MaxRuns && !c.Insist:
		c.givenUp.Add(1)
		return true
	}
	return false
}

func send(ctx context.Context, to chan<- *task, t *task) error {
	select {
	case to <- t:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// leftovers sends what interrupted runs have left in the spool.
func (c *Crawler) leftovers(ctx context.Context, wanted chan<- *task) error {
	items, err := c.Spool.Adopt(ctx)
	if err != nil {
		return err
	}
	for i := range items {
		meta, err := c.Spool.Stat(items[i])
		var damaged *spool.CorruptError
		if errors.As(err, &damaged) {
			continue // the spool has said so
		}
		if err != nil {
			return err
		}
		t := &task{spooled: &items[i], resumed: true}
		if key, ok := strings.CutPrefix(meta.Key, c.spoolPrefix()); ok {
			t.own = true
			t.item = Item{Key: key, Kind: meta.Kind, Name: meta.Name, Lab: meta.Lab, Version: meta.Version}
			c.take(t.item)
		}
		c.open.Add(1)
		c.resumed.Add(1)
		if err := send(ctx, wanted, t); err != nil {
			return err
		}
	}
	return nil
}

// spoolPrefix is what the keys of this source's downloads in the spool begin
// with.
func (c *Crawler) spoolPrefix() string { return "crawl " + c.Source + " " }

// earlierFailures sends the items that earlier runs could not download.
func (c *Crawler) earlierFailures(ctx context.Context, wanted chan<- *task) error {
	failed, _, err := c.Store.Unfetched(ctx, c.Source, 0)
	if err != nil {
		return err
	}
	for _, u := range failed {
		was := Item{Key: u.Key, Kind: u.Kind, Name: u.Name, Lab: u.Lab, Version: u.Version, Time: u.Time}
		if u.Attempts >= MaxRuns || !c.wants(u.Kind) || !c.take(was) {
			continue
		}
		it, err := c.Origin.Item(ctx, was)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, ErrStop):
			return err
		case err != nil:
			c.leave(was)
			if err := c.failed(ctx, was, fmt.Errorf("%s: %w", was.Name, err)); err != nil {
				return err
			}
			continue
		}
		it.Lab = cmp.Or(it.Lab, c.Lab)
		if it.Version != was.Version {
			c.leave(was)
			c.take(it)
		}
		if err := send(ctx, wanted, &task{item: it, own: true}); err != nil {
			return err
		}
	}
	return nil
}
