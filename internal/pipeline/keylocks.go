package pipeline

import (
	"context"
	"sync"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// keyLocks are held by the records of a run that are under way, one a key. Whether a
// record is stored depends on what its key holds already, so two of one key must
// not be decided on at once: the second waits until the first is in the ledger,
// or is finished with it when it has the same bytes.
type keyLocks struct {
	mu   sync.Mutex
	held map[state.Key]*keyLock
}

// keyLock is held by a record under way.
type keyLock struct {
	digest    state.Digest
	followers []func(source.Settled) // Ack of records with the same bytes
	released  chan struct{}          // closed when the record is finished, or will not be in this run
}

// claim locks the item's key. When another record holds it, that one's lock is
// returned; follows says that the item will be settled with that record.
func (l *keyLocks) claim(it *item) (other *keyLock, follows bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := it.key()
	if other = l.held[key]; other != nil {
		if other.digest != it.digest {
			return other, false
		}
		other.followers = append(other.followers, it.source.Ack)
		return other, true
	}
	if l.held == nil {
		l.held = map[state.Key]*keyLock{}
	}
	l.held[key] = &keyLock{digest: it.digest, released: make(chan struct{})}
	return nil, false
}

// release ends the lock of a key and returns the Ack of those that are settled with it.
func (l *keyLocks) release(key state.Key) (followers []func(source.Settled)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.held[key]
	if held == nil {
		return nil
	}
	delete(l.held, key)
	close(held.released)
	return held.followers
}

// wait returns when the lock is released, or with the reason why nobody waits any
// more.
func (l *keyLock) wait(ctx context.Context) error {
	select {
	case <-l.released:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
