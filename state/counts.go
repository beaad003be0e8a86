package state

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
)

// Counts describes the file. Counting costs no scan.
type Counts struct {
	Schema   int
	Finished map[string]int64 // by kind
	Rejects  []RejectCount    // by kind and type, sorted
	Receipts int64            // times of receipt kept
	// RejectBytes is what the rejects take in the file: see [Options.MaxRejectBytes].
	RejectBytes int64
	Runs        []Run // the last run of each command, by name
	FileBytes   int64
	FreeBytes   int64 // of FileBytes: used again before the file grows; Compact gives them back
}

// RejectCount is how many rejects of one kind have one type.
type RejectCount struct {
	Kind, Type string
	Count      int64
}

// Counts returns what is in the file.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	err := s.view(ctx, func(tx *bbolt.Tx) error {
		file, err := os.Stat(s.path)
		if err != nil {
			return err
		}
		// Free are pages that were used once, and those behind the last used one.
		st := tx.DB().Stats()
		free := int64(st.FreePageN+st.PendingPageN)*int64(tx.DB().Info().PageSize) + file.Size() - tx.Size()
		c = Counts{Schema: SchemaVersion, Finished: map[string]int64{}, FileBytes: file.Size(), FreeBytes: free}
		if err := tx.Bucket(bucketCounts).ForEach(c.add); err != nil {
			return err
		}
		return tx.Bucket(bucketRuns).ForEach(func(k, v []byte) error {
			r, err := decodeJSON[Run](v)
			if err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
			c.Runs = append(c.Runs, r)
			return nil
		})
	})
	if err != nil {
		return Counts{}, err
	}
	slices.SortFunc(c.Rejects, func(a, b RejectCount) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Type, b.Type))
	})
	return c, nil
}

// add decodes one entry of the bucket of counts.
func (c *Counts) add(name, v []byte) error {
	n := decodeCount(v)
	class, rest, _ := strings.Cut(string(name), "\x00")
	switch class {
	case "f":
		c.Finished[rest] = n
	case "r":
		kind, typ, _ := strings.Cut(rest, "\x00")
		c.Rejects = append(c.Rejects, RejectCount{Kind: kind, Type: typ, Count: n})
	case receiptCount:
		c.Receipts = n
	case rejectBytes:
		c.RejectBytes = n
	}
	return nil
}
