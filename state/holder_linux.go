package state

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// holder names the process that has the flock on the file at path, from
// /proc/locks (proc_locks(5)): "1: FLOCK ADVISORY WRITE 1234 fd:01:5678 0 EOF".
// It returns zero values when it cannot tell, as inside containers.
func holder(path string) (pid int, command string) {
	st, err := os.Stat(path)
	if err != nil {
		return 0, ""
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, ""
	}
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0, ""
	}
	file := fmt.Sprintf("%02x:%02x:%d", unix.Major(sys.Dev), unix.Minor(sys.Dev), sys.Ino)
	pid = lockOwner(locks, file)
	if pid == 0 {
		return 0, ""
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return pid, ""
	}
	return pid, commandOf(args)
}

// lockOwner finds who holds a FLOCK on file ("major:minor:inode"). Lines with
// "->" are waiters.
func lockOwner(locks []byte, file string) int {
	for line := range strings.Lines(string(locks)) {
		f := strings.Fields(line)
		if len(f) < 6 || f[1] != "FLOCK" || f[5] != file {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(f[4], "%d", &pid); err == nil && pid > 0 {
			return pid
		}
	}
	return 0
}

var subcommand = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,19}$`)

// commandOf returns the program's name and its subcommand. Nothing else of a
// command line is shown: it may hold tokens or addresses with passwords.
func commandOf(cmdline []byte) string {
	args := bytes.Split(bytes.TrimRight(cmdline, "\x00"), []byte{0})
	if len(args[0]) == 0 {
		return ""
	}
	name := filepath.Base(string(args[0]))
	if len(args) > 1 && subcommand.Match(args[1]) {
		name += " " + string(args[1])
	}
	return name
}
