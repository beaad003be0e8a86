package state

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Crawled is an item at an origin for which nothing is left to do: the record
// that it became is finished, or was refused.
type Crawled struct {
	Source, Key string // where it is listed, and what identifies it there
	// Version is what the origin's listing said of it. Another version is another
	// download.
	Version string
	// Record is the record that it became; zero when it became none.
	Record Key
	// Time is the item's at its origin; zero in CommitItems means now. PruneItems
	// goes by it.
	Time time.Time
}

// Unfetched is an item at an origin that could not be downloaded.
type Unfetched struct {
	Source, Key string
	Kind        string
	Name        string // its URL, without secrets
	Lab         string
	Version     string
	Time        time.Time // the item's at its origin; zero when not known
	// Attempts is the number of runs in which it failed.
	Attempts    int
	First, Last time.Time // when it failed first, and last
	Error       string    // of the last time
}

// ItemEntry is what is known of one item.
type ItemEntry struct {
	// Crawled has an empty Key when the item is not done with.
	Crawled Crawled
	// Unfetched has an empty Key when its download has not failed.
	Unfetched Unfetched
}

// The stored forms. Times are milliseconds since 1970.
type crawledValue struct {
	Version string `json:"v"`
	Kind    string `json:"k,omitempty"`
	ID      string `json:"r,omitempty"`
	Time    int64  `json:"t"`
}

type unfetchedValue struct {
	Kind     string `json:"kind"`
	Name     string `json:"name"`
	Lab      string `json:"lab,omitempty"`
	Version  string `json:"version"`
	Time     *int64 `json:"time,omitempty"`
	Attempts int    `json:"attempts"`
	First    int64  `json:"first"`
	Last     int64  `json:"last"`
	Error    string `json:"error"`
}

func itemKey(source, key string) ([]byte, error) { return Key{Kind: source, ID: key}.bytes() }

func decodeCrawled(k, v []byte) (Crawled, error) {
	key, err := decodeKey(k)
	if err != nil {
		return Crawled{}, err
	}
	c, err := decodeJSON[crawledValue](v)
	if err != nil {
		return Crawled{}, err
	}
	return Crawled{
		Source: key.Kind, Key: key.ID, Version: c.Version,
		Record: Key{Kind: c.Kind, ID: c.ID}, Time: fromMillis(c.Time),
	}, nil
}

func decodeUnfetched(k, v []byte) (Unfetched, error) {
	key, err := decodeKey(k)
	if err != nil {
		return Unfetched{}, err
	}
	u, err := decodeJSON[unfetchedValue](v)
	if err != nil {
		return Unfetched{}, err
	}
	out := Unfetched{Source: key.Kind, Key: key.ID, Kind: u.Kind, Name: u.Name, Lab: u.Lab, Version: u.Version,
		Attempts: u.Attempts, First: fromMillis(u.First), Last: fromMillis(u.Last), Error: u.Error}
	if u.Time != nil {
		out.Time = fromMillis(*u.Time)
	}
	return out, nil
}

// LookupItems returns an entry for each key of a source, in their order, from
// one short read.
func (s *Store) LookupItems(ctx context.Context, source string, keys []string) ([]ItemEntry, error) {
	encoded, err := encodeKeys(keys, func(key string) Key { return Key{Kind: source, ID: key} })
	if err != nil {
		return nil, err
	}
	out := make([]ItemEntry, len(keys))
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		crawled, unfetched := tx.Bucket(bucketCrawled), tx.Bucket(bucketUnfetch)
		for i, k := range encoded {
			var err error
			if v := crawled.Get(k); v != nil {
				if out[i].Crawled, err = decodeCrawled(k, v); err != nil {
					return fmt.Errorf("item %.80q: %w", k, err)
				}
			}
			if v := unfetched.Get(k); v != nil {
				if out[i].Unfetched, err = decodeUnfetched(k, v); err != nil {
					return fmt.Errorf("item %.80q: %w", k, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// CommitItems stores, in one transaction, that nothing is left to do for these
// items. They are among the failures no longer.
func (s *Store) CommitItems(ctx context.Context, items []Crawled) error {
	if len(items) == 0 {
		return nil
	}
	now := s.now()
	return s.update(ctx, func(tx *bbolt.Tx) error {
		crawled, unfetched := tx.Bucket(bucketCrawled), tx.Bucket(bucketUnfetch)
		crawled.FillPercent = fillPercent
		for _, it := range items {
			k, err := itemKey(it.Source, it.Key)
			if err != nil {
				return err
			}
			t := it.Time
			if t.IsZero() {
				t = now
			}
			v, err := json.Marshal(crawledValue{
				Version: valid(it.Version), Kind: it.Record.Kind, ID: valid(it.Record.ID), Time: t.UnixMilli(),
			})
			if err != nil {
				return err
			}
			if err := crawled.Put(k, v); err != nil {
				return err
			}
			if err := unfetched.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// CommitUnfetched stores that an item's download failed, and returns the entry:
// Attempts and First are those of the earlier failures of this version, if any,
// counted on.
func (s *Store) CommitUnfetched(ctx context.Context, u Unfetched) (Unfetched, error) {
	k, err := itemKey(u.Source, u.Key)
	if err != nil {
		return u, err
	}
	u.Last = s.now()
	err = s.update(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketUnfetch)
		u.Attempts, u.First = 1, u.Last
		if v := b.Get(k); v != nil {
			was, err := decodeUnfetched(k, v)
			if err != nil {
				return fmt.Errorf("item %.80q: %w", k, err)
			}
			if was.Version == valid(u.Version) {
				u.Attempts, u.First = was.Attempts+1, was.First
			}
		}
		value := unfetchedValue{Kind: u.Kind, Name: valid(u.Name), Lab: valid(u.Lab), Version: valid(u.Version),
			Attempts: u.Attempts, First: u.First.UnixMilli(), Last: u.Last.UnixMilli(), Error: valid(u.Error)}
		if !u.Time.IsZero() {
			ms := u.Time.UnixMilli()
			value.Time = &ms
		}
		v, err := json.Marshal(value)
		if err != nil {
			return err
		}
		return b.Put(k, v)
	})
	return u, err
}

// Unfetched returns up to limit items that could not be downloaded (0: all) and
// how many there are; of one source, or of all when source is empty.
func (s *Store) Unfetched(ctx context.Context, source string, limit int) (list []Unfetched, n int, err error) {
	var prefix []byte
	if source != "" {
		prefix = append([]byte(source), 0)
	}
	err = s.view(ctx, func(tx *bbolt.Tx) error {
		list, n = nil, 0
		c := tx.Bucket(bucketUnfetch).Cursor()
		for k, v := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if n++; limit > 0 && n > limit {
				continue
			}
			u, err := decodeUnfetched(k, v)
			if err != nil {
				return fmt.Errorf("item %.80q: %w", k, err)
			}
			list = append(list, u)
		}
		return nil
	})
	return list, n, err
}

// PruneItems forgets what is known of items from before the given time, and
// returns how many those were.
func (s *Store) PruneItems(ctx context.Context, before time.Time) (int, error) {
	n, err := s.sweep(ctx, sweep{bucket: bucketCrawled, selects: func(_ *bbolt.Tx, k, v []byte) (bool, error) {
		c, err := decodeCrawled(k, v)
		return err == nil && c.Time.Before(before), nil
	}})
	if err != nil {
		return n, err
	}
	m, err := s.sweep(ctx, sweep{bucket: bucketUnfetch, selects: func(_ *bbolt.Tx, k, v []byte) (bool, error) {
		u, err := decodeUnfetched(k, v)
		return err == nil && u.Last.Before(before), nil // those still tried have a new Last
	}})
	return n + m, err
}

// forgetItems forgets the items that became certain records.
func (s *Store) forgetItems(ctx context.Context, which func(Key) bool) error {
	_, err := s.sweep(ctx, sweep{bucket: bucketCrawled, selects: func(_ *bbolt.Tx, k, v []byte) (bool, error) {
		c, err := decodeCrawled(k, v)
		return err == nil && c.Record.ID != "" && which(c.Record), nil
	}})
	return err
}
