// Command es starts and stops the Elasticsearch that stays between commands (make es-up, make es-down), and runs a
// command against one of its own. It is for development: no security, one node on 127.0.0.1.
//
//	es up [--port 9200]   start, wait until it answers, print the URL; says so when it already runs
//	es down               stop; the data stays in .cache/elasticsearch, that of a container goes
//	es url                print the URL; exit 1 when it does not run
//	es run -- CMD [ARG]   run CMD with ELASTICSEARCH_URL set, exit with its code
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: es up [--port 9200] | down | url | run -- CMD [ARG]`

// errUsage is answered with exit code 2.
var errUsage = errors.New(usage)

// exitError carries the exit code of the command that es run ran.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	cancel()
	var code exitError
	switch {
	case err == nil:
	case errors.As(err, &code):
		os.Exit(int(code))
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "es:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	name, args := args[0], args[1:]
	switch name {
	case "run":
		return runCommand(ctx, args, stderr)
	case "help", "-h", "--help":
		_, err := fmt.Fprintln(stdout, usage)
		return err
	}
	d, err := openDaemon(stdout, stderr)
	if err != nil {
		return err
	}
	switch name {
	case "up":
		return d.up(ctx, args)
	case "down":
		return d.down(ctx)
	case "url":
		return d.url(ctx)
	default:
		return fmt.Errorf("unknown command %q; %w", name, errUsage)
	}
}
