package maestrotest

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Fault may answer a request in the server's place; true: it has. It may change
// the nodes too. Calls come from several goroutines at once.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// SetFault makes each request go through f first; nil: none.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Times lets a fault happen to the first n requests whose path ends so.
func Times(n int, suffix string, f Fault) Fault {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		mu.Lock()
		n--
		happens := n >= 0
		mu.Unlock()
		return happens && f(w, r)
	}
}

// Status answers with a status, and as the API or what stands before it does:
// headers come in pairs.
func Status(status int, headers ...string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		if status == http.StatusInternalServerError {
			internalError(w)
		} else {
			answer(w, status, map[string]any{"detail": http.StatusText(status)})
		}
		return true
	}
}

// Body answers 200 with a body, such as null or half of some JSON.
func Body(body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
		return true
	}
}

// Slow sends a byte of a body that never ends every so often, while the client
// waits; 0: none at all.
func Slow(every time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusOK)
		for {
			if flush, ok := w.(http.Flusher); ok {
				flush.Flush()
			}
			if every == 0 {
				<-r.Context().Done()
				return true
			}
			select {
			case <-r.Context().Done():
				return true
			case <-time.After(every):
			}
			if _, err := io.WriteString(w, " "); err != nil {
				return true
			}
		}
	}
}

// CutGzip answers the beginning of a gzip body as if it were the whole.
func CutGzip() Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		var whole strings.Builder
		z := gzip.NewWriter(&whole)
		_, _ = io.WriteString(z, `{"items": [`+strings.Repeat(`"some text", `, 100))
		_ = z.Close()
		_, _ = io.WriteString(w, whole.String()[:whole.Len()/2])
		return true
	}
}

// Transport reaches the server without a network, whatever the host: for tests
// in a synctest bubble. Bodies are streamed.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ s *Server }

// RoundTrip implements [http.RoundTripper].
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(r.Context())
	reader, writer := io.Pipe()
	w := &response{header: http.Header{}, body: writer, begun: make(chan struct{})}
	go func() {
		defer cancel()
		t.s.ServeHTTP(w, r.Clone(ctx))
		w.WriteHeader(http.StatusOK)
		_ = writer.Close()
	}()
	select {
	case <-w.begun:
	case <-ctx.Done():
		// The handler may have just ended; what it wrote counts.
		select {
		case <-w.begun:
		default:
			_ = reader.CloseWithError(ctx.Err())
			return nil, ctx.Err()
		}
	}
	context.AfterFunc(r.Context(), func() { _ = writer.CloseWithError(r.Context().Err()) })
	return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     w.sent, Body: &body{reader, cancel}, ContentLength: -1, Request: r}, nil
}

// body ends the handler when the client has had enough.
type body struct {
	*io.PipeReader
	cancel context.CancelFunc
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.cancel()
	return b.PipeReader.Close()
}

type response struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	begun        chan struct{}
	once         sync.Once
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *response) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush implements [http.Flusher].
func (w *response) Flush() {}
