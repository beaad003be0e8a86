package state

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// maxNameBytes limits the names of cursors and of commands.
const maxNameBytes = 256

// Run is what the last run of a command did.
type Run struct {
	Command  string           `json:"command"` // "feed", "drp"; the key
	Started  time.Time        `json:"started"`
	Ended    time.Time        `json:"ended"`
	ExitCode int              `json:"exit_code"`
	Counts   map[string]int64 `json:"counts,omitempty"` // such as "stored"
}

// Cursor returns the position stored under name, or "" when there is none.
func (s *Store) Cursor(ctx context.Context, name string) (string, error) {
	var position string
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		position = string(tx.Bucket(bucketCursors).Get([]byte(name)))
		return nil
	})
	return position, err
}

// Cursors returns all positions by name.
func (s *Store) Cursors(ctx context.Context) (map[string]string, error) {
	var all map[string]string
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		all = map[string]string{}
		return tx.Bucket(bucketCursors).ForEach(func(k, v []byte) error {
			all[string(k)] = string(v)
			return nil
		})
	})
	return all, err
}

// SetCursor stores where a crawl stands. An empty position removes it.
func (s *Store) SetCursor(ctx context.Context, name, position string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return s.update(ctx, func(tx *bbolt.Tx) error {
		if position == "" {
			return tx.Bucket(bucketCursors).Delete([]byte(name))
		}
		return tx.Bucket(bucketCursors).Put([]byte(name), []byte(position))
	})
}

// SaveRun replaces the last run of r.Command.
func (s *Store) SaveRun(ctx context.Context, r Run) error {
	if err := checkName(r.Command); err != nil {
		return err
	}
	r.Started, r.Ended = toMillis(r.Started), toMillis(r.Ended)
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("run of %s: %w", r.Command, err)
	}
	return s.update(ctx, func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketRuns).Put([]byte(r.Command), b)
	})
}

// LastRun returns what SaveRun stored for the command; false when it never did.
func (s *Store) LastRun(ctx context.Context, command string) (r Run, ok bool, err error) {
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketRuns).Get([]byte(command))
		if v == nil {
			return nil
		}
		ok = true
		r, err = decodeJSON[Run](v)
		return err
	})
	if err != nil {
		return Run{}, false, err
	}
	return r, ok, nil
}

func checkName(name string) error {
	if name == "" || len(name) > maxNameBytes {
		return fmt.Errorf("name %.80q: must have 1 to %d bytes", name, maxNameBytes)
	}
	return nil
}
