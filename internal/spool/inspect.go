package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Inspect tells what the directory holds, of all processes together, and takes
// no lock. A directory that is not there holds nothing.
func Inspect(dir string) (Stats, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return Stats{}, nil
	}
	if err != nil {
		return Stats{}, fmt.Errorf("spool: %w", err)
	}
	var out Stats
	for _, e := range entries { // in order of receipt
		it, _, ok := parseName(e.Name())
		if !ok {
			continue
		}
		info, err := os.Lstat(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // finished, or adopted, meanwhile
		}
		if err != nil {
			return out, fmt.Errorf("spool: %w", err)
		}
		if out.Records == 0 {
			out.Oldest = it.Received()
		}
		out.Records++
		out.Bytes += info.Size()
	}
	if out.Corrupt, err = countCorrupt(dir); err != nil {
		return out, fmt.Errorf("spool: %w", err)
	}
	return out, nil
}
