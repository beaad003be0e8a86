package state

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Begun is a record whose documents are about to be stored.
type Begun struct {
	Key    Key
	Digest Digest    // of the record's bytes; zero from Begin: of several
	Time   time.Time // the documents are filed under its day
	Level  uint8     // how much the record knows, see [Known]
}

// Begin notes durably that records are about to be stored, and returns for each
// what was noted of its key earlier and has not been finished since: documents
// that nobody has recorded may be there, of a process that died or of one that is
// at work now. The zero value: nothing. Of a key the first time is kept, and the
// highest level.
func (s *Store) Begin(ctx context.Context, rs []Begun) (earlier []Begun, err error) {
	keys, err := encodeKeys(rs, func(r Begun) Key { return r.Key })
	if err != nil {
		return nil, err
	}
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		earlier = make([]Begun, len(rs))
		b := tx.Bucket(bucketBegun)
		for i, r := range rs {
			if v := b.Get(keys[i]); v != nil {
				was, err := decodeBegun(v)
				if err != nil {
					return fmt.Errorf("record %s: %w", r.Key, err)
				}
				was.Key = r.Key
				earlier[i] = was
				r = was.and(r)
			}
			if err := b.Put(keys[i], encodeBegun(r)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return earlier, nil
}

// and is what is to be kept when a second record of the same key is begun.
func (b Begun) and(r Begun) Begun {
	if b.Digest != r.Digest {
		b.Digest = Digest{}
	}
	b.Level = max(b.Level, r.Level)
	return b
}

// encodeBegun: level, digest, time.
func encodeBegun(r Begun) []byte {
	return binary.AppendVarint(append([]byte{r.Level}, r.Digest[:]...), r.Time.UnixMilli())
}

// decodeBegun leaves Key empty.
func decodeBegun(b []byte) (Begun, error) {
	var was Begun
	if len(b) < 1+len(was.Digest) {
		return was, fmt.Errorf("%w: begun record", errDecode)
	}
	was.Level = b[0]
	r := varints{b: b[1+copy(was.Digest[:], b[1:]):]}
	if was.Time = fromMillis(r.signed()); r.bad || len(r.b) != 0 {
		return Begun{}, fmt.Errorf("%w: begun record: time", errDecode)
	}
	return was, nil
}

// pruneBegun forgets what was begun before that time and never finished. There
// are only a few, those of the moment at which a process died.
func (s *Store) pruneBegun(ctx context.Context, before time.Time) error {
	_, err := s.sweep(ctx, sweep{bucket: bucketBegun, selects: func(_ *bbolt.Tx, _, v []byte) (bool, error) {
		was, err := decodeBegun(v)
		return was.Time.Before(before), err
	}})
	return err
}
