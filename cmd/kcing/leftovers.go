package main

import (
	"context"
	"fmt"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
)

// leftovers are records that processes which are gone have left in the spool, for a
// feed of files. They are a source for the pipeline.
type leftovers struct {
	queue *spool.Queue
	found int
}

// takeLeftovers takes over what there is.
func (r *feedRun) takeLeftovers(ctx context.Context) (*leftovers, error) {
	items, err := r.spool.Adopt(ctx)
	if err != nil {
		return nil, err
	}
	queue := spool.NewQueue(r.spool, int64(r.args.settings.maxRecordBytes), r.spoolTrouble)
	queue.Add(items...)
	return &leftovers{queue, len(items)}, nil
}

// Run implements [pipeline.Source].
func (l *leftovers) Run(ctx context.Context, emit source.Emit) error {
	return l.queue.Run(ctx, spool.Consumer{}, emit)
}

// printLeftovers says what became of records that others had left in the spool.
func (a *app) printLeftovers(found, left int) {
	switch {
	case found == 0:
	case left == 0:
		a.say("of these, %s had been left in the spool by processes that are gone", plural(found, "record"))
	default:
		a.say("%s had been left in the spool by processes that are gone; %s still there",
			plural(found, "record"), isOrAre(left))
	}
}

func isOrAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", n)
}
