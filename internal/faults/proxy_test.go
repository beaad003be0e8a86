package faults

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fault is what a proxy does to a request.
type fault int

const (
	none        fault = iota
	tooMany           // 429, Elasticsearch does not see the request
	unavailable       // 503, the same
	resetBefore       // the connection breaks, the same
	resetAfter        // Elasticsearch carries it out, then the connection breaks
	truncated         // the same, and half of the answer arrives
	hang              // no answer, ever
	faults
)

// call is one request at a proxy.
type call struct {
	*http.Request
	bulk  int64 // it is the n-th _bulk request, from 1; 0 for others
	body  []byte
	began time.Time
}

// seen is what a proxy has met, faults included.
type seen struct {
	requests, bulk, faults, gzipped int64
	answered                        int64            // _bulk requests that Elasticsearch has answered
	bulkBytes                       int64            // bodies of _bulk requests as they came
	answers                         map[string]int64 // error types in the items of _bulk answers
}

// proxy stands between kcing and Elasticsearch.
type proxy struct {
	url    string
	target string
	guard  func(*http.Request) int          // a status from 400 refuses the request; nil: none
	decide atomic.Pointer[func(call) fault] // what happens to a request
	counts *counts                          // nil: not counted
	client http.Transport
	closed chan struct{}

	mu   sync.Mutex
	seen seen
}

type proxyOptions struct {
	guard  func(*http.Request) int
	decide func(call) fault
	counts *counts
	tls    *tls.Config // nil: plain HTTP
}

// newProxy starts a proxy for the server at target on a free port of 127.0.0.1.
func newProxy(t *testing.T, target string, o proxyOptions) *proxy {
	t.Helper()
	p := &proxy{target: target, guard: o.guard, counts: o.counts, closed: make(chan struct{})}
	p.client.MaxIdleConnsPerHost = 16
	p.client.DisableCompression = true // bodies pass as they are
	p.set(o.decide)
	server := httptest.NewUnstartedServer(p)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo) // broken connections are wanted
	if o.tls != nil {
		server.TLS = o.tls
		server.StartTLS()
	} else {
		server.Start()
	}
	p.url = server.URL
	t.Cleanup(func() {
		close(p.closed)
		server.CloseClientConnections()
		server.Close()
		p.client.CloseIdleConnections()
	})
	return p
}

// set changes what happens to further requests; nil lets all pass.
func (p *proxy) set(decide func(call) fault) {
	if decide == nil {
		decide = func(call) fault { return none }
	}
	p.decide.Store(&decide)
}

// stats is a copy of what was seen.
func (p *proxy) stats() seen {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.seen
	out.answers = map[string]int64{}
	for name, n := range p.seen.answers {
		out.answers[name] = n
	}
	return out
}

func (p *proxy) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	began := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // kcing was killed
	}
	if p.guard != nil {
		if status := p.guard(r); status >= 400 {
			refuse(rw, status)
			return
		}
	}
	c := p.note(r, body)
	c.began = began
	f := (*p.decide.Load())(c)
	if f != none {
		p.mu.Lock()
		p.seen.faults++
		p.mu.Unlock()
	}
	switch f {
	case tooMany:
		p.result(c, "429", nil)
		rw.Header().Set("Retry-After", "1")
		answer(rw, http.StatusTooManyRequests,
			`{"error":{"type":"circuit_breaking_exception","reason":"by the proxy"},"status":429}`)
	case unavailable:
		p.result(c, "503", nil)
		http.Error(rw, "<html>the backend is away</html>", http.StatusServiceUnavailable)
	case resetBefore:
		p.result(c, "network", nil)
		reset(rw)
	case hang:
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
	default:
		p.pass(rw, c, f)
	}
}

// note counts a request before anything happens to it.
func (p *proxy) note(r *http.Request, body []byte) call {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.requests++
	c := call{Request: r, body: body}
	if strings.HasSuffix(r.URL.Path, "/_bulk") {
		p.seen.bulk++
		p.seen.bulkBytes += int64(len(body))
		if r.Header.Get("Content-Encoding") == "gzip" {
			p.seen.gzipped++
		}
		c.bulk = p.seen.bulk
		if p.counts != nil {
			p.counts.request(r, body)
		}
	}
	return c
}

// pass sends a request on to Elasticsearch.
func (p *proxy) pass(rw http.ResponseWriter, c call, f fault) {
	// Not the context of the caller: what kcing sent before it died arrives.
	out, err := http.NewRequest(c.Method, p.target+c.URL.RequestURI(), bytes.NewReader(c.body))
	if err != nil {
		reset(rw)
		return
	}
	out.Header = c.Header.Clone()
	out.Header.Del("Authorization")   // it is the proxy that asks for it
	out.Header.Del("Accept-Encoding") // noteAnswer reads the answer
	res, err := p.client.RoundTrip(out)
	if err != nil {
		reset(rw)
		return
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	switch {
	case err != nil || f == resetAfter:
		p.result(c, "network", nil)
		reset(rw)
		return
	case c.bulk > 0:
		p.noteAnswer(body)
	}
	p.result(c, strconv.Itoa(res.StatusCode), body)
	for name, values := range res.Header {
		rw.Header()[name] = values
	}
	rw.WriteHeader(res.StatusCode)
	if f == truncated {
		_, _ = rw.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = rw.Write(body)
}

// result counts what kcing is about to get.
func (p *proxy) result(c call, class string, body []byte) {
	if p.counts != nil && c.bulk > 0 {
		p.counts.result(class, body, time.Since(c.began))
	}
}

// noteAnswer counts the error types that the tests wait for.
func (p *proxy) noteAnswer(body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen.answered++
	for _, name := range []string{"cluster_block_exception", "es_rejected_execution_exception"} {
		if bytes.Contains(body, []byte(name)) {
			if p.seen.answers == nil {
				p.seen.answers = map[string]int64{}
			}
			p.seen.answers[name]++
		}
	}
}

func answer(rw http.ResponseWriter, status int, body string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("X-Elastic-Product", "Elasticsearch")
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, body)
}

// refuse answers as Elasticsearch's security does.
func refuse(rw http.ResponseWriter, status int) {
	body := `{"error":{"type":"security_exception","reason":"unable to authenticate with provided credentials"},"status":401}`
	if status == http.StatusForbidden {
		body = `{"error":{"type":"security_exception","reason":"action [indices:data/write/bulk] is unauthorized for this user"},"status":403}`
	}
	answer(rw, status, body)
}

// reset breaks the connection so that the other side gets "connection reset by
// peer", not an end.
func reset(rw http.ResponseWriter) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// sometimes makes this share of all requests meet one of the faults. The n-th
// request's fate is the same in each run.
func sometimes(share float64, seed uint64, which ...fault) func(call) fault {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	return func(call) fault {
		mu.Lock()
		defer mu.Unlock()
		hit, f := random.Float64() < share, which[random.IntN(len(which))]
		if !hit {
			return none
		}
		return f
	}
}
