package main

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// screen is stderr. While a progress bar is on it, other lines clear the bar
// first, so that they do not end up behind it.
type screen struct {
	out     io.Writer
	mu      sync.Mutex
	takeOff func() // takes the bar off; nil: there is none
}

// Write implements [io.Writer].
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.takeOff != nil {
		s.takeOff()
	}
	return s.out.Write(p)
}

// show draws a bar, and says how to take it off.
func (s *screen) show(draw, takeOff func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	draw()
	s.takeOff = takeOff
}

// close takes the bar off for good.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.takeOff != nil {
		s.takeOff()
	}
	s.takeOff = nil
}

func (s *screen) isTerminal() bool {
	f, ok := s.out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
