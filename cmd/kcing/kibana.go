package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/kibana"
)

// client makes the client; it does not connect.
func (s *kibanaSettings) client(log *slog.Logger) (*kibana.Client, error) {
	address, err := kibana.ParseAddress(s.url)
	if err != nil {
		return nil, usagef("KB_URL: %v", err)
	}
	who := s.credentials
	o := kibana.Options{
		Address: address, Space: s.space, APIKey: who.apiKey, Username: who.username, Password: who.password,
		UserAgent: "kcing/" + buildVersion(), Log: log,
	}
	if who.caCert != "" {
		if o.CACert, err = os.ReadFile(who.caCert); err != nil {
			return nil, usagef("KB_CA_CERT: %v", err)
		}
	}
	client, err := kibana.New(o)
	if err != nil {
		return nil, usagef("settings for Kibana (KB_URL, KB_SPACE, KB_API_KEY, KB_USERNAME, "+
			"KB_PASSWORD, KB_CA_CERT): %v",
			err)
	}
	return client, nil
}

// openKibana makes a client and makes sure that Kibana is ready and has the
// space.
func (a *app) openKibana(ctx context.Context, s *kibanaSettings, log *slog.Logger) (*kibana.Client, kibana.Status,
	error,
) {
	client, err := s.client(log)
	if err != nil {
		return nil, kibana.Status{}, err
	}
	patience := s.patience()
	ready := a.showWait("Kibana at "+client.Address().String(), max(patience.Starting, patience.Unreachable))
	status, err := client.Wait(ctx, patience)
	ready()
	if err == nil {
		err = client.CheckSpace(ctx)
	}
	return client, status, kibanaProblem(err, client)
}

// kibanaProblem tells a lost connection as a person would.
func kibanaProblem(err error, client *kibana.Client) error {
	var lost *url.Error
	if !errors.As(err, &lost) {
		return err
	}
	problem := elastic.ConnectionProblem(lost.Err, 0, "KB_CA_CERT")
	plain := fmt.Sprintf("cannot reach Kibana at %s: %s (KB_URL)", client.Address(), problem)
	return errors.New(strings.ReplaceAll(err.Error(), lost.Error(), plain))
}

// maskedKibana is KB_URL for people to read.
func maskedKibana(text string) string {
	address, err := kibana.ParseAddress(text)
	if err != nil {
		return "(not a URL)"
	}
	if address.Space != "" {
		return address.String() + "/s/" + address.Space
	}
	return address.String()
}

// kibanaReport is what status says of Kibana.
type kibanaReport struct {
	URL     string `json:"url,omitempty"`
	Error   string `json:"error,omitempty"`
	Version string `json:"version,omitempty"` // empty for somebody who is not logged in
	Level   string `json:"level,omitempty"`   // available or degraded
}

func (s *kibanaSettings) status(ctx context.Context) *kibanaReport {
	client, err := s.client(slog.New(slog.DiscardHandler))
	if err != nil {
		return &kibanaReport{Error: plainText(err)}
	}
	r := &kibanaReport{URL: client.Address().String()}
	status, err := client.Status(ctx)
	if err != nil {
		r.Error = plainText(kibanaProblem(err, client))
		return r
	}
	r.Version, r.Level = printable(status.Version), printable(status.Level)
	return r
}

func (r *kibanaReport) String() string {
	switch {
	case r.Error != "":
		return r.Error
	case r.Version == "":
		return r.URL + ": " + r.Level
	}
	return r.URL + ": version " + r.Version + ", " + r.Level
}
