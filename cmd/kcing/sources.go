package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/maestro"
)

// sourceArgs are the flags of the commands that crawl.
type sourceArgs struct {
	source, kind                      string
	maestro                           maestroSettings
	host, scheme, storage, nonLavaLab string
	lavaURL, lavaToken, lavaTokens    string
	jobs                              string
	howMany                           int
	since                             time.Duration
}

// maestroSettings say where Maestro's API is.
type maestroSettings struct{ url, token string }

func (m *maestroSettings) flags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{
			Name: "kci-api", EnvVars: env("KCI_API"), Value: maestro.DefaultBaseURL, Usage: "`URL` of Maestro's API",
			Destination: &m.url,
		},
		&cli.StringFlag{
			Name: "kci-api-token", EnvVars: env("KCI_API_TOKEN"), Usage: "`TOKEN` for Maestro's API; reading needs none",
			DefaultText: "none", Destination: &m.token,
		},
	}
}

// client makes the client; it does not connect.
func (m *maestroSettings) client(downloads *fetch.Client, log *slog.Logger) (*maestro.Client, error) {
	api, err := maestro.New(maestro.Options{BaseURL: m.url, Token: m.token, Fetch: downloads, Logger: log})
	if err != nil {
		return nil, usagef("%v", err)
	}
	return api, nil
}

// The names of the sources.
const (
	sourceMaestro = "maestro"
	sourceLegacy  = "legacy"
	sourceLAVA    = "lava"
)

// origin is a source to crawl, with what the commands need besides.
type origin struct {
	site    crawl.Site // its name is kind and URL
	what    string     // for people
	setting string     // that says where it is
	url     string
	// check makes one request that shows whether it is there.
	check func(ctx context.Context) error
	away  error  // what it said when a feed began
	lab   string // of LAVA only
}

// front is an origin of KernelCI's.
func front(from crawl.Origin, kind, setting, url string, client *fetch.Client) *origin {
	return &origin{site: crawl.Site{Name: kind + " " + url, Origin: from}, what: "KernelCI", setting: setting, url: url,
		check: func(ctx context.Context) error { return client.Reach(ctx, url, fetch.IdleTimeout) }}
}
