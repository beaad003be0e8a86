package maestro

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tidwall/gjson"
)

const (
	// mostBelow is how many nodes below one job are taken. The largest jobs of 2024
	// have about 10,000.
	mostBelow = 100_000
	// slotLength is how much of the time in which tests were made is read at once.
	slotLength = 15 * time.Minute
	// slotPages is how many pages of a listing are one answer then: 4 MB.
	slotPages = 10
	// mostInSlot is how many are held for one slot; where there are more, its jobs
	// are asked for one by one.
	mostInSlot = 10_000
	// heldSlots is how many slots are in memory, and how many are looked through for
	// the tests of one job.
	heldSlots = 3
)

// below finds the nodes below a job, whatever their depth. The job is asked for again
// where it may have changed after it was listed, until both are of one moment.
func (c *Client) below(ctx context.Context, job gjson.Result) (gjson.Result, []json.RawMessage, error) {
	for range mostPasses {
		found, sure, err := c.slots.below(ctx, c, job)
		if err == nil && !sure {
			found, err = c.children(ctx, job)
		}
		if err != nil || sure && !olderThan(job, found) {
			return job, found, err
		}
		was := version(job)
		if job, err = c.recordNode(ctx, idOf(job)); err != nil || version(job) == was {
			return job, found, err
		}
	}
	return job, nil, fmt.Errorf("it changed each of %d times that they were read; the next crawl tries again",
		mostPasses)
}

// olderThan reports whether a job was read before what is below it was made.
func olderThan(job gjson.Result, below []json.RawMessage) bool {
	updated, _ := timeOf(job, "updated")
	return slices.ContainsFunc(below, func(node json.RawMessage) bool {
		created, ok := timeOf(gjson.ParseBytes(node), "created")
		return ok && created.After(updated)
	})
}

// children are the nodes below a job, asked for level by level.
func (c *Client) children(ctx context.Context, job gjson.Result) ([]json.RawMessage, error) {
	groups := job.Get("kind").Str == "job" // today's, where a test has nothing below
	return descend(job, func(parent gjson.Result) ([]gjson.Result, error) {
		if kind := parent.Get("kind").Str; groups && kind == "test" || kind == "regression" {
			return nil, nil
		}
		nodes, _, err := c.gather(ctx, url.Values{"parent": {idOf(parent)}}, c.o.Page, 0)
		return nodes, err
	})
}

// slots are the last few that were read. A job's suites and tests are made
// together when it is done, shortly before its node is written: so what was made
// in that quarter of an hour is read once for all the jobs of it.
type slots struct {
	mu   sync.Mutex
	held []*slot // the last used one last
}

// slot is the suites and tests that were made in a quarter of an hour.
type slot struct {
	from     time.Time
	read     sync.Mutex
	done     bool
	tooMany  bool
	asked    time.Time // before it was read; what came later may be missing
	children map[string][]gjson.Result
}

// below looks for a job's nodes in the slot in which its node was written, and
// then in those before. False: they may be elsewhere.
func (s *slots) below(ctx context.Context, c *Client, job gjson.Result) ([]json.RawMessage, bool, error) {
	updated, ok := timeOf(job, "updated")
	created, known := timeOf(job, "created")
	if !ok || !known || job.Get("kind").Str != "job" {
		return nil, false, nil
	}
	for from, n := updated.Truncate(slotLength), 0; n < heldSlots; from, n = from.Add(-slotLength), n+1 {
		sl := s.at(from)
		if err := sl.load(ctx, c); err != nil {
			return nil, false, err
		}
		if sl.tooMany || !updated.Before(sl.asked.Add(-c.o.HoldBack)) {
			return nil, false, nil
		}
		found, err := descend(job, func(parent gjson.Result) ([]gjson.Result, error) {
			return sl.children[idOf(parent)], nil
		})
		if err != nil || len(found) > 0 {
			return found, true, err
		}
		if !created.Before(from) { // nothing below it is older than it
			return nil, true, nil
		}
	}
	return nil, false, nil
}

// at is the slot that begins at from; the one that was not used for longest makes
// room for it.
func (s *slots) at(from time.Time) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, sl := range s.held {
		if sl.from.Equal(from) {
			s.held = append(append(s.held[:i:i], s.held[i+1:]...), sl)
			return sl
		}
	}
	sl := &slot{from: from}
	if s.held = append(s.held, sl); len(s.held) > heldSlots {
		s.held = s.held[1:]
	}
	return sl
}

// load reads the slot, once.
func (sl *slot) load(ctx context.Context, c *Client) error {
	sl.read.Lock()
	defer sl.read.Unlock()
	if sl.done {
		return nil
	}
	query := url.Values{
		"kind__in": {"job,test"}, "created__gte": {naive(sl.from)}, "created__lt": {naive(sl.from.Add(slotLength))},
	}
	asked := c.o.Now()
	nodes, end, err := c.gather(ctx, query, slotPages*c.o.Page, mostInSlot)
	if err != nil {
		return fmt.Errorf("the tests made from %s on: %w", sl.from.Format(time.RFC3339), err)
	}
	sl.done, sl.tooMany, sl.asked, sl.children = true, end == tooMany, asked, map[string][]gjson.Result{}
	for _, node := range nodes {
		if parent := node.Get("parent").String(); parent != "" {
			sl.children[parent] = append(sl.children[parent], node)
		}
	}
	return nil
}
