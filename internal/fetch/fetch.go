package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/kcing/kcing/internal/retry"
)

// Defaults of Options.
const (
	DefaultConcurrency = 4
	DefaultTries       = 5
	DefaultMaxBytes    = 64 << 20
)

// Options of New. The zero value is ready to use.
type Options struct {
	// UserAgent is sent with each request; empty: "kcing".
	UserAgent string
	// Concurrency is how many requests may be under way; 0: DefaultConcurrency.
	Concurrency int
	// Tries is how often a request is made before it counts as failed; 0:
	// DefaultTries.
	Tries int
	// MaxBytes limits one body, decompressed; 0: DefaultMaxBytes. A body is held
	// in memory whole.
	MaxBytes int64
	// Transport makes the requests; nil: one of its own, with the environment's
	// proxy (HTTP_PROXY, HTTPS_PROXY, NO_PROXY).
	Transport http.RoundTripper
	// Jar keeps cookies; nil: none are kept.
	Jar http.CookieJar
	// NoRedirects takes a redirect for the answer, a *StatusError with its
	// Location, so that no header goes where it does not belong.
	NoRedirects bool
	// Logger gets a line for each try that failed; nil: none.
	Logger *slog.Logger
}

// Client downloads. It is for use by many goroutines at once.
type Client struct {
	o    Options
	http *http.Client
	slot *semaphore.Weighted
}

// New makes a client.
func New(o Options) *Client {
	o.UserAgent = cmp.Or(o.UserAgent, "kcing")
	o.Concurrency = cmp.Or(o.Concurrency, DefaultConcurrency)
	o.Tries = cmp.Or(o.Tries, DefaultTries)
	o.MaxBytes = cmp.Or(o.MaxBytes, DefaultMaxBytes)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = transport(o.Concurrency)
	}
	c := &http.Client{Transport: o.Transport, Jar: o.Jar}
	if o.NoRedirects {
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return &Client{o: o, http: c, slot: semaphore.NewWeighted(int64(o.Concurrency))}
}

// transport leaves gzip alone: bodies are unpacked by what they are, not by what
// the headers say.
func transport(connections int) *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       90 * time.Second,
		ExpectContinueTimeout: time.Second,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
	}
}

// Request is what [Client.Do] asks for.
type Request struct {
	URL    string
	Header http.Header // may be nil
	// Tries and MaxBytes are those of this request; 0: the client's.
	Tries    int
	MaxBytes int64
	// Final is a status that is believed when it comes a second time, though the
	// next try might bring another; 0: none.
	Final int
	// SlowAfter is after how long a try that fails is not made again: the server
	// is not able to answer, and had better be asked for less. 0: there is no such
	// time. See [TransferError].Slow.
	SlowAfter time.Duration
}

// Response is an answer with its body, decompressed when it was gzip.
type Response struct {
	Header http.Header
	Body   []byte
}

// Get is Do without wishes; header may be nil.
func (c *Client) Get(ctx context.Context, url string, header http.Header) ([]byte, error) {
	res, err := c.Do(ctx, Request{URL: url, Header: header})
	return res.Body, err
}

// Do downloads one URL. Errors: *StatusError (ErrGone for expired storage),
// *TransferError, ErrTooLarge, or ctx's.
func (c *Client) Do(ctx context.Context, r Request) (Response, error) {
	r.Tries, r.MaxBytes = cmp.Or(r.Tries, c.o.Tries), cmp.Or(r.MaxBytes, c.o.MaxBytes)
	if err := c.slot.Acquire(ctx, 1); err != nil {
		return Response{}, context.Cause(ctx)
	}
	defer c.slot.Release(1)
	pause := backoff{growing: retry.Backoff{First: firstPause, Longest: maxPause}}
	for try := 1; ; try++ {
		started := time.Now()
		res, err := c.try(ctx, r)
		slow := r.SlowAfter > 0 && time.Since(started) >= r.SlowAfter
		switch {
		case err == nil:
			return res, nil
		case ctx.Err() != nil:
			return Response{}, context.Cause(ctx)
		case !passing(err), r.Final != 0 && try > 1 && statusOf(err) == r.Final:
			return Response{}, finalError(r.URL, err)
		case slow, try == r.Tries, timedOut(err) && pause.slow == slowTries-1:
			return Response{}, &TransferError{URL: Redact(r.URL), Tries: try, Slow: slow, Err: err}
		}
		wait := pause.next(err)
		if wait > maxRetryAfter {
			return Response{}, &TransferError{URL: Redact(r.URL), Tries: try, Err: err}
		}
		c.o.Logger.Debug("download failed, trying again",
			"url", Redact(r.URL), "try", try, "in", wait, "error", reason(err))
		if err := retry.Sleep(ctx, wait); err != nil {
			return Response{}, err
		}
	}
}

// Reach reports whether anything answers at a URL: one request, no retry, at most
// patience. Any answer will do; the error is a *TransferError.
func (c *Client) Reach(ctx context.Context, url string, patience time.Duration) error {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	res, err := c.do(ctx, url, nil)
	if err != nil {
		if parent.Err() != nil {
			return context.Cause(parent)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("no answer within " + patience.String())
		}
		return &TransferError{URL: Redact(url), Tries: 1, Err: err}
	}
	return res.Body.Close()
}

func (c *Client) do(ctx context.Context, url string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", errNotURL, reason(err))
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", c.o.UserAgent)
	return c.http.Do(req)
}

// try makes one request and reads its whole answer.
func (c *Client) try(parent context.Context, r Request) (Response, error) {
	ctx, stop := context.WithTimeoutCause(parent, tryTimeout, errTimeout)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(IdleTimeout, func() { cancel(errIdle) })
	defer idle.Stop()
	res, err := c.do(ctx, r.URL, r.Header)
	if err != nil {
		return Response{}, causeOf(ctx, err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	in := &watched{in: res.Body, idle: idle}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(in, 4<<10))
		return Response{}, &StatusError{
			URL: Redact(r.URL), Status: res.StatusCode, Detail: detail(text), Location: location(res),
			retryAfter: retry.After(res.Header, time.Now()),
		}
	}
	if res.ContentLength > r.MaxBytes {
		return Response{}, tooLarge(r.MaxBytes)
	}
	body, err := readBody(in, r.MaxBytes)
	return Response{Header: res.Header, Body: body}, causeOf(ctx, err)
}
