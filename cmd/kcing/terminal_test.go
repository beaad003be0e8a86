//go:build unix

package main

import (
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/creack/pty"
)

// TestFeedOnTerminal: a feed typed by a person ends with 0 and its report.
func TestFeedOnTerminal(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	w.run(exitOK, "samples", "--synthetic", "--sample-size", "20")
	c := exec.Command("kcing", "feed", "samples")
	c.Dir = w.dir
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TERM=xterm", "GORACE=" + raceOptions,
		"ES_HOST=" + w.host, "ES_INDEX_PREFIX=" + w.prefix}, w.env...)
	tty, err := pty.StartWithSize(c, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tty.Close() }()
	shown, _ := io.ReadAll(tty) // Linux ends it with EIO, others with EOF
	if err := c.Wait(); err != nil {
		t.Fatalf("kcing feed: %v\n%s", err, shown)
	}
}
