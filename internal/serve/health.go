package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/spool"
)

// States of delivery, for people.
const (
	stateIdle       = "idle"
	stateDelivering = "delivering"
	stateWaiting    = "waiting" // tried again by itself
	stateStopped    = "stopped" // tried again too, but a person has to do something
)

// health is what is known of Elasticsearch and of the delivery.
type health struct {
	now func() time.Time

	mu           sync.Mutex
	es           intake.Elasticsearch
	heard        time.Time // of Elasticsearch, good or bad
	down         time.Time // since when it is away; zero when it is not
	state        intake.Delivery
	logged       string // trouble that was logged
	loggedAt     time.Time
	fullLoggedAt time.Time // when a full spool was logged
	rejects      int
	refuse       map[string]string // indices that take no documents, and why
}

// index notes that an index takes no documents, or with nil that it does again.
func (h *health) index(name string, why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if why == nil {
		delete(h.refuse, name)
		return
	}
	if h.refuse == nil {
		h.refuse = map[string]string{}
	}
	h.refuse[name] = why.Error()
}

// clearIndices forgets which indices took no documents: nothing waits for them.
func (h *health) clearIndices() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.refuse)
}

// elasticsearch notes an answer, or with a detail that there was none.
func (h *health) elasticsearch(up bool, detail string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	h.heard = now
	switch {
	case up:
		h.down = time.Time{}
	case h.down.IsZero():
		h.down = now
	}
	h.es.Up, h.es.Detail = up, detail
}

func (h *health) version(v string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.es.Version = v
}

func (h *health) delivery(state, detail string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.State != state {
		h.state.Since = h.now()
	}
	h.state.State, h.state.Detail = state, detail
}

// begin notes that a run has begun. That ends no trouble: what has failed before
// may fail again.
func (h *health) begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state.State == stateIdle {
		h.state = intake.Delivery{State: stateDelivering, Since: h.now()}
	}
}

func (h *health) up() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.es.Up
}

// quiet reports whether nothing was heard of Elasticsearch for this long.
func (h *health) quiet(d time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now().Sub(h.heard) >= d
}

// shouldLog reports whether this trouble is to be logged: it is another one, or the
// last line about it is old.
func (h *health) shouldLog(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now, quiet := h.now(), repeatLogAfter
	switch h.logged {
	case "":
		quiet = 0
	case text:
	default:
		quiet = nextLogAfter // it may be the same in other words
	}
	if now.Sub(h.loggedAt) < quiet {
		return false
	}
	h.logged, h.loggedAt = text, now
	return true
}

// trouble notes and logs why delivery does not go on.
func (s *Server) trouble(state string, err error) {
	text := s.config.Explain(err)
	s.health.delivery(state, text)
	if s.health.shouldLog(text) {
		s.config.Logger.Error("delivery has stopped and is tried again; what is accepted stays in the spool", "reason",
			text)
	}
}

// recovered logs the end of trouble that was logged.
func (s *Server) recovered() {
	h := &s.health
	h.mu.Lock()
	said := h.logged != ""
	h.logged = ""
	h.mu.Unlock()
	if said {
		s.config.Logger.Info("delivery goes on")
	}
}

// full logs a full spool, not for each post.
func (s *Server) full(err *spool.FullError) {
	s.health.mu.Lock()
	now := s.config.Now()
	say := now.Sub(s.health.fullLoggedAt) >= time.Minute
	if say {
		s.health.fullLoggedAt = now
	}
	s.health.mu.Unlock()
	if say {
		s.config.Logger.Error("posts are answered 503", "reason", err.Error())
	}
}

// Ready gives the reasons why not everything works; none when it does. It is
// intake.Config.Ready.
func (s *Server) Ready() []string {
	var reasons []string
	if s.store.Load() == nil {
		reasons = append(reasons, errNoStore.Error())
	}
	if err := s.config.Spool.Room(); err != nil {
		reasons = append(reasons, err.Error())
	}
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.es.Up {
		detail := "not heard of yet"
		if !h.down.IsZero() {
			detail = fmt.Sprintf("away since %s: %s", h.down.UTC().Format(time.RFC3339), h.es.Detail)
		}
		reasons = append(reasons, "Elasticsearch "+detail)
	}
	for _, name := range slices.Sorted(maps.Keys(h.refuse)) {
		reasons = append(reasons, "index "+name+" takes no documents: "+h.refuse[name])
	}
	if h.state.State == stateStopped || h.state.State == stateWaiting {
		if h.es.Up || h.state.Detail != h.es.Detail {
			reasons = append(reasons, "delivery "+h.state.State+": "+h.state.Detail)
		}
	}
	return reasons
}

// Status describes everything behind the intake. It is intake.Config.Status.
func (s *Server) Status() intake.Status {
	st := s.config.Spool.Stats()
	out := intake.Status{Spool: intake.Spool{Records: st.Records, Bytes: st.Bytes, MaxBytes: s.config.MaxSpoolBytes,
		Oldest: st.Oldest, Corrupt: st.Corrupt}}
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	out.Elasticsearch, out.Delivery, out.Rejects = h.es, h.state, h.rejects
	out.Elasticsearch.URL = s.config.URL
	if out.Delivery.State == stateDelivering && !h.es.Up {
		out.Delivery.State, out.Delivery.Detail, out.Delivery.Since = stateWaiting, "for Elasticsearch", h.down
	}
	return out
}

// watch looks at the spool and Elasticsearch from time to time, for /status.
func (s *Server) watch(ctx context.Context) {
	s.setRejects(-1)
	var freed time.Time // the idle time in which memory was given back
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		if s.config.Ping != nil && s.health.quiet(watchEvery) {
			version, err := s.config.Ping(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				s.health.elasticsearch(false, s.config.Explain(err))
			} else {
				s.health.elasticsearch(true, "")
				s.health.version(version)
			}
		}
		if store := s.store.Load(); store != nil {
			if counts, err := (*store).Counts(ctx); err == nil {
				n := int64(0)
				for _, c := range counts.Rejects {
					n += c.Count
				}
				s.setRejects(int(n))
			}
		}
		if since, idle := s.health.idle(); idle && since != freed && s.config.Now().Sub(since) >= freeAfter {
			freed = since
			debug.FreeOSMemory() // what a burst has left; the collector alone takes its time
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// idle returns since when there has been nothing to deliver.
func (h *health) idle() (since time.Time, idle bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state.Since, h.state.State == stateIdle
}

func (s *Server) setRejects(n int) {
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	s.health.rejects = n
}

// observed notes how Elasticsearch answers.
type observed struct {
	transport bulk.Transport
	health    *health
	explain   func(error) string
}

// Perform implements [bulk.Transport].
func (o observed) Perform(req *http.Request) (*http.Response, error) {
	res, err := o.transport.Perform(req)
	switch {
	case err != nil && errors.Is(err, context.Canceled):
	case err != nil:
		o.health.elasticsearch(false, o.explain(err))
	case res.StatusCode == http.StatusBadGateway, res.StatusCode == http.StatusServiceUnavailable,
		res.StatusCode == http.StatusGatewayTimeout:
		o.health.elasticsearch(false, fmt.Sprintf("it answered %d", res.StatusCode))
	default:
		o.health.elasticsearch(true, "")
	}
	return res, err
}
