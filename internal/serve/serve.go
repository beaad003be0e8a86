package serve

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
)

// Store is what is remembered. *state.Store is one.
type Store interface {
	pipeline.Ledger
	Counts(ctx context.Context) (state.Counts, error)
}

// Metrics counts what becomes of records. *intake.Metrics is one. Its methods are
// called from several goroutines at once. A delivered record is either Stored or,
// with the first reason, Rejected.
type Metrics interface {
	Count(what intake.Event, kind, lab string)
	Rejected(kind, lab, key, reason string)
	Documents(outcome string, n int)
}

// Config is what a server is made of. Fields without a word about zero are
// required.
type Config struct {
	// Spool is one just opened: what it holds already is not delivered.
	Spool *spool.Spool
	// MaxSpoolBytes is the spool's limit, for Status; 0: none.
	MaxSpoolBytes int64
	// OpenStore opens state. It is called in Run, again after a *state.LockedError;
	// any other error ends Run.
	OpenStore func() (Store, error)
	// Pipeline is how records are delivered. Its Ledger, callbacks and DrainTimeout
	// are set here, and Bulk.RetryFor is without end.
	Pipeline pipeline.Config
	// Prepare makes Elasticsearch ready (index templates). It is called before a
	// delivery, but not before each. Nil: nothing to prepare.
	Prepare func(context.Context) error
	// Ping asks Elasticsearch whether it is there, and its version, when it has
	// not been heard of for a while. Nil: not asked.
	Ping func(context.Context) (version string, err error)
	// URL is Elasticsearch's, without secrets, for Status.
	URL string
	// Explain puts an error into plain words without secrets. Nil: Error().
	Explain func(error) string
	// Enrich completes a LAVA callback that belongs to a Maestro node; see Enricher.
	// Nil: callbacks are delivered as they came.
	Enrich *Enricher
	// MaxRecordBytes refuses larger records that others have spooled; 0:
	// source.DefaultMaxRecordBytes.
	MaxRecordBytes int64
	Metrics        Metrics
	Logger         *slog.Logger // nil: no log
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Times and numbers that no user needs to change.
const (
	adoptEvery        = 30 * time.Second
	watchEvery        = 15 * time.Second
	lookupFor         = 50 * time.Millisecond // how long a post waits for a state that others hold
	rejectFor         = 2 * time.Second       // the same, for one that belongs among the rejects
	nextRecordWait    = time.Second           // how long a run of the pipeline waits for the next record
	longestRun        = 10 * time.Minute      // after that a new one begins, so that nothing grows for weeks
	preparedFor       = 5 * time.Minute       // for how long what was prepared is trusted
	firstPause        = time.Second           // after a failed run; doubled
	longestPause      = 15 * time.Second
	longestFatalPause = time.Minute      // the same, when a person has to do something
	repeatLogAfter    = 10 * time.Minute // the same trouble is logged again after this time
	nextLogAfter      = time.Minute      // other trouble after this time
	maxWhileEnding    = 200              // records that are still begun after the end was asked for
	freeAfter         = 30 * time.Second // of idle time
	retryAfter        = 30 * time.Second // sent to clients when the spool is full
)

// Server takes records and delivers them. Its methods may be called from many
// goroutines.
type Server struct {
	config Config
	queue  *spool.Queue
	health health
	store  atomic.Pointer[Store]

	prepared time.Time // when Prepare last succeeded; deliver's
}

// New makes a server that takes records at once; Run delivers them.
func New(c Config) *Server {
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.MaxRecordBytes = cmp.Or(c.MaxRecordBytes, source.DefaultMaxRecordBytes)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Explain == nil {
		c.Explain = error.Error
	}
	s := &Server{config: c, queue: spool.NewQueue(c.Spool, c.MaxRecordBytes, func(err error) {
		// They are finished in state: the next process finds that, and tries again.
		c.Logger.Error("finished records cannot be removed from the spool", "error", err)
	})}
	s.health.now = c.Now
	s.health.delivery(stateIdle, "")
	s.config.Pipeline.ES.Transport = observed{s.config.Pipeline.ES.Transport, &s.health, c.Explain}
	s.config.Pipeline.ES.Bulk.RetryFor = -1
	s.config.Pipeline.ES.Bulk.MaxAttempts = 0
	s.config.Pipeline.DrainTimeout = time.Millisecond // session gives the time
	s.config.Pipeline.Now = c.Now
	s.config.Pipeline.ES.Bulk.Indices = &bulk.Indices{Changed: func(index string, why *bulk.Error) {
		if why == nil { // not an error that holds a nil pointer
			s.health.index(index, nil)
			return
		}
		s.health.index(index, why)
	}}
	s.config.Pipeline.OnOutcome = s.onOutcome
	return s
}

// Run delivers until ctx ends, and then, for at most drain, what is under way.
// Accept may be called before Run and until it returns; what it takes after ctx
// ended may stay in the spool. The error is OpenStore's; nil when ctx ended, even
// if records are left in the spool.
func (s *Server) Run(ctx context.Context, drain time.Duration) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var background sync.WaitGroup
	background.Go(func() { s.adopt(ctx) })
	background.Go(func() { s.watch(ctx) })
	err := s.openStore(ctx)
	if err == nil && s.store.Load() != nil {
		s.deliver(ctx, drain)
	}
	stop(nil)
	background.Wait()
	s.queue.Flush()
	return err
}

// openStore opens state; while another process holds it, Accept does without.
func (s *Server) openStore(ctx context.Context) error {
	for {
		store, err := s.config.OpenStore()
		var locked *state.LockedError
		switch {
		case err == nil:
			s.store.Store(&store)
			return nil
		case !errors.As(err, &locked):
			return err
		case ctx.Err() != nil:
			return nil
		}
		s.trouble(stateWaiting, err)
	}
}

// adopt takes over what processes that are gone have left, again and again.
func (s *Server) adopt(ctx context.Context) {
	tick := time.NewTicker(adoptEvery)
	defer tick.Stop()
	for {
		items, err := s.config.Spool.Adopt(ctx)
		if len(items) > 0 {
			s.config.Logger.Info("records of processes that are gone taken over from the spool", "records", len(items))
			s.queue.Add(items...)
		}
		if err != nil && ctx.Err() == nil {
			s.config.Logger.Error("the spool cannot be searched for records of processes that are gone", "error", err)
		}
		select {
		case <-tick.C:
			s.queue.Retry()
		case <-ctx.Done():
			return
		}
	}
}
