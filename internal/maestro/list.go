package maestro

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/retry"
)

// Items implements [crawl.Origin]: the builds and LAVA jobs with From <= updated < To
// that have their result, the older half of a large window before the newer one. The
// listing is complete up to w.To, but at most up to HoldBack before now.
func (c *Client) Items(ctx context.Context, w crawl.Window, yield func(crawl.Item) error) (
	complete time.Time, err error,
) {
	complete = w.To.Truncate(time.Millisecond).UTC()
	if latest := c.o.Now().Add(-c.o.HoldBack).Truncate(time.Millisecond).UTC(); complete.After(latest) {
		complete = latest
	}
	from := w.From.Truncate(time.Millisecond).UTC()
	for _, query := range queries(w.Kinds) {
		l := &lister{c: c, query: query, yield: yield}
		if err := l.window(ctx, from, complete, map[string]bool{}); err != nil {
			return time.Time{}, err
		}
	}
	return complete, nil
}

// queries are what finds the nodes of these kinds. Each name and value in them
// was tried on a real server: one that it does not know would find nothing.
func queries(kinds []string) (all []url.Values) {
	wants := func(kind string) bool { return len(kinds) == 0 || slices.Contains(kinds, kind) }
	if wants("build") {
		// A build that passed is available, then closing, until its last job has ended.
		all = append(all, url.Values{"state__in": {"available,closing,done"}, "kind": {"kbuild"}})
	}
	if wants("lava") {
		all = append(all, url.Values{"state": {"done"}, "kind": {"job"}},
			// Before 2024-03 a job had the kind test.
			url.Values{"state": {"done"}, "kind": {"test"}, "artifacts.lava_log__ne": {"null"}})
	}
	return all
}

// lister reads the nodes that one query finds.
type lister struct {
	c     *Client
	query url.Values
	yield func(crawl.Item) error
}

const (
	// passesBeforeSplit is how often a window is read whose nodes come and go
	// while it is, before it is read in halves.
	passesBeforeSplit = 3
	// mostPasses is how often that is done where there are no halves.
	mostPasses = 8
	// largePage is the most that is asked for in one answer, where pages of a
	// window of one millisecond do not agree.
	largePage = 10_000

	// relistPause is how long nodes that change while they are listed get to settle.
	relistPause = 500 * time.Millisecond
)

// window yields what is in [from, to) and not in seen, which it adds to.
func (l *lister) window(ctx context.Context, from, to time.Time, seen map[string]bool) error {
	if !from.Before(to) {
		return nil
	}
	splits := to.Sub(from) > time.Millisecond
	for try := 1; ; try++ {
		limit := l.c.o.Page
		if !splits && try > passesBeforeSplit {
			limit = largePage
		}
		end, err := l.pass(ctx, from, to, limit, splits, seen)
		switch {
		case err != nil:
			return err
		case end == whole:
			return nil
		case splits && (end == tooMany || try == passesBeforeSplit):
			middle := from.Add(to.Sub(from) / 2).Truncate(time.Millisecond)
			if !middle.After(from) {
				middle = from.Add(time.Millisecond)
			}
			if err := l.window(ctx, from, middle, seen); err != nil {
				return err
			}
			if end == tooMany { // nothing of it was yielded, and ids need not be kept
				seen = map[string]bool{}
			}
			return l.window(ctx, middle, to, seen)
		case try == mostPasses:
			return fmt.Errorf("the nodes updated at %s cannot be listed: their number changed each of %d times; "+
				"the next crawl tries again",
				from.Format(time.RFC3339Nano), try)
		}
		l.c.o.Logger.Debug("Maestro's nodes changed while they were listed, listing them again",
			"from", from, "to", to, "try", try)
		if err := retry.Sleep(ctx, relistPause); err != nil {
			return err
		}
	}
}

// passEnd is how a pass over a window ended.
type passEnd int

const (
	whole   passEnd = iota // all nodes that the API said there are were read
	changed                // nodes came, left or changed places meanwhile
	tooMany                // nothing was read
)

// pass reads a window once and yields its nodes that are not in seen.
func (l *lister) pass(ctx context.Context, from, to time.Time, limit int, splits bool,
	seen map[string]bool,
) (passEnd, error) {
	query := url.Values{"updated__gte": {naive(from)}, "updated__lt": {naive(to)}}
	for name, values := range l.query {
		query[name] = values
	}
	most := 0
	if splits {
		most = l.c.o.Split
	}
	return l.c.pages(ctx, query, limit, most, func(node gjson.Result) error {
		id := idOf(node)
		if seen[id] {
			return nil
		}
		if it, ok := l.c.item(node); ok {
			if err := l.yield(it); err != nil {
				return err
			}
		}
		seen[id] = true
		return nil
	})
}

// pages reads what a query finds once, page by page, and hands it to take; where
// there is more than most, 0: however much there is, nothing of it. Each page
// begins with the last node of the one before: when it does not, a node before it
// has left, and others have moved up to where nobody looks.
func (c *Client) pages(ctx context.Context, query url.Values, limit, most int,
	take func(gjson.Result) error,
) (passEnd, error) {
	ids := map[string]bool{}
	last := ""
	for offset, want := 0, 0; ; offset-- {
		nodes, total, err := c.page(ctx, query, limit, offset)
		switch {
		case err != nil:
			return changed, err
		case offset == 0:
			if want = total; most > 0 && total > most {
				return tooMany, nil
			}
		case len(nodes) == 0 || idOf(nodes[0]) != last:
			return changed, nil
		}
		for _, node := range nodes {
			last = idOf(node)
			ids[last] = true
			if err := take(node); err != nil {
				return changed, err
			}
		}
		offset += len(nodes)
		switch {
		case total != want:
			return changed, nil
		case offset >= total && len(ids) == want:
			return whole, nil
		case offset >= total || len(nodes) < 2:
			return changed, nil
		}
	}
}

// naive is a time as the API's own: UTC without a zone, six digits. Other forms
// are refused by some of the Python versions that it runs on.
func naive(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }

// page asks for one page of nodes.
func (c *Client) page(ctx context.Context, query url.Values, limit, offset int) (
	nodes []gjson.Result, total int, err error,
) {
	paged := url.Values{"limit": {strconv.Itoa(limit)}, "offset": {strconv.Itoa(offset)}}
	for name, values := range query {
		paged[name] = values
	}
	err = c.ask(ctx, "/nodes", paged, func(v gjson.Result) error {
		items, count := v.Get("items"), v.Get("total")
		if !items.IsArray() || count.Type != gjson.Number {
			return &badAnswer{what: "an answer that is no page of nodes"}
		}
		nodes, total = items.Array(), int(count.Int())
		for _, n := range nodes {
			if idOf(n) == "" {
				return &badAnswer{what: "a page with a node without an id"}
			}
		}
		return nil
	})
	return nodes, total, err
}
