package state

import (
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"
)

// ensureSchema checks that the file has the layout this kcing knows, and makes
// it in an empty file.
func ensureSchema(path string, db *bbolt.DB) error {
	err := db.View(func(tx *bbolt.Tx) error {
		if err := checkSchema(path, tx); err != nil {
			return err
		}
		for _, name := range addedBuckets {
			if tx.Bucket(name) == nil {
				return errOlder
			}
		}
		return nil
	})
	if errors.Is(err, errOlder) {
		return db.Update(addBuckets)
	}
	if !errors.Is(err, errEmpty) {
		return err
	}
	return db.Update(func(tx *bbolt.Tx) error {
		if err := addBuckets(tx); err != nil {
			return err
		}
		for _, name := range buckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keySchema, binary.BigEndian.AppendUint32(nil, SchemaVersion))
	})
}

func addBuckets(tx *bbolt.Tx) error {
	if tx.Bucket(bucketBlocks) == nil && tx.Bucket(bucketRejects) != nil {
		if err := sumRejects(tx); err != nil {
			return err
		}
	}
	for _, name := range addedBuckets {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}

// errOlder says that the file is without the buckets that were added later.
var errOlder = errors.New("state file of an earlier kcing")

// sumRejects counts the bytes of rejects in a file of a kcing that did not.
func sumRejects(tx *bbolt.Tx) error {
	sum := tally{}
	bodies := tx.Bucket(bucketBodies)
	err := tx.Bucket(bucketRejects).ForEach(func(id, v []byte) error {
		sum[rejectBytes] += int64(len(v) + len(bodies.Get(id)))
		return nil
	})
	if err != nil {
		return err
	}
	return sum.apply(tx)
}
