//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package state

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock that bbolt uses, flock(2), on f. It does not wait:
// false means that another open file has it. bbolt takes the same lock on the
// same open file again, which succeeds at once.
func tryLock(f *os.File, exclusive bool) (bool, error) {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, os.NewSyscallError("flock", err)
		}
	}
}

// abandon closes f and frees the lock, for when bbolt cannot be asked to. Close
// alone would not free it: the lock lives as long as bbolt's mapping of the
// file. First closing, so that nobody writes without the lock.
func abandon(f *os.File) {
	fd, err := syscall.Dup(int(f.Fd()))
	_ = f.Close()
	if err == nil {
		_ = syscall.Flock(fd, syscall.LOCK_UN)
		_ = syscall.Close(fd)
	}
}
