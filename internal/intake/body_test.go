package intake

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/kinds"
)

func packed(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestGzipBodies(t *testing.T) {
	z := string(packed(t, []byte(callback)))
	two := string(packed(t, []byte(callback[:10]))) + string(packed(t, []byte(callback[10:])))
	for _, c := range []struct {
		name, encoding, body string
		code                 int
	}{
		{"said", "gzip", z, 200},
		{"said in capitals", "GZIP", z, 200},
		{"not said", "", z, 200},
		{"said otherwise", "identity", z, 200},
		{"two members", "gzip", two, 200},
		{"x-gzip", "x-gzip", z, 200},
		{"said and not", "gzip", callback, 400},
		{"truncated", "gzip", z[:len(z)/2], 400},
		{"truncated in the checksum", "gzip", z[:len(z)-3], 400},
		{"only the magic", "", z[:2], 400},
		{"damaged", "gzip", z[:12] + "\xff\xff" + z[14:], 400},
		{"something behind it", "gzip", z + "more", 400},
		{"brotli", "br", callback, 415},
		{"twice", "gzip, gzip", z, 415},
	} {
		s := newStand(Config{})
		w := s.post(kinds.LAVA, "/", c.body, "Content-Encoding", c.encoding)
		if w.Code != c.code {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.code)
			continue
		}
		if used := s.bodies.used.Load(); used != 0 {
			t.Errorf("%s: %d bytes not given back", c.name, used)
		}
		if c.code == 200 {
			if p := s.box.one(t); string(p.Payload) != callback || p.Size != int64(len(callback)) {
				t.Errorf("%s: %q", c.name, p.Payload)
			}
			continue
		}
		wantError(t, w, c.code, "")
		if c.code == 415 && w.Header().Get("Accept-Encoding") == "" {
			t.Errorf("%s: the 415 does not say what is accepted", c.name)
		}
		if _, refused := s.box.count(); refused != 1 {
			t.Errorf("%s: not among the rejects", c.name)
		}
	}
}

func TestSizeLimit(t *testing.T) {
	const limit = 1000
	body := func(n int) string { return "{" + strings.Repeat(" ", n-2) + "}" }
	for _, c := range []struct {
		name    string
		body    io.Reader
		length  int64 // -1: chunked
		code    int
		kept    int   // bytes among the rejects at least
		refused int64 // Size of the reject
	}{
		{"at the limit", strings.NewReader(body(limit)), limit, 200, 0, 0},
		{"at the limit, chunked", strings.NewReader(body(limit)), -1, 200, 0, 0},
		{"one more", strings.NewReader(body(limit + 1)), limit + 1, 413, 0, limit + 1},
		{"one more, chunked", strings.NewReader(body(limit + 1)), -1, 413, limit, -1},
		{"endless, chunked", zeros{}, -1, 413, limit, -1},
		{"gzip at the limit", bytes.NewReader(packed(t, []byte(body(limit)))), -1, 200, 0, 0},
		{"gzip, one more", bytes.NewReader(packed(t, []byte(body(limit+1)))), -1, 413, limit, -1},
		{"a promise of more than there is memory", strings.NewReader("{"), 1 << 62, 413, 0, 1 << 62},
	} {
		s := newStand(Config{Limits: Limits{RecordBytes: limit}})
		r := httptest.NewRequest(http.MethodPost, "/", c.body)
		r.ContentLength = c.length
		w := s.do(kinds.LAVA, r)
		if w.Code != c.code {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.code)
			continue
		}
		if c.code == 413 {
			wantError(t, w, 413, "1000 bytes")
			if p := s.box.refused[0]; len(p.Payload) < c.kept || p.Size != c.refused || len(p.Payload) > 2*limit {
				t.Errorf("%s: %d bytes kept of %d", c.name, len(p.Payload), p.Size)
			}
		}
	}
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// The 413 comes before the body: with Expect: 100-continue nothing of it is sent.
func TestTooLongIsAnsweredUnread(t *testing.T) {
	s := newStand(Config{Limits: Limits{RecordBytes: 1000}})
	conn := dial(t, s)
	send(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if read(t, answer); answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d, want 413 and no 100", answer.StatusCode)
	}
}

// A bomb costs the memory of one record at most, and Accept does not see it.
func TestGzipBomb(t *testing.T) {
	const limit = 1 << 20
	bomb := bytes.NewReader(bytes.Repeat(packed(t, make([]byte, 4*limit)), 128)) // half a GiB
	s := newStand(Config{Limits: Limits{RecordBytes: limit}})
	r := httptest.NewRequest(http.MethodPost, "/", bomb)
	r.Header.Set("Content-Encoding", "gzip")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := s.do(kinds.LAVA, r)
	runtime.ReadMemStats(&after)
	wantError(t, w, http.StatusRequestEntityTooLarge, "longer than")
	if got := after.TotalAlloc - before.TotalAlloc; got > 16*limit {
		t.Errorf("%d MiB were allocated for a limit of 1 MiB", got>>20)
	}
	if a, _ := s.box.count(); a != 0 || s.bodies.used.Load() != 0 {
		t.Errorf("%d accepted, %d bytes not given back", a, s.bodies.used.Load())
	}
}

// Ten million empty gzip members are short and expand to nothing: what is read
// is bounded as well as what comes out.
func TestEmptyGzipMembers(t *testing.T) {
	member := packed(t, nil)
	s := newStand(Config{Limits: Limits{RecordBytes: 64 << 10}})
	r := httptest.NewRequest(http.MethodPost, "/", io.LimitReader(&repeat{data: member}, 1<<40))
	r.ContentLength = -1
	wantError(t, s.do(kinds.LAVA, r), http.StatusRequestEntityTooLarge, "longer than")
}

type repeat struct {
	data []byte
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.data[r.at%len(r.data)]
		r.at++
	}
	return len(p), nil
}

// A body that is cut off is no record, and no gzip fault either.
func TestLostConnections(t *testing.T) {
	whole := string(packed(t, bytes.Repeat([]byte(callback), 1000)))
	for _, body := range []string{callback[:10], whole[:len(whole)/2], whole[:1], whole[:2], ""} {
		s := newStand(Config{})
		conn := dial(t, s)
		send(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n%s", body)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := read(t, answer); answer.StatusCode != 400 || !strings.Contains(text, "connection ended") {
			t.Errorf("%d bytes: answered %d %s", len(body), answer.StatusCode, text)
		}
		if a, r := s.box.count(); a+r != 0 {
			t.Errorf("%d bytes: %d accepted, %d refused, want none", len(body), a, r)
		}
	}
}

// Bodies share a bound. Past it a post is told to come again, and what went in
// before is not hurt.
func TestMemoryOfBodiesIsBounded(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s := newStand(Config{Limits: Limits{RecordBytes: 1 << 20}})
	s.box.answer = func(*Post) error {
		entered <- struct{}{}
		<-leave
		return nil
	}
	s.bodies.limit = 96 << 10
	body := "{" + strings.Repeat(" ", 40<<10) + "}"
	first := make(chan int, 1)
	go func() { first <- s.post(kinds.LAVA, "/", body).Code }()
	select {
	case <-entered:
	case code := <-first:
		t.Fatalf("the first post was answered %d", code)
	}
	w := s.post(kinds.LAVA, "/", body)
	wantError(t, w, http.StatusServiceUnavailable, "at once")
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if used := s.bodies.used.Load(); used <= 0 || used > s.bodies.limit {
		t.Errorf("%d bytes in use", used)
	}
	close(leave)
	if code := <-first; code != 200 {
		t.Errorf("the first post was answered %d", code)
	}
	if a, r := s.box.count(); a != 1 || r != 0 || s.bodies.used.Load() != 0 {
		t.Errorf("%d accepted, %d refused, %d bytes not given back", a, r, s.bodies.used.Load())
	}
}

// A header that promises much and a body that brings little cost little.
func TestPromisesCostNothing(t *testing.T) {
	s := newStand(Config{})
	r, w := io.Pipe()
	request := httptest.NewRequest(http.MethodPost, "/", r)
	request.ContentLength = 30 << 20
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.do(kinds.LAVA, request)
	}()
	for range 10 { // each returns when the handler has read it
		if _, err := w.Write(bytes.Repeat([]byte("x"), 1000)); err != nil {
			t.Fatal(err)
		}
	}
	if used := s.bodies.used.Load(); used > 64<<10 {
		t.Errorf("10 kB cost %d bytes", used)
	}
	w.CloseWithError(io.ErrUnexpectedEOF)
	<-done
}

func TestLimitsLeaveRoomForARecord(t *testing.T) {
	l := Limits{RecordBytes: 100 << 20, BodyBytes: 1}.withDefaults()
	if l.BodyBytes < 200<<20 {
		t.Errorf("a record of 100 MiB never fits into %d bytes", l.BodyBytes)
	}
	s := newStand(Config{Limits: Limits{RecordBytes: 3 << 20, BodyBytes: 1}})
	for _, body := range []string{"{" + strings.Repeat(" ", 3<<20-2) + "}",
		string(packed(t, []byte("{"+strings.Repeat(" ", 3<<20-2)+"}")))} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.ContentLength = -1
		wantStatus(t, s.do(kinds.LAVA, r), http.StatusOK)
	}
}

// dial connects to a server with the intake's own timeouts.
func dial(t *testing.T, s *stand) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", listen(t, s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(conn) })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}
