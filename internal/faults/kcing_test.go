package faults

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/estest"
)

// Exit codes of kcing.
const (
	exitOK      = 0
	exitFailed  = 1
	exitRejects = 3
	killed      = -1
)

// workplace is a folder in which kcing runs against one server and one prefix.
type workplace struct {
	t           *testing.T
	es          elastic
	program     string
	dir, prefix string
	env         map[string]string // what kcing gets beside HOME and PATH
}

// raceOptions make a race a failure even where the test expects exit code 1, and
// the race detector not wait a second at the end of each process.
const raceOptions = "halt_on_error=1 exitcode=66 atexit_sleep_ms=0"

// newWorkplace is for the Elasticsearch at url; kcing reaches it at host.
func newWorkplace(t *testing.T, url, host string) *workplace {
	t.Helper()
	w := &workplace{t: t, es: elastic{t, url}, program: program(t), dir: t.TempDir(), prefix: estest.Prefix(t, url)}
	w.env = map[string]string{"ES_HOST": host, "ES_INDEX_PREFIX": w.prefix,
		"GORACE": raceOptions}
	return w
}

// with sets variables of the environment and returns w.
func (w *workplace) with(pairs ...string) *workplace {
	for i := 0; i < len(pairs); i += 2 {
		w.env[pairs[i]] = pairs[i+1]
	}
	return w
}

// output is a buffer that a process writes and a test reads.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// process is one run of kcing.
type process struct {
	*exec.Cmd
	t        *testing.T
	out, err output
	in       io.WriteCloser
	ended    chan struct{}
}

// command is kcing with its arguments, not yet started.
func (w *workplace) command(args ...string) *process {
	p := &process{Cmd: exec.Command(w.program, args...), t: w.t, ended: make(chan struct{})}
	p.Dir, p.Stdout, p.Stderr = w.dir, &p.out, &p.err
	p.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir}
	for name, value := range w.env {
		p.Env = append(p.Env, name+"="+value)
	}
	return p
}

// start starts it with its stdin held open. It is killed when the test ends.
func (p *process) start() *process {
	p.t.Helper()
	var err error
	if p.in, err = p.StdinPipe(); err != nil {
		p.t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.Wait()
	}()
	p.t.Cleanup(func() {
		p.kill()
		<-p.ended
	})
	return p
}

// kill ends the process as kill -9 does; nothing happens if it has ended.
func (p *process) kill() { _ = p.Process.Kill() }

// code waits for the end and returns the exit code, or killed.
func (p *process) code() int {
	p.t.Helper()
	_ = p.in.Close()
	select {
	case <-p.ended:
	case <-time.After(patience):
		p.t.Fatalf("%v has not ended; stderr:\n%s", p.Args[1:], tail(p.err.String()))
	}
	code := p.ProcessState.ExitCode()
	if all := p.err.String(); strings.Contains(all, "DATA RACE") || strings.Contains(all, "goroutine ") {
		p.t.Fatalf("%v crashed:\n%s", p.Args[1:], all)
	}
	return code
}

// running reports whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// run runs kcing to its end and wants this exit code.
func (w *workplace) run(code int, args ...string) (stdout, stderr string) {
	w.t.Helper()
	return w.wait(w.command(args...).start(), code)
}

// wait wants a process to end with this exit code.
func (w *workplace) wait(p *process, code int) (stdout, stderr string) {
	w.t.Helper()
	if got := p.code(); got != code {
		w.t.Fatalf("kcing %s: exit code %d, want %d\n%s%s", strings.Join(p.Args[1:], " "), got, code,
			tail(p.out.String()), tail(p.err.String()))
	}
	return p.out.String(), p.err.String()
}

// tail is the end of a long output.
func tail(s string) string { return s[max(0, len(s)-3000):] }

// report is the last line of feed --json.
func (w *workplace) report(stdout string) gjson.Result {
	w.t.Helper()
	if !gjson.Valid(stdout) {
		w.t.Fatalf("no JSON report: %q", stdout)
	}
	return gjson.Parse(stdout)
}

// until asks again and again, at most patience long.
func until(t *testing.T, what string, yes func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); !yes(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// closing is the one line that a failed run ends with.
func (w *workplace) closing(stderr string) string {
	w.t.Helper()
	var lines []string
	for line := range strings.Lines(stderr) {
		if strings.HasPrefix(line, "kcing: ") {
			lines = append(lines, line)
		}
	}
	if len(lines) != 1 || !strings.HasSuffix(stderr, lines[0]) {
		w.t.Fatalf("it must end with one line that starts with \"kcing: \":\n%s", stderr)
	}
	return lines[0]
}

var pendingRecords = regexp.MustCompile(`(\d[\d,]*) records? pending in .+; run the same command again to go on\n$`)

// pendingIn reads how many records a closing line says are left.
func (w *workplace) pendingIn(line string) int {
	w.t.Helper()
	m := pendingRecords.FindStringSubmatch(line)
	if m == nil {
		w.t.Fatalf("it does not say what is pending: %q", line)
	}
	return w.number(m[1])
}

var soundState = regexp.MustCompile(`^\S+ is sound: ([\d,]+) finished records?, ([\d,]+) rejects?, `)

// state checks the state file and returns what is in it.
func (w *workplace) state() (finished, rejects int) {
	w.t.Helper()
	out, _ := w.run(exitOK, "state", "check")
	m := soundState.FindStringSubmatch(out)
	if m == nil {
		w.t.Fatalf("state check says %q", out)
	}
	return w.number(m[1]), w.number(m[2])
}

func (w *workplace) number(s string) int {
	w.t.Helper()
	n, err := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *workplace) path(name string) string { return filepath.Join(w.dir, name) }
