package state

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"
)

// Lookup returns an entry for each key, in their order, from one short read.
func (s *Store) Lookup(ctx context.Context, keys []Key) ([]Entry, error) {
	encoded, err := encodeKeys(keys, itself)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, len(keys))
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		finished, rejected := tx.Bucket(bucketFinished), newRejectFinder(tx)
		for i, k := range keys {
			out[i].OpenRejects = rejected.has(k)
			out[i].Finished.Key = k
			v := finished.Get(encoded[i])
			if v == nil {
				continue
			}
			f, err := decodeFinished(v)
			if err != nil {
				return fmt.Errorf("record %s: %w", k, err)
			}
			f.Key = k
			out[i].Found, out[i].Finished = true, f
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Commit stores the batch in one transaction: all of it or, with an error,
// nothing. A finished record replaces the earlier entry of the same key, unless
// that came after Lookup and knew more; a
// reject replaces the one of the same id and adds its attempts to it.
// A *RejectsFullError says that further rejects find no room.
func (s *Store) Commit(ctx context.Context, b Batch) error {
	if len(b.Finished) == 0 && len(b.Rejects) == 0 {
		return nil
	}
	now := s.now()
	rejects, err := packRejects(b.Rejects, now)
	if err != nil {
		return err
	}
	for _, f := range b.Finished {
		if _, err := f.Key.bytes(); err != nil {
			return err
		}
	}
	return s.update(ctx, func(tx *bbolt.Tx) error {
		w := newFinisher(tx)
		for _, f := range b.Finished {
			if f.At.IsZero() {
				f.At = now
			}
			if err := w.put(f); err != nil {
				return fmt.Errorf("record %s: %w", f.Key, err)
			}
		}
		if err := w.putNodes(tx, b); err != nil {
			return err
		}
		to := &rejecter{tx: tx, counts: w.counts, blocks: map[*block][]byte{}}
		for _, r := range rejects {
			if err := to.put(r); err != nil {
				return fmt.Errorf("reject %s: %w", r.meta.ID, err)
			}
		}
		if err := w.counts.apply(tx); err != nil {
			return err
		}
		if taken := decodeCount(tx.Bucket(bucketCounts).Get([]byte(rejectBytes))); to.added > 0 && s.full(taken) {
			return &RejectsFullError{Path: s.path, Limit: s.maxRejectBytes}
		}
		return nil
	})
}

// full reports whether so many bytes of rejects are more than may be.
func (s *Store) full(bytes int64) bool { return s.maxRejectBytes > 0 && bytes > s.maxRejectBytes }
