package serve

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/transform"
)

// queueSource is the source of one run of the pipeline: the records of the queue. It
// ends when none came for a moment, when the run has become old, or soon after
// ending did.
type queueSource struct {
	server *Server
	ending context.Context //nolint:containedctx // stops taking; the run's own context is for what is under way
}

// Run implements [pipeline.Source].
func (q *queueSource) Run(ctx context.Context, emit source.Emit) error {
	if q.server.config.Enrich == nil {
		return q.each(ctx, func(it spool.Item) error {
			rec, ok := q.server.load(ctx, it)
			if !ok {
				return nil
			}
			return emit(ctx, rec)
		})
	}
	return q.enriched(ctx, emit)
}

// enriched loads several records at once, since each may wait for Maestro.
func (q *queueSource) enriched(ctx context.Context, emit source.Emit) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	items, records := make(chan spool.Item), make(chan source.Record)
	var workers sync.WaitGroup
	for range enrichAtOnce {
		workers.Go(func() {
			for it := range items {
				rec, ok := q.server.load(ctx, it)
				if !ok {
					continue
				}
				select {
				case records <- rec:
				case <-ctx.Done():
				}
			}
		})
	}
	go func() {
		err := q.each(ctx, func(it spool.Item) error {
			select {
			case items <- it:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		})
		if err != nil {
			stop(err)
		}
		close(items)
		workers.Wait()
		close(records)
	}()
	for rec := range records {
		if ctx.Err() != nil {
			continue // only empties the channel
		}
		if err := emit(ctx, rec); err != nil {
			stop(err)
		}
	}
	return context.Cause(ctx)
}

// each takes records from the queue, oldest first.
func (q *queueSource) each(ctx context.Context, do func(spool.Item) error) error {
	end := q.server.config.Now().Add(longestRun)
	begun := 0 // after the end was asked for
	for q.server.config.Now().Before(end) {
		if q.ending.Err() != nil {
			if begun++; begun > maxWhileEnding || !q.server.health.up() {
				return nil
			}
		}
		changed := q.server.queue.Changed()
		it, ok := q.server.queue.Next()
		if ok {
			if err := do(it); err != nil {
				return err
			}
			continue
		}
		timer := time.NewTimer(nextRecordWait)
		select {
		case <-changed:
			timer.Stop()
		case <-timer.C:
			return nil
		case <-q.ending.Done():
			timer.Stop()
			return nil
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
	return nil
}

// load reads a record from the spool. False: there is none (any more), or it
// cannot be read now.
func (s *Server) load(ctx context.Context, it spool.Item) (rec source.Record, ok bool) {
	m, rec, err := s.queue.Load(it)
	switch {
	case err == nil:
	case spool.Lost(err):
		return source.Record{}, false
	default: // the disk failed: others go on
		s.config.Logger.Error("a record in the spool cannot be read now; it is tried again", "error", err)
		s.queue.PutOff(it)
		return source.Record{}, false
	}
	remove := rec.Ack
	rec.Ack = func(what source.Settled) {
		s.settled(m, what)
		remove(what)
	}
	if s.config.Enrich != nil {
		s.config.Enrich.record(ctx, m, &rec)
		// Only Maestro knows its lab, and that is in its ids: delivered now, it
		// would be stored a second time once Maestro has been asked.
		if labOf(m) == "" && slices.Contains(rec.Tags, noMaestro) && s.config.Enrich.isAway() {
			s.queue.PutOff(it)
			return source.Record{}, false
		}
	}
	return rec, true
}

// labOf is the lab of a callback, for counting: the one given from outside, else
// that of its key.
func labOf(m spool.Meta) string {
	if m.Lab != "" || m.Kind != string(transform.KindLAVA) {
		return m.Lab
	}
	lab, _, ok := strings.Cut(m.Key, "/")
	if !ok || lab == "node" { // or a node's, of an unknown lab
		return ""
	}
	return lab
}
