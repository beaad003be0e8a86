package crawl

import (
	"context"
	"time"

	"github.com/kcing/kcing/state"
)

// Forget removes from state the finished records and the crawled items from before
// a time, or from before an earlier one: what a crawl may list again must be known
// a day longer than that, or it would be downloaded and fed again. It returns the
// time used and how many records that were.
func Forget(ctx context.Context, store *state.Store, before, now time.Time) (time.Time, int, error) {
	cursors, err := store.Cursors(ctx)
	if err != nil {
		return before, 0, err
	}
	if back := LooksBack(cursors); back > 0 {
		if needed := now.Add(-back - 24*time.Hour).UTC().Truncate(24 * time.Hour); needed.Before(before) {
			before = needed
		}
	}
	n, err := store.Prune(ctx, before)
	if err != nil {
		return before, n, err
	}
	_, err = store.PruneItems(ctx, before)
	return before, n, err
}
