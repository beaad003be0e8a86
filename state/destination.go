package state

import (
	"context"
	"encoding/json"

	"go.etcd.io/bbolt"
)

// Destination is where the documents of the finished records are. The file holds
// for one alone: a record that is finished is not sent to another.
type Destination struct {
	Cluster string `json:"cluster_uuid"` // Elasticsearch's; empty: not known
	Prefix  string `json:"prefix"`       // of the indices
}

var keyDestination = []byte("destination")

// Destination returns what SetDestination stored; false when it never did.
func (s *Store) Destination(ctx context.Context) (d Destination, ok bool, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketMeta).Get(keyDestination)
		if v == nil {
			return nil
		}
		ok = true
		d, err = decodeJSON[Destination](v)
		return err
	})
	return d, ok, err
}

// SetDestination stores where the documents of finished records are from now on.
func (s *Store) SetDestination(ctx context.Context, d Destination) error {
	v, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return s.update(ctx, func(tx *bbolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyDestination, v) })
}
