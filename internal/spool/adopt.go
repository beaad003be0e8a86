package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// Adopt takes over the records of processes that are gone, and returns those it
// took, oldest first; limits do not keep any out. It sweeps away files that such
// processes had not finished writing (nobody was told that they were stored), and
// sets aside what is no file of ours. An error of the file system, or ctx's, does
// not undo what was taken: items and error may come together.
func (s *Spool) Adopt(ctx context.Context) ([]Item, error) {
	s.adopting.Lock()
	defer s.adopting.Unlock()
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	owned, strangers, err := list(s.dir, s.owner)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	for _, name := range strangers {
		_ = s.setAside(name, "it is not a file of the spool's")
	}
	var items []Item
	for owner, names := range owned {
		if err = ctx.Err(); err != nil {
			break
		}
		var taken []Item
		taken, err = s.adoptFrom(owner, names)
		items = append(items, taken...)
		if err != nil {
			err = fmt.Errorf("spool: %w", err)
			break
		}
	}
	slices.SortFunc(items, compare)
	return items, err
}

// list names the files by owner, but for our own, and those that are nobody's.
func list(dir, ours string) (owned map[string][]string, strangers []string, err error) {
	owned = map[string][]string{}
	err = eachEntry(dir, func(e fs.DirEntry) error {
		name := e.Name()
		owner, ok := ownerOfFile(name)
		switch {
		case e.IsDir(), strings.HasPrefix(name, "."):
			// corrupt, lost+found, what a file system keeps for itself
		case ok && e.Type().IsRegular():
			if owner != ours {
				owned[owner] = append(owned[owner], name)
			}
		default:
			strangers = append(strangers, name)
		}
		return nil
	})
	return owned, strangers, err
}

// eachEntry goes through a directory without having all of it in memory.
func eachEntry(dir string, do func(fs.DirEntry) error) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close() //nolint:errcheck // only read
	for {
		entries, err := d.ReadDir(1000)
		for _, e := range entries {
			if err := do(e); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// ownerOfFile is whose record, unfinished file or lock this is.
func ownerOfFile(name string) (string, bool) {
	if _, owner, ok := parseName(name); ok {
		return owner, true
	}
	if stem, ok := strings.CutSuffix(name, tmpSuffix); ok {
		_, owner, ok := parseName(stem + recordSuffix)
		return owner, ok
	}
	owner, ok := ownerOf(name, lockSuffix)
	return owner, ok && len(name) == ownerLen+len(lockSuffix)
}

// adoptFrom takes the files of one owner, unless that process lives.
func (s *Spool) adoptFrom(owner string, names []string) (items []Item, err error) {
	path := filepath.Join(s.dir, owner+lockSuffix)
	lock := flock.New(path)
	ok, err := lock.TryLock()
	if err != nil || !ok {
		return nil, err
	}
	defer lock.Unlock() //nolint:errcheck // nobody waits for it
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, tmpSuffix):
			err = os.Remove(filepath.Join(s.dir, name))
		case strings.HasSuffix(name, recordSuffix):
			var it Item
			if it, err = s.adopt(name); err == nil {
				items = append(items, it)
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // another adopted it before we had the lock
		}
		if err != nil {
			return items, err
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return items, err
	}
	return items, nil
}

// adopt makes one record ours.
func (s *Spool) adopt(name string) (Item, error) {
	it, _, _ := parseName(name)
	info, err := os.Lstat(filepath.Join(s.dir, name))
	if err != nil {
		return Item{}, err
	}
	it.size = info.Size()
	if err := os.Rename(filepath.Join(s.dir, name), s.path(it)); err != nil {
		return Item{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index.add(it)
	return it, nil
}
