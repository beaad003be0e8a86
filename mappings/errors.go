package mappings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// ErrCredentials is in the chain of every error that comes from Elasticsearch
// refusing who we are (401) or what we may do (403). Trying again is useless.
var ErrCredentials = errors.New("credentials refused")

// Transport sends a request to one of the Elasticsearch nodes, as
// *elasticsearch.BaseClient does. It is called from one goroutine at a time.
type Transport interface {
	Perform(*http.Request) (*http.Response, error)
}

// ResponseError is Elasticsearch's refusal, as one line.
type ResponseError struct {
	Op     string // what was tried, e.g. "put index template kcing-boot"
	Status int    // HTTP status
	Type   string // Elasticsearch's name of the error; empty when a proxy answered
	Reason string // its words, on one line
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("%s: Elasticsearch answered %d", e.Op, e.Status)
	if e.Type != "" {
		text += " " + e.Type
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if hint := e.hint(); hint != "" {
		text += "; " + hint
	}
	return text
}

// Unwrap makes errors.Is(err, ErrCredentials) work.
func (e *ResponseError) Unwrap() error {
	if e.credentials() {
		return ErrCredentials
	}
	return nil
}

// credentials tells a refused user from a blocked cluster or index, which is a
// 403 as well.
func (e *ResponseError) credentials() bool {
	return e.Status == http.StatusUnauthorized ||
		e.Status == http.StatusForbidden && !strings.HasPrefix(e.Type, "cluster_block")
}

func (e *ResponseError) hint() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return "check ES_API_KEY, or ES_USERNAME and ES_PASSWORD"
	case e.credentials():
		return "the user of ES_API_KEY or ES_USERNAME needs the cluster privilege manage_index_templates" +
			" and, on our indices, view_index_metadata, monitor and delete_index"
	case strings.HasPrefix(e.Type, "cluster_block"):
		return "the cluster or the index is blocked: look for a full disk or a read-only setting"
	case strings.Contains(e.Reason, "have the same priority"):
		return "remove or re-prioritise the other template, or choose another ES_INDEX_PREFIX"
	case e.Type == "snapshot_in_progress_exception":
		return "try again when the snapshot is finished"
	case e.Status == http.StatusTooManyRequests || e.Status >= 500:
		return "look at Elasticsearch's health and log, then try again"
	}
	return ""
}

// read returns the body of a good answer; of a bad one a *ResponseError.
func read(op string, response *esapi.Response, err error) ([]byte, error) {
	if err != nil {
		return nil, fmt.Errorf("%s: Elasticsearch did not answer (check ES_HOST and that it runs): %w", op, err)
	}
	defer response.Body.Close() //nolint:errcheck // read to its end or given up
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%s: answer cut off: %w", op, err)
	}
	if len(body) > maxBody {
		return nil, fmt.Errorf("%s: answer is over %d MiB; is ES_HOST an Elasticsearch?", op, maxBody>>20)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, responseError(op, response.StatusCode, body)
	}
	return body, nil
}

// maxBody bounds memory. A listing has about 100 bytes an index.
const maxBody = 64 << 20

func responseError(op string, status int, body []byte) *ResponseError {
	e := &ResponseError{Op: op, Status: status}
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	var detail struct {
		Type     string `json:"type"`
		Reason   string `json:"reason"`
		CausedBy struct {
			Reason string `json:"reason"`
		} `json:"caused_by"`
	}
	var text string
	switch {
	case json.Unmarshal(body, &answer) != nil || len(answer.Error) == 0:
		e.Reason = oneLine(string(body)) // a proxy's page
	case json.Unmarshal(answer.Error, &text) == nil:
		e.Reason = oneLine(text)
	case json.Unmarshal(answer.Error, &detail) == nil:
		e.Type, e.Reason = oneLine(detail.Type), oneLine(detail.Reason)
		if cause := oneLine(detail.CausedBy.Reason); cause != "" && !strings.Contains(e.Reason, cause) {
			e.Reason += " (" + cause + ")"
		}
	default:
		e.Reason = oneLine(string(answer.Error))
	}
	return e
}

func oneLine(s string) string {
	const limit = 500
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
