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

	"github.com/kcing/kcing/transform"
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
					Pass, Fail bucket
				}
			}
		}
	}
	query, err := json.Marshal(bootsQuery())
	if err == nil {
		err = es.call(ctx, http.MethodPost, "boot-*/_search", query, &answer)
	}
	if err != nil {
		return nil, err
	}
	var labs []lab
	for _, b := range answer.Aggregations.Labs.Buckets {
		labs = append(labs, lab{name: b.Key, boots: b.Count, pass: b.Pass.Count, fail: b.Fail.Count})
	}
	byPassRate(labs)
	return labs, nil
}

// bootsQuery counts the boots of each lab that passed, and those that failed by
// no fault of the lab's.
func bootsQuery() any {
	type object = map[string]any
	result := func(word string) object { return object{"term": object{"boot_result": word}} }
	return object{"size": 0, "aggs": object{"labs": object{
		"terms": object{"field": "lab_name", "size": 50},
		"aggs": object{
			"pass": object{"filter": result("pass")},
			"fail": object{"filter": object{"bool": object{
				"filter": result("fail"), "must_not": object{"terms": object{"error_type": transform.LabErrors}}}}},
		},
	}}}
}

// incident is a title of failures.
type incident struct {
	name         string
	jobs, boards int64
}

// topIncidents are the titles that most jobs have, what tests provoked aside.
func (es elastic) topIncidents(ctx context.Context) ([]incident, error) {
	type object = map[string]any
	var answer struct {
		Aggregations struct {
			Titles struct {
				Buckets []struct {
					Key    string `json:"key"`
					Count  int64  `json:"doc_count"`
					Boards struct{ Value int64 }
				}
			}
		}
	}
	const most = 10
	query, err := json.Marshal(object{
		"size": 0, "query": object{"bool": object{"must_not": object{"term": object{"provoked": true}}}},
		"aggs": object{"titles": object{
			"terms": object{"field": "title", "size": most},
			"aggs":  object{"boards": object{"cardinality": object{"field": "board"}}},
		}},
	})
	if err == nil {
		err = es.call(ctx, http.MethodPost, "incident-*/_search", query, &answer)
	}
	if err != nil {
		return nil, err
	}
	var all []incident
	for _, b := range answer.Aggregations.Titles.Buckets {
		all = append(all, incident{name: b.Key, jobs: b.Count, boards: b.Boards.Value})
	}
	return all, nil
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
