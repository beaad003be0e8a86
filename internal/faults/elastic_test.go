package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// elastic asks an Elasticsearch directly, beside kcing.
type elastic struct {
	t   *testing.T
	url string
}

// try sends one request; status 0 means that there was no answer.
func (e elastic) try(method, path, body string) (status int, answer []byte) {
	// Not the test's context: it has ended when its cleanups run.
	req, err := http.NewRequest(method, e.url+path, strings.NewReader(body))
	if err != nil {
		return 0, []byte(err.Error())
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(res.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return res.StatusCode, answer
}

// do wants a good answer.
func (e elastic) do(method, path, body string) []byte {
	e.t.Helper()
	status, answer := e.try(method, path, body)
	if status < 200 || status > 299 {
		e.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

// count is the number of documents under a prefix, -1 when nobody answers.
func (e elastic) count(prefix string) int {
	// Nothing shows before a refresh, and without it the count is no sign of progress.
	if status, _ := e.try(http.MethodPost, "/"+prefix+"*/_refresh", ""); status != http.StatusOK {
		return -1
	}
	status, answer := e.try(http.MethodGet, "/"+prefix+"*/_count", "")
	var n struct {
		Count int `json:"count"`
	}
	if status != http.StatusOK || json.Unmarshal(answer, &n) != nil {
		return -1
	}
	return n.Count
}

type page struct {
	PIT  string `json:"pit_id"`
	Hits struct {
		Hits []struct {
			Index  string          `json:"_index"`
			ID     string          `json:"_id"`
			Source json.RawMessage `json:"_source"`
			Sort   json.RawMessage `json:"sort"`
		} `json:"hits"`
	} `json:"hits"`
}

// documents reads all that are under a prefix: one search, and a further one for
// each 10,000 documents.
func (e elastic) documents(prefix string) documents {
	e.t.Helper()
	e.do(http.MethodPost, "/"+prefix+"*/_refresh", "")
	var at struct{ ID string }
	if err := json.Unmarshal(e.do(http.MethodPost, "/"+prefix+"*/_pit?keep_alive=2m", ""), &at); err != nil {
		e.t.Fatal(err)
	}
	const most = 10000 // index.max_result_window
	got := documents{}
	for after := ""; ; {
		var p page
		// Not with filter_path, which would write the sources anew.
		answer := e.do(http.MethodPost, "/_search", fmt.Sprintf(
			`{"size":%d,"pit":{"id":%q},"sort":["_shard_doc"],"track_total_hits":false%s}`, most, at.ID, after))
		if err := json.Unmarshal(answer, &p); err != nil {
			e.t.Fatal(err)
		}
		for _, hit := range p.Hits.Hits {
			sum, err := digest(hit.Source)
			if err != nil {
				e.t.Fatal(err)
			}
			got[strings.TrimPrefix(hit.Index, prefix)+"/"+hit.ID] = sum
		}
		at.ID = p.PIT
		if n := len(p.Hits.Hits); n == most {
			after = `,"search_after":` + string(p.Hits.Hits[n-1].Sort)
			continue
		}
		e.do(http.MethodDelete, "/_pit", fmt.Sprintf(`{"id":%q}`, at.ID))
		return got
	}
}
