package elastic

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"time"

	"github.com/kcing/kcing/internal/retry"
)

// Patient carries the few requests that come before the bulk requests, which
// have a retry of their own. A passing fault (429, 502, 503, 504, a connection
// that breaks) must not end a run before it has begun, nor must one node of
// several that is down. It is for requests that may be sent twice, and whose
// answers are small.
func (c *Client) Patient() Transport { return patient{c, c.nodes} }

type patient struct {
	transport Transport
	nodes     int // others may answer when one cannot be reached
}

// The pauses between patientTries add up to 4 s at most.
const (
	patientTries = 8
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
	// answerWithin ends a try on a node that accepts and never answers.
	answerWithin = 20 * time.Second
)

// Perform implements [Transport].
func (p patient) Perform(req *http.Request) (*http.Response, error) {
	pauses := retry.Backoff{First: firstPause, Longest: longestPause}
	for try := 1; ; try++ {
		res, err := p.once(req)
		switch {
		case try == patientTries, req.Context().Err() != nil:
			return res, err
		case err == nil && !retry.Busy(res.StatusCode):
			return res, nil
		case err != nil && !brokenConnection(err) && try >= p.nodes:
			return nil, err
		}
		if retry.Sleep(req.Context(), pauses.Next()) != nil {
			return res, err
		}
	}
}

// once sends a copy, since the client changes what it is given, and reads the
// whole answer, since that may break off too.
func (p patient) once(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), answerWithin)
	defer cancel()
	again := req.Clone(ctx)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		again.Body = body
	}
	res, err := p.transport.Perform(again)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// brokenConnection tells one that broke from one that could not be made.
func brokenConnection(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF)
}
