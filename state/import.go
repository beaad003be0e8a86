package state

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/kcing/kcing/internal/kinds"
)

// importBatch is how many rows one transaction adds.
const importBatch = 5000

// Imported is the result of ImportCSV.
type Imported struct {
	Added    int // records now known as finished
	Known    int // records that were known already: left as they were
	Skipped  int // rows that were not understood
	FirstBad error
}

// ImportCSV adds the records of the first kcing's SQLite table as finished,
// with an unknown digest, so that they are not fed again. The rows are
// type,oid,created_on, as `sqlite3 -csv` prints them, with or without a header.
// Types are build, boot and lava, or their plurals; created_on is RFC 3339,
// YYYY-MM-DD[ HH:MM:SS[.fff]][±00:00] (UTC when no zone is given), or Unix
// seconds. Rows that are not understood are skipped, and the first is told
// with its line. With an error, what was added until then stays.
func (s *Store) ImportCSV(ctx context.Context, r io.Reader) (Imported, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	in.TrimLeadingSpace = true
	var done Imported
	var batch []Finished
	for first := true; ; first = false {
		row, err := in.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			err = s.importSome(ctx, batch, &done)
			return done, err
		case err != nil && !errors.As(err, &bad):
			return done, fmt.Errorf("import: %w", err)
		case err == nil && first && isHeader(row):
			continue
		}
		var f Finished
		if err == nil {
			line, _ := in.FieldPos(0)
			if f, err = parseRow(row); err != nil {
				err = fmt.Errorf("line %d: %w", line, err)
			}
		}
		if err != nil {
			done.Skipped++
			if done.FirstBad == nil {
				done.FirstBad = err
			}
			continue
		}
		if batch = append(batch, f); len(batch) == importBatch {
			if err := s.importSome(ctx, batch, &done); err != nil {
				return done, err
			}
			batch = batch[:0]
		}
	}
}

func (s *Store) importSome(ctx context.Context, batch []Finished, done *Imported) error {
	if len(batch) == 0 {
		return nil
	}
	now := s.now()
	added := 0
	err := s.update(ctx, func(tx *bbolt.Tx) error {
		added = 0
		w := newFinisher(tx)
		for _, f := range batch {
			key, err := f.Key.bytes()
			if err != nil {
				return err
			}
			if w.finished.Get(key) != nil {
				continue
			}
			f.At = now
			if err := w.put(f); err != nil {
				return err
			}
			added++
		}
		return w.counts.apply(tx)
	})
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	done.Added += added
	done.Known += len(batch) - added
	return nil
}

func isHeader(row []string) bool {
	return len(row) >= 2 && strings.EqualFold(strings.TrimPrefix(row[0], "\ufeff"), "type") &&
		strings.EqualFold(row[1], "oid")
}

// parseRow decodes one row: type, oid, created_on.
func parseRow(row []string) (Finished, error) {
	if len(row) != 3 {
		return Finished{}, fmt.Errorf("%d fields instead of type,oid,created_on", len(row))
	}
	var f Finished
	f.Key.Kind = strings.TrimSuffix(strings.ToLower(strings.TrimSpace(row[0])), "s")
	if !slices.Contains(kinds.Names(), f.Key.Kind) {
		return Finished{}, fmt.Errorf("type %.40q: expected %s", row[0], kinds.AnyRecord())
	}
	f.Key.ID = strings.TrimSpace(row[1])
	if _, err := f.Key.bytes(); err != nil {
		return f, err
	}
	t, err := parseCreated(strings.TrimSpace(row[2]))
	f.Time = t
	return f, err
}

func parseCreated(s string) (time.Time, error) {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z07:00",
		"2006-01-02 15:04:05", "2006-01-02T15:04:05", time.DateOnly,
	} { // each also takes a fraction of the second
		if t, err := time.Parse(layout, s); err == nil {
			return toMillis(t), nil
		}
	}
	if sec, err := strconv.ParseFloat(s, 64); err == nil && sec > 0 && sec < 1e11 {
		return fromMillis(int64(sec * 1000)), nil
	}
	return time.Time{}, fmt.Errorf("created_on %.40q: not a time", s)
}
