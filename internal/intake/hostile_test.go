package intake

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/kinds"
)

// Whoever sends his header slowly is cut off, whatever he sends meanwhile.
func TestSlowHeader(t *testing.T) {
	s := newStand(Config{Limits: Limits{HeaderTimeout: 50 * time.Millisecond}})
	for _, begin := range []string{"", "POST", "POST / HTTP/1.1\r\nHost: x\r\nX-A: "} {
		conn := dial(t, s)
		send(conn, "%s", begin)
		if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after %q the connection stays open", begin)
		}
	}
	if a, r := s.box.count(); a+r != 0 {
		t.Errorf("%d accepted, %d refused", a, r)
	}
}

func TestSlowBody(t *testing.T) {
	s := newStand(Config{Limits: Limits{HeaderTimeout: patience, BodyTimeout: 50 * time.Millisecond}})
	for _, body := range []string{"", "{", "\x1f\x8b"} {
		conn := dial(t, s)
		send(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n%s", body)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := read(t, answer); answer.StatusCode != http.StatusRequestTimeout || !answer.Close {
			t.Errorf("answered %d %s, want 408 and the end", answer.StatusCode, text)
		}
	}
	if a, r := s.box.count(); a+r != 0 || s.bodies.used.Load() != 0 {
		t.Errorf("%d accepted, %d refused, %d bytes not given back", a, r, s.bodies.used.Load())
	}
}

func TestIdleConnectionsEnd(t *testing.T) {
	s := newStand(Config{Limits: Limits{IdleTimeout: 50 * time.Millisecond}})
	conn := dial(t, s)
	send(conn, "%s", "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	r := bufio.NewReader(conn)
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	read(t, answer)
	if _, err := r.ReadByte(); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("an idle connection gets %v, want its end", err)
	}
}

// answered gives the status of an answer, or 0 when the connection was cut: a
// reset may overtake the answer to a request that was not read to its end.
func answered(t *testing.T, conn net.Conn) int {
	t.Helper()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("neither answered nor cut")
		}
		return 0
	}
	defer closing(answer.Body)
	return answer.StatusCode
}

func TestHeaderBombs(t *testing.T) {
	s := newStand(Config{})
	for name, bomb := range map[string]string{
		"one long line": "X-A: " + strings.Repeat("a", 1<<20),
		"many lines":    strings.Repeat("X-A: b\r\n", 100_000),
		"long path":     "",
	} {
		conn := dial(t, s)
		path := "/"
		if bomb == "" {
			path = "/" + strings.Repeat("a", 1<<20)
		}
		go send(conn, "POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", path, bomb) // its end may never be read
		if code := answered(t, conn); code != http.StatusRequestHeaderFieldsTooLarge && code != 0 {
			t.Errorf("%s: answered %d, want 431", name, code)
		}
	}
	if a, r := s.box.count(); a+r != 0 {
		t.Errorf("%d accepted, %d refused", a, r)
	}
}

// Smuggled, broken and strange requests are answered 4xx or 5xx, or cut.
func TestMalformedRequests(t *testing.T) {
	s := newStand(Config{})
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{\"a\":1}",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nExpect: 200-maybe\r\nContent-Length: 2\r\n\r\n{}",
		"POST / HTTP/1.1\r\n\r\n",
		"POST /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/9.9\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		conn := dial(t, s)
		send(conn, "%s", request)
		_ = conn.(*net.TCPConn).CloseWrite() // the server may have ended the connection already
		if code := answered(t, conn); code != 0 && code < 400 {
			t.Errorf("%.60q: answered %d", request, code)
		}
	}
	if a, _ := s.box.count(); a != 0 {
		t.Errorf("%d accepted", a)
	}
	if strings.Contains(s.log.String(), "panic") {
		t.Errorf("log: %s", s.log)
	}
}

// Two pipelined posts are two records.
func TestPipelinedPosts(t *testing.T) {
	s := newStand(Config{})
	conn := dial(t, s)
	one := fmt.Sprintf("POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(callback), callback)
	send(conn, "%s", one+one)
	r := bufio.NewReader(conn)
	for range 2 {
		answer, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := read(t, answer); text != "ok" {
			t.Errorf("answered %s %s", answer.Status, text)
		}
	}
	if a, _ := s.box.count(); a != 2 {
		t.Errorf("%d accepted, want 2", a)
	}
}

// No file is named after a path, whatever is in it.
func TestPathsTouchNoFile(t *testing.T) {
	t.Chdir(t.TempDir())
	s := newStand(Config{})
	for _, path := range []string{"/../x", "/%2e%2e/x", "/..%2fx", "/%2e%2e%5cx", "//etc/passwd", "/x%00.json",
		"/node/../../x", "/node/%2e%2e", "/callback/lava/../../x", "/C:/x"} {
		conn := dial(t, s)
		send(conn, "POST %s?lab_name=..%%2fx HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
			path, len(callback), callback)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		text := read(t, answer)
		if want := map[bool]int{true: 400, false: 200}[strings.HasPrefix(path, "/node/")]; answer.StatusCode != want {
			t.Errorf("%s: answered %d %s, want %d", path, answer.StatusCode, text, want)
		}
		if answer.Header.Get("Location") != "" {
			t.Errorf("%s: sent elsewhere, and a post with it", path)
		}
	}
	files, err := filepath.Glob("*")
	if err != nil || len(files) > 0 {
		t.Errorf("files %q %v", files, err)
	}
}

// Thousands of connections that say nothing do not keep others out, and when
// they end nothing of them is left.
func TestIdleCrowd(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	crowd := int(min(crowdSize, (limit.Cur-min(limit.Cur, 500))/2)) // both ends are in this process
	s := newStand(Config{Limits: Limits{Connections: crowd + 100, HeaderTimeout: 10 * patience}})
	before := runtime.NumGoroutine()
	addr, stop, done := serve(t, s, 0, Listener{Kind: kinds.LAVA})
	conns := make([]net.Conn, 0, crowd)
	defer func() {
		for _, c := range conns {
			closing(c)
		}
	}()
	for range crowd {
		conn, err := net.DialTimeout("tcp", addr, patience)
		if err != nil {
			t.Fatalf("connection %d: %v", len(conns), err)
		}
		conns = append(conns, conn)
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Post("http://"+addr, "", strings.NewReader(callback))
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, answer); text != "ok" {
		t.Errorf("answered %s %s", answer.Status, text)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d idle connections: %d MiB in use by heap and stacks, clients included", crowd,
		(m.HeapInuse+m.StackInuse)>>20)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// Past the bound of connections others wait, and the idle ones end in time.
func TestConnectionsAreBounded(t *testing.T) {
	s := newStand(Config{Limits: Limits{Connections: 3, HeaderTimeout: 200 * time.Millisecond}})
	addr, _, _ := serve(t, s, 0, Listener{Kind: kinds.LAVA})
	for range 30 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer closing(conn)
	}
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := time.Now().Add(patience); ; {
		answer, err := client.Get("http://" + addr)
		if err == nil {
			if text := read(t, answer); text != "ok" {
				t.Errorf("answered %s", text)
			}
			return
		}
		if time.Now().After(deadline) { // on a slow machine our own header may be late too
			t.Fatalf("idle connections keep others out: %v", err)
		}
	}
}
