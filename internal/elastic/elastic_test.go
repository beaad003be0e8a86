package elastic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// check is what a command asks of Elasticsearch before it begins.
func check(ctx context.Context, hosts string) error {
	c, err := New(Config{Hosts: hosts})
	if err != nil {
		return err
	}
	return c.Check(ctx)
}

func answer(rw http.ResponseWriter, status int, body string) {
	rw.Header().Set("X-Elastic-Product", "Elasticsearch")
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = io.WriteString(rw, body)
}

// TestNotElasticsearch: servers that are something else, too old, or not ready.
func TestNotElasticsearch(t *testing.T) {
	t.Parallel()
	answers := func(status int, product, body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) {
			if product != "" {
				rw.Header().Set("X-Elastic-Product", product)
			}
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			_, _ = io.WriteString(rw, body)
		}
	}
	f := func(handler http.HandlerFunc, want string) {
		t.Helper()
		server := httptest.NewServer(handler)
		defer server.Close()
		err := check(t.Context(), server.URL)
		if err == nil || strings.ReplaceAll(err.Error(), server.URL, "URL") != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	f(answers(200, "", `{"hello":"world"}`), "what answers at URL is not Elasticsearch (ES_HOST)")
	f(answers(404, "", `nope`), "what answers at URL is not Elasticsearch: status 404 (ES_HOST)")
	f(answers(503, "Elasticsearch", `{}`), "the Elasticsearch at URL is not ready: it answered 503")
	f(answers(403, "Elasticsearch", `{}`),
		"the Elasticsearch at URL refused the credentials (403): check ES_API_KEY, or ES_USERNAME and ES_PASSWORD")
	f(answers(200, "Elasticsearch", `{"version":{"number":"7.17.9"}}`),
		"the Elasticsearch at URL is version 7.17.9; kcing needs "+Supported)
	f(answers(200, "Elasticsearch", `{"version":{"number":"8.13.4"}}`),
		"the Elasticsearch at URL is version 8.13.4; kcing needs "+Supported)
	f(func(rw http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			_ = c.Close()
		}
	}, "cannot reach Elasticsearch at URL: it closed the connection without an answer; does it want https? (ES_HOST)")

	for _, good := range []string{`{"version":{"number":"8.14.0"}}`, `{"version":{"number":"9.1.2"}}`,
		`{"version":{"number":"8.11.0","build_flavor":"serverless"}}`} {
		server := httptest.NewServer(answers(200, "Elasticsearch", good))
		if err := check(t.Context(), server.URL); err != nil {
			t.Errorf("%s: %v", good, err)
		}
		server.Close()
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(context.Canceled)
	if err := check(ctx, "http://127.0.0.1:1"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestWrongSettings: each mistake is named by the setting, and no password is shown.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Config{
		"ES_HOST is empty: it wants a URL such as http://localhost:9200":      {Hosts: " , "},
		"ES_HOST: ftp://u:xxxxx@h is not a URL such as http://localhost:9200": {Hosts: "ftp://u:hunter2@h"},
		"ES_API_KEY and ES_USERNAME exclude each other: set one of them":      {Hosts: "h", APIKey: "k", Username: "u"},
		"ES_PASSWORD is set without ES_USERNAME":                              {Hosts: "h", Password: "p"},
		"ES_CA_CERT: open /nowhere/ca.pem: no such file or directory":         {Hosts: "h", CACert: "/nowhere/ca.pem"},
	} {
		if _, err := New(c); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	f := func(hosts, masked string, network bool) {
		t.Helper()
		if got := MaskedHosts(hosts); got != masked {
			t.Errorf("%s: got %s, want %s", hosts, got, masked)
		}
		if got := OverNetwork(hosts); got != network {
			t.Errorf("%s: over the network: %v", hosts, got)
		}
	}
	f("localhost", "http://localhost:9200", false)
	f("http://127.0.0.1:1,[::1]", "http://127.0.0.1:1,http://[::1]:9200", false)
	f("https://u:hunter2@es.example.org, localhost", "https://u:xxxxx@es.example.org,http://localhost:9200", true)
	f("ftp://x", "(not a URL)", false)
}

// TestPatientSendsTheBodyAgain: a request that a busy server did not take is sent
// again as a whole.
func TestPatientSendsTheBodyAgain(t *testing.T) {
	t.Parallel()
	var bodies []string
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bodies = append(bodies, string(body)); len(bodies) < 3 {
			answer(rw, http.StatusServiceUnavailable, `{}`)
			return
		}
		answer(rw, http.StatusOK, `{"acknowledged":true}`)
	}))
	defer server.Close()
	c, err := New(Config{Hosts: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	put := esapi.IndicesPutIndexTemplateRequest{Name: "t", Body: bytes.NewReader([]byte(`{"a":1}`))}
	if _, err := Do(t.Context(), c.Patient(), "put", put); err != nil {
		t.Fatal(err)
	}
	if want := slices.Repeat([]string{`{"a":1}`}, 3); !slices.Equal(bodies, want) {
		t.Errorf("got %q, want %q", bodies, want)
	}
}

// TestRefusal: what is wrong is told with what was tried.
func TestRefusal(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, http.StatusBadRequest,
			`{"error":{"type":"search_phase","reason":"all\nshards failed","root_cause":[{"reason":"no field"}]}}`)
	}))
	defer server.Close()
	c, err := New(Config{Hosts: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Do(t.Context(), c, "search", Request{Method: http.MethodPost, Path: "/_search", Body: []byte(`{}`)})
	var refused *Error
	if want := "search: Elasticsearch answered 400 search_phase: all shards failed"; !errors.As(err, &refused) ||
		err.Error() != want || refused.Root != "no field" {
		t.Errorf("%v", err)
	}
	for _, e := range []*Error{{Status: 401}, {Status: 403, Type: "security_exception"}} {
		if !errors.Is(e, ErrCredentials) {
			t.Errorf("%v does not say that the credentials are refused", e)
		}
	}
	if e := (&Error{Status: 403, Type: "cluster_block_exception"}); errors.Is(e, ErrCredentials) {
		t.Errorf("%v says that the credentials are refused", e)
	}
}

// TestCheckWithin: a cluster that is starting is waited for, one that refuses is not.
func TestCheckWithin(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) <= patientTries {
			answer(rw, http.StatusServiceUnavailable, `{}`)
			return
		}
		answer(rw, http.StatusUnauthorized, `{}`)
	}))
	defer server.Close()
	c, err := New(Config{Hosts: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	waits := 0
	err = c.CheckWithin(t.Context(), time.Minute, func(error) { waits++ })
	if err == nil || errors.Is(err, ErrNotThere) || waits != 1 ||
		!strings.Contains(err.Error(), "refused the credentials (401)") {
		t.Errorf("%d waits: %v", waits, err)
	}
	if err := fmt.Errorf("x: %w", notThere("away")); !errors.Is(err, ErrNotThere) {
		t.Error("what is not there is not known as such")
	}
}
