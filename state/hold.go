package state

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kcing/kcing/internal/retry"
)

// acquire returns the file, taken if need be, for one transaction. release
// must follow.
func (s *Store) acquire(ctx context.Context) (*hold, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	start := time.Now()
	for {
		h, wait, err := s.join()
		if h != nil || err != nil {
			return h, err
		}
		if wait == nil { // no other goroutine is taking the file
			return s.take(ctx, start)
		}
		timeout := time.NewTimer(time.Until(start.Add(s.wait)))
		select {
		case <-wait:
			timeout.Stop()
		case <-ctx.Done():
			timeout.Stop()
			return nil, context.Cause(ctx)
		case <-timeout.C:
			pid, command := holder(s.path)
			return nil, &LockedError{Path: s.path, Waited: time.Since(start), PID: pid, Command: command}
		}
	}
}

// join adds a user to the current hold. Without one it returns a channel to
// wait on, or nil when the caller is to call take.
func (s *Store) join() (*hold, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, fmt.Errorf("state file %s: %w", s.path, ErrClosed)
	}
	if s.broken != nil {
		return nil, nil, s.broken
	}
	if h := s.cur; h != nil {
		if time.Since(h.taken) >= maxHold || !names(s.path, h.file) {
			h.stale = true
		}
		if !h.stale {
			h.users++
			s.stopIdle()
			return h, nil, nil
		}
		if h.users > 0 {
			return nil, s.changed, nil
		}
		if err := s.giveBack(); err != nil {
			return nil, nil, err
		}
	}
	if s.taking {
		return nil, s.changed, nil
	}
	s.taking = true
	return nil, nil, nil
}

// take takes the file from the other processes, waiting its turn.
func (s *Store) take(ctx context.Context, start time.Time) (*hold, error) {
	s.mu.Lock()
	pause := time.Until(s.freeAt)
	s.mu.Unlock()

	var h *hold
	err := retry.Sleep(ctx, pause)
	if err == nil {
		h, err = openHold(ctx, s.path, start.Add(s.wait))
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.taking = false
	defer s.broadcast()
	if err != nil {
		var locked *LockedError
		if errors.As(err, &locked) {
			locked.Waited = time.Since(start)
		}
		return nil, err
	}
	s.cur = h
	h.users++
	return h, nil
}

// release ends one use. err is what the use returned: after a panic the handle
// is abandoned; distrust has it closed after its last use.
func (s *Store) release(h *hold, err error, distrust bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.users--
	var p *panicError
	switch {
	case errors.As(err, &p):
		// bbolt may have kept its own locks in the panic, so its Close could hang.
		s.broken = err
		if s.cur == h {
			abandon(h.file)
			s.cur = nil
		}
		s.broadcast()
		return
	case s.cur != h:
		return
	case distrust:
		h.stale = true
	}
	if h.users > 0 {
		return
	}
	if s.closed || h.stale {
		_ = s.giveBack() // the use's own error matters more
		return
	}
	s.startIdle(h)
}

// startIdle closes the file when it was not used for the time of the lease.
func (s *Store) startIdle(h *hold) {
	left := min(s.lease, time.Until(h.taken.Add(maxHold)))
	s.idle = time.AfterFunc(left, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.cur == h && h.users == 0 && s.idle != nil {
			_ = s.giveBack()
		}
	})
}

func (s *Store) stopIdle() {
	if s.idle != nil {
		s.idle.Stop()
		s.idle = nil
	}
}

// giveBack closes the file, so that other processes can have it. It must not be in use.
func (s *Store) giveBack() error {
	s.stopIdle()
	h := s.cur
	s.cur = nil
	s.freeAt = time.Now().Add(gap)
	s.broadcast()
	return fileError(s.path, "close", guard(s.path, h.db.Close))
}

func (s *Store) broadcast() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Close waits for the calls under way and gives the file back. Calls after it
// return ErrClosed; a second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for s.taking || s.cur != nil {
		if h := s.cur; h != nil && h.users == 0 {
			return s.giveBack()
		}
		wait := s.changed
		s.mu.Unlock()
		<-wait
		s.mu.Lock()
	}
	return nil
}
