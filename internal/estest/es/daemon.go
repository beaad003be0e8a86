package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kcing/kcing/internal/estest"
)

// daemon is the server that es up starts. Its data and its log are in .cache/elasticsearch of the working tree, or in
// a container of a compose project of its own. Where it listens is noted nowhere else, so that nothing can be stale.
type daemon struct {
	root, dir      string
	stdout, stderr io.Writer
}

func openDaemon(stdout, stderr io.Writer) (*daemon, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		return nil, errors.New("no go.mod here: run es at the top of kcing's working tree")
	}
	return &daemon{root: root, dir: filepath.Join(root, ".cache", "elasticsearch"), stdout: stdout, stderr: stderr}, nil
}

// find returns where the server listens; "" when none runs.
func (d *daemon) find(ctx context.Context) string {
	if url, _ := estest.Running(ctx, d.dir); url != "" {
		return url
	}
	if url := d.composeURL(ctx); url != "" && estest.Answers(ctx, url) {
		return url
	}
	return ""
}

// up starts the server unless it runs.
func (d *daemon) up(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.SetOutput(d.stderr)
	port := flags.Int("port", 9200, "HTTP port on 127.0.0.1; 0 takes a free one")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errUsage
	}
	asked := 0 // any port will do
	flags.Visit(func(*flag.Flag) { asked = *port })
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	lock, err := estest.Lock(ctx, filepath.Join(d.dir, "lock"))
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	url := d.find(ctx)
	switch {
	case url == "":
		if url, err = d.launch(ctx, *port); err != nil {
			return err
		}
	case asked != 0 && url != estest.LocalURL(asked):
		return fmt.Errorf("already running at %s; to move it to port %d run \"es down\" first", url, asked)
	default:
		_, _ = fmt.Fprintln(d.stderr, "already running")
	}
	_, err = fmt.Fprintln(d.stdout, url)
	return err
}

// launch starts the server by compose or in a JVM and waits until it answers.
func (d *daemon) launch(ctx context.Context, port int) (url string, err error) {
	docker, err := estest.UseDocker(ctx)
	if err != nil {
		return "", err
	}
	if port != 0 {
		if err := portFree(ctx, port); err != nil {
			return "", err
		}
	}
	if docker {
		return d.composeUp(ctx, port)
	}
	ctx, cancel := context.WithTimeout(ctx, 12*time.Minute) // the first build may download
	defer cancel()
	s, err := estest.Launch(ctx, estest.LaunchOptions{Heap: "1g", DataDir: d.dir, Port: port, Progress: d.stderr})
	if err != nil {
		return "", err
	}
	return s.URL(), nil
}

// portFree says what to do when the port is taken.
func portFree(ctx context.Context, port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		return l.Close()
	}
	what := "another program"
	if estest.Answers(ctx, estest.LocalURL(port)) {
		what = "an Elasticsearch that \"es up\" of this tree did not start"
	}
	return fmt.Errorf("port %d is taken by %s; stop that one, or use another port (--port 0 takes a free one): %w",
		port, what, err)
}

// down stops the server; it is no error when it does not run. The data of one in a container goes with it.
func (d *daemon) down(ctx context.Context) error {
	if url, pid := estest.Running(ctx, d.dir); url != "" {
		return estest.StopPid(ctx, pid)
	}
	found, err := d.composeDown(ctx)
	if !found {
		_, err = fmt.Fprintln(d.stderr, "not running")
	}
	return err
}

// url prints where the server listens.
func (d *daemon) url(ctx context.Context) error {
	url := d.find(ctx)
	if url == "" {
		return errors.New("not running; start it by: go run ./internal/estest/es up")
	}
	_, err := fmt.Fprintln(d.stdout, url)
	return err
}
