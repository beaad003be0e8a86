package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
)

// compactTx is how many bytes of entries one transaction of Compact writes.
const compactTx = 32 << 20

// Compact rewrites the file without its free pages and returns its size before
// and after. It holds the file meanwhile, some seconds for 10⁶ finished
// records; other processes then continue in the new one. It needs the new file's
// size in free space beside the old one. With an error the old file is as it was.
func Compact(ctx context.Context, path string) (before, after int64, err error) {
	// Renaming over a symbolic link would leave the real file behind.
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return 0, 0, fileError(path, "compact", err)
	}
	f, err := openLocked(ctx, target, opening{flag: os.O_RDWR, deadline: time.Now().Add(DefaultWait)})
	if err != nil {
		return 0, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		return 0, 0, fileError(path, "compact", errors.Join(err, f.Close()))
	}
	src, err := openBolt(target, f, DefaultWait)
	if err != nil {
		return 0, 0, err
	}
	before = st.Size()
	temp := target + ".compact"
	err = guard(path, func() error {
		if err := src.View(func(tx *bbolt.Tx) error { return checkSchema(path, tx) }); err != nil {
			return err
		}
		return rewrite(src, temp, st)
	})
	if err == nil {
		after, err = replace(temp, target)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	var p *panicError
	if errors.As(err, &p) {
		abandon(f) // src.Close could hang: see Store.release
	} else {
		err = errors.Join(err, src.Close())
	}
	if err != nil {
		return before, before, fileError(path, "compact", err)
	}
	return before, after, nil
}

// rewrite copies src into a new file at temp, with the owner and mode of old.
// Leftovers at temp are from a Compact that was killed: we have the lock.
func rewrite(src *bbolt.DB, temp string, old os.FileInfo) error {
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	dst, err := bbolt.Open(temp, old.Mode().Perm(), &bbolt.Options{
		NoSync: true, FreelistType: bbolt.FreelistMapType, Timeout: DefaultWait,
	})
	if err != nil {
		return err
	}
	err = bbolt.Compact(dst, src, compactTx)
	if err == nil {
		err = sameEntries(dst, src)
	}
	if err == nil {
		err = dst.Sync()
	}
	if err = errors.Join(err, dst.Close()); err != nil {
		return err
	}
	return keepOwner(temp, old)
}

// sameEntries compares the number of entries in each bucket: the old file is
// about to go.
func sameEntries(dst, src *bbolt.DB) error {
	return src.View(func(a *bbolt.Tx) error {
		return dst.View(func(b *bbolt.Tx) error {
			return a.ForEach(func(name []byte, from *bbolt.Bucket) error {
				to := b.Bucket(name)
				if to == nil || to.Stats().KeyN != from.Stats().KeyN {
					return fmt.Errorf("bucket %q was not copied completely", name)
				}
				return nil
			})
		})
	})
}

// replace puts temp in the place of path, durably, and returns its size.
func replace(temp, path string) (int64, error) {
	st, err := os.Stat(temp)
	if err != nil {
		return 0, err
	}
	if err := os.Rename(temp, path); err != nil {
		return 0, err
	}
	return st.Size(), syncDir(path)
}
