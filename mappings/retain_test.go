package mappings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/elastic"
)

var november10 = time.Date(2020, 11, 10, 15, 4, 5, 0, time.UTC)

// TestDaysOfIncidents: they stay as long as the tests that they explain.
func TestDaysOfIncidents(t *testing.T) {
	f := func(d Days, incident, longest int) {
		t.Helper()
		if got := d.Of(Incident); got != incident {
			t.Errorf("%v: %d days of incidents, want %d", d, got, incident)
		}
		if got := d.Longest(); got != longest {
			t.Errorf("%v: %d days at the longest, want %d", d, got, longest)
		}
	}
	f(Days{Default: 3}, 3, 3)
	f(Days{Default: 3, ByKind: map[string]int{Test: 30}}, 30, 30)
	f(Days{Default: 3, ByKind: map[string]int{Test: 30, Incident: 90}}, 90, 90)
	f(Days{Default: 3, ByKind: map[string]int{Incident: 0}}, 0, 3)
}

func TestCutoff(t *testing.T) {
	f := func(now time.Time, days int, want string) {
		t.Helper()
		if got := Cutoff(now, days).Format(time.RFC3339); got != want {
			t.Errorf("%v, %d days: got %s, want %s", now, days, got, want)
		}
	}
	f(november10, 3, "2020-11-07T00:00:00Z")
	f(november10, 0, "2020-11-10T00:00:00Z")
	f(november10, 10, "2020-10-31T00:00:00Z")
	f(time.Date(2020, 11, 10, 0, 0, 0, 0, time.UTC), 3, "2020-11-07T00:00:00Z")
	f(time.Date(2020, 11, 10, 23, 59, 59, 0, time.UTC), 3, "2020-11-07T00:00:00Z")
	f(time.Date(2020, 11, 10, 23, 30, 0, 0, time.FixedZone("", -3600)), 3, "2020-11-08T00:00:00Z")
	f(time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), 1, "2024-02-29T00:00:00Z")
}

func TestExpired(t *testing.T) {
	f := func(days Days, names, want string) {
		t.Helper()
		var ours []IndexUsage
		for _, name := range strings.Fields(names) {
			if kind, day, ok := ParseIndexName("x-", name); ok {
				ours = append(ours, IndexUsage{Name: name, Kind: kind, Day: day})
			}
		}
		var old []string
		for _, index := range expired(ours, november10, days) {
			old = append(old, index.Name)
		}
		got := strings.Join(old, " ")
		if got != want {
			t.Errorf("%+v: got %q, want %q", days, got, want)
		}
	}
	three := Days{Default: 3}
	f(three, "x-log-2020.11.10 x-log-2020.11.07 x-log-2020.11.06 x-boot-2019.01.01",
		"x-log-2020.11.06 x-boot-2019.01.01")
	f(three, "x-log-2099.01.01", "")
	f(three, "log-2019.01.01 y-log-2019.01.01 x-log-2019.01.01-copy x-kernel-2019.01.01 x-log-2019.02.30 x-log x-*", "")
	f(Days{Default: 3, ByKind: map[string]int{Log: 0, Build: 30}},
		"x-log-2020.11.09 x-build-2020.10.11 x-build-2020.10.10 x-test-2020.11.07",
		"x-log-2020.11.09 x-build-2020.10.10")
}

func TestBatches(t *testing.T) {
	var indices []IndexUsage
	for i := range 1000 {
		indices = append(indices, IndexUsage{Name: fmt.Sprintf("%s-%d", strings.Repeat("p", i%200), i)})
	}
	got := batches(indices)
	if !slices.Equal(slices.Concat(got...), indices) {
		t.Error("names are lost, doubled or out of order")
	}
	for _, batch := range got {
		if line := strings.Join(names(batch), ","); len(batch) == 0 || len(batch) > batchNames ||
			len(line) > batchBytes {
			t.Errorf("%d names in %d bytes", len(batch), len(line))
		}
	}
	if batches(nil) != nil {
		t.Error("a batch of nothing")
	}
}

// transport answers without a server. It answers for the fields of the indices
// itself: each index asked for has one of ours.
type transport func(method, path string) (int, string)

func (f transport) Perform(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var status int
	var body string
	if names, isFields := strings.CutSuffix(r.URL.Path, "/_mapping"); isFields {
		const ours = `":{"mappings":{"properties":{"arch":{}}}}`
		status, body = 200, `{"`+strings.ReplaceAll(names[1:], ",", ours+`,"`)+ours+`}`
	} else {
		status, body = f(r.Method, r.URL.Path)
	}
	if status == 0 {
		return nil, errors.New("connection refused")
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

const fourOld = `[{"index":"log-2020.01.01","docs.count":"10","store.size":"100"},
	{"index":"log-2020.01.02","docs.count":"20","store.size":"200"},
	{"index":"boot-2020.01.01","docs.count":null,"store.size":null},
	{"index":"test-2020.01.01","docs.count":"40","store.size":"400"},
	{"index":"precious","docs.count":"1","store.size":"1"},
	{"index":"boot-2020.11.10","docs.count":"1","store.size":"1"}]`

func elasticError(kind, reason string) string {
	return fmt.Sprintf(`{"error":{"root_cause":[],"type":%q,"reason":%q},"status":1}`, kind, reason)
}

// One index is gone already, one cannot go: the other two do.
func TestRetainGoesOn(t *testing.T) {
	var deletes []string
	es := transport(func(method, path string) (int, string) {
		if method == http.MethodGet {
			return 200, fourOld
		}
		deletes = append(deletes, path)
		switch {
		case strings.Contains(path, "log-2020.01.02"):
			return 404, elasticError("index_not_found_exception", "no such index")
		case strings.Contains(path, "boot-2020.01.01"):
			return 400, elasticError("snapshot_in_progress_exception", "being snapshotted")
		}
		return 200, `{"acknowledged":true}`
	})
	got, err := Retain(t.Context(), es, RetainOptions{Now: november10, Days: Days{Default: 3}})
	if err == nil || !strings.Contains(err.Error(), "boot-2020.01.01") {
		t.Errorf("error: %v", err)
	}
	if len(got.Deleted) != 2 || got.Docs != 50 || got.Bytes != 500 || got.Kept != 1 ||
		!slices.Equal(got.Gone, []string{"log-2020.01.02"}) || len(got.Failed) != 1 ||
		got.Failed[0].Index != "boot-2020.01.01" {
		t.Errorf("report: %+v", got)
	}
	for _, path := range deletes {
		if strings.ContainsAny(path, "*?") || strings.Contains(path, "_all") || strings.Contains(path, "precious") {
			t.Errorf("DELETE %s", path)
		}
	}
}

func TestRetainEnds(t *testing.T) {
	f := func(status int, body string, credentials bool) {
		t.Helper()
		calls := 0
		es := transport(func(method, _ string) (int, string) {
			if method == http.MethodGet {
				return 200, fourOld
			}
			calls++
			return status, body
		})
		got, err := Retain(t.Context(), es, RetainOptions{Now: november10, Days: Days{Default: 3}})
		if err == nil || errors.Is(err, elastic.ErrCredentials) != credentials || calls != 1 || len(got.Deleted) != 0 {
			t.Errorf("%d: %d calls, %+v, error %v", status, calls, got, err)
		}
	}
	f(401, elasticError("security_exception", "unable to authenticate"), true)
	f(0, "", false)
	f(200, "<html>", false)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	es := transport(func(string, string) (int, string) { return 200, "[]" })
	if _, err := Retain(ctx, es, RetainOptions{Now: november10}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestRetainRefuses(t *testing.T) {
	es := transport(func(method, path string) (int, string) {
		t.Errorf("%s %s", method, path)
		return 200, "[]"
	})
	f := func(o RetainOptions) {
		t.Helper()
		if _, err := Retain(t.Context(), es, o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	f(RetainOptions{})
	f(RetainOptions{Now: november10, Days: Days{Default: -1}})
	f(RetainOptions{Now: november10, Days: Days{ByKind: map[string]int{Log: -1}}})
	f(RetainOptions{Now: november10, Days: Days{ByKind: map[string]int{"lava": 1}}})
	f(RetainOptions{Now: november10, Prefix: "*"})
	f(RetainOptions{Now: november10, Prefix: "boot-"})
}

// Not acknowledged means that it may still happen: the next look says so.
func TestRetainNotAcknowledged(t *testing.T) {
	calls := 0
	es := transport(func(method, _ string) (int, string) {
		if method == http.MethodGet {
			return 200, `[{"index":"log-2020.01.01","docs.count":"10","store.size":"100"}]`
		}
		if calls++; calls == 1 {
			return 200, `{"acknowledged":false}`
		}
		return 404, elasticError("index_not_found_exception", "no such index")
	})
	got, err := Retain(t.Context(), es, RetainOptions{Now: november10})
	if err != nil || len(got.Gone) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// One index that is not ours is enough: nothing is deleted, and all such are named.
func TestRetainForeign(t *testing.T) {
	indices := func(names ...string) string {
		var rows []string
		for _, name := range names {
			rows = append(rows, fmt.Sprintf(`{"index":%q,"docs.count":"1","store.size":"1"}`, name))
		}
		return "[" + strings.Join(rows, ",") + "]"
	}
	const gone = "test-2020.01.01"
	f := func(list, fields string, want ...string) {
		t.Helper()
		es := fieldTransport(func(r *http.Request) (int, string) {
			switch {
			case r.Method != http.MethodGet:
				if len(want) > 0 {
					t.Errorf("%s %s", r.Method, r.URL.Path)
				}
				return 200, `{"acknowledged":true}`
			case strings.HasSuffix(r.URL.Path, "/_mapping"):
				if r.URL.Query().Get("expand_wildcards") != "none" {
					t.Errorf("asked %s", r.URL)
				}
				// Ignored at once, what the user may not see would pass for gone.
				switch ignored := r.URL.Query().Has("ignore_unavailable"); {
				case !strings.Contains(r.URL.Path, gone):
					if ignored {
						t.Errorf("asked %s", r.URL)
					}
				case !ignored:
					return 404, elasticError("index_not_found_exception", "no such index")
				}
				return 200, fields
			}
			return 200, list
		})
		_, err := Retain(t.Context(), es, RetainOptions{Now: november10, Days: Days{Default: 3}})
		var refused *ForeignError
		switch {
		case len(want) == 0 && err != nil:
			t.Errorf("%s: %v", fields, err)
		case len(want) > 0 && (!errors.As(err, &refused) || !slices.Equal(refused.Indices, want)):
			t.Errorf("%s: error %v, want a refusal for %v", fields, err, want)
		}
	}
	mapping := func(fields ...string) string { // of index name, field, index name, field
		var parts []string
		for i := 0; i < len(fields); i += 2 {
			properties := "{}"
			if fields[i+1] != "" {
				properties = fmt.Sprintf(`{"properties":{"x":{},%q:{}}}`, fields[i+1])
			}
			parts = append(parts, fmt.Sprintf(`%q:{"mappings":%s}`, fields[i], properties))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	const build, boot, log, young = "build-2020.01.01", "boot-2020.01.01", "log-2020.01.01", "log-2020.11.10"
	f(indices(build, log, young), mapping(build, "arch", log, "lvl", young, "lvl"))
	f(indices(build, log, young), mapping(build, "job", log, "lvl", young, "a"), build, young)
	f(indices(boot, gone, log), mapping(boot, "board", log, "lvl"))
	f(indices(log), mapping(log, "")) // no field, so no document
	// Its documents are not counted yet, or it is closed.
	f(`[{"index":"build-2020.01.01","docs.count":"0","store.size":"1"}]`, mapping(build, "job"), build)
	f(`[{"index":"build-2020.01.01","docs.count":null,"store.size":null}]`, mapping(build, "job"), build)

	many := &ForeignError{Prefix: "x-", Indices: strings.Fields("a b c d e f g")}
	if text := many.Error(); !strings.Contains(text, "(a, b, c, d, e and 2 more)") ||
		!strings.Contains(text, "ES_INDEX_PREFIX") {
		t.Error(text)
	}
}

// fieldTransport leaves also the question for the fields to the test.
type fieldTransport func(*http.Request) (int, string)

func (f fieldTransport) Perform(r *http.Request) (*http.Response, error) {
	status, body := f(r)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
}
