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
	"os/exec"
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

// load returns the server that es up started when it still runs, else the zero state.
func (d *daemon) load(ctx context.Context) (state, error) {
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
	if s.Pid == 0 {
		if !estest.Answers(ctx, s.URL) {
			return state{}, nil
		}
		return s, nil
	}
	if !estest.IsServer(s.Pid, d.dir) { // the process id may belong to another program by now
		return state{}, nil
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
	_ = flags.Bool("wait", true, "wait until the server answers; up always does, the flag is there for clarity in a Makefile")
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
	if docker {
		return d.composeUp(ctx, port)
	}
	if port != 0 {
		// An earlier up that was killed had no time to write the state.
		if pid := estest.PidAt(ctx, local(port)); estest.IsServer(pid, d.dir) {
			_, _ = fmt.Fprintln(d.stderr, "already running")
			return state{Pid: pid, URL: local(port)}, nil
		}
		if err := portFree(ctx, port); err != nil {
			return state{}, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 12*time.Minute) // the first build may download
	defer cancel()
	s, err := estest.Launch(ctx, estest.LaunchOptions{Heap: "1g", DataDir: d.dir, Port: port, Detached: true, Progress: d.stderr})
	if err != nil {
		return state{}, err
	}
	return state{Pid: s.Pid(), URL: s.URL()}, nil
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
	return fmt.Errorf("port %d is taken by %s; stop that one, or use another port (--port 0 takes a free one): %w", port, what, err)
}

// down stops the server; it is no error when it does not run.
func (d *daemon) down(ctx context.Context) error {
	s, err := d.load(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.URL == "":
		_, _ = fmt.Fprintln(d.stderr, "not running")
	case s.Pid == 0:
		if err := d.compose(ctx, 0, "stop", "elasticsearch"); err != nil {
			return err
		}
	default:
		if err := estest.StopPid(ctx, s.Pid); err != nil {
			return err
		}
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
	where := "container"
	if s.Pid != 0 {
		where = "process " + strconv.Itoa(s.Pid)
	}
	_, err = fmt.Fprintf(d.stdout, "%s  %s  Elasticsearch %s, %s, data and log in %s\n", s.URL, health, estest.Version, where, d.dir)
	return err
}

func (d *daemon) composeUp(ctx context.Context, port int) (state, error) {
	if exec.CommandContext(ctx, "docker", "compose", "version").Run() != nil {
		return state{}, fmt.Errorf("%w: docker compose does not run; \"apt-get install docker-compose-v2\" or Docker's docker-compose-plugin, or set KCING_ES=jvm", estest.ErrPrerequisite)
	}
	if port == 0 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return state{}, err
		}
		port = l.Addr().(*net.TCPAddr).Port
		if err := l.Close(); err != nil {
			return state{}, err
		}
	}
	if err := d.compose(ctx, port, "up", "--detach", "--wait", "elasticsearch"); err != nil {
		return state{}, err
	}
	return state{URL: local(port)}, nil
}

// compose runs docker compose on compose.yaml, which reads ES_PORT.
func (d *daemon) compose(ctx context.Context, port int, args ...string) error {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"compose", "--file", filepath.Join(d.root, "compose.yaml")}, args...)...)
	cmd.Env = os.Environ()
	if port != 0 {
		cmd.Env = append(cmd.Env, "ES_PORT="+strconv.Itoa(port))
	}
	cmd.Stdout, cmd.Stderr = d.stderr, d.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("docker compose %s: %w", args[0], err)
	}
	return nil
}
