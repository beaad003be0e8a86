package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// writeWhole makes a file that is there whole and durable, or leaves what was there.
// Links are followed. What is no regular file cannot be replaced without destroying
// it, so a pipe or a device gets the data as from any program; so does what a link
// names that is not there yet, where nothing can be lost.
func writeWhole(name string, data []byte, mode fs.FileMode) error {
	info, err := os.Stat(name)
	switch {
	case err == nil && info.Mode().IsRegular():
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return err
		}
	case err == nil:
		return writeThrough(name, data, os.O_WRONLY, 0)
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Readlink(name); err == nil { // a link to what is yet to be made
			return writeThrough(name, data, os.O_WRONLY|os.O_CREATE, mode)
		}
	}
	return replace(name, data, mode)
}

// writeThrough writes to what the name is of.
func writeThrough(name string, data []byte, flag int, mode fs.FileMode) error {
	f, err := os.OpenFile(name, flag, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return cmp.Or(err, f.Close())
}

// replace puts a new file in the place of what may be there.
func replace(name string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".kcing-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
