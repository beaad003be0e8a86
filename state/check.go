package state

import (
	"context"
	"errors"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// Check reads the whole file: that bbolt's pages form a tree, that every entry
// can be decoded and has its index entries and these have it, and that the
// counts are right. It changes nothing and works on damaged files: what is
// wrong is in the report. The error says that there was nothing to check:
// *FormatError, ErrNewer, *LockedError, or the file system's.
//
// It holds the file while it reads, about a second for 10⁶ finished records:
// with many more of them, other processes may give up waiting meanwhile.
func Check(ctx context.Context, path string) (CheckReport, error) {
	r := CheckReport{Path: path}
	f, err := openLocked(ctx, path, opening{flag: os.O_RDONLY, shared: true, deadline: time.Now().Add(DefaultWait)})
	var damaged *CorruptError
	if errors.As(err, &damaged) {
		r.problem("%v", damaged.Err)
		return r, nil
	}
	if err != nil {
		return r, err
	}
	defer abandon(f) // also when the damage made bbolt panic

	st, err := f.Stat()
	if err != nil {
		return r, fileError(path, "check", err)
	}
	r.FileBytes = st.Size()
	m, err := readMeta(path, f)
	if err == nil {
		err = walkPages(f, m, r.problem)
	}
	if err != nil {
		return r, fileError(path, "check", err)
	}
	if !r.OK() {
		r.problem("the entries were not checked")
		return r, nil
	}
	err = checkOpened(ctx, f, &r)
	if errors.As(err, &damaged) {
		r.problem("%v", damaged.Err)
		err = nil
	}
	return r, fileError(path, "check", err)
}

func checkOpened(ctx context.Context, f *os.File, r *CheckReport) error {
	return guard(r.Path, func() error {
		db, err := bbolt.Open(r.Path, 0, &bbolt.Options{
			ReadOnly: true, PreLoadFreelist: true, FreelistType: bbolt.FreelistMapType, Timeout: DefaultWait,
			OpenFile: func(string, int, os.FileMode) (*os.File, error) { return f, nil },
		})
		if err != nil {
			return err
		}
		defer func() { _ = db.Close() }()
		return db.View(func(tx *bbolt.Tx) error {
			for err := range tx.Check() {
				r.problem("%v", err)
			}
			if err := checkSchema(r.Path, tx); errors.Is(err, errEmpty) {
				return nil
			} else if err != nil {
				return err
			}
			r.Schema = SchemaVersion
			ended := func() error { return context.Cause(ctx) }
			c := &entryCheck{ended: ended, tx: tx, report: r, counts: map[string]int64{}, users: map[string]int64{}}
			return c.run()
		})
	})
}
