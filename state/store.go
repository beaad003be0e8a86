package state

import (
	"sync"
	"time"
)

// Defaults of Options, and how processes share the file. The lease follows
// from what taking the file costs (BenchmarkOpen, 2 cores): 0.1 ms at 10⁶
// finished records, 0.2 ms at 10⁷. So an idle holder keeps it only as long as
// the next call of the same piece of work may take to come.
const (
	DefaultWait  = 10 * time.Second
	DefaultLease = 20 * time.Millisecond

	// maxHold is how long a process in continuous use keeps the file.
	maxHold = 250 * time.Millisecond
	// gap is how long the file then stays free: twice the slowest poll of a
	// waiter, and more, so that a waiter always gets its turn.
	gap = 25 * time.Millisecond
)

// Options of Open. The zero value is ready to use.
type Options struct {
	// Wait is how long a call waits for another process before it returns a
	// *LockedError. 0 means DefaultWait.
	Wait time.Duration
	// Lease is how long the unused file is kept before it is given back.
	// 0 means DefaultLease.
	Lease time.Duration
	// Now is the clock for Finished.At and Reject.Received that are zero.
	// nil means time.Now.
	Now func() time.Time
	// MaxRejectBytes is what the rejects may take in the file, packed: a Commit
	// that would go beyond fails with a *RejectsFullError. 0 means no limit.
	MaxRejectBytes int64
}

// Store is one process's access to the state file. It is for use by many
// goroutines at once; all of them share one handle on the file.
type Store struct {
	path  string
	wait  time.Duration
	lease time.Duration
	now   func() time.Time

	maxRejectBytes int64

	mu      sync.Mutex
	cur     *hold         // nil while the file is given back
	taking  bool          // a goroutine is taking the file
	changed chan struct{} // closed and renewed when any of this changes
	idle    *time.Timer   // gives cur back when the lease is over
	freeAt  time.Time     // not to be taken again before
	closed  bool
	broken  error // the file turned out damaged: all further calls fail
}

// Path returns the path given to Open.
func (s *Store) Path() string { return s.path }
