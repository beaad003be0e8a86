package bulk

import (
	"context"
	"sync"
	"time"
)

// backoff returns a random time up to base × 2ⁿ⁻¹, at most limit, for the nth
// failure in a row ("full jitter": senders that failed together must not come
// back together).
func (o *Options) backoff(n int) time.Duration {
	limit := o.BackoffBase
	for ; n > 1 && limit < o.BackoffCap; n-- {
		limit *= 2
	}
	return time.Duration(o.random() * float64(min(limit, o.BackoffCap)))
}

// gate lets senders through, or makes them all pause after one of them was
// refused. When the pause is over one goes first, the probe; the others follow
// if it succeeds.
type gate struct {
	o *Options

	mu      sync.Mutex
	paused  bool
	probing bool          // a probe is under way
	until   time.Time     // end of the pause
	since   time.Time     // begin of it
	step    int           // failed probes since then, plus one
	total   time.Duration // pauses before this one
	logged  time.Time     // when a pause was last reported at a level people see
	quiet   bool          // the present one was not
	changed chan struct{} // closed when any of the above changes
}

func newGate(o *Options) *gate { return &gate{o: o, changed: make(chan struct{})} }

// enter waits until the caller may send. It returns whether the caller is the
// probe; whoever entered must call leave. When ctx ends first it returns ctx's
// error, and leave must not be called.
func (g *gate) enter(ctx context.Context) (probe bool, err error) {
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		g.mu.Lock()
		if !g.paused {
			g.mu.Unlock()
			return false, nil
		}
		changed, wait := g.changed, time.Until(g.until)
		if !g.probing && wait <= 0 {
			g.probing = true
			g.mu.Unlock()
			return true, nil
		}
		probing := g.probing
		g.mu.Unlock()

		if probing {
			wait = -1
		}
		if err := g.sleep(ctx, changed, wait); err != nil {
			return false, err
		}
	}
}

// sleep waits for a change or, if wait is positive, for that long.
func (g *gate) sleep(ctx context.Context, changed <-chan struct{}, wait time.Duration) error {
	var over <-chan time.Time
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		over = t.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-over:
	}
	return nil
}

// requestEnd is how a request that passed the gate ended.
type requestEnd struct {
	probe   bool
	refused bool          // throttled or no connection: pause
	aborted bool          // cancelled: it says nothing about Elasticsearch
	moved   bool          // refused in part only
	after   time.Duration // Retry-After
}

// leave reports how the request went, and whether a pause began or ended.
func (g *gate) leave(r requestEnd) (began, ended bool) {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.paused && !r.refused {
		return false, false
	}
	if r.probe {
		g.probing = false
	}
	switch {
	case r.aborted:
	case r.refused && g.paused && !r.probe:
		// Sent before the pause began: the same incident, not a further failure.
		g.extend(now.Add(r.after))
	case r.refused:
		began = !g.paused
		if began {
			g.paused, g.since, g.until, g.step = true, now, now, 0
		}
		if g.step++; r.moved {
			g.step = 1 // It takes something, so it is alive: don't slow down further.
		}
		g.extend(now.Add(max(r.after, g.o.backoff(g.step))))
	case r.probe:
		g.paused, ended = false, true
		g.total += now.Sub(g.since)
	}
	close(g.changed)
	g.changed = make(chan struct{})
	return began, ended
}

func (g *gate) extend(until time.Time) {
	if until.After(g.until) {
		g.until = until
	}
}

// loud reports whether a pause that begins (or ends) is to be logged for people
// to see: once in half a minute, as a busy server causes one after the other.
func (g *gate) loud(begins bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if begins {
		now := time.Now()
		if g.quiet = !g.logged.IsZero() && now.Sub(g.logged) < 30*time.Second; !g.quiet {
			g.logged = now
		}
	}
	return !g.quiet
}

// pausedFor returns the time spent in pauses, the present one included.
func (g *gate) pausedFor() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.paused {
		return g.total + time.Since(g.since)
	}
	return g.total
}
