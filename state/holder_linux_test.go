package state

import "testing"

func TestLockOwner(t *testing.T) {
	const locks = `1: POSIX  ADVISORY  WRITE 77 fe:00:1234 0 EOF
2: FLOCK  ADVISORY  WRITE 99 fe:00:1234 0 EOF
2: -> FLOCK  ADVISORY  WRITE 101 fe:00:1234 0 EOF
3: -> FLOCK  ADVISORY  WRITE 102 fe:00:99 0 EOF
4: FLOCK  ADVISORY  WRITE 0 fe:00:55 0 EOF
5: FLOCK
`
	f := func(file string, want int) {
		t.Helper()
		if got := lockOwner([]byte(locks), file); got != want {
			t.Errorf("%s: %d, want %d", file, got, want)
		}
	}
	f("fe:00:1234", 99)
	f("fe:00:99", 0)
	f("fe:00:55", 0)
	f("fe:00:1", 0)
}

// Nothing but the program and its subcommand is told of another process.
func TestCommandOf(t *testing.T) {
	f := func(cmdline, want string) {
		t.Helper()
		if got := commandOf([]byte(cmdline)); got != want {
			t.Errorf("%q: %q, want %q", cmdline, got, want)
		}
	}
	f("/usr/bin/kcing\x00feed\x00--token\x00secret\x00", "kcing feed")
	f("kcing\x00setup-es\x00", "kcing setup-es")
	f("kcing\x00--es-host=https://u:p@h\x00", "kcing")
	f("kcing\x00https://u:p@h\x00", "kcing")
	f("kcing\x00", "kcing")
	f("kcing", "kcing")
	f("", "")
	f("\x00feed\x00", "")
}
