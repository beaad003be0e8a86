package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Inspect counts what the directory holds, of all processes together, and takes
// no lock. A directory that is not there holds nothing.
func Inspect(dir string) (Stats, error) {
	var out Stats
	err := eachEntry(dir, func(e fs.DirEntry) error {
		it, _, ok := parseName(e.Name())
		if !ok {
			return nil
		}
		info, err := os.Lstat(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // finished, or adopted, meanwhile
		}
		if err != nil {
			return err
		}
		if out.Records == 0 || it.Received().Before(out.Oldest) {
			out.Oldest = it.Received()
		}
		out.Records++
		out.Bytes += info.Size()
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return Stats{}, nil
	}
	if err != nil {
		return out, fmt.Errorf("spool: %w", err)
	}
	if out.Corrupt, err = countCorrupt(dir); err != nil {
		return out, fmt.Errorf("spool: %w", err)
	}
	return out, nil
}
