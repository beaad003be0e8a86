package faults

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// counts is what a run of kcing must report, as the server sees it: of _bulk
// requests only. It is complete when kcing has its last answer.
type counts struct {
	t *testing.T

	mu                sync.Mutex
	requests          map[string]int64 // by what kcing got: the status, or "network"
	documents         int64            // in all requests
	raw, wire         int64            // bytes of the bodies, unpacked and as they came
	stored, duplicate int64            // in the answers that kcing got
	rejected          map[string]int64 // likewise, by type
	longest           time.Duration    // until the answer was about to be sent; kcing's are longer
}

func newCounts(t *testing.T) *counts {
	t.Helper()
	return &counts{t: t, requests: map[string]int64{}, rejected: map[string]int64{}}
}

// request counts what has arrived.
func (n *counts) request(r *http.Request, body []byte) {
	raw := body
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			raw, err = io.ReadAll(unpacked)
		}
		if err != nil {
			n.t.Errorf("a body is not gzip: %v", err)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wire += int64(len(body))
	n.raw += int64(len(raw))
	n.documents += int64(bytes.Count(raw, []byte("\n")) / 2)
}

// result counts what kcing is about to get.
func (n *counts) result(class string, answer []byte, took time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.requests[class]++
	n.longest = max(n.longest, took)
	if class != "200" {
		return
	}
	var items struct {
		Items []map[string]struct {
			Status int
			Error  struct{ Type string }
		}
	}
	if err := json.Unmarshal(answer, &items); err != nil {
		n.t.Errorf("answer of Elasticsearch: %v", err)
	}
	for _, item := range items.Items {
		for _, of := range item {
			switch of.Status {
			case http.StatusOK, http.StatusCreated:
				n.stored++
			case http.StatusConflict:
				n.duplicate++
			default:
				n.rejected[of.Error.Type]++
			}
		}
	}
}
