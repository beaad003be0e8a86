package estest

import (
	"syscall"
	"testing"
)

// A stopped server does not see the end of its standard input; the kernel has to kill it.
func TestOwnerKilledServerStopped(t *testing.T) {
	killOwner(t, func(pid int) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Error(err)
		}
	})
}
