package state

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/bbolt"
)

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
