package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/mappings"
)

// nodes are the addresses of ES_HOST. A missing scheme is http, a missing port
// 9200 for http.
func (s *settings) nodes() ([]string, error) {
	var nodes []string
	for host := range strings.SplitSeq(s.esHost, ",") {
		if host = strings.TrimSpace(host); host == "" {
			continue
		}
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		u, err := url.Parse(host)
		if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, usagef("ES_HOST: %s is not a URL such as http://localhost:9200", masked(host))
		}
		if u.Port() == "" && u.Scheme == "http" {
			u.Host += ":9200"
		}
		nodes = append(nodes, u.String())
	}
	if len(nodes) == 0 {
		return nil, usagef("ES_HOST is empty: it wants a URL such as http://localhost:9200")
	}
	return nodes, nil
}

// masked is a URL without its password, for people to read.
func masked(raw string) string {
	u, err := url.Parse(raw)
	if err != nil { // the password may be anywhere in it
		return "the value (not shown, it may hold a password)"
	}
	return u.Redacted()
}

func (s *settings) maskedNodes() string {
	nodes, err := s.nodes()
	if err != nil {
		return "(not a URL)"
	}
	for i := range nodes {
		nodes[i] = masked(nodes[i])
	}
	return strings.Join(nodes, ",")
}

// client makes the Elasticsearch client. Retries and compression are the bulk
// indexer's business, so the client does neither.
func (s *settings) client() (*elasticsearch.BaseClient, error) {
	nodes, err := s.nodes()
	if err != nil {
		return nil, err
	}
	switch {
	case s.esAPIKey != "" && s.esUsername != "":
		return nil, usagef("ES_API_KEY and ES_USERNAME exclude each other: set one of them")
	case s.esPassword != "" && s.esUsername == "":
		return nil, usagef("ES_PASSWORD is set without ES_USERNAME")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxIdleConnsPerHost = 8
	transport.ResponseHeaderTimeout = 90 * time.Second
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	c := elasticsearch.Config{
		Addresses: nodes, APIKey: s.esAPIKey, Username: s.esUsername, Password: s.esPassword,
		Transport: transport, DisableRetry: true,
		Header: http.Header{"User-Agent": {"kcing/" + buildVersion()}},
	}
	if s.esCACert != "" {
		if c.CACert, err = os.ReadFile(s.esCACert); err != nil {
			return nil, usagef("ES_CA_CERT: %v", err)
		}
	}
	client, err := elasticsearch.NewBaseClient(c)
	if err != nil {
		return nil, usagef("ES_HOST, ES_CA_CERT: %v", err)
	}
	return client, nil
}

func (s *settings) bulkOptions() bulk.Options {
	return bulk.Options{
		FlushBytes: int(s.bulkBytes), FlushActions: s.bulkActions, FlushInterval: s.bulkInterval, Requests: s.bulkRequests,
		RetryFor: s.retryFor, MaxAttempts: s.maxRetries,
		MaxPendingBytes: 32 << 20, TrustBodies: true, Compress: s.compressed(),
	}
}

// compressed decides on gzip: on loopback it only costs.
func (s *settings) compressed() bool {
	if s.compress != "auto" {
		return s.compress == "true"
	}
	nodes, _ := s.nodes()
	for _, n := range nodes {
		u, err := url.Parse(n)
		if err != nil {
			continue
		}
		if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return true
		}
	}
	return false
}

// refresh makes what was stored visible to searches now instead of within the
// refresh interval. Who may not do that (it is a privilege of its own) waits.
func (s *settings) refresh(ctx context.Context, client *elasticsearch.BaseClient, log *slog.Logger) {
	var indices []string
	for _, kind := range mappings.Kinds {
		indices = append(indices, s.prefix+kind+"-*")
	}
	ctx, cancel := context.WithTimeout(ctx, reachFor)
	defer cancel()
	res, err := esapi.IndicesRefreshRequest{Index: indices}.Do(ctx, client)
	if err != nil {
		log.Debug("the indices were not refreshed", "error", plainText(err))
		return
	}
	defer res.Body.Close() //nolint:errcheck // not read
	if res.IsError() {
		log.Debug("the indices were not refreshed", "status", res.StatusCode)
	}
}
