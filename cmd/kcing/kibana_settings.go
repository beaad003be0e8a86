package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/kibana"
)

func (s *kibanaSettings) kbFlags() []cli.Flag {
	return inCategory("Kibana",
		&cli.StringFlag{
			Name: "kb-url", EnvVars: env("KB_URL"), Value: kibana.DefaultURL,
			Usage: "`URL` of Kibana with its base path; a page such as /app/kibana is cut", Destination: &s.kbURL,
		},
		&cli.StringFlag{
			Name: "kb-api-key", EnvVars: env("KB_API_KEY"), Usage: "API `KEY` (base64, as Kibana shows it)",
			DefaultText: "none", Destination: &s.kbAPIKey,
		},
		&cli.StringFlag{
			Name: "kb-username", EnvVars: env("KB_USERNAME"), Usage: "`NAME` for basic authentication",
			Destination: &s.kbUsername,
		},
		&cli.StringFlag{
			Name: "kb-password", EnvVars: env("KB_PASSWORD"), Usage: "`PASSWORD` for basic authentication",
			DefaultText: "none", Destination: &s.kbPassword,
		},
		&cli.StringFlag{
			Name: "kb-ca-cert", EnvVars: env("KB_CA_CERT"),
			Usage: "PEM `FILE` with the authority that signed Kibana's certificate", Destination: &s.kbCACert,
		},
		s.spaceFlag(),
	)
}

// linkFlags are for links alone: Kibana is not asked.
func (s *kibanaSettings) linkFlags() []cli.Flag {
	return inCategory("Kibana",
		&cli.StringFlag{
			Name: "kb-url", EnvVars: env("KB_URL"), Usage: "`URL` of Kibana, for the page's links into it",
			DefaultText: "no links", Destination: &s.kbURL,
		},
		s.publicURLFlag(),
		s.spaceFlag(),
	)
}

func (s *kibanaSettings) spaceFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "kb-space", Aliases: []string{"space"}, EnvVars: env("KB_SPACE"), Usage: "identifier of the `SPACE`",
		DefaultText: "the default space", Destination: &s.kbSpace, Category: "Kibana",
	}
}

func (s *kibanaSettings) publicURLFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "kb-public-url", EnvVars: env("KB_PUBLIC_URL"),
		Usage: "`URL` of the same Kibana for a browser, for links", DefaultText: "KB_URL", Destination: &s.kbPublicURL,
		Category: "Kibana",
	}
}

// forBrowser is the address at which a browser finds the space: that of KB_SPACE, else of KB_URL.
func (s *kibanaSettings) forBrowser() (string, error) {
	address, err := kibana.ParseAddress(cmp.Or(s.kbURL, s.kbPublicURL))
	if err != nil {
		return "", usagef("KB_URL: %v", err)
	}
	space := cmp.Or(s.kbSpace, address.Space)
	if s.kbPublicURL != "" {
		if address, err = kibana.ParseAddress(s.kbPublicURL); err != nil {
			return "", usagef("KB_PUBLIC_URL: %v", err)
		}
		space = cmp.Or(space, address.Space)
	}
	return address.In(space), nil
}

func (s *kibanaSettings) waitFlag() cli.Flag {
	return &cli.DurationFlag{
		Name: "wait", Usage: "wait `TIME` at most for Kibana to be there and ready",
		DefaultText: "30s when it is starting, not at all when it is not there", Destination: &s.wait,
		Category: "Kibana", Action: positive,
	}
}

// startingFor is how long a Kibana that answers and is not ready is waited for
// without --wait.
const startingFor = 30 * time.Second

func (s *kibanaSettings) patience() kibana.Patience {
	if s.wait > 0 {
		return kibana.Patience{Starting: s.wait, Unreachable: s.wait}
	}
	return kibana.Patience{Starting: startingFor}
}

// kibanaClient makes the client; it does not connect.
func (s *kibanaSettings) kibanaClient(log *slog.Logger) (*kibana.Client, error) {
	address, err := kibana.ParseAddress(s.kbURL)
	if err != nil {
		return nil, usagef("KB_URL: %v", err)
	}
	o := kibana.Options{
		Address: address, Space: s.kbSpace, APIKey: s.kbAPIKey, Username: s.kbUsername, Password: s.kbPassword,
		UserAgent: "kcing/" + buildVersion(), Log: log,
	}
	if s.kbCACert != "" {
		if o.CACert, err = os.ReadFile(s.kbCACert); err != nil {
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
func (a *app) openKibana(ctx context.Context, s *settings, log *slog.Logger) (*kibana.Client, kibana.Status, error) {
	client, err := s.kibanaClient(log)
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

func (s *kibanaSettings) kibanaStatus(ctx context.Context) *kibanaReport {
	client, err := s.kibanaClient(slog.New(slog.DiscardHandler))
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
