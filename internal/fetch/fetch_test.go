package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/retry"
)

// reply is what a server says to a request.
type reply func(*http.Request) (*http.Response, error)

// answers is a server in memory: each request gets the next answer, the last one
// for ever.
type answers struct {
	mu   sync.Mutex
	next []reply
	seen []*http.Request
}

// RoundTrip implements [http.RoundTripper].
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.seen = append(a.seen, r)
	f := a.next[0]
	if len(a.next) > 1 {
		a.next = a.next[1:]
	}
	a.mu.Unlock()
	return f(r)
}

func (a *answers) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen)
}

func says(status int, body string, header ...string) reply {
	return func(r *http.Request) (*http.Response, error) {
		res := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
			Request: r}
		for i := 0; i+1 < len(header); i += 2 {
			res.Header.Set(header[i], header[i+1])
		}
		return res, nil
	}
}

func breaks(err error) reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// silent is a body that sends some bytes and then nothing, until the request is
// given up.
func silent(some string) reply {
	return func(r *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(some), waiting{r.Context()})
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
	}
}

type waiting struct{ ctx context.Context } //nolint:containedctx // a Read takes none

func (w waiting) Read([]byte) (int, error) {
	<-w.ctx.Done()
	return 0, w.ctx.Err()
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

const secretURL = "https://user:hunter2@files.example.org/a/b.json?sig=hunter2"

// get runs one download in a bubble, where waiting costs nothing.
func get(t *testing.T, o Options, server *answers) (body string, took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o.Transport = server
		started := time.Now()
		var b []byte
		b, err = New(o).Get(t.Context(), secretURL, nil)
		body, took = string(b), time.Since(started)
	})
	if err != nil && strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error holds a secret: %v", err)
	}
	return body, took, err
}

func TestRetryAfterWins(t *testing.T) {
	server := &answers{next: []reply{
		says(503, "busy", "Retry-After", "40"), says(429, "", "Retry-After", "20"), says(200, "ok")}}
	body, took, err := get(t, Options{UserAgent: "kcing/test"}, server)
	if err != nil || body != "ok" || took != time.Minute {
		t.Errorf("%q after %v, %v; want ok after 1m", body, took, err)
	}
	if agent := server.seen[0].Header.Get("User-Agent"); agent != "kcing/test" {
		t.Errorf("User-Agent %q", agent)
	}
}

// A server that wants more patience than a run has is left to the next run.
func TestRetryAfterTooLong(t *testing.T) {
	server := &answers{next: []reply{says(503, "", "Retry-After", "3600")}}
	_, took, err := get(t, Options{}, server)
	var failed *TransferError
	if !errors.As(err, &failed) || took != 0 || server.requests() != 1 {
		t.Errorf("%v after %v and %d requests", err, took, server.requests())
	}
}

// Whatever may pass is tried again, a bounded number of times, with pauses.
func TestTriesAreBounded(t *testing.T) {
	cut := zipped(strings.Repeat("abc", 1000))
	for name, answer := range map[string]reply{
		"500":           says(500, `{"message":"x"}`),
		"504":           says(504, ""),
		"no connection": breaks(errors.New("connection refused")),
		"cut gzip":      says(200, cut[:len(cut)-6]),
		"damaged gzip":  says(200, "\x1f\x8bnothing"),
		"silent":        silent(""),
		"silent midway": silent("some"),
	} {
		t.Run(name, func(t *testing.T) {
			server := &answers{next: []reply{answer}}
			_, took, err := get(t, Options{Tries: 3}, server)
			var failed *TransferError
			if !errors.As(err, &failed) || failed.Tries != 3 || server.requests() != 3 {
				t.Fatalf("%v after %d requests", err, server.requests())
			}
			if most := 3*IdleTimeout + 2*slowPause; took == 0 || took > most {
				t.Errorf("it took %v", took)
			}
			if !strings.Contains(err.Error(), "https://files.example.org/a/b.json (3 tries)") {
				t.Errorf("the error does not say what and how often: %v", err)
			}
		})
	}
}

// A server that is slow to death is not asked again and again: it works on each.
func TestSlowServerIsSpared(t *testing.T) {
	server := &answers{next: []reply{silent("")}}
	_, took, err := get(t, Options{Tries: 9}, server)
	if !errors.Is(err, errIdle) || server.requests() != slowTries ||
		took != slowTries*IdleTimeout+(slowTries-1)*slowPause {
		t.Errorf("%v after %v and %d requests", err, took, server.requests())
	}
}

// An answer after 100 s is one, and a restart of 15 s costs no download.
func TestPatience(t *testing.T) {
	late := func(r *http.Request) (*http.Response, error) {
		if retry.Sleep(r.Context(), 100*time.Second) != nil {
			return nil, r.Context().Err()
		}
		return says(200, "late")(r)
	}
	if body, _, err := get(t, Options{}, &answers{next: []reply{late}}); err != nil || body != "late" {
		t.Errorf("%q %v", body, err)
	}
	for range 20 { // pauses are random
		synctest.Test(t, func(t *testing.T) {
			up := time.Now().Add(15 * time.Second)
			restarting := func(r *http.Request) (*http.Response, error) {
				if time.Now().Before(up) {
					return says(503, "")(r)
				}
				return says(200, "up")(r)
			}
			c := New(Options{Transport: &answers{next: []reply{restarting}}})
			if body, err := c.Get(t.Context(), "https://files.example.org/a", nil); err != nil || string(body) != "up" {
				t.Fatalf("%q %v", body, err)
			}
		})
	}
}

func TestRetrySucceeds(t *testing.T) {
	whole := zipped("hello")
	server := &answers{next: []reply{
		breaks(io.ErrUnexpectedEOF), says(200, whole[:12]), silent(whole[:12]), says(200, whole)}}
	body, _, err := get(t, Options{}, server)
	if err != nil || body != "hello" || server.requests() != 4 {
		t.Errorf("%q, %v after %d requests", body, err, server.requests())
	}
}

// Answers that another try would not change.
func TestFinalAnswers(t *testing.T) {
	f := func(status int, gone bool) {
		t.Helper()
		server := &answers{next: []reply{says(status, "<html>\n x")}}
		_, took, err := get(t, Options{}, server)
		var s *StatusError
		if !errors.As(err, &s) || s.Status != status || took != 0 || server.requests() != 1 {
			t.Errorf("%d: %v after %v, %d requests", status, err, took, server.requests())
		}
		if errors.Is(err, ErrGone) != gone {
			t.Errorf("%d: gone %v", status, errors.Is(err, ErrGone))
		}
	}
	f(400, true)
	f(401, false)
	f(403, true)
	f(404, true)
	f(410, true)
	f(422, false)
	f(501, false)
}

// A body is unpacked by what it is, and its size is bounded unpacked.
func TestBodies(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		server := &answers{next: []reply{says(200, body, "Content-Type", "text/plain")}}
		got, _, err := get(t, Options{MaxBytes: 1000}, server)
		if err != nil || got != want {
			t.Errorf("%.20q, %v", got, err)
		}
	}
	f("plain", "plain")
	f("", "")
	f("\x1f", "\x1f")
	f(zipped("packed"), "packed")
	f(strings.Repeat("x", 1000), strings.Repeat("x", 1000))

	for _, body := range []string{strings.Repeat("x", 1001), zipped(strings.Repeat("x", 1<<20))} {
		server := &answers{next: []reply{says(200, body)}}
		_, _, err := get(t, Options{MaxBytes: 1000}, server)
		if !errors.Is(err, ErrTooLarge) || server.requests() != 1 {
			t.Errorf("%v after %d requests", err, server.requests())
		}
	}
}

// TestRequest: what a request asks for beside its URL.
func TestRequest(t *testing.T) {
	f := func(name string, o Options, r Request, requests int, want string, next ...reply) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			a := &answers{next: next}
			o.Transport = a
			r.URL = "http://h/x"
			res, err := New(o).Do(t.Context(), r)
			got := string(res.Body)
			if err != nil {
				got = err.Error()
			}
			var slow *TransferError
			if errors.As(err, &slow) && slow.Slow {
				got += ", slowly"
			}
			if got != want || a.requests() != requests {
				t.Errorf("%s: %q after %d requests", name, got, a.requests())
			}
		})
	}
	after := func(d time.Duration, r reply) reply {
		return func(req *http.Request) (*http.Response, error) {
			time.Sleep(d)
			return r(req)
		}
	}
	long := func(r *http.Request) (*http.Response, error) {
		res, err := says(200, "never read")(r)
		res.ContentLength = 1 << 40
		return res, err
	}
	moved := says(302, "", "Location", "/accounts/login/?next=secret")
	f("a status that is final", Options{}, Request{Final: 500}, 2, "http://h/x answered 500 Internal Server Error",
		says(500, ""))
	f("once", Options{}, Request{Final: 500}, 2, "ok", says(500, ""), says(200, "ok"))
	f("another one", Options{}, Request{Final: 500}, 2, "ok", says(503, ""), says(200, "ok"))
	f("fewer tries", Options{Tries: 5}, Request{Tries: 2}, 2,
		"cannot get http://h/x (2 tries): http://h/x answered 503 Service Unavailable", says(503, ""))
	f("an error soon", Options{}, Request{SlowAfter: time.Minute}, 2, "ok", says(500, ""), says(200, "ok"))
	f("an error late", Options{}, Request{SlowAfter: 20 * time.Second}, 1,
		"cannot get http://h/x: http://h/x answered 500 Internal Server Error, slowly",
		after(30*time.Second, says(500, "")))
	f("longer than it may be", Options{}, Request{MaxBytes: 9}, 1,
		"cannot get http://h/x: larger than the limit of 9 bytes", says(200, "0123456789"))
	f("longer than it may be, and it says so", Options{MaxBytes: 9}, Request{}, 1,
		"cannot get http://h/x: larger than the limit of 9 bytes", long)
	f("redirects", Options{NoRedirects: true}, Request{}, 1, "http://h/x answered 302 Found", moved)
	f("redirects that are followed", Options{}, Request{}, 2, "ok", moved, says(200, "ok"))
}

// A try that goes on and on, sending now and then, ends at tryTimeout.
func TestTimeout(t *testing.T) {
	slow := func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(dripping{r.Context()}),
			Request: r}, nil
	}
	server := &answers{next: []reply{slow}}
	_, took, err := get(t, Options{Tries: 1}, server)
	if !errors.Is(err, errTimeout) || took != tryTimeout {
		t.Errorf("%v after %v", err, took)
	}
}

type dripping struct{ ctx context.Context } //nolint:containedctx // a Read takes none

func (d dripping) Read(p []byte) (int, error) {
	if retry.Sleep(d.ctx, time.Second) != nil {
		return 0, d.ctx.Err()
	}
	p[0] = 'x'
	return 1, nil
}

func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		server := &answers{next: []reply{func(r *http.Request) (*http.Response, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return says(200, "x")(r)
		}}}
		c := New(Options{Concurrency: 3, Transport: server})
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				if _, err := c.Get(t.Context(), fmt.Sprintf("http://h/%d", i), nil); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if most.Load() != 3 {
			t.Errorf("%d at once, want 3", most.Load())
		}
	})
}

// Who is interrupted does not wait for a pause to end.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		server := &answers{next: []reply{says(503, "", "Retry-After", "100")}}
		c := New(Options{Transport: server})
		time.AfterFunc(10*time.Second, func() { cancel(why) })
		started := time.Now()
		_, err := c.Get(ctx, "http://h/", nil)
		if !errors.Is(err, why) || time.Since(started) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(started))
		}
	})
}

func TestReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := func(answer reply, ok bool) {
			t.Helper()
			c := New(Options{Transport: &answers{next: []reply{answer}}})
			started := time.Now()
			if err := c.Reach(t.Context(), secretURL, 8*time.Second); (err == nil) != ok ||
				err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v", err)
			}
			if took := time.Since(started); took > 8*time.Second {
				t.Errorf("it took %v", took)
			}
		}
		f(says(200, ""), true)
		f(says(404, ""), true)
		f(breaks(errors.New("no route to host")), false)
		f(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}, false)
	})
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		secretURL:          "https://files.example.org/a/b.json",
		"http://h/a%2Fb#x": "http://h/a%2Fb",
		"http://h/%zz?a=b": "a URL that cannot be read",
		"https://h:1/x?":   "https://h:1/x",
	} {
		if got := Redact(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzReadBody(f *testing.F) {
	f.Add([]byte("plain"))
	f.Add([]byte(zipped("packed")))
	f.Add([]byte(zipped(strings.Repeat("x", 5000))))
	f.Fuzz(func(t *testing.T, body []byte) {
		const most = 4096
		got, err := readBody(bytes.NewReader(body), most)
		if len(got) > most || err != nil && got != nil {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if err == nil && !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) && !bytes.Equal(got, body) {
			t.Error("a plain body was changed")
		}
	})
}
