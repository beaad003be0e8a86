package state

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"

	"go.etcd.io/bbolt"
)

// Filter selects rejects. Empty fields select everything.
type Filter struct {
	Kind, Key, Type string
	Limit           int // 0: no limit
}

// rejectPage is how many rejects are read at a time; the file is free between.
const rejectPage = 200

// Rejects lists the rejects without their bodies, oldest receipt first. The
// file is not held while the consumer works, so what is added or replaced
// meanwhile may be seen or not. An error ends the list.
func (s *Store) Rejects(ctx context.Context, f Filter) iter.Seq2[Reject, error] {
	return func(yield func(Reject, error) bool) {
		given := 0
		var from []byte
		for {
			page, next, err := s.rejectsPage(ctx, from, f)
			if err != nil {
				yield(Reject{}, err)
				return
			}
			for _, r := range page {
				if !yield(r, nil) {
					return
				}
				if given++; given == f.Limit {
					return
				}
			}
			if next == nil {
				return
			}
			from = next
		}
	}
}

// rejectsPage reads on from the index key from. next is nil at the end.
func (s *Store) rejectsPage(ctx context.Context, from []byte, f Filter) (page []Reject, next []byte, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		page, next = nil, nil
		rejects := tx.Bucket(bucketRejects)
		c := tx.Bucket(bucketRejTime).Cursor()
		seen := 0
		for index, _ := c.Seek(from); index != nil; index, _ = c.Next() {
			if seen++; seen > 10*rejectPage || len(page) == rejectPage {
				next = bytes.Clone(index)
				return nil
			}
			id, err := splitTimeKey(index)
			if err != nil {
				return err
			}
			m, err := decodeRejectMeta(rejects.Get(id))
			if err != nil {
				return fmt.Errorf("reject %s: %w", id, err)
			}
			if r := m.reject(); f.selects(r) {
				page = append(page, r)
			}
		}
		return nil
	})
	return page, next, err
}

func (f Filter) selects(r Reject) bool {
	return (f.Kind == "" || f.Kind == r.Kind) && (f.Key == "" || f.Key == r.Key) && (f.Type == "" || f.Type == r.Type)
}

// Reject returns the reject with this id, or the only one whose id begins with
// it, and its body. Errors: ErrNotFound, ErrAmbiguous.
func (s *Store) Reject(ctx context.Context, id string) (Reject, error) {
	var m rejectMeta
	var entry, packed []byte
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		full, v, err := findReject(tx, id)
		if err != nil {
			return err
		}
		if m, err = decodeRejectMeta(v); err != nil {
			return fmt.Errorf("reject %s: %w", full, err)
		}
		entry, packed = bodyEntry(tx, full)
		entry, packed = bytes.Clone(entry), bytes.Clone(packed)
		return nil
	})
	if err != nil {
		return Reject{}, err
	}
	r := m.reject()
	if r.Body, err = unpackEntry(entry, packed); err != nil { // the file is already free again
		return Reject{}, s.explain("read", fmt.Errorf("reject %s: %w", r.ID, err))
	}
	return r, nil
}

func findReject(tx *bbolt.Tx, prefix string) (id, value []byte, err error) {
	if prefix == "" {
		return nil, nil, fmt.Errorf("%w: empty id", ErrNotFound)
	}
	c := tx.Bucket(bucketRejects).Cursor()
	id, value = c.Seek([]byte(prefix))
	if id == nil || !bytes.HasPrefix(id, []byte(prefix)) {
		return nil, nil, fmt.Errorf("%w: %.80q; list them with `kcing rejects list`", ErrNotFound, prefix)
	}
	if string(id) == prefix {
		return id, value, nil
	}
	if other, _ := c.Next(); bytes.HasPrefix(other, []byte(prefix)) {
		return nil, nil, fmt.Errorf("%w: %.80q could be %s or %s", ErrAmbiguous, prefix, id, other)
	}
	return id, value, nil
}

// DropRejects removes the rejects with these whole ids and returns how many
// were there.
func (s *Store) DropRejects(ctx context.Context, ids ...string) (int, error) {
	total := 0
	for some := range slices.Chunk(ids, sweepRemoves) {
		n := 0
		err := s.update(ctx, func(tx *bbolt.Tx) error {
			n = 0
			counts := tally{}
			for _, id := range some {
				ok, err := removeReject(tx, []byte(id), counts)
				if err != nil {
					return fmt.Errorf("reject %s: %w", id, err)
				}
				if ok {
					n++
				}
			}
			return counts.apply(tx)
		})
		if err != nil {
			return total, err
		}
		total += n
	}
	return total, nil
}
