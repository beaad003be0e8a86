package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/kcing/kcing/internal/retry"
)

// reachFor is how long Elasticsearch may take to answer at the start, all nodes
// together.
const reachFor = 8 * time.Second

// esInfo is what Elasticsearch says of itself.
type esInfo struct {
	Cluster string `json:"cluster_name"`
	UUID    string `json:"cluster_uuid"`
	Version struct {
		Number string `json:"number"`
		Flavor string `json:"build_flavor"`
	} `json:"version"`
}

// connect makes a client, makes sure that Elasticsearch is there, and that it
// is one that we can use.
func (s *settings) connect(ctx context.Context) (*elasticsearch.BaseClient, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	info, err := s.reach(ctx, client)
	if err != nil {
		return nil, err
	}
	if info.Version.Flavor == "serverless" { // it says 8.11 for ever, and is current
		return client, nil
	}
	return client, oldServer(info.Version.Number, s.maskedNodes())
}

// connect is the settings' connect, with a word on the wait at a terminal.
func (a *app) connect(ctx context.Context, s *settings) (*elasticsearch.BaseClient, error) {
	defer a.showWait("Elasticsearch at "+s.maskedNodes(), reachFor)()
	return s.connect(ctx)
}

// connectWithin is connect for --wait: while nothing that could be Elasticsearch answers it asks again.
func (a *app) connectWithin(ctx context.Context, s *settings) (*elasticsearch.BaseClient, error) {
	if s.wait == 0 {
		return a.connect(ctx, s)
	}
	log, closeLog, err := a.logger(s)
	if err != nil {
		return nil, err
	}
	defer closeLog()
	defer a.showWait("Elasticsearch at "+s.maskedNodes(), s.wait)()
	const pause = 500 * time.Millisecond
	for began := time.Now(); ; {
		client, err := s.connect(ctx)
		if next := new(tryNextNode); !errors.As(err, &next) {
			return client, err
		}
		if time.Since(began)+pause > s.wait {
			return nil, fmt.Errorf("%w (after waiting %v; --wait TIME waits longer)", err, s.wait)
		}
		log.Debug("waiting for Elasticsearch", "because", err)
		if err := retry.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// oldServer is an error when the templates need a later Elasticsearch: 8.14
// brought index.mapping.total_fields.ignore_dynamic_beyond_limit.
func oldServer(version, nodes string) error {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil || major > 8 || major == 8 && minor >= 14 {
		return nil
	}
	return fmt.Errorf("the Elasticsearch at %s is version %s; kcing needs %s", nodes, version, supportedServers)
}

// tryNextNode marks a failure that another node may not have.
type tryNextNode struct{ error }

func (e *tryNextNode) Unwrap() error { return e.error }

// reach asks Elasticsearch who it is, node by node until one answers. The error
// is the one line that a user needs: not there, or does not let us in.
func (s *settings) reach(ctx context.Context, client *elasticsearch.BaseClient) (esInfo, error) {
	nodes, err := s.nodes()
	if err != nil {
		return esInfo{}, err
	}
	var info esInfo
	for range nodes { // the client takes the next node after a failure
		info, err = s.ask(ctx, client, reachFor/time.Duration(len(nodes)))
		if next := new(tryNextNode); !errors.As(err, &next) {
			return info, err
		}
	}
	return info, err
}

// reachToRead makes sure that Elasticsearch is there. Who may read indices need
// not be allowed to ask who it is; the first search tells then.
func (s *settings) reachToRead(ctx context.Context, client *elasticsearch.BaseClient) error {
	_, err := s.reach(ctx, client)
	if refused := new(credentialsRefused); errors.As(err, &refused) && refused.status == http.StatusForbidden {
		return nil
	}
	return err
}

// credentialsRefused is an answer 401 or 403.
type credentialsRefused struct {
	nodes  string
	status int
}

func (e *credentialsRefused) Error() string {
	return fmt.Sprintf("the Elasticsearch at %s refused the credentials (%d): check ES_API_KEY, or ES_USERNAME and ES_PASSWORD", e.nodes, e.status)
}

func (s *settings) ask(parent context.Context, client *elasticsearch.BaseClient, patience time.Duration) (esInfo, error) {
	ctx, cancel := context.WithTimeout(parent, patience)
	defer cancel()
	var info esInfo
	res, err := esapi.InfoRequest{}.Do(ctx, patient{client, 1})
	switch {
	case parent.Err() != nil:
		return info, context.Cause(parent)
	case err != nil && strings.Contains(err.Error(), "server is not Elasticsearch"): // the client's product check
		return info, fmt.Errorf("what answers at %s is not Elasticsearch (ES_HOST)", s.maskedNodes())
	case err != nil:
		return info, &tryNextNode{fmt.Errorf("cannot reach Elasticsearch at %s: %s (ES_HOST)", s.maskedNodes(), connectionProblem(err, patience))}
	}
	defer res.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return info, &credentialsRefused{s.maskedNodes(), res.StatusCode}
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode >= 500:
		return info, &tryNextNode{fmt.Errorf("the Elasticsearch at %s is not ready: it answered %d", s.maskedNodes(), res.StatusCode)}
	case err != nil:
		return info, &tryNextNode{fmt.Errorf("cannot read the answer of Elasticsearch at %s: %s (ES_HOST)", s.maskedNodes(), connectionProblem(err, patience))}
	case res.StatusCode != http.StatusOK, json.Unmarshal(body, &info) != nil:
		return info, fmt.Errorf("what answers at %s is not Elasticsearch: status %d (ES_HOST)", s.maskedNodes(), res.StatusCode)
	}
	return info, nil
}

// connectionProblem says in a few words why a request got no answer.
func connectionProblem(err error, patience time.Duration) string {
	var (
		errno     syscall.Errno
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		timeout   net.Error
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no host " + dns.Name
	case errors.As(err, &errno):
		return errno.Error()
	case errors.As(err, &authority):
		return "its certificate is signed by an unknown authority, see ES_CA_CERT"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		if patience > 0 {
			return fmt.Sprintf("no answer within %v", patience.Round(time.Second/10))
		}
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "it closed the connection without an answer; does it want https?"
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"),
		strings.Contains(err.Error(), "first record does not look like a TLS handshake"):
		return "it speaks http, not https"
	case strings.Contains(err.Error(), "malformed HTTP"):
		return "what answers does not speak HTTP; does it want https?"
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}

// plainText is an error on one line, with failed requests told as a person
// would: not `Post "http://…/_bulk": dial tcp 127.0.0.1:9200: connect: …`.
func plainText(err error) string {
	text := err.Error()
	var u *url.Error
	if errors.As(err, &u) {
		text = strings.ReplaceAll(text, u.Error(), "cannot reach "+hostOf(u.URL)+": "+connectionProblem(u.Err, 0))
	}
	return strings.ReplaceAll(text, "\n", "; ")
}

// hostOf is the scheme and host of a URL, which has no secrets in it.
func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "Elasticsearch"
	}
	return u.Scheme + "://" + u.Host
}
