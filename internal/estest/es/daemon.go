package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kcing/kcing/internal/estest"
)

// daemon is the server that es up starts. Its data, its log and who it is are in .cache/elasticsearch of the working
// tree.
type daemon struct {
	root, dir      string
	stdout, stderr io.Writer
}

// state is .cache/elasticsearch/state.json: the server that es up started last. Pid is 0 for a container.
type state struct {
	Pid int    `json:"pid"`
	URL string `json:"url"`
}

func (s state) inContainer() bool { return s.URL != "" && s.Pid == 0 }

func openDaemon(stdout, stderr io.Writer) (*daemon, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	return &daemon{root: root, dir: filepath.Join(root, ".cache", "elasticsearch"), stdout: stdout, stderr: stderr}, nil
}

// findRoot goes up from the working directory to the one with go.mod.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod here or above: run es in kcing's working tree")
		}
		dir = parent
	}
}

func (d *daemon) statePath() string { return filepath.Join(d.dir, "state.json") }

// read returns the server that es up started last, else the zero state.
func (d *daemon) read() (state, error) {
	b, err := os.ReadFile(d.statePath())
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err != nil {
		return state{}, err
	}
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return state{}, fmt.Errorf("%s is damaged, delete it: %w", d.statePath(), err)
	}
	return s, nil
}

// load is read for a server that still runs.
func (d *daemon) load(ctx context.Context) (state, error) {
	s, err := d.read()
	runs := estest.IsServer(s.Pid, d.dir) // the process id may belong to another program by now
	if s.inContainer() {
		runs = estest.Answers(ctx, s.URL)
	}
	if err != nil || !runs {
		return state{}, err
	}
	return s, nil
}

func (d *daemon) save(s state) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(d.statePath(), append(b, '\n'), 0o644)
}

// up starts the server unless it runs.
func (d *daemon) up(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("up", flag.ContinueOnError)
	flags.SetOutput(d.stderr)
	port := flags.Int("port", 9200, "HTTP port on 127.0.0.1; 0 takes a free one")
	_ = flags.Bool("wait", true, "wait until the server answers; up always does, the flag is there for clarity in a "+
		"Makefile")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errUsage
	}
	asked := 0 // any port will do
	flags.Visit(func(f *flag.Flag) {
		if f.Name == "port" {
			asked = *port
		}
	})
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return err
	}
	lock, err := estest.Lock(ctx, filepath.Join(d.dir, "lock"))
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	s, err := d.load(ctx)
	if err != nil {
		return err
	}
	if s.URL != "" && asked != 0 && s.URL != local(asked) {
		return fmt.Errorf("already running at %s; to move it to port %d run \"es down\" first", s.URL, asked)
	}
	if s.URL != "" {
		_, _ = fmt.Fprintln(d.stderr, "already running")
	} else if s, err = d.launch(ctx, *port); err != nil {
		return err
	}
	if err := d.save(s); err != nil {
		return err
	}
	_, err = fmt.Fprintln(d.stdout, s.URL)
	return err
}

func local(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// launch starts the server by compose or in a JVM and waits until it answers.
func (d *daemon) launch(ctx context.Context, port int) (state, error) {
	docker, err := estest.UseDocker(ctx)
	if err != nil {
		return state{}, err
	}
	if port != 0 {
		// An earlier up that was killed had no time to write the state.
		if s, ok := d.forgotten(ctx, local(port), docker); ok {
			_, _ = fmt.Fprintln(d.stderr, "already running")
			return s, nil
		}
		if err := portFree(ctx, port); err != nil {
			return state{}, err
		}
	}
	if docker {
		return d.composeUp(ctx, port)
	}
	ctx, cancel := context.WithTimeout(ctx, 12*time.Minute) // the first build may download
	defer cancel()
	s, err := estest.Launch(ctx, estest.LaunchOptions{Heap: "1g", DataDir: d.dir, Port: port, Detached: true,
		Progress: d.stderr})
	if err != nil {
		return state{}, err
	}
	return state{Pid: s.Pid(), URL: s.URL()}, nil
}

// forgotten returns the server at url when it is this tree's.
func (d *daemon) forgotten(ctx context.Context, url string, docker bool) (state, bool) {
	if !estest.Answers(ctx, url) {
		return state{}, false
	}
	if docker {
		return state{URL: url}, d.publishes(ctx, url)
	}
	pid := estest.PidAt(ctx, url)
	return state{Pid: pid, URL: url}, estest.IsServer(pid, d.dir)
}

// portFree says what to do when the port is taken.
func portFree(ctx context.Context, port int) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l.Close()
	}
	what := "another program"
	if estest.Answers(ctx, "http://"+address) {
		what = "an Elasticsearch that \"es up\" of this tree did not start"
	}
	return fmt.Errorf("port %d is taken by %s; stop that one, or use another port (--port 0 takes a free one): %w",
		port, what, err)
}

// down stops the server; it is no error when it does not run. The data of one in a container goes with it.
func (d *daemon) down(ctx context.Context) error {
	s, err := d.read()
	if err != nil {
		return err
	}
	switch {
	case s.inContainer(): // also one that ended: its volume is there
		if err := d.compose(ctx, 0, "down", "--volumes"); err != nil {
			return err
		}
	case estest.IsServer(s.Pid, d.dir):
		if err := estest.StopPid(ctx, s.Pid); err != nil {
			return err
		}
	default:
		_, _ = fmt.Fprintln(d.stderr, "not running")
	}
	if err := os.Remove(d.statePath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// show prints the URL, or one line on the server.
func (d *daemon) show(ctx context.Context, what string) error {
	s, err := d.load(ctx)
	if err != nil {
		return err
	}
	if s.URL == "" {
		return errors.New("not running; start it by: go run ./internal/estest/es up")
	}
	if what == "url" {
		_, err = fmt.Fprintln(d.stdout, s.URL)
		return err
	}
	health := "ready"
	if !estest.Answers(ctx, s.URL) {
		health = "does not answer"
	}
	where := "in a container"
	if !s.inContainer() {
		where = "process " + strconv.Itoa(s.Pid) + ", data and log in " + d.dir
	}
	_, err = fmt.Fprintf(d.stdout, "%s  %s  Elasticsearch %s, %s\n", s.URL, health, estest.Version, where)
	return err
}
