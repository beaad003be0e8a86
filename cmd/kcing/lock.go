package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lockPatience is longer than status holds the lock to see whether it is free.
const lockPatience = 500 * time.Millisecond

// lockFeed makes sure that only one feed runs on the working data.
func lockFeed(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("KCING_DATA: %w", err)
	}
	path := filepath.Join(dir, "feed.lock")
	l := flock.New(path)
	patient, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	ok, err := l.TryLockContext(patient, lockPatience/20)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && !errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("KCING_DATA: %w", err)
	case !ok:
		return nil, fmt.Errorf("another feed is running (%s holds %s); wait for it to end", lockHolder(path), path)
	}
	_ = os.WriteFile(path, []byte(fmt.Sprintln(os.Getpid())), 0o600) // only for the message above
	return func() { _ = l.Unlock() }, nil
}

// runningFeed says which process is feeding, empty when none is.
func runningFeed(dir string) string {
	path := filepath.Join(dir, "feed.lock")
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	l := flock.New(path)
	if ok, err := l.TryRLock(); err != nil || ok {
		_ = l.Unlock()
		return ""
	}
	return lockHolder(path)
}

// lockHolder is the process that wrote its number into the lock file.
func lockHolder(path string) string {
	pid, err := os.ReadFile(path)
	if err != nil || len(pid) == 0 {
		return "another process"
	}
	return "process " + strings.TrimSpace(string(pid))
}
