package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/kcing/kcing/internal/estest"
)

// runCommand runs a command with ELASTICSEARCH_URL set: to the given server, else to one that lives as long as the
// command does.
func runCommand(ctx context.Context, args []string, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return fmt.Errorf("run: which command? %w", errUsage)
	}
	url := os.Getenv("ELASTICSEARCH_URL")
	if url == "" {
		s, err := estest.Launch(ctx, estest.LaunchOptions{Heap: "1g", Progress: stderr})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		url = s.URL()
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "ELASTICSEARCH_URL="+url)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 15 * time.Second
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if w, ok := exit.Sys().(syscall.WaitStatus); ok && w.Signaled() {
			return exitError(128 + int(w.Signal())) // as a shell does
		}
		return exitError(exit.ExitCode())
	}
	return err
}
