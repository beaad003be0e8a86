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

// ReceivedAll replaces the times of receipt of records without a time of their own
// by those that hold, in one transaction; with an error it leaves them as they were.
// The first call for a key stores its time durably; later ones (retries, other
// runs, other processes) get what the first one stored, also when the record's
// bytes have changed: otherwise its documents would go to a second index and be
// there twice. Prune removes it when it passes that time.
func (s *Store) ReceivedAll(ctx context.Context, rs []Receipt) error {
	keys, err := encodeKeys(rs, func(r Receipt) Key { return r.Key })
	if err != nil {
		return err
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
