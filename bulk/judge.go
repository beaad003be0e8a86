package bulk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// readItems gives the documents of p their outcomes, where s.items has one, and notes in
// r what the items say together.
func (s *sender) readItems(p *piece, r *reply) {
	took := s.taking(p)
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

// taking are the indices of p that took a document of it.
func (s *sender) taking(p *piece) map[string]bool {
	took := map[string]bool{}
	last := ""
	for i := range s.items {
		index := p.entries[i].doc.Index
		if index == last || took[index] { // they come in runs
			continue
		}
		if v := s.items[i].verdict(); v == vStored || v == vDuplicate {
			took[index], last = true, index
			s.ix.o.Indices.took(index)
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
		s.split(p)
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
	spent := o.RetryFor >= 0 && now.Sub(p.since) >= o.RetryFor
	if spent || (o.MaxAttempts > 0 && p.failures >= o.MaxAttempts) {
		s.giveUp(p)
		return
	}
	if p.wait = 0; !gated {
		p.wait = o.backoff(p.step)
	}
	// Behind what is left of its batch: that must not wait for a blocked index.
	s.work = slices.Insert(s.work, 0, p)
	s.ix.countRetried(len(p.entries))
}

// split sends p in halves; a single document is too large for this server.
func (s *sender) split(p *piece) {
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
	s.reject(p)
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
		if !p.since.IsZero() && s.ix.o.RetryFor >= 0 && took >= s.ix.o.RetryFor {
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
		case e.refused == 0 || e.fault == nil:
		case !ended && s.ix.o.Indices.ownFault(e):
			e.outcome, e.err = Rejected, nil
		default:
			e.err = fmt.Errorf("%w: %w", end, &IndexError{Index: e.doc.Index, Cause: e.fault})
		}
	}
	s.ix.settle(p, len(p.entries))
}
