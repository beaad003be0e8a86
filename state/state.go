package state

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
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
	gap         = 25 * time.Millisecond
	slowestPoll = 10 * time.Millisecond
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

// Open opens the state file at path, and creates it (mode 0600) when there is
// none. Errors: *FormatError (wraps ErrSQLite for the first kcing's database),
// ErrNewer, *CorruptError, *LockedError, ErrReadOnly, ErrNoSpace.
func Open(path string, o Options) (*Store, error) {
	s := &Store{
		path: path, wait: o.Wait, lease: o.Lease, now: o.Now, maxRejectBytes: o.MaxRejectBytes,
		changed: make(chan struct{}),
	}
	if s.wait <= 0 {
		s.wait = DefaultWait
	}
	if s.lease <= 0 {
		s.lease = DefaultLease
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.view(context.Background(), func(*bbolt.Tx) error { return nil }); err != nil {
		return nil, err
	}
	return s, nil
}

// Path returns the path given to Open.
func (s *Store) Path() string { return s.path }

// view runs fn in a read transaction. Bytes from bbolt live only until fn returns.
func (s *Store) view(ctx context.Context, fn func(*bbolt.Tx) error) error {
	h, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	err = guard(s.path, func() error { return h.db.View(fn) })
	s.release(h, err, false)
	return s.explain("read", err)
}

// update runs fn in a write transaction. When it returns nil, what fn wrote is
// on the disk.
func (s *Store) update(ctx context.Context, fn func(*bbolt.Tx) error) error {
	h, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	var refused error // by fn itself: then the file is as good as before
	err = guard(s.path, func() error {
		return h.db.Update(func(tx *bbolt.Tx) error {
			refused = fn(tx)
			return refused
		})
	})
	s.release(h, err, err != nil && refused == nil)
	return s.explain("write", err)
}

// explain adds the file and what to do to the error of a transaction.
func (s *Store) explain(what string, err error) error {
	if errors.Is(err, errDecode) {
		return &CorruptError{Path: s.path, Err: err}
	}
	return fileError(s.path, what, err)
}

// guard runs fn and turns a panic or a memory fault into a *CorruptError.
// bbolt trusts the file: it panics, or reads outside the mapping, when a page
// is not what another page says it is.
func guard(path string, fn func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = &CorruptError{Path: path, Err: &panicError{fmt.Errorf("%v", r)}}
		}
	}()
	return fn()
}

// panicError marks errors after which the handle cannot be used any more.
type panicError struct{ error }
