package state

import (
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Receipt is the time at which a record without a time of its own was received.
type Receipt struct {
	Key  Key
	Time time.Time
}

// Received returns the time of receipt of a record without a time of its own; the
// first call stores it.
// The first call for a key stores proposed durably; later ones (retries, other
// runs, other processes) return what the first one stored, also when the
// record's bytes have changed: otherwise its documents would go to a second
// index and be there twice. Prune removes it when it passes that time.
func (s *Store) Received(ctx context.Context, k Key, proposed time.Time) (time.Time, error) {
	r := []Receipt{{Key: k, Time: proposed}}
	err := s.ReceivedAll(ctx, r)
	return r[0].Time, err
}

// ReceivedAll is Received for many records, in one transaction. It replaces
// each Time by the one that holds; with an error it leaves them as they were.
func (s *Store) ReceivedAll(ctx context.Context, rs []Receipt) error {
	keys := make([][]byte, len(rs))
	for i, r := range rs {
		k, err := r.Key.bytes()
		if err != nil {
			return err
		}
		keys[i] = k
	}
	held := make([]time.Time, len(rs))
	missing, err := s.readReceipts(ctx, rs, keys, held)
	if err != nil {
		return err
	}
	if missing {
		if err := s.writeReceipts(ctx, rs, keys, held); err != nil {
			return err
		}
	}
	for i := range rs {
		rs[i].Time = held[i]
	}
	return nil
}

// readReceipts spares the common case, a retry, the write.
func (s *Store) readReceipts(ctx context.Context, rs []Receipt, keys [][]byte, held []time.Time) (
	missing bool, err error,
) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketReceipts)
		for i := range rs {
			v := b.Get(keys[i])
			if v == nil {
				missing = true
				continue
			}
			t, err := decodeReceipt(v)
			if err != nil {
				return fmt.Errorf("record %s: %w", rs[i].Key, err)
			}
			held[i] = t
		}
		return nil
	})
	return missing, err
}

func (s *Store) writeReceipts(ctx context.Context, rs []Receipt, keys [][]byte, held []time.Time) error {
	return s.update(ctx, func(tx *bbolt.Tx) error {
		b, days, counts := tx.Bucket(bucketReceipts), tx.Bucket(bucketDays), tally{}
		for i, r := range rs {
			if v := b.Get(keys[i]); v != nil {
				t, err := decodeReceipt(v)
				if err != nil {
					return fmt.Errorf("record %s: %w", r.Key, err)
				}
				held[i] = t
				continue
			}
			held[i] = toMillis(r.Time)
			if err := b.Put(keys[i], encodeReceipt(r.Time)); err != nil {
				return err
			}
			if err := days.Put(dayKey(r.Time, tagReceipt, keys[i]), present); err != nil {
				return err
			}
			counts[receiptCount]++
		}
		return counts.apply(tx)
	})
}
