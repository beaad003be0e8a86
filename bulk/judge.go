package bulk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// readItems gives the documents of p their outcomes, where s.items has one, and notes in
// r what the items say together.
func (s *sender) readItems(p *piece, r *reply) {
	took := s.taking(p, r.sent)
	for i := range s.items {
		it, e := &s.items[i], &p.entries[i]
		e.status, e.fault = it.status, it.fault
		v := it.verdict()
		if e.fault == nil && v != vStored && v != vDuplicate {
			e.fault = &Error{Status: it.status}
		}
		switch {
		case v == vStored:
			e.outcome = Stored
		case v == vDuplicate:
			e.outcome = Duplicate
		case v == vRejected && took[e.doc.Index]:
			e.outcome = Rejected
		case v == vRejected || blocked(e.fault):
			e.outcome, e.err = s.ix.o.Indices.refused(e, s.ix.o.RetryFor)
		}
		if e.outcome != 0 {
			r.settled++
			continue
		}
		r.err = e.fault
		r.throttled = r.throttled || v == vThrottle
		if v == vFatal {
			r.fault = e.fault
		}
	}
}

// taking are the indices of p that took a document of it, in a request of then.
func (s *sender) taking(p *piece, then time.Time) map[string]bool {
	took := map[string]bool{}
	last := ""
	for i := range s.items {
		index := p.entries[i].doc.Index
		if index == last || took[index] { // they come in runs
			continue
		}
		if v := s.items[i].verdict(); v == vStored || v == vDuplicate {
			took[index], last = true, index
			s.ix.o.Indices.took(index, then)
		}
	}
	return took
}

func (it *item) verdict() verdict {
	if it.fault == nil {
		return classifyItem(&Error{Status: it.status})
	}
	return classifyItem(it.fault)
}

// judge decides what happens to p after an answer: every document gets its
// outcome, or is put back on s.work.
func (s *sender) judge(p *piece, r reply) {
	if r.verdict == vStored {
		left := p.rest()
		s.ix.settle(p, r.settled)
		switch {
		case left == nil:
		case r.fault != nil:
			s.fail(left, r.fault)
		default:
			if r.settled > 0 {
				left.since, left.step = time.Time{}, 0
			}
			s.again(left, r.err, r.throttled)
		}
		return
	}
	p.mark(r.status, r.fault)
	switch r.verdict {
	case vRetry, vThrottle:
		s.again(p, r.cause(), r.throttled)
	case vSplit:
		s.split(p, r.throttled)
	case vIsolate:
		s.isolate(p)
	default:
		s.fail(p, r.fault)
	}
}

// mark notes the answer to the whole request on each document.
func (p *piece) mark(status int, fault *Error) {
	for i := range p.entries {
		p.entries[i].status, p.entries[i].fault = status, fault
	}
}

// again puts p back to be sent once more, unless its budget is spent. gated says
// that the gate makes it wait.
func (s *sender) again(p *piece, cause error, gated bool) {
	now := time.Now()
	p.failures++
	p.step++
	p.last = cause
	if p.since.IsZero() {
		p.since = now
	}
	o := &s.ix.o
	patience := p.patience(o)
	spent := patience >= 0 && now.Sub(p.since) >= patience
	if spent || (o.MaxAttempts > 0 && p.failures >= o.MaxAttempts) {
		s.giveUp(p)
		return
	}
	p.due = now
	if !gated {
		p.due = now.Add(o.backoff(p.step))
	}
	s.putBehind(p)
	s.ix.countRetried(len(p.entries))
}

// putBehind has p sent after what is left of its batch: that must not wait for a
// blocked index.
func (s *sender) putBehind(p *piece) { s.work = slices.Insert(s.work, 0, p) }

// split sends p in halves. A single document is too large when the server takes
// others; one that answers 413 to whatever is sent, as a proxy may, is as good as
// away. So the first time the document is only put behind the others. Where there are
// none, a large one is rejected after a while.
func (s *sender) split(p *piece, takesNothing bool) {
	if len(p.entries) > 1 {
		s.ix.tooLarge(len(p.body()))
		s.halve(p)
		return
	}
	e := &p.entries[0]
	if e.fault.Type == "" {
		e.fault = &Error{Status: e.fault.Status, Type: "request_entity_too_large",
			Reason: fmt.Sprintf("the document alone, %d bytes, is more than the server takes in a request",
				e.end-e.start)}
	}
	switch {
	case takesNothing && s.alone(p) && time.Since(p.tooLarge) >= contentGrace:
		s.reject(p)
	case takesNothing:
		s.again(p, e.fault, true)
	case p.tooLarge.IsZero() && !s.ix.o.Indices.Judged:
		s.ix.o.Indices.tooLarge()
		now := time.Now()
		p.tooLarge, p.since, p.last = now, cmp.Or(p.since, now), e.fault
		p.due = now.Add(s.ix.o.backoff(1))
		s.putBehind(p)
	default:
		s.reject(p)
	}
}

// takesNothing reports whether nothing got in since p was refused for its size.
func (s *sender) takesNothing(p *piece) bool {
	return !p.tooLarge.IsZero() && !s.ix.o.Indices.tookSince(p.tooLarge)
}

// alone reports whether p is a large document that was refused for its size, the last
// time too, and no other one was since something got in.
func (s *sender) alone(p *piece) bool {
	return !p.tooLarge.IsZero() && p.entries[0].status == http.StatusRequestEntityTooLarge &&
		len(p.body()) > leastRequest && s.ix.o.Indices.oneTooLarge()
}

func (s *sender) halve(p *piece) {
	left, right := p.halves()
	s.work = append(s.work, right, left)
}

// isolate deals with a 400 for a whole request: halving finds the document that
// is wrong. But when two documents alone get the same answer it is the request
// that is wrong, and none of them. So the first is held back until the others
// of its batch have been sent.
func (s *sender) isolate(p *piece) {
	switch fault := p.entries[0].fault; {
	case len(p.entries) > 1:
		s.halve(p)
	case s.ix.refusedBefore(fault):
		s.fail(p, fault)
	default:
		s.resolveSuspect()
		s.suspect = p
	}
}

func (s *sender) resolveSuspect() {
	p := s.suspect
	if s.suspect = nil; p == nil {
		return
	}
	if s.ix.Fatal() != nil {
		s.giveUp(p)
		return
	}
	s.reject(p)
}

func (s *sender) reject(p *piece) {
	for i := range p.entries {
		p.entries[i].outcome = Rejected
	}
	s.ix.settle(p, len(p.entries))
}

// fail stops the Indexer because of an answer to p.
func (s *sender) fail(p *piece, e *Error) {
	s.ix.fail((*FatalError)(e))
	s.giveUp(p)
}

// errOutOfAttempts says that MaxAttempts are spent.
var errOutOfAttempts = errors.New("gave up")

// giveUp makes the documents of p Undelivered.
func (s *sender) giveUp(p *piece) {
	err := context.Cause(s.ix.sending)
	ended, end := err != nil, err
	switch {
	case err == nil:
		last := p.last
		if last == nil {
			last = errors.New("no answer")
		}
		took, why := time.Since(p.since), errOutOfAttempts
		if patience := p.patience(&s.ix.o); !p.since.IsZero() && patience >= 0 && took >= patience {
			why = ErrOutOfTime
		}
		end = fmt.Errorf("%w after %d attempts in %v", why, p.attempts, took.Round(time.Millisecond))
		err = fmt.Errorf("%w: %w", end, last)
	case p.last != nil && s.ix.Fatal() == nil:
		err = fmt.Errorf("%w (last failure: %w)", err, p.last)
	}
	for i := range p.entries {
		e := &p.entries[i]
		e.outcome, e.err = Undelivered, err
		switch {
		case !ended && s.alone(p):
			e.outcome, e.err = Rejected, nil
		case e.refused == 0 || e.fault == nil:
		case !ended && s.ix.o.Indices.ownFault(e):
			e.outcome, e.err = Rejected, nil
		default:
			e.err = fmt.Errorf("%w: %w", end, &IndexError{Index: e.doc.Index, Cause: e.fault})
		}
	}
	s.ix.settle(p, len(p.entries))
}
