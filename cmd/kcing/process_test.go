package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/estest"
)

// patience bounds every wait of these tests, on a loaded machine too.
const patience = 90 * time.Second

// workplace is a folder in which kcing processes run against one Elasticsearch
// and one prefix.
type workplace struct {
	t                 *testing.T
	dir, host, prefix string
	env               []string
}

func newWorkplace(t *testing.T) *workplace {
	t.Helper()
	host := estest.Shared(t)
	return &workplace{t: t, dir: t.TempDir(), host: host, prefix: estest.Prefix(t, host)}
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

type process struct {
	*exec.Cmd
	out, err output
	in       io.WriteCloser
	ended    chan struct{}
}

// start starts kcing with its stdin held open. It is killed when the test ends.
func (w *workplace) start(args ...string) *process {
	w.t.Helper()
	p := &process{Cmd: exec.Command("kcing", args...), ended: make(chan struct{})}
	p.Dir, p.Stdout, p.Stderr = w.dir, &p.out, &p.err
	p.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "GORACE=" + raceOptions, "ES_HOST=" + w.host,
		"ES_INDEX_PREFIX=" + w.prefix}, w.env...)
	var err error
	if p.in, err = p.StdinPipe(); err != nil {
		w.t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		w.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.Wait()
	}()
	w.t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.ended
	})
	return p
}

// code waits for the end and returns the exit code, -1 for a killed process.
func (w *workplace) code(p *process) int {
	w.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		w.t.Fatalf("%v has not ended; stderr:\n%s", p.Args, p.err.String())
	}
	return p.ProcessState.ExitCode()
}

// run runs kcing to its end and wants this exit code.
func (w *workplace) run(code int, args ...string) (stdout, stderr string) {
	w.t.Helper()
	p := w.start(args...)
	_ = p.in.Close()
	if got := w.code(p); got != code {
		w.t.Fatalf("kcing %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, p.out.String(),
			p.err.String())
	}
	return p.out.String(), p.err.String()
}

// until asks again and again; each question is a process or a request, so that
// there is no need to sleep in between.
func (w *workplace) until(what string, yes func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); !yes(); {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func (w *workplace) count() int64 { return countDocuments(w.host, w.prefix, "*") }

// synthetic makes records and returns how many documents they become.
func (w *workplace) synthetic(records int) (documents int64) {
	w.t.Helper()
	w.run(exitOK, "samples", "--synthetic", "--sample-size", fmt.Sprint(records), "--profile", "real", "--seed", "11")
	_, report := w.run(exitOK, "feed", "--dry-run", "--json", "samples")
	gjson.Get(report, "documents").ForEach(func(_, n gjson.Result) bool {
		documents += n.Int()
		return true
	})
	if documents == 0 {
		w.t.Fatalf("no documents: %s", report)
	}
	return documents
}

const oneBoot = `{"id":"b1","board":"a","lab_name":"l","boot_result":"PASS","created_on":"2021-03-04 05:06:07+00:00"}` +
	"\n"

// TestFeedSecond: one feed at a time; what only looks answers beside it.
func TestFeedSecond(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	first := w.start("feed", "-")
	w.until("the first feed runs", func() bool {
		out, _ := w.run(exitOK, "status", "--json")
		return gjson.Get(out, "feed_running").String() == fmt.Sprintf("process %d", first.Process.Pid)
	})
	out, stderr := w.run(exitFailed, "feed", "-")
	want := fmt.Sprintf("kcing: another feed is running (process %d holds data/feed.lock); wait for it to end\n",
		first.Process.Pid)
	if stderr != want || out != "" {
		t.Errorf("the second feed said %q and %q, want %q", out, stderr, want)
	}
	if _, err := io.WriteString(first.in, oneBoot); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	w.run(exitOK, "rejects", "list")
	w.run(exitOK, "drp", "--dry-run")
	if out, _ := w.run(exitOK, "status"); !strings.Contains(out,
		fmt.Sprintf("running (process %d)", first.Process.Pid)) {
		t.Errorf("status does not name the running feed:\n%s", out)
	}
	if took := time.Since(started); took > patience {
		t.Errorf("three looks beside a feed took %v", took)
	}
	if err := first.in.Close(); err != nil {
		t.Fatal(err)
	}
	if code := w.code(first); code != exitOK {
		t.Errorf("the first feed ended with %d: %s", code, first.err.String())
	}
	if n := w.count(); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}

// TestFeedInterrupted: SIGINT and SIGTERM end a feed that waits for input, with
// what it has settled, and the next one goes on.
func TestFeedInterrupted(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorkplace(t)
			p := w.start("feed", "-")
			if _, err := io.WriteString(p.in, oneBoot); err != nil {
				t.Fatal(err)
			}
			w.until("the record is stored", func() bool { return w.count() == 1 })
			if err := p.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if code := w.code(p); code != exitInterrupted {
				t.Errorf("exit code %d, want %d: %s", code, exitInterrupted, p.err.String())
			}
			if want := "kcing: interrupted: nothing that was read is pending\n"; !strings.HasSuffix(p.err.String(),
				want) {
				t.Errorf("it said %q, want %q at the end", p.err.String(), want)
			}
			out, _ := w.run(exitOK, "status")
			if !strings.Contains(out, "exit code 130") || !strings.Contains(out, "1 record finished") {
				t.Errorf("status after it:\n%s", out)
			}
		})
	}
}

// TestFeedKilled: kill -9 in the middle costs nothing but time.
func TestFeedKilled(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	want := w.synthetic(60)
	p := w.start("feed", "samples", "--es-bulk-actions", "200", "--es-bulk-requests", "1")
	w.until("some are stored", func() bool { return w.count() > 500 })
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if code := w.code(p); code != -1 {
		t.Skipf("it was faster than the kill: exit code %d", code)
	}
	out, _ := w.run(exitOK, "feed", "samples", "--json")
	if gjson.Get(out, "pending").Int() != 0 || gjson.Get(out, "bulk.stored").Int() >= want {
		t.Errorf("the second run reports %s", out)
	}
	if n := w.count(); n != want {
		t.Errorf("%d documents, want %d", n, want)
	}
	if out, _ := w.run(exitOK, "state", "check"); !strings.Contains(out, "60 finished records, 0 rejects") {
		t.Errorf("state check says %s", out)
	}
	if out, _ := w.run(exitOK, "feed", "samples", "--json"); gjson.Get(out, "bulk.added").Int() != 0 {
		t.Errorf("the third run sent something: %s", out)
	}
}

// guarded is a TLS proxy before Elasticsearch that wants a password, and stops
// accepting it after so many bulk requests.
func guarded(t *testing.T, w *workplace, bulks int64) (host, caFile string) {
	t.Helper()
	target, err := url.Parse(w.host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var seen atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		expired := strings.HasSuffix(r.URL.Path, "_bulk") && seen.Add(1) > bulks
		if user != "kcing" || password != "hunter2" || expired {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(rw, `{"error":{"type":"security_exception","reason":"unable to authenticate user [kcing]"},"status":401}`)
			return
		}
		r.Header.Del("Authorization")
		proxy.ServeHTTP(rw, r)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo) // refused handshakes are wanted
	server.StartTLS()
	t.Cleanup(server.Close)
	caFile = filepath.Join(w.dir, "ca.pem")
	if err := os.WriteFile(caFile, certificatePEM(server.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL, caFile
}

// TestCredentials: a wrong password, and one that expires in the middle, stop
// the run; nothing is rejected because of it, and it is never shown.
func TestCredentials(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	want := w.synthetic(20)
	host, ca := guarded(t, w, 2)

	// Certificates are checked.
	w.env = []string{"ES_HOST=" + host, "ES_USERNAME=kcing", "ES_PASSWORD=hunter2"}
	_, stderr := w.run(exitFailed, "feed", "samples")
	if want := "kcing: cannot reach Elasticsearch at " + host +
		": its certificate is signed by an unknown authority, see ES_CA_CERT (ES_HOST)\n"; stderr != want {
		t.Errorf("it said %q, want %q", stderr, want)
	}

	w.env = []string{"ES_HOST=" + host, "ES_USERNAME=kcing", "ES_PASSWORD=Hunter3", "ES_CA_CERT=" + ca}
	for _, command := range [][]string{{"feed", "samples", "--debug"}, {"setup-es"}, {"drp"}, {"status", "--debug"}} {
		_, stderr := w.run(exitFailed, command...)
		if want := "kcing: the Elasticsearch at " + host +
			" refused the credentials (401): check ES_API_KEY, or ES_USERNAME and ES_PASSWORD\n"; stderr != want {
			t.Errorf("%v said %q, want %q", command, stderr, want)
		}
	}

	// It expires after two bulk requests.
	w.env = []string{"ES_HOST=" + host, "ES_USERNAME=kcing", "ES_PASSWORD=hunter2", "ES_CA_CERT=" + ca}
	out, stderr := w.run(exitFailed, "feed", "samples", "--debug", "--es-bulk-actions", "300", "--es-bulk-requests",
		"1")
	if !strings.Contains(stderr, "kcing: not finished: the credentials were not accepted") ||
		!strings.Contains(stderr, " pending in samples; run the same command again") {
		t.Errorf("it said %q", stderr)
	}
	if strings.Contains(out+stderr, "hunter2") {
		t.Error("the password is in the output")
	}
	if list, _ := w.run(exitOK, "rejects", "list"); list != "no rejects\n" {
		t.Errorf("rejects: %s", list)
	}

	// Renewed, it goes on.
	host, ca = guarded(t, w, 1e9)
	w.env = []string{"ES_HOST=" + host, "ES_USERNAME=kcing", "ES_PASSWORD=hunter2", "ES_CA_CERT=" + ca}
	w.run(exitOK, "feed", "samples")
	if n := w.count(); n != want {
		t.Errorf("%d documents, want %d", n, want)
	}
}
