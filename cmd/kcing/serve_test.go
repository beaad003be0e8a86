package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// server is a running kcing serve.
type server struct {
	*process
	w *workplace
	// base has the scheme and address of each listener, by kind.
	base map[string]string
}

// serve starts kcing serve on free ports and waits until it takes posts.
func (w *workplace) serve(args ...string) *server {
	w.t.Helper()
	args = append([]string{"serve", "--build-addr", "127.0.0.1:0", "--lava-addr", "127.0.0.1:0", "--boot-addr",
		"127.0.0.1:0"}, args...)
	s := &server{process: w.start(args...), w: w, base: map[string]string{}}
	w.until("serve takes posts", func() bool {
		select {
		case <-s.ended:
			w.t.Fatalf("it has ended: %s", s.err.String())
		case <-time.After(time.Millisecond):
		}
		for line := range strings.SplitSeq(s.err.String(), "\n") {
			if gjson.Get(line, "msg").String() == "serving" {
				for _, kind := range []string{"build", "boot", "lava"} {
					s.base[kind] = "http://" + gjson.Get(line, kind).String()
				}
				return true
			}
		}
		return false
	})
	return s
}

// get returns the status and body of a page, 0 when there is no answer.
func (s *server) get(path string) (int, string) {
	res, err := http.Get(s.base["lava"] + path)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close() //nolint:errcheck // only read
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

// end sends SIGTERM and wants exit code 0.
func (s *server) end() {
	s.w.t.Helper()
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		s.w.t.Fatal(err)
	}
	if code := s.w.code(s.process); code != exitOK {
		s.w.t.Fatalf("exit code %d: %s", code, s.err.String())
	}
}

// outage stands between kcing and Elasticsearch, and can be down.
type outage struct {
	*httptest.Server
	down atomic.Bool
}

func newOutage(t *testing.T, host string) *outage {
	t.Helper()
	target, err := url.Parse(host)
	if err != nil {
		t.Fatal(err)
	}
	o := new(outage)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.down.Load() {
			panic(http.ErrAbortHandler) // the connection breaks
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(o.Close)
	return o
}

// callback becomes a boot, a test and a log document.
func callback(id int) string {
	return fmt.Sprintf(`{"id": %d, "status_string": "complete", "end_time": "2025-11-20 11:00:00+00:00", "actual_device_id": "board-%d",
"results": {"lava": "- {id: '%d', name: job, result: pass, suite: lava}\n"},
"log": "- {dt: '2025-11-20T10:00:00', lvl: info, msg: hello}\n", "definition": "job_name: x\n"}`, id, id%7, id)
}

// post posts until it is accepted; as LAVA's, but that it tries again. at gives
// the address, which changes when kcing is started again.
func post(ctx context.Context, at func() string, body string) error {
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, at()+"/?lab_name=lab-a", strings.NewReader(body))
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			answer, _ := io.ReadAll(res.Body)
			_ = res.Body.Close()
			switch res.StatusCode {
			case http.StatusOK:
				return nil
			case http.StatusServiceUnavailable:
			default:
				return fmt.Errorf("status %d: %s", res.StatusCode, answer)
			}
		}
		timer := time.NewTimer(20 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		}
	}
}

// TestServeKilled: what was answered 200 is stored exactly once, although
// Elasticsearch goes and comes and kcing is killed with -9.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	between := newOutage(t, w.host)
	real := w.host
	w.host = between.URL
	s := w.serve()
	var address atomic.Value
	address.Store(s.base["lava"])
	at := func() string { return address.Load().(string) }

	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	const clients, posts = 64, 240
	var next, accepted atomic.Int64
	var posting sync.WaitGroup
	for range clients {
		posting.Go(func() {
			for i := next.Add(1); i <= posts; i = next.Add(1) {
				if err := post(ctx, at, callback(int(i))); err != nil {
					t.Errorf("post %d: %v", i, err)
				}
				accepted.Add(1)
			}
		})
	}
	reached := func(n int64) {
		w.until(fmt.Sprintf("%d posts are accepted", n), func() bool {
			time.Sleep(time.Millisecond) // only spares the processor
			return accepted.Load() >= n
		})
	}
	reached(posts / 4)
	between.down.Store(true)
	reached(posts / 2)
	if err := s.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	w.code(s.process)
	address.Store("http://127.0.0.1:1") // the old port may be another test's by now
	s = w.serve()
	address.Store(s.base["lava"])
	reached(3 * posts / 4)
	between.down.Store(false)
	posting.Wait()
	w.host = real // for counting, not for kcing
	w.until("all is stored", func() bool { return w.count() == 3*posts })
	w.until("the spool is empty", func() bool {
		_, page := s.get("/status?format=json")
		return gjson.Get(page, "spool.records").Int() == 0
	})
	s.end()
	if n := w.count(); n != 3*posts {
		t.Errorf("%d documents, want %d", n, 3*posts)
	}
	if out, _ := w.run(exitOK, "state", "check"); !strings.Contains(out,
		fmt.Sprintf("%d finished records, 0 rejects", posts)) {
		t.Errorf("state check says %s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "data", "spool", "*")); len(left) != 0 {
		t.Errorf("left in the spool: %v", left)
	}
}

// TestServeWithoutElasticsearch: posts are taken, /readyz says why it is not
// ready, SIGTERM ends it soon with 0, and the next feed delivers what is left.
func TestServeWithoutElasticsearch(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	there := w.host
	w.host = "http://" + closedPort(t)
	s := w.serve()
	for i := range 3 {
		if err := post(t.Context(), func() string { return s.base["lava"] }, callback(i)); err != nil {
			t.Fatal(err)
		}
	}
	if code, body := s.get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d %s", code, body)
	}
	w.until("/readyz says so", func() bool {
		code, body := s.get("/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "Elasticsearch away since") &&
			strings.Contains(body, "connection refused")
	})
	out, _ := w.run(exitFailed, "status")
	if !strings.Contains(out, "3 records waiting") {
		t.Errorf("status:\n%s", out)
	}
	s.end()
	if !strings.Contains(s.err.String(), `"left_in_spool":3`) || strings.Contains(s.err.String(), "goroutine ") {
		t.Errorf("it said %s", s.err.String())
	}

	w.host = there
	if err := os.WriteFile(filepath.Join(w.dir, "b.json"), []byte(oneBoot), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ = w.run(exitOK, "feed", "--lab-name", "not-theirs", "b.json")
	if !strings.Contains(out, "of these, 3 records had been left in the spool") || !strings.Contains(out, "4 records") {
		t.Errorf("feed says:\n%s", out)
	}
	if n := w.count(); n != 3*3+1 {
		t.Errorf("%d documents", n)
	}
	out, _ = w.run(exitOK, "status", "--json")
	if gjson.Get(out, "spool.records").Int() != 0 || gjson.Get(out, "spool.path").String() != "data/spool" {
		t.Errorf("status: %s", out)
	}
	out, _ = w.run(exitOK, "feed", "--json", "b.json")
	if gjson.Get(out, "resumed").Int() != 0 {
		t.Errorf("resumed twice: %s", out)
	}
}

// TestServeBesideOthers: beside a serve under load feed, drp, status and rejects
// work on the same state and spool.
func TestServeBesideOthers(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	want := w.synthetic(20)
	s := w.serve()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var posting sync.WaitGroup
	const most = 1000 // of them, on a slow machine too
	var n atomic.Int64
	for range 4 {
		posting.Go(func() {
			for ctx.Err() == nil && n.Load() < most {
				i := n.Add(1)
				if err := post(t.Context(), func() string { return s.base["lava"] }, callback(int(i))); err != nil {
					t.Errorf("post %d: %v", i, err)
					return
				}
				time.Sleep(50 * time.Millisecond) // leaves the others some of the machine
			}
		})
	}
	res, err := http.Post(s.base["lava"]+"/", "application/json", strings.NewReader(`{"id":1}`))
	if err != nil || res.StatusCode != http.StatusUnprocessableEntity {
		t.Fatalf("%v, %v", res, err)
	}
	_ = res.Body.Close()
	w.run(exitOK, "feed", "samples")
	w.run(exitOK, "drp", "--drp-days", "100000")
	w.run(exitOK, "status")
	if out, _ := w.run(exitOK, "rejects", "list"); !strings.Contains(out, "no_results") {
		t.Errorf("rejects list:\n%s", out)
	}
	stop()
	posting.Wait()
	w.until("all is stored", func() bool { return w.count() == want+3*n.Load() })
	s.end()
}

// TestServeSignals: systemd is told, SIGHUP reads tokens again, and a token file
// that cannot be read changes nothing.
func TestServeSignals(t *testing.T) {
	t.Parallel()
	w := &workplace{t: t, dir: t.TempDir(), host: "http://" + closedPort(t)}
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(w.dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Skip(err)
	}
	defer socket.Close() //nolint:errcheck // a test
	told := func(want string) {
		t.Helper()
		buf := make([]byte, 100)
		_ = socket.SetReadDeadline(time.Now().Add(patience))
		if n, err := socket.Read(buf); err != nil || string(buf[:n]) != want {
			t.Fatalf("systemd was told %q, %v, want %q", buf[:n], err, want)
		}
	}
	tokens := filepath.Join(w.dir, "tokens")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(tokens, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first-secret-token lab-a\n")
	w.env = []string{"NOTIFY_SOCKET=" + filepath.Join(w.dir, "notify"), "KCING_TOKENS=" + tokens}
	s := w.serve()
	told("READY=1")
	id := 0
	posted := func(token string) int {
		t.Helper()
		id++
		req, err := http.NewRequest(http.MethodPost, s.base["lava"]+"/callback/lava/test",
			bytes.NewReader([]byte(callback(id))))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		return res.StatusCode
	}
	hangup := func(n int, want string) {
		t.Helper()
		if err := s.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		w.until("tokens are read again", func() bool {
			time.Sleep(time.Millisecond) // only spares the processor
			return strings.Count(s.err.String(), want) == n
		})
	}
	if first, second := posted("first-secret-token"), posted("second-secret-token"); first != 200 || second == 200 {
		t.Errorf("%d, %d", first, second)
	}
	write("second-secret-token lab-a\n")
	hangup(1, "tokens and certificates read again")
	if first, second := posted("first-secret-token"), posted("Token second-secret-token"); first == 200 ||
		second != 200 {
		t.Errorf("after SIGHUP: %d, %d", first, second)
	}
	write("only-one-word\n")
	hangup(1, "what could not be read stays as it was")
	if second := posted("second-secret-token"); second != 200 {
		t.Errorf("after a SIGHUP with a bad file: %d", second)
	}
	s.end()
	told("STOPPING=1")
	if log := s.err.String(); strings.Contains(log, "secret-token") || strings.Contains(log, "only-one") {
		t.Errorf("a token is in the log:\n%s", log)
	}
}

// TestServeMaestro: with --maestro a callback that names only its node becomes
// documents with the kernel's facts.
func TestServeMaestro(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	data, err := os.ReadFile("../../testdata/maestro/completed-callback.json")
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Value
	api := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.Path)
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, gjson.GetBytes(data, "node").Raw)
	}))
	defer api.Close()
	w.env = []string{"KCI_API=" + api.URL, "KCING_MAESTRO=true"}
	s := w.serve()
	if err := post(t.Context(), func() string { return s.base["lava"] },
		gjson.GetBytes(data, "callback").Raw); err != nil {
		t.Fatal(err)
	}
	w.until("it is stored", func() bool { return countDocuments(w.host, w.prefix, "boot") == 1 })
	res, err := http.Get(w.host + "/" + w.prefix + "boot-*/_search?q=job:mainline")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(res.Body)
	if n := gjson.GetBytes(body, "hits.total.value").Int(); err != nil || n != 1 {
		t.Errorf("%d documents with the kernel's tree: %s, %v", n, body, err)
	}
	if path := asked.Load(); path != "/latest/node/6b00989341dcea75e5d60010" {
		t.Errorf("asked for %v", path)
	}
	s.end()
}

// TestServeRetention: --drp-every deletes old indices.
func TestServeRetention(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	old := w.prefix + "log-2020.01.02"
	req, err := http.NewRequest(http.MethodPut, w.host+"/"+old, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", res, err)
	}
	_ = res.Body.Close()
	s := w.serve("--drp-every", "1s", "--drp-days", "30")
	w.until("the old index is gone", func() bool {
		res, err := http.Head(w.host + "/" + old)
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusNotFound
	})
	w.until("it says so", func() bool {
		return strings.Contains(s.err.String(),
			`"msg":"retention has run","indices":1`)
	})
	s.end()
}
