package faults

import (
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestOneNodeDown: of several nodes in ES_HOST one is down; the others serve,
// wherever it stands in the list.
func TestOneNodeDown(t *testing.T) {
	server := elasticsearch(t)
	c := usual(t)
	f := func(name string, hosts func(good string) []string) {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, server.URL(), proxyOptions{})
			w := newWorkplace(t, server.URL(), strings.Join(append(hosts(server.URL()), p.url), ",")).
				with("ES_BULK_ACTIONS", "200")
			w.run(exitOK, "feed", c.dir)
			if p.stats().bulk == 0 {
				t.Error("only one node got documents")
			}
			w.with("ES_HOST", server.URL()).complete(c)
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	f("the first refuses connections", func(good string) []string { return []string{refusing, good} })
	f("the second refuses connections", func(good string) []string { return []string{good, refusing} })
	hole := "http://" + blackhole(t)
	f("the first drops packets", func(good string) []string { return []string{hole, good} })
}

// blackhole is an address that never completes a connection: the queue of its
// listener is full, so the kernel drops what comes.
func blackhole(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	for range 8 {
		conn, err := net.DialTimeout("tcp", addr.String(), 200*time.Millisecond)
		if err != nil {
			return addr.String()
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	t.Skip("this system completes connections that nobody accepts")
	return ""
}

// TestNodeDiesWhileRunning: one of two nodes goes away during the run and the
// other takes it all.
func TestNodeDiesWhileRunning(t *testing.T) {
	server := elasticsearch(t)
	c := usual(t)
	one, two := newProxy(t, server.URL(), proxyOptions{}), newProxy(t, server.URL(), proxyOptions{})
	one.set(afterBulk(3, resetAfter))
	w := newWorkplace(t, server.URL(), one.url+","+two.url).with("ES_BULK_ACTIONS", "100")
	out, _ := w.run(exitOK, "feed", c.dir, "--json")
	if w.report(out).Get("bulk.requests.network").Int() == 0 || two.stats().bulk < 10 {
		t.Errorf("the other node got %d requests: %s", two.stats().bulk, out)
	}
	one.set(nil)
	w.complete(c)
}

// TestCompression: bodies are compressed for hosts that are not on loopback,
// and ES_COMPRESS has the last word. What is checked is the bytes that arrive.
func TestCompression(t *testing.T) {
	server := elasticsearch(t)
	c := usual(t)
	f := func(name, compress string, remote, want bool) {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, server.URL(), proxyOptions{})
			w := newWorkplace(t, server.URL(), p.url)
			if remote {
				// Go's client asks an HTTP proxy for hosts that are not on
				// loopback, so that a name need not exist to be reached.
				w.with("ES_HOST", "http://elasticsearch.invalid:9200", "HTTP_PROXY", p.url)
			}
			if compress != "" {
				w.with("ES_COMPRESS", compress)
			}
			out, _ := w.run(exitOK, "feed", c.dir, "--json")
			s, r := p.stats(), w.report(out)
			raw, wire := r.Get("bulk.bytes_raw").Int(), r.Get("bulk.bytes_wire").Int()
			if got := s.gzipped == s.bulk; s.bulk == 0 || got != want || s.gzipped != 0 && !want {
				t.Errorf("%d of %d bodies are compressed, want %v", s.gzipped, s.bulk, want)
			}
			if wire != s.bulkBytes || want != (wire < raw/5) || !want && wire != raw {
				t.Errorf("%d bytes arrived; the report says %d of %d", s.bulkBytes, wire, raw)
			}
			w.complete(c)
		})
	}
	f("auto on loopback", "", false, false)
	f("auto elsewhere", "auto", true, true)
	f("wanted on loopback", "true", false, true)
	f("not wanted elsewhere", "false", true, false)
}
