package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

// Options of Open. The zero value is ready to use: no limits but the disk's.
type Options struct {
	// MaxBytes bounds the files that this process holds; 0: no bound.
	MaxBytes int64
	// MaxRecords bounds their number; 0: no bound.
	MaxRecords int
	// MaxAge is how old the oldest record of this process may be when Put takes
	// another; 0: no bound.
	MaxAge time.Duration
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Logger gets a line for each file that was set aside; nil: none.
	Logger *slog.Logger
}

// Spool is one process's access to the directory, for use by many goroutines.
type Spool struct {
	options Options
	dir     string
	owner   string
	lock    *flock.Flock
	sync    dirSync
	entry   *os.File // the directory

	adopting sync.Mutex // one Adopt at a time

	mu       sync.Mutex
	index    index
	reserved int64 // bytes of files that are being written
	writing  int   // their number
	short    int64 // bytes of a record for which the disk had no room when it was last tried; 0: it has
	corrupt  int   // files set aside, at Open and by us since
	closed   bool
}

// Open makes the directory when there is none (mode 0700) and an owner id for
// this process. It holds no record yet: Adopt brings those of processes that are
// gone. Errors are the file system's.
func Open(dir string, o Options) (*Spool, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	s := &Spool{options: o, dir: dir, index: newIndex()}
	var err error
	if s.owner, s.lock, err = takeOwner(dir); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if s.entry, err = os.Open(dir); err != nil {
		_ = s.lock.Unlock()
		return nil, fmt.Errorf("spool: %w", err)
	}
	s.sync.fsync = s.entry.Sync
	s.corrupt, err = countCorrupt(dir)
	if err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("spool: %w", err)
	}
	return s, nil
}

// makeDir makes the directory and makes that durable.
func makeDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if err := syncDir(parent); err != nil {
		return err
	}
	return syncDir(filepath.Dir(parent))
}

// takeOwner makes an id and locks its file. Between the two, an Adopt of another
// process may take the new file for that of a dead one and remove it; then
// another id is tried.
func takeOwner(dir string) (string, *flock.Flock, error) {
	for range 100 {
		owner := newOwner()
		path := filepath.Join(dir, owner+lockSuffix)
		l := flock.New(path)
		ok, err := l.TryLock()
		if err != nil {
			return "", nil, err
		}
		held, err := l.Stat()
		if ok && err == nil {
			if named, err := os.Stat(path); err == nil && os.SameFile(held, named) {
				return owner, l, nil
			}
		}
		_ = l.Unlock()
	}
	return "", nil, fmt.Errorf("no lock could be had in %s", dir)
}

// Close gives the records back: those left are for the next process that adopts.
// Calls under way may fail; calls after it return [ErrClosed].
func (s *Spool) Close() error {
	s.adopting.Lock()
	defer s.adopting.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if s.index.len() == 0 && s.writing == 0 { // else it says whose they were
		err = os.Remove(s.lock.Path())
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return errors.Join(err, s.lock.Unlock(), s.entry.Close())
}

// Stats is what a spool holds.
type Stats struct {
	Records int   // not finished
	Bytes   int64 // of their files
	// Oldest is when the oldest of them was received; zero: there is none.
	Oldest time.Time
	// Corrupt is the number of files in corrupt/, since they were set aside.
	Corrupt int
}

// Stats counts what this process holds; it touches no file.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats()
}

func (s *Spool) stats() Stats {
	out := Stats{Records: s.index.len(), Bytes: s.index.bytes, Corrupt: s.corrupt}
	if out.Records > 0 {
		out.Oldest = s.index.oldest[0].Received()
	}
	return out
}

// Items returns this process's records, oldest first.
func (s *Spool) Items() []Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.all()
}

// path is where a record of ours lies.
func (s *Spool) path(it Item) string { return filepath.Join(s.dir, it.name(s.owner)) }

// countCorrupt counts what was set aside.
func countCorrupt(dir string) (int, error) {
	entries, err := os.ReadDir(filepath.Join(dir, corruptDir))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	return len(entries), err
}
