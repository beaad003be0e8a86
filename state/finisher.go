package state

import "go.etcd.io/bbolt"

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
