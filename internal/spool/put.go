package spool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Put stores a record. When it returns nil, file and directory entry have
// reached the disk. [ErrFull] (a *FullError) when a limit or the disk leaves no
// room; nothing of the record remains then, as after any other error. ctx is
// looked at only before the record is written. Calls at once share the fsync of
// the directory, so that many are as durable for the price of few.
func (s *Spool) Put(ctx context.Context, m Meta, payload []byte) (Item, error) {
	if err := ctx.Err(); err != nil {
		return Item{}, context.Cause(ctx)
	}
	m = m.normalized(payload, s.options.Now)
	line, err := m.encode(len(payload))
	if err != nil {
		return Item{}, err
	}
	it := Item{received: m.Received.UnixNano(), hash: hashOf(m.Kind, m.Key), nonce: newNonce(),
		size: int64(len(line) + len(payload))}
	if err := s.reserve(it.size); err != nil {
		return Item{}, err
	}
	err = s.write(it, line, payload)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing--
	s.reserved -= it.size
	switch {
	case err == nil:
		if it.size >= s.short {
			s.short = 0
		}
		s.index.add(it)
		return it, nil
	case noRoom(err):
		s.short = it.size
		return Item{}, s.full("disk", "", err)
	}
	return Item{}, fmt.Errorf("spool: %w", err)
}

// reserve counts a file that is about to be written, or says why it must not be.
func (s *Spool) reserve(size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats()
	switch {
	case s.closed:
		return ErrClosed
	case s.options.MaxBytes > 0 && st.Bytes+s.reserved+size > s.options.MaxBytes:
		return s.full("bytes", humanize.IBytes(uint64(s.options.MaxBytes)), nil)
	case s.options.MaxRecords > 0 && st.Records+s.writing >= s.options.MaxRecords:
		return s.full("records", humanize.Comma(int64(s.options.MaxRecords)), nil)
	case s.options.MaxAge > 0 && st.Records > 0 && s.options.Now().Sub(st.Oldest) > s.options.MaxAge:
		return s.full("age", s.options.MaxAge.String(), nil)
	}
	s.writing++
	s.reserved += size
	return nil
}

// Room says whether a Put of a small record would be taken now: nil, or the
// *FullError that it would get. Of the disk it knows only what a Put has met: while
// one had no room, that much, up to a MiB, is tried again, and other calls wait.
func (s *Spool) Room() error {
	err := s.reserve(1)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing--
	s.reserved--
	if s.short == 0 {
		return nil
	}
	it := Item{received: s.options.Now().UnixNano(), nonce: newNonce()}
	err = writeFile(s.tmpPath(it), make([]byte, min(s.short, 1<<20)))
	_ = os.Remove(s.tmpPath(it)) // what is left is removed by the next process
	if noRoom(err) {
		return s.full("disk", "", err)
	}
	s.short = 0
	return nil
}

func (s *Spool) full(limit, most string, err error) error {
	st := s.stats()
	e := &FullError{Dir: s.dir, Records: st.Records, Bytes: st.Bytes, Limit: limit, Most: most, Err: err}
	if st.Records > 0 {
		e.Oldest = max(s.options.Now().Sub(st.Oldest), time.Duration(0))
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		e.Err = path.Err // the file's name is of no use: it is gone
	}
	return e
}

// write makes the file durable under its name, or leaves nothing.
func (s *Spool) write(it Item, line, payload []byte) (err error) {
	path, tmp := s.path(it), s.tmpPath(it)
	defer func() {
		if err != nil {
			_ = os.Remove(tmp)
		}
	}()
	if err := writeFile(tmp, line, payload); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	if err := s.sync.wait(); err != nil {
		_ = os.Remove(path)
		return err
	}
	return nil
}

// tmpPath is where a record of ours lies until it is whole.
func (s *Spool) tmpPath(it Item) string {
	return strings.TrimSuffix(s.path(it), recordSuffix) + tmpSuffix
}

// writeFile makes a file whose bytes have reached the disk.
func writeFile(path string, parts ...[]byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err == nil {
			_, err = f.Write(part)
		}
	}
	if err == nil {
		err = f.Sync()
	}
	return cmp.Or(err, f.Close())
}

// Remove forgets records that are finished. Items that are not there are left
// alone. It does not wait for the disk: after a power cut a record may be back,
// which costs only that it is found finished. The error is the first of the file
// system's; a record that could not be removed is kept.
func (s *Spool) Remove(items ...Item) error {
	var first error
	for _, it := range items {
		s.mu.Lock()
		mine, closed := s.index.remove(it), s.closed
		s.mu.Unlock()
		if closed {
			return ErrClosed // the files may be another process's by now
		}
		if !mine {
			continue
		}
		if err := os.Remove(s.path(it)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.mu.Lock()
			s.index.add(it)
			s.mu.Unlock()
			if first == nil {
				first = fmt.Errorf("spool: %w", err)
			}
		}
	}
	return first
}
