package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"
)

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// TestStdoutFails: what could not be printed is no success.
func TestStdoutFails(t *testing.T) {
	for _, args := range []string{"setup-es --dry-run", "samples --synthetic --sample-size 1 --samples-dir " + t.TempDir(),
		"version"} {
		var stderr bytes.Buffer
		code := run(append([]string{"kcing"}, strings.Fields(args)...), strings.NewReader(""), fullDisk{}, &stderr)
		if code != exitFailed {
			t.Errorf("%s: exit code %d, %s", args, code, stderr.String())
		}
	}
}

// TestSamplesInterrupted: the first Ctrl-C ends the making of records.
func TestSamplesInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	a := &app{stdout: &stdout, stderr: &screen{out: &stderr}, now: time.Now}
	err := a.samples(ctx, &samplesArgs{dir: t.TempDir(), size: 1_000_000, logLines: "demo"})
	if code := a.exitCode(ctx, err); code != exitInterrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("%v: exit code %d", err, code)
	}
}
