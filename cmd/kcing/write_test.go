//go:build unix

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// TestWriteThrough: only a regular file is replaced. A link stays a link, and what
// is no regular file stays what it is and gets the data.
func TestWriteThrough(t *testing.T) {
	t.Chdir(t.TempDir())
	write := func(name string) {
		t.Helper()
		if err := writeWhole(name, []byte("new"), 0o600); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	has := func(name string, kind fs.FileMode, content string) {
		t.Helper()
		if info, err := os.Lstat(name); err != nil || info.Mode().Type() != kind {
			t.Errorf("%s is %v, %v", name, info, err)
		}
		if kind == fs.ModeNamedPipe {
			return // it has no end
		}
		if text, err := os.ReadFile(name); err != nil || string(text) != content {
			t.Errorf("%s has %q, %v", name, text, err)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Mkdir("www", 0o700))
	check(os.WriteFile("www/old", []byte("longer than what is new"), 0o600))
	check(os.Symlink("old", "www/latest"))
	check(os.Symlink("www/latest", "link"))
	write("link")
	has("link", fs.ModeSymlink, "new")
	has("www/latest", fs.ModeSymlink, "new")
	has("www/old", 0, "new")

	check(os.Symlink("www/none", "dangling"))
	write("dangling")
	has("dangling", fs.ModeSymlink, "new")
	has("www/none", 0, "new")

	check(syscall.Mkfifo("fifo", 0o600))
	pipe, err := os.OpenFile("fifo", os.O_RDWR, 0) // so that nothing waits for a reader
	check(err)
	defer pipe.Close() //nolint:errcheck // of the test alone
	write("fifo")
	has("fifo", fs.ModeNamedPipe, "")
	got := make([]byte, 9)
	check(pipe.SetReadDeadline(time.Now().Add(10 * time.Second)))
	if n, err := pipe.Read(got); string(got[:n]) != "new" {
		t.Errorf("the pipe has %q, %v", got[:n], err)
	}

	if entries, err := filepath.Glob("*/.kcing-*"); err != nil || len(entries) > 0 {
		t.Errorf("left are %v, %v", entries, err)
	}
}

// TestWriteDevice: the node that a file's name is of stays. It is a copy of
// /dev/full of the test's own: what goes to it fails.
func TestWriteDevice(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a device's numbers are others elsewhere")
	}
	name := filepath.Join(t.TempDir(), "full")
	if err := syscall.Mknod(name, syscall.S_IFCHR|0o600, 1<<8|7); err != nil {
		t.Skip("only root makes devices: ", err)
	}
	if err := writeWhole(name, []byte("new"), 0o600); err == nil {
		t.Error("nothing was said about what could not be written")
	}
	if info, err := os.Lstat(name); err != nil || info.Mode().Type() != fs.ModeDevice|fs.ModeCharDevice {
		t.Errorf("the device is %v, %v", info, err)
	}
}
