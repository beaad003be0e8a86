package spool

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
)

var (
	// ErrFull is what a [*FullError] is, whatever limit was met.
	ErrFull = errors.New("spool full")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("the spool is closed")
	// ErrNotMine is returned for an item that this process does not hold (any
	// more): removed, set aside, or never its own.
	ErrNotMine = errors.New("no such record in this process's spool")
	// ErrInvalid is returned by Put for what a file cannot hold.
	ErrInvalid = errors.New("record cannot be spooled")
)

// FullError says that Put stored nothing for want of room. It passes when
// records are removed, or room is made on the disk.
type FullError struct {
	Dir     string
	Records int           // held by this process
	Bytes   int64         // held by this process
	Oldest  time.Duration // age of the oldest of them
	Limit   string        // what was met: "bytes", "records", "age" or "disk"
	Most    string        // the limit's value as text; empty for "disk"
	Err     error         // the system's error for "disk", else nil
}

// Error names the limit and how much there is.
func (e *FullError) Error() string {
	held := fmt.Sprintf("%d records, %s, the oldest %v old",
		e.Records, humanize.IBytes(uint64(max(e.Bytes, 0))), e.Oldest.Round(time.Second))
	if e.Err != nil {
		return fmt.Sprintf("spool %s: no room on the disk (%v); it holds %s", e.Dir, e.Err, held)
	}
	return fmt.Sprintf("spool %s: at its limit of %s (%s); it holds %s", e.Dir, e.Most, e.Limit, held)
}

// Is makes every FullError an [ErrFull].
func (e *FullError) Is(target error) bool { return target == ErrFull }

// Unwrap gives the system's error, if any.
func (e *FullError) Unwrap() error { return e.Err }

// noRoom recognizes errors that mean a full disk, quota or file size limit.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// CorruptError says that a file was no whole record. It was moved, not deleted.
type CorruptError struct {
	Name   string // of the file
	Moved  string // path at which it is now; empty when it could not be moved
	Reason string
}

// Error says what was wrong and where the file is.
func (e *CorruptError) Error() string {
	if e.Moved == "" {
		return fmt.Sprintf("spool file %s: %s; it could not be set aside", e.Name, e.Reason)
	}
	return fmt.Sprintf("spool file %s: %s; it was set aside as %s", e.Name, e.Reason, e.Moved)
}
