package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/mappings"
)

// client makes the Elasticsearch client.
func (s *settings) client() (*elastic.Client, error) {
	who := s.esCredentials
	client, err := elastic.New(elastic.Config{
		Hosts: s.esHost, APIKey: who.apiKey, Username: who.username, Password: who.password, CACert: who.caCert,
		UserAgent: "kcing/" + buildVersion(),
	})
	if err != nil {
		return nil, usagef("%v", err)
	}
	return client, nil
}

// connect makes a client and makes sure that Elasticsearch is there and one that
// can be used. At a terminal it says what it waits for.
func (a *app) connect(ctx context.Context, s *settings) (*elastic.Client, error) {
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	defer a.showWait("Elasticsearch at "+client.Hosts(), elastic.ReachWithin)()
	return client, client.Check(ctx)
}

// connectWithin is connect that waits so long for Elasticsearch to be there; 0: it does not.
func (a *app) connectWithin(ctx context.Context, s *settings, wait time.Duration, log *slog.Logger) (*elastic.Client,
	error,
) {
	if wait == 0 {
		return a.connect(ctx, s)
	}
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	defer a.showWait("Elasticsearch at "+client.Hosts(), wait)()
	err = client.CheckWithin(ctx, wait, func(because error) {
		log.Debug("waiting for Elasticsearch", "because", because)
	})
	if errors.Is(err, elastic.ErrNotThere) {
		err = fmt.Errorf("%w (after waiting %v; --wait TIME waits longer)", err, wait)
	}
	return client, err
}

func (s *settings) bulkOptions() bulk.Options {
	return bulk.Options{
		FlushBytes: int(s.bulkBytes), FlushActions: s.bulkActions, FlushInterval: s.bulkInterval,
		Requests: s.bulkRequests,
		RetryFor: s.retryFor, MaxAttempts: s.maxRetries,
		MaxPendingBytes: 32 << 20, TrustBodies: true, Compress: s.compressed(),
	}
}

// compressed decides on gzip: on loopback it only costs.
func (s *settings) compressed() bool {
	if s.compress != "auto" {
		return s.compress == "true"
	}
	return elastic.OverNetwork(s.esHost)
}

// refresh makes what was stored visible to searches. Who may not do that waits
// for the refresh interval.
func (s *settings) refresh(ctx context.Context, client *elastic.Client, log *slog.Logger) {
	var indices []string
	for _, kind := range mappings.Kinds {
		indices = append(indices, s.prefix+kind+"-*")
	}
	if err := client.Refresh(ctx, indices); err != nil {
		log.Debug("the indices were not refreshed", "error", plainText(err))
	}
}

// systemAuthorities is Go's own variable, in place of the system's certificate
// authorities: for servers that have no setting of ours.
const systemAuthorities = "SSL_CERT_FILE"

// plainText is an error on one line, with failed requests told as a person
// would: not `Post "http://…/_bulk": dial tcp 127.0.0.1:9200: connect: …`. Those of
// Elasticsearch and Kibana, which have settings of their own to name, come in words.
func plainText(err error) string {
	text := err.Error()
	var u *url.Error
	if errors.As(err, &u) {
		problem := "cannot reach " + hostOf(u.URL) + ": " + elastic.ConnectionProblem(u.Err, 0, systemAuthorities)
		text = strings.ReplaceAll(text, u.Error(), problem)
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
