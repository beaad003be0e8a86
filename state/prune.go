package state

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// pruneBatch is how many entries one transaction removes: some ten
// milliseconds of work, after which other processes may have the file.
const pruneBatch = 2000

// Prune forgets the finished records, and the times of receipt, that lie
// before the given time, and returns how many records that were. It reads only
// what it removes, and the day that before lies in. Rejects stay: they are
// dropped by name. With an error, the number is what was removed until then.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	before = toMillis(before)
	if err := s.pruneBegun(ctx, before); err != nil {
		return 0, err
	}
	n, err := s.inPieces(ctx, func(tx *bbolt.Tx, from []byte) (int, []byte, error) {
		return pruneSome(tx, from, before)
	})
	if n == 0 || err != nil {
		return n, err
	}
	return n, s.pruneNodes(ctx)
}

// inPieces calls step in one transaction after the other, so that other
// processes may have the file in between. step begins at from, and returns how
// many entries it removed and where the next one is to begin, nil at the end.
// The result is their sum; with an error, that of the steps before.
func (s *Store) inPieces(ctx context.Context, step func(tx *bbolt.Tx, from []byte) (n int, next []byte, err error)) (int, error) {
	total := 0
	var from []byte
	for {
		var n int
		var next []byte
		err := s.update(ctx, func(tx *bbolt.Tx) (err error) {
			n, next, err = step(tx, from)
			return err
		})
		if err != nil {
			return total, err
		}
		total += n
		if next == nil {
			return total, nil
		}
		if bytes.Compare(next, from) <= 0 { // without this, a damaged file has no end
			return total, &CorruptError{Path: s.path, Err: fmt.Errorf("key %.80q comes after %.80q", next, from)}
		}
		from = next
	}
}

// pruneSome removes up to pruneBatch entries of the index by day, beginning at
// from, and what they point to. It returns the records forgotten and where the
// next call is to begin, nil at the end.
func pruneSome(tx *bbolt.Tx, from []byte, before time.Time) (records int, next []byte, err error) {
	expired, next, err := expiredKeys(tx, from, before)
	if err != nil {
		return 0, nil, err
	}
	w, receipts := newFinisher(tx), tx.Bucket(bucketReceipts)
	for _, index := range expired {
		_, tag, key, err := splitDayKey(index)
		if err != nil {
			return 0, nil, err
		}
		if tag == tagReceipt {
			if receipts.Get(key) != nil {
				w.counts[receiptCount]--
			}
			if err := receipts.Delete(key); err != nil {
				return 0, nil, err
			}
		} else {
			ok, err := w.remove(key)
			if err != nil {
				return 0, nil, err
			}
			if ok {
				records++
			}
		}
		if err := w.days.Delete(index); err != nil {
			return 0, nil, err
		}
	}
	return records, next, w.counts.apply(tx)
}

// expiredKeys copies keys of the index: bbolt's cursor may not be used while
// the bucket changes.
func expiredKeys(tx *bbolt.Tx, from []byte, before time.Time) (expired [][]byte, next []byte, err error) {
	last := dayOf(before)
	seen := 0
	c := tx.Bucket(bucketDays).Cursor()
	for index, _ := c.Seek(from); index != nil; index, _ = c.Next() {
		day, tag, key, err := splitDayKey(index)
		if err != nil {
			return nil, nil, err
		}
		if day > last {
			return expired, nil, nil
		}
		if seen == pruneBatch {
			return expired, bytes.Clone(index), nil
		}
		seen++
		if day == last {
			t, err := entryTime(tx, tag, key)
			if err != nil {
				return nil, nil, err
			}
			if !t.Before(before) {
				continue
			}
		}
		expired = append(expired, bytes.Clone(index))
	}
	return expired, nil, nil
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
	encoded := make([][]byte, len(keys))
	for i, k := range keys {
		b, err := k.bytes()
		if err != nil {
			return 0, err
		}
		encoded[i] = b
	}
	if err := s.forgetItems(ctx, func(r Key) bool { return slices.Contains(keys, r) }); err != nil {
		return 0, err
	}
	n := 0
	err := s.update(ctx, func(tx *bbolt.Tx) (err error) {
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
	return s.inPieces(ctx, func(tx *bbolt.Tx, from []byte) (int, []byte, error) {
		var keys [][]byte
		var next []byte
		begin := from
		if begin == nil {
			begin = prefix
		}
		c := tx.Bucket(bucketFinished).Cursor()
		for k, _ := c.Seek(begin); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			if len(keys) == pruneBatch {
				next = bytes.Clone(k)
				break
			}
			keys = append(keys, bytes.Clone(k))
		}
		n, err := forgetKeys(tx, keys)
		return n, next, err
	})
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
