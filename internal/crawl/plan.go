package crawl

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// plan is where a run begins and how far it came.
type plan struct {
	from, to  time.Time
	complete  time.Time // the listing is complete up to here; zero: nothing to remember
	movable   bool      // the window joins what was crawled before
	listedAll bool
}

// makePlan chooses the window.
func (c *Crawler) makePlan(ctx context.Context) (plan, error) {
	now := c.options.Site.Clock().Truncate(time.Millisecond)
	p := plan{to: now, from: now.Add(-DefaultSince)}
	oldest := p.from // what a window must reach back to, to leave no gap
	if c.options.Store != nil {
		cursor, err := c.cursor(ctx, now)
		if err != nil {
			return plan{}, err
		}
		if !cursor.IsZero() {
			oldest, p.from = cursor, cursor.Add(-Overlap)
		}
	}
	if c.options.Since > 0 {
		p.from = now.Add(-c.options.Since)
	}
	all := !slices.ContainsFunc(c.options.Site.Origin.Kinds(), func(kind string) bool { return !c.wants(kind) })
	p.movable = all && c.options.HowMany == 0 && !p.from.After(oldest)
	return p, nil
}

// cursor is the time up to which all was crawled, zero when there is none.
func (c *Crawler) cursor(ctx context.Context, now time.Time) (time.Time, error) {
	text, err := c.options.Store.Cursor(ctx, c.options.Site.Name)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	switch {
	case err != nil:
		c.options.Logger.Warn("the crawl's cursor in state cannot be read; starting as if there were none", "cursor",
			text)
		return time.Time{}, nil
	case at.After(now): // the clock was wrong then, or is now
		return time.Time{}, nil
	}
	return at, nil
}

// moveCursor remembers how far this crawl came, and how far it looked back.
func (c *Crawler) moveCursor(ctx context.Context) error {
	p := c.plan
	if !p.listedAll || !p.movable || p.complete.IsZero() || !p.complete.After(p.from) {
		return nil
	}
	at := p.complete.UTC().Format(time.RFC3339Nano)
	if err := c.options.Store.SetCursor(ctx, c.options.Site.Name, at); err != nil {
		return fmt.Errorf("how far the crawl came cannot be remembered, the next one lists the same again: %w", err)
	}
	return c.options.Store.SetCursor(ctx, windowName+c.options.Site.Name, p.to.Sub(p.from).String())
}

// windowName, with a source after it, is the name of a cursor that holds how far
// the last crawl looked back.
const windowName = "window "

// window is what the origin is asked for.
func (c *Crawler) window(p plan) Window {
	return Window{From: p.from, To: p.to, Kinds: c.options.Kinds, Total: c.total.Store}
}

// LooksBack is how far back the next crawl of any source may look, by the names
// and positions in state (Store.Cursors): what is known of items younger than
// that must not be forgotten. 0: nothing was ever crawled.
func LooksBack(cursors map[string]string) time.Duration {
	most := time.Duration(0)
	for name, position := range cursors {
		if !strings.HasPrefix(name, windowName) {
			continue
		}
		d, _ := time.ParseDuration(position)
		most = max(most, d, DefaultSince)
	}
	return most
}

// Newest lists the newest o.HowMany items of each kind, within o.Since if that is
// set. Of the options Store and Spool are not used.
func Newest(ctx context.Context, o Options) ([]Item, error) {
	o.Store, o.Spool = nil, nil
	c := New(o)
	defer c.Close(ctx, nil) //nolint:errcheck // it has nothing to remember
	p, err := c.makePlan(ctx)
	if err != nil {
		return nil, err
	}
	var items []Item
	err = c.newest(ctx, p, func(it Item) error {
		items = append(items, it)
		return nil
	})
	return items, err
}

// newest yields the newest items of each kind.
func (c *Crawler) newest(ctx context.Context, p plan, yield func(Item) error) error {
	origin, ok := c.options.Site.Origin.(Newester)
	switch {
	case c.options.Since > 0:
	case ok:
		p.from = time.Time{}
	default:
		p.from = p.to.Add(-newestWithin)
	}
	if ok {
		return origin.Newest(ctx, c.window(p), c.options.HowMany, yield)
	}
	items, err := c.goBack(ctx, p)
	for _, it := range items {
		if err == nil {
			err = yield(it)
		}
	}
	return err
}

// goBack finds the newest items of each kind by going back in windows of growing
// length. It holds HowMany items of each kind in memory.
func (c *Crawler) goBack(ctx context.Context, p plan) ([]Item, error) {
	floor := p.from
	byKind := map[string][]Item{}
	seen := map[string]bool{}
	to := p.to
	for step := 6 * time.Hour; to.After(floor); step *= 2 {
		from := to.Add(-step)
		if from.Before(floor) {
			from = floor
		}
		window := Window{From: from, To: to, Kinds: c.options.Kinds}
		_, err := c.options.Site.Origin.Items(ctx, window, func(it Item) error {
			if seen[it.Key] || !c.wants(it.Kind) {
				return nil
			}
			seen[it.Key] = true
			byKind[it.Kind] = append(byKind[it.Kind], it)
			if len(byKind[it.Kind]) > 2*c.options.HowMany {
				byKind[it.Kind] = keepNewest(byKind[it.Kind], c.options.HowMany)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		enough := true
		for _, kind := range c.options.Kinds {
			byKind[kind] = keepNewest(byKind[kind], c.options.HowMany)
			enough = enough && len(byKind[kind]) >= c.options.HowMany
		}
		if enough {
			break
		}
		to = from
	}
	var all []Item
	for _, kind := range c.options.Kinds {
		all = append(all, byKind[kind]...)
	}
	return all, nil
}

// newestWithin is how far back the newest items are looked for.
const newestWithin = 30 * 24 * time.Hour

// keepNewest keeps n items, the newest first; of items without a time those that
// were listed last.
func keepNewest(list []Item, n int) []Item {
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b Item) int { return b.Time.Compare(a.Time) })
	clear(list[min(n, len(list)):])
	return list[:min(n, len(list)):min(n, len(list))]
}

// Positions are the times up to which sources were crawled, of the names and
// positions in state (Store.Cursors).
func Positions(cursors map[string]string) map[string]string {
	out := map[string]string{}
	for name, position := range cursors {
		if !strings.HasPrefix(name, windowName) {
			out[name] = position
		}
	}
	return out
}
