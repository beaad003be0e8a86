package estest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kcing/kcing/internal/retry"
)

const logName = "elasticsearch.log"

// errEnded means that the server's process ended before it was ready.
var errEnded = errors.New("the server ended before it was ready")

// LaunchOptions are the options of Launch. The zero value is a server on a free port with its data in a temporary
// directory that ends with this process.
type LaunchOptions struct {
	Settings map[string]string // Elasticsearch settings by name; over the defaults
	Heap     string            // Java's -Xmx, "" is 512m
	Port     int               // HTTP port on 127.0.0.1; 0 takes a free one
	// DataDir keeps data and logs, and the server, in a JVM, stays when this process ends. "": both end with it.
	DataDir  string
	Quick    bool      // in a JVM: starts sooner and runs slower, for short tests
	Progress io.Writer // gets a line before the long first build; nil is discard
}

// runner is one way to run a server.
type runner interface {
	command(port int) (*exec.Cmd, error) // prepares and returns the command; port 0 is a free one
	port() (int, bool)                   // the port it listens on, once known
	kill(*os.Process) error
	terminate(*os.Process) error
	remove() error // what outlives the process, once it has ended
}

// Server is one Elasticsearch node on 127.0.0.1. Its methods may be called from several goroutines.
type Server struct {
	runner    runner
	dir       string    // data, logs
	tempDir   io.Closer // its lock; nil without a temporary directory
	detached  bool
	container bool

	mu       sync.Mutex
	proc     *process
	portUsed int  // 0 before the first start when the port is free to choose
	wasReady bool // after the first successful start
}

// process is one run of the server.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// Launch starts a server and waits until it answers. The error wraps ErrPrerequisite when something must be
// installed first. The caller calls Close.
func Launch(ctx context.Context, o LaunchOptions) (*Server, error) {
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	docker, err := UseDocker(ctx)
	if err != nil {
		return nil, err
	}
	if docker && o.DataDir == "" {
		return launchDocker(ctx, o)
	}
	java, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := serverFolder(ctx, java, o.Progress)
	if err != nil {
		return nil, err
	}
	s := &Server{dir: o.DataDir, detached: o.DataDir != "", portUsed: o.Port}
	if !s.detached {
		if s.dir, s.tempDir, err = tempDir(); err != nil {
			return nil, err
		}
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return nil, err
	}
	s.runner = &jvm{java: java, folder: folder, dir: s.dir, heap: o.Heap, settings: o.Settings, owned: !s.detached,
		quick: o.Quick}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// URL is the server's address, such as http://127.0.0.1:34567, without a slash at the end. It stays over Restart.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return LocalURL(s.portUsed)
}

// LocalURL is the address of a server at a port of this machine.
func LocalURL(port int) string { return "http://127.0.0.1:" + strconv.Itoa(port) }

// Pid is the id of the server's process; 0 when it does not run or is in a container.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil || s.container {
		return 0
	}
	return s.proc.cmd.Process.Pid
}

// Log returns the last n lines the server logged.
func (s *Server) Log(n int) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, logName)) // a missing one has none
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// Kill ends the server at once (SIGKILL), as a crash would. Its data stays. It does nothing to one that does not run.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(s.runner.kill, 0)
}

// Stop ends the server cleanly, or by force after 15 s. Its data stays.
func (s *Server) Stop() { s.stop(15 * time.Second) }

func (s *Server) stop(patience time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(s.runner.terminate, patience)
}

// Close stops the server and removes the temporary data directory when it has one.
func (s *Server) Close() error {
	s.Stop()
	err := s.runner.remove()
	if s.tempDir != nil {
		err = errors.Join(err, os.RemoveAll(s.dir), s.tempDir.Close())
		s.tempDir = nil
	}
	return err
}

// Restart starts the server again on the same data and the same port; one that runs is stopped first. It returns
// when the server answers, or when ctx ends.
func (s *Server) Restart(ctx context.Context) error {
	s.Stop()
	return s.start(ctx)
}

// end asks by signal, waits, and kills what is still there. The caller holds mu.
func (s *Server) end(signal func(*os.Process) error, patience time.Duration) {
	p := s.proc
	if p == nil {
		return
	}
	s.proc = nil
	select {
	case <-p.ended:
		return
	default:
	}
	_ = signal(p.cmd.Process) // an error means that it just ended
	if patience > 0 {
		select {
		case <-p.ended:
		case <-time.After(patience):
			_ = s.runner.kill(p.cmd.Process)
		}
	}
	<-p.ended
}

// start runs the server until it is ready. On a restart another process may hold the port for a moment; then it
// tries again until ctx ends.
func (s *Server) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		err := s.startOnce(ctx)
		if err == nil {
			return nil
		}
		s.end(s.runner.kill, 0)
		if !s.wasReady || ctx.Err() != nil || !strings.Contains(s.Log(60), "BindHttpException") {
			return err
		}
	}
}

func (s *Server) startOnce(ctx context.Context) error {
	cmd, err := s.runner.command(s.portUsed)
	if err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(s.dir, logName))
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = out, out
	if s.proc, err = startProcess(cmd, s.detached); err != nil {
		return fmt.Errorf("starting Elasticsearch: %w", err)
	}
	if err := s.ready(ctx); err != nil {
		return fmt.Errorf("starting Elasticsearch %s: %w; the end of its log:\n%s", Version, err, s.Log(15))
	}
	return nil
}

// startProcess starts cmd. Unless it is detached, it ends with this process: its standard input then ends, and on
// Linux the kernel kills it.
func startProcess(cmd *exec.Cmd, stay bool) (*process, error) {
	cmd.SysProcAttr = detached()
	if !stay {
		cmd.SysProcAttr = owned()
		if _, err := cmd.StdinPipe(); err != nil { // never written to; closed by Wait
			return nil, err
		}
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the parent-death signal comes when this thread ends, not when the process does
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // how it ended is in its log
		close(p.ended)
	}()
	return p, <-started
}

// ready waits until the server answers that all primary shards are there.
func (s *Server) ready(ctx context.Context) error {
	const pause = 25 * time.Millisecond
	for {
		select {
		case <-s.proc.ended:
			return errEnded
		default:
		}
		if port, ok := s.runner.port(); ok {
			if healthy(ctx, LocalURL(port)) {
				s.portUsed, s.wasReady = port, true
				return nil
			}
		}
		if err := retry.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// healthy asks once; the server waits up to 5 s for its shards before it answers 408.
func healthy(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet,
		url+"/_cluster/health?wait_for_status=yellow&timeout=5s", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.StatusCode == http.StatusOK
}
