package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Read returns a record of this process. A file that is cut, damaged or gone is
// a *CorruptError: it was moved to corrupt/, logged, and is no record any more.
// [ErrNotMine] for an item that is not held; other errors are the file system's.
func (s *Spool) Read(it Item) (Meta, []byte, error) { return s.read(it, true) }

// Stat is Read without the payload, and without looking at its checksum.
func (s *Spool) Stat(it Item) (Meta, error) {
	m, _, err := s.read(it, false)
	return m, err
}

func (s *Spool) read(it Item, payloadToo bool) (Meta, []byte, error) {
	s.mu.Lock()
	held, closed := s.index.find(it) != nil, s.closed
	s.mu.Unlock()
	switch {
	case closed:
		return Meta{}, nil, ErrClosed
	case !held:
		return Meta{}, nil, ErrNotMine
	}
	m, payload, err := readFile(s.path(it), payloadToo)
	if err == nil {
		if m.Received.UnixNano() == it.received && hashOf(m.Kind, m.Key) == it.hash {
			return m, payload, nil
		}
		err = damage("its header is another record's")
	}
	var damaged damage
	switch {
	case errors.As(err, &damaged):
	case errors.Is(err, fs.ErrNotExist):
		if s.forget(it) {
			return Meta{}, nil, &CorruptError{Name: it.name(s.owner), Reason: "it is gone; somebody has deleted it"}
		}
		return Meta{}, nil, ErrNotMine // removed meanwhile
	default:
		return Meta{}, nil, fmt.Errorf("spool: %w", err)
	}
	if !s.forget(it) {
		return Meta{}, nil, ErrNotMine
	}
	return Meta{}, nil, s.setAside(it.name(s.owner), string(damaged))
}

func (s *Spool) forget(it Item) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index.remove(it)
}

func readFile(path string, payloadToo bool) (Meta, []byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return Meta{}, nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return Meta{}, nil, err
	}
	return decode(f, info.Size(), payloadToo)
}

// setAside moves a file to corrupt/.
func (s *Spool) setAside(name, reason string) *CorruptError {
	e := &CorruptError{Name: name, Reason: reason}
	to := filepath.Join(s.dir, corruptDir)
	err := os.MkdirAll(to, 0o700)
	if err == nil {
		moved := filepath.Join(to, name)
		for i := 1; exists(moved); i++ { // never over an earlier one
			moved = filepath.Join(to, fmt.Sprintf("%s.%d", name, i))
		}
		if err = os.Rename(filepath.Join(s.dir, name), moved); err == nil {
			e.Moved = moved
		}
	}
	s.mu.Lock()
	if e.Moved != "" {
		s.corrupt++
	}
	s.mu.Unlock()
	s.options.Logger.Error("spool file set aside", "file", name, "reason", reason, "moved_to", e.Moved, "error", err)
	return e
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// Find returns the records of this process with this kind and key, oldest first.
// It reads their headers.
func (s *Spool) Find(kind, key string) ([]Item, error) {
	kind, key = clean(kind), clean(key)
	s.mu.Lock()
	items := s.index.of(hashOf(kind, key))
	s.mu.Unlock()
	found := items[:0]
	for _, it := range items {
		m, err := s.Stat(it)
		var damaged *CorruptError
		switch {
		case err == nil && m.Kind == kind && m.Key == key:
			found = append(found, it)
		case err == nil, errors.Is(err, ErrNotMine), errors.As(err, &damaged):
		default:
			return nil, err
		}
	}
	return found, nil
}
