package state

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// Prune forgets the finished records, and the times of receipt, that lie
// before the given time, and returns how many records that were. It reads only
// what it removes, and the day that before lies in. Rejects stay: they are
// dropped by name. With an error, the number is what was removed until then.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	before = toMillis(before)
	if err := s.pruneBegun(ctx, before); err != nil {
		return 0, err
	}
	last := dayOf(before)
	n, err := s.sweep(ctx, sweep{bucket: bucketDays, remove: removeExpired,
		selects: func(tx *bbolt.Tx, index, _ []byte) (bool, error) {
			day, tag, key, err := splitDayKey(index)
			switch {
			case err != nil:
				return false, err
			case day > last:
				return false, errSwept
			case day < last:
				return true, nil
			}
			t, err := entryTime(tx, tag, key)
			return t.Before(before), err
		}})
	if n == 0 || err != nil {
		return n, err
	}
	return n, s.pruneNodes(ctx)
}

// removeExpired removes entries of the index by day and what they point to, and
// returns how many records those were.
func removeExpired(tx *bbolt.Tx, indexes [][]byte) (records int, err error) {
	w, receipts := newFinisher(tx), tx.Bucket(bucketReceipts)
	for _, index := range indexes {
		_, tag, key, err := splitDayKey(index)
		if err != nil {
			return 0, err
		}
		if tag == tagReceipt {
			if receipts.Get(key) != nil {
				w.counts[receiptCount]--
			}
			if err := receipts.Delete(key); err != nil {
				return 0, err
			}
		} else {
			ok, err := w.remove(key)
			if err != nil {
				return 0, err
			}
			if ok {
				records++
			}
		}
		if err := w.days.Delete(index); err != nil {
			return 0, err
		}
	}
	return records, w.counts.apply(tx)
}

// entryTime returns the exact time of what an index entry points to. An entry
// that points to nothing counts as expired.
func entryTime(tx *bbolt.Tx, tag byte, key []byte) (time.Time, error) {
	if tag == tagReceipt {
		v := tx.Bucket(bucketReceipts).Get(key)
		if v == nil {
			return time.Time{}, nil
		}
		return decodeReceipt(v)
	}
	v := tx.Bucket(bucketFinished).Get(key)
	if v == nil {
		return time.Time{}, nil
	}
	f, err := decodeFinished(v)
	return f.Time, err
}

// Forget removes finished records, so that they are fed again, and returns how
// many were there. The items at an origin that became them are forgotten too, so
// that a crawl downloads them again. Their times of receipt stay: the documents
// keep their index.
func (s *Store) Forget(ctx context.Context, keys ...Key) (int, error) {
	encoded, err := encodeKeys(keys, itself)
	if err != nil {
		return 0, err
	}
	if err := s.forgetItems(ctx, func(r Key) bool { return slices.Contains(keys, r) }); err != nil {
		return 0, err
	}
	n := 0
	err = s.update(ctx, func(tx *bbolt.Tx) (err error) {
		n, err = forgetKeys(tx, encoded)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// ForgetKind is Forget for all records of a kind, or of every kind when kind
// is empty.
func (s *Store) ForgetKind(ctx context.Context, kind string) (int, error) {
	var prefix []byte
	if kind != "" {
		prefix = append([]byte(kind), 0)
	}
	if err := s.forgetItems(ctx, func(r Key) bool { return kind == "" || r.Kind == kind }); err != nil {
		return 0, err
	}
	all := func(*bbolt.Tx, []byte, []byte) (bool, error) { return true, nil }
	return s.sweep(ctx, sweep{bucket: bucketFinished, prefix: prefix, selects: all, remove: forgetKeys})
}

// forgetKeys removes the records with these database keys, and returns how many
// were there.
func forgetKeys(tx *bbolt.Tx, keys [][]byte) (int, error) {
	n := 0
	w := newFinisher(tx)
	for _, k := range keys {
		ok, err := w.remove(k)
		if err != nil {
			return 0, fmt.Errorf("record %.80q: %w", k, err)
		}
		if ok {
			n++
		}
	}
	return n, w.counts.apply(tx)
}
