package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
)

// leftovers are records that processes which are gone have left in the spool, for a
// feed of files. They are a source for the pipeline.
type leftovers struct {
	spool *spool.Spool // nil: there is no such directory
	queue *spool.Queue
	found int
}

// takeLeftovers takes over what there is. close has to be called.
func (f *feedArgs) takeLeftovers(ctx context.Context, log *slog.Logger) (*leftovers, error) {
	if _, err := os.Stat(f.spoolDir()); errors.Is(err, fs.ErrNotExist) {
		return &leftovers{}, nil
	}
	s, err := spool.Open(f.spoolDir(), spool.Options{Logger: log})
	if err != nil {
		return nil, err
	}
	items, err := s.Adopt(ctx)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	l := &leftovers{spool: s, queue: spool.NewQueue(s, int64(f.maxRecordBytes), spoolTrouble(log)), found: len(items)}
	l.queue.Add(items...)
	return l, nil
}

// Run implements [pipeline.Source].
func (l *leftovers) Run(ctx context.Context, emit source.Emit) error {
	if l.spool == nil {
		return nil
	}
	return l.queue.Run(ctx, spool.Consumer{}, emit)
}

// left is how many of them are not finished.
func (l *leftovers) left() int {
	if l.spool == nil {
		return 0
	}
	l.queue.Flush()
	return l.spool.Stats().Records
}

// close leaves what is not finished in the spool, for others to adopt.
func (l *leftovers) close(log *slog.Logger) {
	if l.spool == nil {
		return
	}
	l.queue.Flush()
	if err := l.spool.Close(); err != nil {
		spoolTrouble(log)(err)
	}
}

func spoolTrouble(log *slog.Logger) func(error) {
	return func(err error) {
		log.Error("the spool was not left in good order; what is finished there is found so by the next run", "error",
			err)
	}
}

// printLeftovers says what became of records that others had left in the spool.
func (a *app) printLeftovers(l *leftovers) {
	switch left := l.left(); {
	case l.found == 0:
	case left == 0:
		a.say("of these, %s had been left in the spool by processes that are gone", plural(l.found, "record"))
	default:
		a.say("%s had been left in the spool by processes that are gone; %s still there",
			plural(l.found, "record"), isOrAre(left))
	}
}

func isOrAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}
