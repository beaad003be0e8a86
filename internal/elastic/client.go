// Package elastic is how kcing talks to Elasticsearch beside the bulk requests:
// the client, whether the cluster can be reached and used, requests that survive
// a passing fault, and answers and refusals read in one way. Its errors are lines
// for the person who set ES_HOST.
package elastic

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// Config says where Elasticsearch is and who asks.
type Config struct {
	// Hosts are the nodes' URLs with commas in between. A missing scheme is http,
	// a missing port 9200 for http.
	Hosts string
	// APIKey, or Username and Password; neither: no authentication.
	APIKey, Username, Password string
	// CACert is a PEM file with the authority that signed the nodes' certificates; "": the system's.
	CACert    string
	UserAgent string
}

// Transport sends a request to one of the nodes, as [Client] does.
type Transport = esapi.Transport

// Client sends requests to the nodes in turn. It neither retries nor compresses:
// the bulk indexer does both by itself, and [Client.Patient] is for the others.
type Client struct {
	base  *elasticsearch.BaseClient
	nodes int
	hosts string // without passwords
	uuid  atomic.Pointer[string]
}

// New makes a client. Its error is a mistake in the settings, and names them.
func New(c Config) (*Client, error) {
	nodes, err := parseHosts(c.Hosts)
	if err != nil {
		return nil, err
	}
	switch {
	case c.APIKey != "" && c.Username != "":
		return nil, errors.New("ES_API_KEY and ES_USERNAME exclude each other: set one of them")
	case c.Password != "" && c.Username == "":
		return nil, errors.New("ES_PASSWORD is set without ES_USERNAME")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxIdleConnsPerHost = 8
	transport.ResponseHeaderTimeout = 90 * time.Second
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	config := elasticsearch.Config{
		APIKey: c.APIKey, Username: c.Username, Password: c.Password,
		Transport: transport, DisableRetry: true,
		Header: http.Header{"User-Agent": {c.UserAgent}},
	}
	for _, u := range nodes {
		config.Addresses = append(config.Addresses, u.String())
	}
	if c.CACert != "" {
		if config.CACert, err = os.ReadFile(c.CACert); err != nil {
			return nil, fmt.Errorf("ES_CA_CERT: %w", err)
		}
	}
	base, err := elasticsearch.NewBaseClient(config)
	if err != nil {
		return nil, fmt.Errorf("ES_HOST, ES_CA_CERT: %w", err)
	}
	return &Client{base: base, nodes: len(nodes), hosts: MaskedHosts(c.Hosts)}, nil
}

// Perform implements [Transport].
func (c *Client) Perform(req *http.Request) (*http.Response, error) { return c.base.Perform(req) }

// Hosts are the nodes' URLs without passwords, for people to read.
func (c *Client) Hosts() string { return c.hosts }

// ClusterUUID is that of the cluster that answered Info or Check last; empty: none
// has, or it did not say.
func (c *Client) ClusterUUID() string {
	if uuid := c.uuid.Load(); uuid != nil {
		return *uuid
	}
	return ""
}

func parseHosts(hosts string) ([]*url.URL, error) {
	var nodes []*url.URL
	for host := range strings.SplitSeq(hosts, ",") {
		if host = strings.TrimSpace(host); host == "" {
			continue
		}
		if !strings.Contains(host, "://") {
			host = "http://" + host
		}
		u, err := url.Parse(host)
		if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("ES_HOST: %s is not a URL such as http://localhost:9200", MaskedURL(host))
		}
		if u.Port() == "" && u.Scheme == "http" {
			u.Host += ":9200"
		}
		nodes = append(nodes, u)
	}
	if len(nodes) == 0 {
		return nil, errors.New("ES_HOST is empty: it wants a URL such as http://localhost:9200")
	}
	return nodes, nil
}

// MaskedURL is a URL without its password, for people to read.
func MaskedURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil { // the password may be anywhere in it
		return "the value (not shown, it may hold a password)"
	}
	return u.Redacted()
}

// MaskedHosts are the URLs of [Config.Hosts] without passwords.
func MaskedHosts(hosts string) string {
	nodes, err := parseHosts(hosts)
	if err != nil {
		return "(not a URL)"
	}
	masked := make([]string, len(nodes))
	for i, u := range nodes {
		masked[i] = u.Redacted()
	}
	return strings.Join(masked, ",")
}

// OverNetwork reports whether one of [Config.Hosts] is another machine.
func OverNetwork(hosts string) bool {
	nodes, _ := parseHosts(hosts)
	for _, u := range nodes {
		if ip := net.ParseIP(u.Hostname()); u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return true
		}
	}
	return false
}
