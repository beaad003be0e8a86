package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/kcing/kcing/internal/oneline"
)

// maxAnswer bounds an answer in memory. A listing has about 100 bytes an index,
// a page of a report's buckets some megabytes.
const maxAnswer = 64 << 20

// Do sends a request and returns the body of a good answer. op says what is
// tried ("list indices") and begins each error. A refusal is an [*Error].
func Do(ctx context.Context, t Transport, op string, r esapi.Request) ([]byte, error) {
	res, err := r.Do(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("%s: Elasticsearch did not answer (check ES_HOST and that it runs): %w", op, err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299:
		return nil, readError(op, res.StatusCode, body)
	case err != nil:
		return nil, fmt.Errorf("%s: answer cut off: %w", op, err)
	case len(body) > maxAnswer:
		return nil, fmt.Errorf("%s: answer is over %d MiB; is ES_HOST an Elasticsearch?", op, maxAnswer>>20)
	}
	return body, nil
}

// Request is a request for [Do] by method and path, for those that esapi has no
// type for or needs more words for. Body is JSON, or lines of it for _bulk; nil: none.
type Request struct {
	Method, Path string // the path with its query
	Body         []byte
}

// Do implements [esapi.Request].
func (r Request) Do(ctx context.Context, t esapi.Transport) (*esapi.Response, error) {
	req, err := http.NewRequestWithContext(ctx, r.Method, r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, err
	}
	switch {
	case r.Body == nil:
	case strings.HasPrefix(r.Path, "/_bulk"):
		req.Header.Set("Content-Type", "application/x-ndjson")
	default:
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := t.Perform(req) //nolint:bodyclose // [Do] closes it
	if err != nil {
		return nil, err
	}
	return &esapi.Response{StatusCode: res.StatusCode, Header: res.Header, Body: res.Body}, nil
}

// ErrCredentials is in the chain of every [*Error] that is Elasticsearch refusing
// who we are (401) or what we may do (403). Trying again is useless.
var ErrCredentials = errors.New("credentials refused")

// Error is Elasticsearch's refusal, as one line.
type Error struct {
	Op     string // what was tried, e.g. "put index template kcing-boot"
	Status int    // HTTP status
	Type   string // Elasticsearch's name of the error; empty when a proxy answered
	Reason string // its words, on one line
	Root   string // the words of the shard or node on which it began; empty: not said
	Hint   string // what to do; empty: nothing to add
}

func (e *Error) Error() string {
	text := fmt.Sprintf("Elasticsearch answered %d", e.Status)
	if e.Op != "" {
		text = e.Op + ": " + text
	}
	if e.Type != "" {
		text += " " + e.Type
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap makes errors.Is(err, ErrCredentials) work.
func (e *Error) Unwrap() error {
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden && !e.Blocked() {
		return ErrCredentials
	}
	return nil
}

// Blocked tells a blocked cluster or index, which is a 403, from a refused user.
func (e *Error) Blocked() bool { return strings.HasPrefix(e.Type, "cluster_block") }

func readError(op string, status int, body []byte) *Error {
	e := &Error{Op: op, Status: status}
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	type reason struct {
		Reason string `json:"reason"`
	}
	var detail struct {
		Type     string   `json:"type"`
		Reason   string   `json:"reason"`
		CausedBy reason   `json:"caused_by"`
		Root     []reason `json:"root_cause"`
	}
	var text string
	switch {
	case json.Unmarshal(body, &answer) != nil || len(answer.Error) == 0:
		e.Reason = oneline.Of(string(body)) // a proxy's page
	case json.Unmarshal(answer.Error, &text) == nil:
		e.Reason = oneline.Of(text)
	case json.Unmarshal(answer.Error, &detail) == nil:
		e.Type, e.Reason = oneline.Of(detail.Type), oneline.Of(detail.Reason)
		if cause := oneline.Of(detail.CausedBy.Reason); cause != "" && !strings.Contains(e.Reason, cause) {
			e.Reason += " (" + cause + ")"
		}
		if len(detail.Root) > 0 {
			e.Root = oneline.Of(detail.Root[0].Reason)
		}
	default:
		e.Reason = oneline.Of(string(answer.Error))
	}
	return e
}
