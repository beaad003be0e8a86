package pipeline

import (
	"context"
	"sync"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// flights are the records of a run that are under way, one a key. Whether a
// record is stored depends on what its key holds already, so two of one key must
// not be decided on at once: the second waits until the first is in the ledger,
// or is finished with it when it has the same bytes.
type flights struct {
	mu    sync.Mutex
	under map[state.Key]*flight
}

// flight is a record under way.
type flight struct {
	digest    state.Digest
	followers []func(source.Settled) // Ack of records with the same bytes
	landed    chan struct{}          // closed when the record is finished, or will not be in this run
}

// claim makes the item the one of its key that is under way. Otherwise it is
// given the one that is; follows says that it will be finished with that.
func (f *flights) claim(it *item) (other *flight, follows bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := it.key()
	if other = f.under[key]; other != nil {
		if other.digest != it.digest {
			return other, false
		}
		other.followers = append(other.followers, it.source.Ack)
		return other, true
	}
	if f.under == nil {
		f.under = map[state.Key]*flight{}
	}
	f.under[key] = &flight{digest: it.digest, landed: make(chan struct{})}
	return nil, false
}

// land ends a flight and returns the Ack of those that are settled with it.
func (f *flights) land(key state.Key) (followers []func(source.Settled)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.under[key]
	if fl == nil {
		return nil
	}
	delete(f.under, key)
	close(fl.landed)
	return fl.followers
}

// wait returns when the flight has ended, or with the reason why nobody waits any
// more.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.landed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
