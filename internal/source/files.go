package source

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// DefaultMaxRecordBytes is the default limit on one record's bytes, decompressed.
const DefaultMaxRecordBytes = 32 << 20

// Path is a file or folder to read, or "-" for standard input.
type Path struct {
	Name string
	// Kind of all records below it; empty: detected from each.
	Kind string
}

// Files reads records from files, folders and standard input.
//
// A file holds one record, gzipped or not. Of a folder, and the folders in it,
// the files named *.json and *.json.gz are read in name order, and job_data.gz,
// the callback that LAVA keeps in each job's output; links to files
// are followed, links to folders only when they are named as a Path, so that no
// loop is entered and nothing is read twice. Standard input, gzipped or not,
// holds one record or several, one after the other.
type Files struct {
	Paths []Path
	// Stdin is read for the path "-". When ctx ends during a read from it, Run
	// returns and leaves a goroutine behind until that read does.
	Stdin io.Reader
	// MaxRecordBytes limits one record, decompressed; 0: DefaultMaxRecordBytes.
	// Of a larger one only the beginning is read and kept.
	MaxRecordBytes int64
	// Lab is the lab_name of all callbacks; empty: what they say themselves.
	Lab string
	// Unreadable is called for each file that could not be read; the others are
	// read all the same. Nil: the first such file ends the run with its error.
	Unreadable func(path string, err error)
	// Empty is called for each folder named as a Path in which there was no file
	// to read; nil: not.
	Empty func(path string)
}

// Check tells early whether all paths are there. The error names the first that
// is not.
func (f *Files) Check() error {
	for _, p := range f.Paths {
		if p.Name == "-" {
			continue
		}
		if _, err := os.Stat(p.Name); err != nil {
			return err
		}
	}
	return nil
}

// Run emits all records. It returns emit's error, ctx's, or one of reading.
func (f *Files) Run(ctx context.Context, emit Emit) error {
	for _, p := range f.Paths {
		if err := f.path(ctx, p, emit); err != nil {
			return err
		}
	}
	return nil
}

func (f *Files) path(ctx context.Context, p Path, emit Emit) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if p.Name == "-" {
		return f.stream(ctx, p.Kind, emit)
	}
	info, err := os.Stat(p.Name)
	switch {
	case err != nil:
		return f.unreadable(p.Name, err)
	case info.IsDir():
		return f.folder(ctx, p, emit)
	}
	return f.file(ctx, p, emit)
}

func (f *Files) folder(ctx context.Context, p Path, emit Emit) error {
	root := p.Name
	if info, err := os.Lstat(root); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator) // or WalkDir would not go in
	}
	found := false
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return f.unreadable(path, err)
		case d.IsDir() || !IsRecordFile(path):
			return nil
		case !d.Type().IsRegular():
			info, err := os.Stat(path)
			if err != nil { // a link that leads nowhere
				return f.unreadable(path, err)
			}
			if !info.Mode().IsRegular() { // pipes and sockets would block
				return nil
			}
		}
		found = true
		return f.file(ctx, Path{Name: path, Kind: p.Kind}, emit)
	})
	if err == nil && !found && f.Empty != nil {
		f.Empty(p.Name)
	}
	return err
}

// FolderFiles says which files of a folder are read.
const FolderFiles = "*.json, *.json.gz and job_data.gz"

// IsRecordFile reports whether a file of a folder is read, by its name.
func IsRecordFile(path string) bool {
	return strings.HasSuffix(path, ".json") || strings.HasSuffix(path, ".json.gz") ||
		filepath.Base(path) == "job_data.gz"
}

func (f *Files) file(ctx context.Context, p Path, emit Emit) error {
	r, err := readRecord(p.Name, limitOf(f.MaxRecordBytes))
	if err != nil {
		return f.unreadable(p.Name, err)
	}
	r.Kind, r.Lab = p.Kind, f.Lab
	return emit(ctx, r)
}

func (f *Files) unreadable(path string, err error) error {
	if f.Unreadable == nil {
		return err
	}
	f.Unreadable(path, err)
	return nil
}
