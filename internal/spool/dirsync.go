package spool

import (
	"os"
	"sync"
)

// dirSync makes renames in a directory durable. Callers that come while an
// fsync runs share the next one.
type dirSync struct {
	fsync func() error

	mu      sync.Mutex
	next    *syncRound // collects callers; nil: there are none
	running bool
}

type syncRound struct {
	done chan struct{}
	err  error
}

// wait returns after an fsync that began after the call.
func (d *dirSync) wait() error {
	d.mu.Lock()
	if d.next == nil {
		d.next = &syncRound{done: make(chan struct{})}
	}
	round := d.next
	if !d.running {
		d.running = true
		go d.loop()
	}
	d.mu.Unlock()
	<-round.done
	return round.err
}

// loop runs for as long as there are callers.
func (d *dirSync) loop() {
	for {
		d.mu.Lock()
		round := d.next
		d.next = nil
		d.running = round != nil
		d.mu.Unlock()
		if round == nil {
			return
		}
		round.err = d.fsync()
		close(round.done)
	}
}

// syncDir makes the entries of a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only read
	return d.Sync()
}
