//go:build unix

package pipeline

import (
	"syscall"
	"time"
)

// cpuTime is what this process has used so far, on all CPUs; unlike the clock it
// means something on a machine that others use too.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
