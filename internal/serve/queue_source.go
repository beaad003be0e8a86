package serve

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
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
	until  time.Time       // the run is old then
	begun  atomic.Int64    // records after ending
}

// Run implements [pipeline.Source].
func (q *queueSource) Run(ctx context.Context, emit source.Emit) error {
	c := spool.Consumer{Next: q.next, Prepare: q.server.prepareRecord}
	if q.server.config.Enrich != nil {
		c.AtOnce = enrichAtOnce // each may wait for Maestro
	}
	return q.server.queue.Run(ctx, c, emit)
}

func (q *queueSource) next(ctx context.Context) (spool.Item, bool) {
	if !q.server.config.Now().Before(q.until) ||
		q.ending.Err() != nil && (q.begun.Add(1) > maxWhileEnding || !q.server.health.up()) {
		return spool.Item{}, false
	}
	wait, stop := context.WithTimeout(q.ending, nextRecordWait)
	defer stop()
	return q.server.queue.Await(ctx, wait.Done())
}

// prepareRecord has a record counted when it is settled, and completes it. False: it is
// not to be delivered now.
func (s *Server) prepareRecord(ctx context.Context, _ spool.Item, m spool.Meta, rec *source.Record) bool {
	remove := rec.Ack
	rec.Ack = func(what source.Settled) {
		s.settled(m, what)
		remove(what)
	}
	if s.config.Enrich == nil {
		return true
	}
	s.config.Enrich.record(ctx, m, rec)
	// Only Maestro knows its lab, and that is in its ids: delivered now, it
	// would be stored a second time once Maestro has been asked.
	return labOf(m) != "" || !slices.Contains(rec.Tags, noMaestro) || !s.config.Enrich.isAway()
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
