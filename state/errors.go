package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"
)

// Opening or taking the file.
var (
	// ErrSQLite is wrapped by the [*FormatError] for the database of the first kcing.
	ErrSQLite = errors.New("SQLite database")
	// ErrNewer says that a later kcing wrote the file; this one must not touch it.
	ErrNewer = errors.New("written by a newer kcing")
	// ErrClosed is returned by every call after Close.
	ErrClosed = errors.New("the store is closed")
	// ErrNoSpace is wrapped, beside the system's own error, when the disk,
	// a quota or a file size limit is full. Nothing of the call was stored.
	ErrNoSpace = errors.New("no space left")
	// ErrReadOnly is wrapped, beside the system's own error, when the file or
	// its directory cannot be written.
	ErrReadOnly = errors.New("not writable")
)

// Reading and writing entries.
var (
	// ErrNotFound is returned for a reject id that no reject has.
	ErrNotFound = errors.New("no such reject")
	// ErrAmbiguous is returned when several rejects' ids start with the one given.
	ErrAmbiguous = errors.New("several rejects start with this id")
	// ErrKey is returned for a record key that cannot be stored: an empty kind
	// or id, a kind with a NUL byte, or more than 1024 bytes.
	ErrKey = errors.New("record key cannot be stored")
	// ErrID is returned for a reject id that is empty or longer than 64 bytes.
	ErrID = errors.New("reject id cannot be stored")
)

// FormatError says that the file at Path is something else than kcing's state.
// The file was not changed.
type FormatError struct {
	Path   string
	Reason string
	Err    error // ErrSQLite, or nil
}

func (e *FormatError) Error() string {
	if errors.Is(e.Err, ErrSQLite) {
		return e.Path + " is the first kcing's SQLite database: nothing was changed; " +
			"set KCING_DB to another path, or import it with `kcing state import`"
	}
	return fmt.Sprintf("%s is not a kcing state file (%s): nothing was changed; set KCING_DB to another path",
		e.Path, e.Reason)
}

// Unwrap returns ErrSQLite or nil.
func (e *FormatError) Unwrap() error { return e.Err }

// CorruptError says that the file is damaged.
type CorruptError struct {
	Path string
	Err  error // what was found
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("state file %s is damaged: %v; look at it with `kcing state check`; "+
		"when moved away, kcing starts a new one and feeding again stores nothing twice (the rejects in it are lost)",
		e.Path, e.Err)
}

// Unwrap returns what was found.
func (e *CorruptError) Unwrap() error { return e.Err }

// RejectsFullError says that the rejects take as much of the file as they may.
// Nothing of the call was stored.
type RejectsFullError struct {
	Path  string
	Limit int64 // bytes
}

func (e *RejectsFullError) Error() string {
	return fmt.Sprintf("the rejects in state file %s take %d bytes, as much as they may (KCING_MAX_REJECT_BYTES): "+
		"see why with `kcing rejects list`, then `kcing rejects retry` or `drop` them, or raise the limit",
		e.Path, e.Limit)
}

// LockedError says that another process kept the file for longer than we
// wanted to wait.
type LockedError struct {
	Path    string
	Waited  time.Duration
	PID     int    // 0 when not known
	Command string // program and subcommand only, such as "kcing feed"; empty when not known
}

func (e *LockedError) Error() string {
	who := "another process"
	switch {
	case e.PID != 0 && e.Command != "":
		who = fmt.Sprintf("process %d (%s)", e.PID, e.Command)
	case e.PID != 0:
		who = fmt.Sprintf("process %d", e.PID)
	}
	return fmt.Sprintf("state file %s is held by %s: waited %s; try again when it has finished",
		e.Path, who, e.Waited.Round(10*time.Millisecond))
}

// fileError gives an error of the file system its path and what to do next.
// what names the step, such as "write" or "open".
func fileError(path, what string, err error) error {
	switch {
	case err == nil || complete(err):
		return err
	case causedBy(err, syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG):
		return fmt.Errorf("%s state file %s: %w: %w; nothing of this was stored: "+
			"free some space, or set KCING_DB to a path on another disk, and run again",
			what, path, ErrNoSpace, err)
	case causedBy(err, syscall.EROFS, syscall.EACCES, syscall.EPERM):
		return fmt.Errorf("%s state file %s: %w: %w; nothing of this was stored: "+
			"make the file and its directory writable for this user, or set KCING_DB to another path",
			what, path, ErrReadOnly, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s state file %s: %w; create its directory, or set KCING_DB to another path",
			what, path, err)
	}
	return fmt.Errorf("%s state file %s: %w", what, path, err)
}

// complete reports whether err already says what a person needs.
func complete(err error) bool {
	var format *FormatError
	var corrupt *CorruptError
	var locked *LockedError
	var full *RejectsFullError
	if errors.As(err, &full) || errors.As(err, &format) || errors.As(err, &corrupt) || errors.As(err, &locked) {
		return true
	}
	for _, e := range []error{
		ErrNewer, ErrClosed, ErrNoSpace, ErrReadOnly, ErrNotFound, ErrAmbiguous, ErrKey, ErrID,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// causedBy also looks at the text: bbolt formats the errors of growing the
// file with %s, so errors.Is does not see through them.
func causedBy(err error, numbers ...syscall.Errno) bool {
	for _, n := range numbers {
		if errors.Is(err, n) || strings.HasSuffix(err.Error(), ": "+n.Error()) {
			return true
		}
	}
	return false
}
