package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/kcing/kcing/internal/retry"
)

// openHold opens and locks the file, as soon as no other process has it, and
// checks that it is ours. It creates what is missing.
func openHold(ctx context.Context, path string, deadline time.Time) (*hold, error) {
	f, err := openLocked(ctx, path, opening{flag: os.O_RDWR | os.O_CREATE, deadline: deadline})
	if err != nil {
		return nil, err
	}
	db, err := openBolt(path, f, time.Until(deadline))
	if err != nil {
		return nil, err
	}
	if err := guard(path, func() error { return ensureSchema(path, db) }); err != nil {
		var p *panicError
		if errors.As(err, &p) {
			abandon(f) // db.Close could hang: see release
		} else {
			_ = db.Close()
		}
		return nil, fileError(path, "open", err)
	}
	return &hold{db: db, file: f, taken: time.Now()}, nil
}

// openBolt gives the locked file f to bbolt, which closes it when it fails.
//
// The freelist is kept in the file: without it bbolt reads every page when it
// opens the file (10⁷ records: seconds instead of milliseconds). The hash map
// form of it is the faster one after a large Prune.
func openBolt(path string, f *os.File, wait time.Duration) (*bbolt.DB, error) {
	var db *bbolt.DB
	err := guard(path, func() (err error) {
		db, err = bbolt.Open(path, 0o600, &bbolt.Options{
			OpenFile:     func(string, int, os.FileMode) (*os.File, error) { return f, nil },
			FreelistType: bbolt.FreelistMapType,
			Timeout:      max(wait, time.Millisecond), // only where tryLock does nothing
		})
		return err
	})
	var p *panicError
	switch {
	case errors.As(err, &p):
		abandon(f)
		return nil, err
	case errors.Is(err, berrors.ErrTimeout):
		return nil, &LockedError{Path: path, Waited: wait}
	case err != nil:
		return nil, fileError(path, "open", err)
	}
	return db, nil
}

// opening says how openLocked opens the file.
type opening struct {
	flag     int
	shared   bool // with other readers
	deadline time.Time
}

// openLocked opens the file at path, waits for the lock on it and looks at its
// first pages. When another process replaced the file meanwhile (Compact, or a
// person), it starts again with the new one.
func openLocked(ctx context.Context, path string, o opening) (*os.File, error) {
	start := time.Now()
	for {
		_, statErr := os.Lstat(path)
		f, err := os.OpenFile(path, o.flag, 0o600)
		if err != nil {
			return nil, fileError(path, "open", err)
		}
		if err := waitLock(ctx, f, start, o); err != nil {
			_ = f.Close()
			return nil, err
		}
		if !names(path, f) {
			_ = f.Close()
			continue
		}
		if err := examine(path, f, o.flag&os.O_CREATE != 0); err != nil {
			_ = f.Close()
			return nil, fileError(path, "open", err)
		}
		if errors.Is(statErr, os.ErrNotExist) {
			if err := syncDir(path); err != nil {
				_ = f.Close()
				return nil, fileError(path, "create", err)
			}
		}
		return f, nil
	}
}

// slowestPoll is how long a waiter sleeps at most.
const slowestPoll = 10 * time.Millisecond

// waitLock polls for the lock: unlike a blocking flock(2), that can be
// cancelled. The longer it has waited the more often it looks, so that of
// several waiters the oldest gets the next turn.
func waitLock(ctx context.Context, f *os.File, start time.Time, o opening) error {
	for {
		ok, err := tryLock(f, !o.shared)
		if err != nil {
			return fileError(f.Name(), "lock", err)
		}
		if ok {
			return nil
		}
		if time.Now().After(o.deadline) {
			pid, command := holder(f.Name())
			return &LockedError{Path: f.Name(), Waited: time.Since(start), PID: pid, Command: command}
		}
		if err := retry.Sleep(ctx, pollEvery(time.Since(start))); err != nil {
			return err
		}
	}
}

// pollEvery returns the pause after having waited for so long: 10 ms at first,
// 1 ms from 270 ms on.
func pollEvery(waited time.Duration) time.Duration {
	return max(slowestPoll-waited/30, time.Millisecond)
}

// names reports whether path still names the open file f.
func names(path string, f *os.File) bool {
	a, err := os.Stat(path)
	if err != nil {
		return false
	}
	b, err := f.Stat()
	return err == nil && os.SameFile(a, b)
}

// syncDir makes the name of a new file durable.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
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

// hold is the time in which this process has the file. Fields but db and file
// are guarded by Store.mu.
type hold struct {
	db    *bbolt.DB
	file  *os.File // bbolt's own, to see whether the path still names it
	taken time.Time
	users int
	stale bool // no new users: to be given back after the last
}
