package serve

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"sync"

	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
)

// Leftovers are records that processes which are gone have left in the spool,
// for a command that feeds them beside records of its own.
type Leftovers struct {
	spool    *spool.Spool
	items    []spool.Item
	maxBytes int64

	mu   sync.Mutex
	open int // of items
	err  error
}

// TakeLeftovers takes over what there is. A directory that is not there is not
// made. Larger records than maxBytes will be refused. Close has to be called.
func TakeLeftovers(ctx context.Context, dir string, maxBytes int64, log *slog.Logger) (*Leftovers, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return &Leftovers{}, nil
	}
	s, err := spool.Open(dir, spool.Options{Logger: log})
	if err != nil {
		return nil, err
	}
	items, err := s.Adopt(ctx)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Leftovers{spool: s, items: items, maxBytes: maxBytes, open: len(items)}, nil
}

// Len is how many records were taken over.
func (l *Leftovers) Len() int { return len(l.items) }

// Left is how many of them are not finished.
func (l *Leftovers) Left() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// Close leaves what is not finished in the spool, for others to adopt. Its error is the first of the spool's
// since it was taken.
func (l *Leftovers) Close() error {
	if l.spool == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.err, l.spool.Close())
}

// Before is a source of the leftovers and then of next. The Lab of c is for next's
// records alone, and so it moves to these.
func (l *Leftovers) Before(next pipeline.Source, c *pipeline.Config) pipeline.Source {
	if len(l.items) == 0 {
		return next
	}
	first := firstLeftovers{leftovers: l, next: next, lab: c.Lab}
	c.Lab = ""
	return first
}

func (l *Leftovers) settle(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.err == nil {
		l.err = err
	}
}

type firstLeftovers struct {
	leftovers *Leftovers
	next      pipeline.Source
	lab       string
}

// Run implements [pipeline.Source].
func (f firstLeftovers) Run(ctx context.Context, emit source.Emit) error {
	for _, it := range f.leftovers.items {
		m, payload, err := f.leftovers.spool.Read(it)
		var damaged *spool.CorruptError
		if errors.As(err, &damaged) { // the spool has said so
			f.leftovers.settle(nil)
			continue
		}
		if err != nil {
			return err
		}
		rec := Record(m, payload, f.leftovers.maxBytes)
		rec.Ack = func(source.Settled) { f.leftovers.settle(f.leftovers.spool.Remove(it)) }
		if err := emit(ctx, rec); err != nil {
			return err
		}
	}
	return f.next.Run(ctx, func(ctx context.Context, rec source.Record) error {
		if rec.Lab == "" {
			rec.Lab = f.lab
		}
		return emit(ctx, rec)
	})
}
