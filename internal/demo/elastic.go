package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// elastic reads the indices of one prefix.
type elastic struct{ url, prefix string }

// display is a URL without its password, for people to read.
func display(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return u.Redacted()
}

// count is the number of documents of a kind, with those fed a moment ago,
// which searches see only after a refresh.
func (es elastic) count(ctx context.Context, kind string) (int64, error) {
	var answer struct{ Count int64 }
	err := es.call(ctx, http.MethodPost, kind+"-*/_refresh", nil, &answer)
	if err == nil {
		err = es.call(ctx, http.MethodGet, kind+"-*/_count", nil, &answer)
	}
	return answer.Count, err
}

// bootsByLab are the boots of all labs, the worst lab first.
func (es elastic) bootsByLab(ctx context.Context) ([]lab, error) {
	type bucket struct {
		Key   string `json:"key"`
		Count int64  `json:"doc_count"`
	}
	var answer struct {
		Aggregations struct {
			Labs struct {
				Buckets []struct {
					bucket
					Results struct{ Buckets []bucket }
				}
			}
		}
	}
	err := es.call(ctx, http.MethodPost, "boot-*/_search", []byte(`{"size": 0, "aggs": {
		"labs": {"terms": {"field": "lab_name", "size": 50}, "aggs": {
			"results": {"terms": {"field": "boot_result"}}}}}}`), &answer)
	if err != nil {
		return nil, err
	}
	var labs []lab
	for _, b := range answer.Aggregations.Labs.Buckets {
		l := lab{name: b.Key, boots: b.Count}
		for _, r := range b.Results.Buckets {
			switch r.Key {
			case "pass":
				l.pass = r.Count
			case "fail":
				l.fail = r.Count
			}
		}
		labs = append(labs, l)
	}
	byPassRate(labs)
	return labs, nil
}

// call asks for a path below the prefix and decodes the answer.
func (es elastic) call(ctx context.Context, method, path string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, es.url+"/"+es.prefix+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err // *url.Error hides the password
	}
	defer res.Body.Close() //nolint:errcheck // only read
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, display(req.URL.String()), err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %.500s", method, display(req.URL.String()), res.Status, answer)
	}
	return json.Unmarshal(answer, into)
}
