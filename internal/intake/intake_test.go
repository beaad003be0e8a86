package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/kinds"
)

// patience is for what happens at once on any machine that is not stuck.
const patience = 60 * time.Second

const callback = `{"id": 7, "results": {}, "log": "", "definition": ""}`

// box is an Accept and a Refused that keep what they get.
type box struct {
	mu       sync.Mutex
	accepted []Post
	refused  []Post
	reasons  []Refusal
	answer   func(*Post) error // of accept; nil: nil
}

func (b *box) accept(_ context.Context, p *Post) error {
	b.mu.Lock()
	b.accepted = append(b.accepted, *p)
	b.mu.Unlock()
	if b.answer != nil {
		return b.answer(p)
	}
	return nil
}

func (b *box) refuse(_ context.Context, p *Post, r *Refusal) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = append(b.refused, *p)
	b.reasons = append(b.reasons, *r)
}

// one gives the only accepted post.
func (b *box) one(t *testing.T) Post {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.accepted) != 1 {
		t.Fatalf("%d posts accepted, want 1", len(b.accepted))
	}
	return b.accepted[0]
}

func (b *box) empty() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accepted, b.refused, b.reasons = nil, nil, nil
}

func (b *box) count() (accepted, refused int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.accepted), len(b.refused)
}

// lines is a log that a test reads.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// stand is an intake with its box and its log.
type stand struct {
	*Intake
	box *box
	log *lines
}

func newStand(c Config) *stand {
	s := &stand{box: &box{}, log: &lines{}}
	if c.Accept == nil {
		c.Accept = s.box.accept
	}
	if c.Limits.HeaderTimeout == 0 { // our own clients may be slow on a busy machine
		c.Limits.HeaderTimeout = 10 * patience
	}
	if c.Limits.BodyTimeout == 0 {
		c.Limits.BodyTimeout = 10 * patience
	}
	c.Refused = s.box.refuse
	c.Logger = slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Intake = New(c)
	return s
}

// do lets a handler answer without a network.
func (s *stand) do(kind string, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler(kind).ServeHTTP(w, r)
	return w
}

func (s *stand) post(kind, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return s.do(kind, r)
}

func wantStatus(t *testing.T, w *httptest.ResponseRecorder, code int) {
	t.Helper()
	if w.Code != code {
		t.Fatalf("answered %d %s, want %d", w.Code, w.Body, code)
	}
}

// wantError looks for the JSON error of an answer, and gives its sentence.
func wantError(t *testing.T, w *httptest.ResponseRecorder, code int, holds string) string {
	t.Helper()
	wantStatus(t, w, code)
	var answer struct {
		Error     string `json:"error"`
		RequestID string `json:"request_id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("answer %q: %v", w.Body, err)
	}
	if !strings.Contains(answer.Error, holds) {
		t.Errorf("error %q does not say %q", answer.Error, holds)
	}
	if answer.RequestID == "" || answer.RequestID != w.Header().Get("X-Request-Id") {
		t.Errorf("request id %q in the body, %q in the header", answer.RequestID, w.Header().Get("X-Request-Id"))
	}
	return answer.Error
}

func TestKindsByPortAndPath(t *testing.T) {
	for _, c := range []struct{ port, path, kind, node string }{
		{kinds.LAVA, "/", kinds.LAVA, ""},
		{kinds.Build, "/", kinds.Build, ""},
		{kinds.Boot, "/any/thing", kinds.Boot, ""},
		{kinds.Boot, "/build", kinds.Build, ""},
		{kinds.Build, "/boot/", kinds.Boot, ""},
		{kinds.Build, "/lava", kinds.LAVA, ""},
		{kinds.Build, "/callback/lava/boot", kinds.LAVA, ""},
		{kinds.Build, "/callback/lava/test", kinds.LAVA, ""},
		{kinds.Build, "/node/65f1c0de65f1c0de65f1c0de", kinds.LAVA, "65f1c0de65f1c0de65f1c0de"},
		{kinds.LAVA, "/../../etc/passwd", kinds.LAVA, ""},
		{kinds.LAVA, "/%2e%2e/%2e%2e/etc/passwd", kinds.LAVA, ""},
		{kinds.LAVA, "//build", kinds.LAVA, ""},
		{kinds.LAVA, "/a%00b", kinds.LAVA, ""},
		{kinds.LAVA, "/buildx", kinds.LAVA, ""},
	} {
		s := newStand(Config{})
		wantStatus(t, s.post(c.port, c.path, callback), http.StatusOK)
		if p := s.box.one(t); p.Kind != c.kind || p.NodeID != c.node {
			t.Errorf("%s on port %s: kind %q node %q, want %q %q", c.path, c.port, p.Kind, p.NodeID, c.kind, c.node)
		}
	}
	s := newStand(Config{})
	for _, path := range []string{"/node/", "/node/..", "/node/%2e%2e%2fx", "/node/a/b", "/node/a%00",
		"/node/" + strings.Repeat("a", 65)} {
		wantError(t, s.post(kinds.LAVA, path, callback), http.StatusBadRequest, "node id")
	}
	if a, r := s.box.count(); a != 0 || r != 6 {
		t.Errorf("%d accepted and %d refused, want 0 and 6", a, r)
	}
}

func TestMethods(t *testing.T) {
	s := newStand(Config{})
	for _, path := range []string{"/", "/build", "/boot", "/lava", "/callback/lava/test", "/callback/lava/boot",
		"/node/abc"} {
		if w := s.do(kinds.LAVA, httptest.NewRequest(http.MethodGet, path, nil)); w.Code != 200 ||
			w.Body.String() != "ok" {
			t.Errorf("GET %s: %d %q", path, w.Code, w.Body)
		}
		if w := s.do(kinds.LAVA, httptest.NewRequest(http.MethodHead, path, nil)); w.Code != 200 || w.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d %q", path, w.Code, w.Body)
		}
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT",
			"X" + strings.Repeat("Y", 500)} {
			w := s.do(kinds.LAVA, httptest.NewRequest(method, path, nil))
			wantError(t, w, http.StatusMethodNotAllowed, "POST")
			if w.Header().Get("Allow") != "GET, HEAD, POST" {
				t.Errorf("Allow %q", w.Header().Get("Allow"))
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/status"} {
		w := s.post(kinds.LAVA, path, callback)
		wantError(t, w, http.StatusMethodNotAllowed, "GET")
		if w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("Allow %q", w.Header().Get("Allow"))
		}
		wantStatus(t, s.do(kinds.LAVA, httptest.NewRequest(http.MethodGet, path, nil)), http.StatusOK)
	}
	wantError(t, s.do(kinds.LAVA, httptest.NewRequest(http.MethodGet, "/favicon.ico", nil)), http.StatusNotFound,
		"no such page")
	if a, r := s.box.count(); a+r != 0 {
		t.Errorf("%d accepted, %d refused, want none", a, r)
	}
}

// LAVA's default method is GET; the record is not in it and nobody would ever know.
func TestGETOfACallbackIsNoted(t *testing.T) {
	s := newStand(Config{})
	wantStatus(t, s.do(kinds.LAVA, httptest.NewRequest(http.MethodGet, "/?lab_name=lab-a&token=hush", nil)),
		http.StatusOK)
	if log := s.log.String(); !strings.Contains(log, "method: POST") || strings.Contains(log, "hush") {
		t.Errorf("log: %s", log)
	}
}

func TestRequestIDs(t *testing.T) {
	for _, c := range []struct {
		given string
		taken bool
	}{
		{"job-7.A_b:c", true}, {strings.Repeat("a", 64), true},
		{"", false}, {strings.Repeat("a", 65), false}, {"a b", false}, {"a\"b", false}, {"é", false},
		{"<script>", false},
	} {
		s := newStand(Config{})
		w := s.post(kinds.LAVA, "/", callback, "X-Request-Id", c.given)
		got := w.Header().Get("X-Request-Id")
		if taken := got == c.given; taken != c.taken || got == "" {
			t.Errorf("id %q: answered with %q", c.given, got)
		}
		if p := s.box.one(t); p.RequestID != got {
			t.Errorf("the post has id %q, the answer %q", p.RequestID, got)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	var reasons []string
	s := newStand(Config{Ready: func() []string { return reasons }})
	get := func(path string) *httptest.ResponseRecorder {
		return s.do(kinds.LAVA, httptest.NewRequest(http.MethodGet, path, nil))
	}
	wantStatus(t, get("/readyz"), http.StatusOK)
	reasons = []string{"Elasticsearch does not answer", "the spool is full"}
	wantStatus(t, get("/healthz"), http.StatusOK)
	w := get("/readyz")
	wantStatus(t, w, http.StatusServiceUnavailable)
	if w.Body.String() != "Elasticsearch does not answer\nthe spool is full\n" {
		t.Errorf("readyz says %q", w.Body)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	s := newStand(Config{Accept: func(context.Context, *Post) error { panic("boom") }})
	w := s.post(kinds.LAVA, "/", callback)
	if reason := wantError(t, w, http.StatusInternalServerError, "internal error"); strings.Contains(reason, "boom") {
		t.Errorf("the client is told %q", reason)
	}
	if log := s.log.String(); !strings.Contains(log, "boom") || !strings.Contains(log, w.Header().Get("X-Request-Id")) {
		t.Errorf("log: %s", log)
	}
	if s.bodies.used.Load() != 0 || !s.handling.TryLock() {
		t.Errorf("%d bytes left, or a handler runs", s.bodies.used.Load())
	}
}

// read gives the whole body of an answer.
func read(t *testing.T, r *http.Response) string {
	t.Helper()
	defer closing(r.Body)
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// send writes to a connection that the server may have closed already.
func send(conn net.Conn, format string, args ...any) { _, _ = fmt.Fprintf(conn, format, args...) }

func closing(c io.Closer) { _ = c.Close() }
