package serve

import (
	"context"
	"errors"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/retry"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
)

// deliver runs the pipeline as often as there is something to deliver. A run ends
// when the spool is empty for a moment: then all is committed and its memory is
// given back.
func (s *Server) deliver(ctx context.Context, drain time.Duration) {
	pauses := retry.Backoff{First: firstPause}
	for s.wait(ctx) {
		err := s.session(ctx, drain)
		s.queue.PutBack()
		if ctx.Err() != nil {
			return // the session had its time
		}
		if err == nil {
			pauses.Reset()
			s.health.delivery(stateIdle, "")
			if waiting, underWay := s.queue.Len(); waiting+underWay == 0 {
				s.health.clearIndices()
			}
			s.recovered()
			continue
		}
		s.prepared = time.Time{}
		pauses.Longest = longestPause
		var fatal *bulk.FatalError
		if errors.As(err, &fatal) {
			pauses.Longest = longestFatalPause
			s.trouble(stateStopped, err)
		} else {
			s.trouble(stateWaiting, err)
		}
		_ = retry.Sleep(ctx, pauses.Next()) // the loop asks ctx
	}
	if waiting, _ := s.queue.Len(); waiting > 0 && s.health.up() { // what came in the last moment
		_ = s.session(ctx, drain)
		s.queue.PutBack()
	}
}

// wait returns true when there is something to deliver, false when ctx ended.
func (s *Server) wait(ctx context.Context) bool {
	for ctx.Err() == nil {
		changed := s.queue.Changed()
		if waiting, _ := s.queue.Len(); waiting > 0 {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
		}
	}
	return false
}

// session is one run of the pipeline. After ctx ended it has drain to finish what
// is under way, or almost nothing when Elasticsearch is away.
func (s *Server) session(ctx context.Context, drain time.Duration) error {
	runCtx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	ended := make(chan struct{})
	defer close(ended)
	defer context.AfterFunc(ctx, func() {
		if !s.health.up() {
			drain = min(drain, time.Second)
		}
		timer := time.NewTimer(drain)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(errDrained)
		case <-ended:
		}
	})()
	if err := s.prepare(runCtx); err != nil {
		return err
	}
	s.health.begin()
	c := s.config.Pipeline
	c.Ledger = patientLedger{ledger: *s.store.Load(), ctx: ctx,
		waiting:   func(err error) { s.trouble(stateWaiting, err) },
		recovered: func() { s.health.delivery(stateDelivering, "") }}
	from := &queueSource{server: s, ending: ctx, until: s.config.Now().Add(longestRun)}
	_, err := pipeline.Run(runCtx, from, c)
	return err
}

var errDrained = errors.New("shut down before all was delivered; the rest is in the spool")

// prepare makes Elasticsearch ready, unless that was done a short while ago.
func (s *Server) prepare(ctx context.Context) error {
	if s.config.Prepare == nil || !s.prepared.IsZero() && s.config.Now().Sub(s.prepared) < preparedFor {
		return nil
	}
	if err := s.config.Prepare(ctx); err != nil {
		return err
	}
	s.prepared = s.config.Now()
	return nil
}

const ledgerPause = 100 * time.Millisecond

// patientLedger waits for as long as it takes when another process holds the
// state file: documents under way would only have to be sent again.
type patientLedger struct {
	ledger    pipeline.Ledger
	ctx       context.Context //nolint:containedctx // ends the patience, not the calls
	waiting   func(error)
	recovered func()
}

func patient[T any](l patientLedger, call func() (T, error)) (T, error) {
	waited := false
	for {
		answer, err := call()
		var locked *state.LockedError
		if !errors.As(err, &locked) || l.ctx.Err() != nil {
			if waited && err == nil {
				l.recovered()
			}
			return answer, err
		}
		waited = true
		l.waiting(err)
		_ = retry.Sleep(l.ctx, ledgerPause) // state has waited much longer by itself
	}
}

// Lookup implements [pipeline.Ledger].
func (l patientLedger) Lookup(ctx context.Context, keys []state.Key) ([]state.Entry, error) {
	return patient(l, func() ([]state.Entry, error) { return l.ledger.Lookup(ctx, keys) })
}

// KeysOfNodes implements [pipeline.Ledger].
func (l patientLedger) KeysOfNodes(ctx context.Context, nodes []string) ([]state.Key, error) {
	return patient(l, func() ([]state.Key, error) { return l.ledger.KeysOfNodes(ctx, nodes) })
}

// ReceivedAll implements [pipeline.Ledger].
func (l patientLedger) ReceivedAll(ctx context.Context, rs []state.Receipt) error {
	_, err := patient(l, func() (any, error) { return nil, l.ledger.ReceivedAll(ctx, rs) })
	return err
}

// Begin implements [pipeline.Ledger].
func (l patientLedger) Begin(ctx context.Context, rs []state.Begun) ([]state.Begun, error) {
	return patient(l, func() ([]state.Begun, error) { return l.ledger.Begin(ctx, rs) })
}

// Commit implements [pipeline.Ledger].
func (l patientLedger) Commit(ctx context.Context, b state.Batch) error {
	_, err := patient(l, func() (any, error) { return nil, l.ledger.Commit(ctx, b) })
	return err
}

// settled counts what became of a record. What another command left in the spool
// has a key of that command's there; its own is known now, when it could be parsed.
func (s *Server) settled(m spool.Meta, what source.Settled) {
	if what.Key != "" {
		m.Kind, m.Key = what.Kind, what.Key
	}
	lab := labOf(m)
	if what.Type == pipeline.TypeConflict {
		s.config.Metrics.Count(intake.Conflict, m.Kind, lab)
	}
	if what.Outcome == source.Superseded {
		s.config.Metrics.Count(intake.Superseded, m.Kind, lab)
	}
	if what.Outcome == source.Refused || what.Rejected > 0 {
		s.config.Metrics.Rejected(m.Kind, lab, m.Key, what.Reason)
	} else {
		s.config.Metrics.Count(intake.Stored, m.Kind, lab)
	}
	s.health.delivery(stateDelivering, "")
	s.recovered()
}

func (s *Server) onOutcome(o bulk.Outcome) { s.config.Metrics.Documents(o.String(), 1) }
