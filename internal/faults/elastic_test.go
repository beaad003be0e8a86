package faults

import (
	"bytes"
	"encoding/json"
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
	Scroll string `json:"_scroll_id"`
	Hits   struct {
		Hits []struct {
			Index  string          `json:"_index"`
			ID     string          `json:"_id"`
			Source json.RawMessage `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
}

// documents reads all that are under a prefix.
func (e elastic) documents(prefix string) documents {
	e.t.Helper()
	e.do(http.MethodPost, "/"+prefix+"*/_refresh", "")
	got := documents{}
	answer := e.do(http.MethodPost, "/"+prefix+"*/_search?scroll=1m&sort=_doc&size=4000", "")
	for {
		var p page
		if err := json.NewDecoder(bytes.NewReader(answer)).Decode(&p); err != nil {
			e.t.Fatal(err)
		}
		if len(p.Hits.Hits) == 0 {
			e.try(http.MethodDelete, "/_search/scroll", `{"scroll_id":"`+p.Scroll+`"}`)
			return got
		}
		for _, hit := range p.Hits.Hits {
			sum, err := digest(hit.Source)
			if err != nil {
				e.t.Fatal(err)
			}
			got[strings.TrimPrefix(hit.Index, prefix)+"/"+hit.ID] = sum
		}
		answer = e.do(http.MethodPost, "/_search/scroll", `{"scroll":"1m","scroll_id":"`+p.Scroll+`"}`)
	}
}
