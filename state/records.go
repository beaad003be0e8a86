package state

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Key names a record.
type Key struct {
	Kind string // "build", "boot" or "lava"
	ID   string // the record key, such as lab/jobid
}

func (k Key) String() string { return k.Kind + " " + k.ID }

// Digest identifies a record's bytes. The zero Digest means not known.
type Digest = [16]byte

// Finished is a record each of whose documents is stored, was already there,
// or is among the rejects.
type Finished struct {
	Key       Key
	Digest    Digest    // zero (imported records): matches any bytes
	Time      time.Time // the record's time: Prune goes by it
	Documents int
	Rejected  int       // of Documents
	At        time.Time // when it was finished; zero in Commit means now
	Known     Known     // zero: finished by a kcing that did not keep it
	Over      Known     // what Lookup had, when it was decided to store this one; not kept
}

// Known is what a finished record's documents held, so that another record of
// the same key can be held against it.
type Known struct {
	Digest  Digest    // of the documents
	Version uint8     // of the program that made them: others make other documents of the same bytes
	Level   uint8     // how much the record knew; of two the higher one stays
	Updated time.Time // and of two of the same level the later one; zero: it does not change
}

// Compare is negative when the record knew less than o's, positive when it knew
// more.
func (k Known) Compare(o Known) int {
	return cmp.Or(cmp.Compare(k.Level, o.Level), k.Updated.Compare(o.Updated))
}

// Matches reports whether d may be the digest of the bytes that were finished.
func (f Finished) Matches(d Digest) bool { return f.Digest == Digest{} || f.Digest == d }

// Entry is the answer of Lookup for one key.
type Entry struct {
	Found       bool
	Finished    Finished // the zero value but for Key when not Found
	OpenRejects bool     // the record itself or a document of it is listed among the rejects
}

// Batch is what one Commit stores.
type Batch struct {
	Finished []Finished
	Rejects  []Reject
	// Nodes are the Maestro nodes of finished records' jobs: see [Store.KeysOfNodes].
	Nodes []NodeKey
	// Replaced are keys that jobs of finished records had before their lab or
	// number was known: they are forgotten.
	Replaced []Key
}

// Lookup returns an entry for each key, in their order, from one short read.
func (s *Store) Lookup(ctx context.Context, keys []Key) ([]Entry, error) {
	encoded := make([][]byte, len(keys))
	for i, k := range keys {
		b, err := k.bytes()
		if err != nil {
			return nil, err
		}
		encoded[i] = b
	}
	out := make([]Entry, len(keys))
	err := s.view(ctx, func(tx *bbolt.Tx) error {
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

// finisher writes finished records, their index and their counts.
type finisher struct {
	finished, days, begun *bbolt.Bucket
	counts                tally
}

func newFinisher(tx *bbolt.Tx) *finisher {
	w := &finisher{
		finished: tx.Bucket(bucketFinished), days: tx.Bucket(bucketDays), begun: tx.Bucket(bucketBegun),
		counts: tally{},
	}
	w.finished.FillPercent = fillPercent
	w.days.FillPercent = fillPercent
	return w
}

func (w *finisher) put(f Finished) error {
	key, err := f.Key.bytes()
	if err != nil {
		return err
	}
	if err := w.begun.Delete(key); err != nil {
		return err
	}
	day := dayKey(f.Time, tagFinished, key)
	old := w.finished.Get(key)
	if old == nil {
		w.counts[finishedCount(f.Key.Kind)]++
	} else if was, err := decodeFinished(old); err != nil {
		return err
	} else if was.Known != f.Over && was.Known.Compare(f.Known) > 0 {
		return nil // another process has stored more meanwhile, and that is what is there
	} else if dayOf(was.Time) != dayOf(f.Time) {
		if err := w.days.Delete(dayKey(was.Time, tagFinished, key)); err != nil {
			return err
		}
	}
	if err := w.finished.Put(key, encodeFinished(f)); err != nil {
		return err
	}
	if old != nil && w.days.Get(day) != nil {
		return nil
	}
	return w.days.Put(day, present)
}

// remove forgets the record with this database key; false when there is none.
func (w *finisher) remove(key []byte) (bool, error) {
	v := w.finished.Get(key)
	if v == nil {
		return false, nil
	}
	f, err := decodeFinished(v)
	if err != nil {
		return false, err
	}
	k, err := decodeKey(key)
	if err != nil {
		return false, err
	}
	w.counts[finishedCount(k.Kind)]--
	if err := w.days.Delete(dayKey(f.Time, tagFinished, key)); err != nil {
		return false, err
	}
	return true, w.finished.Delete(key)
}
