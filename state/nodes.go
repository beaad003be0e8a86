package state

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"
)

// KeysOfNodes returns for each Maestro node the key of the finished record that
// holds the node's job, the zero Key when there is none.
func (s *Store) KeysOfNodes(ctx context.Context, nodes []string) ([]Key, error) {
	keys := make([]Key, len(nodes))
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketNodes)
		for i, node := range nodes {
			v := b.Get([]byte(node))
			if v == nil {
				continue
			}
			k, err := decodeKey(v)
			if err != nil {
				return fmt.Errorf("node %s: %w", node, err)
			}
			keys[i] = k
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// putNodes notes which records hold the jobs of nodes, and forgets those that they
// replace.
func (w *finisher) putNodes(tx *bbolt.Tx, b Batch) error {
	nodes := tx.Bucket(bucketNodes)
	for _, n := range b.Nodes {
		key, err := n.Key.bytes()
		if err == nil {
			err = nodes.Put([]byte(n.Node), key)
		}
		if err != nil {
			return fmt.Errorf("node %.80s: %w", n.Node, err)
		}
	}
	for _, k := range b.Replaced {
		key, err := k.bytes()
		if err == nil {
			_, err = w.remove(key)
		}
		if err != nil {
			return fmt.Errorf("record %s: %w", k, err)
		}
	}
	return nil
}

// pruneNodes forgets the nodes whose records are forgotten.
func (s *Store) pruneNodes(ctx context.Context) error {
	_, err := s.sweep(ctx, sweep{bucket: bucketNodes, selects: func(tx *bbolt.Tx, _, key []byte) (bool, error) {
		return tx.Bucket(bucketFinished).Get(key) == nil, nil
	}})
	return err
}
