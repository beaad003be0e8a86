package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// One transaction of a sweep removes so many entries, or looks at so many: some
// ten milliseconds of work, after which other processes may have the file.
const (
	sweepRemoves = 2000
	sweepReads   = 10 * sweepRemoves
)

// sweep is what to remove from a bucket.
type sweep struct {
	bucket []byte
	prefix []byte // of the keys that are looked at; nil: all
	// selects is asked for each entry, in the order of the keys. errSwept: this
	// one and all after it stay.
	selects func(tx *bbolt.Tx, k, v []byte) (bool, error)
	// remove removes the selected entries, and returns how many it counts; nil
	// deletes all of them and counts each.
	remove func(tx *bbolt.Tx, keys [][]byte) (int, error)
}

var errSwept = errors.New("nothing left to sweep")

// sweep removes what w selects, in one transaction after the other, and returns
// how many entries that were; with an error, those of the transactions before it.
func (s *Store) sweep(ctx context.Context, w sweep) (int, error) {
	total := 0
	for from := w.prefix; ; {
		var n int
		var next []byte
		err := s.update(ctx, func(tx *bbolt.Tx) (err error) {
			n, next, err = w.some(tx, from)
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

// some is one transaction, beginning at from. next is where the one after it is to
// begin, nil at the end. bbolt's cursor may not be used while the bucket changes,
// so the keys are copied first.
func (w sweep) some(tx *bbolt.Tx, from []byte) (n int, next []byte, err error) {
	b := tx.Bucket(w.bucket)
	var selected [][]byte
	read := 0
	c := b.Cursor()
	for k, v := c.Seek(from); k != nil && bytes.HasPrefix(k, w.prefix); k, v = c.Next() {
		if read == sweepReads || len(selected) == sweepRemoves {
			next = bytes.Clone(k)
			break
		}
		read++
		yes, err := w.selects(tx, k, v)
		if errors.Is(err, errSwept) {
			break
		}
		if err != nil {
			return 0, nil, err
		}
		if yes {
			selected = append(selected, bytes.Clone(k))
		}
	}
	if w.remove != nil {
		n, err = w.remove(tx, selected)
		return n, next, err
	}
	for _, k := range selected {
		if err := b.Delete(k); err != nil {
			return 0, nil, err
		}
	}
	return len(selected), next, nil
}
