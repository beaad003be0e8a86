//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package state

import "os"

// tryLock leaves the locking to bbolt, which waits up to its own timeout.
func tryLock(*os.File, bool) (bool, error) { return true, nil }

// abandon closes f, for when bbolt cannot be asked to.
func abandon(f *os.File) { _ = f.Close() }
