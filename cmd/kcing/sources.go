package main

import (
	"context"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
)

// sourceArgs are the flags of the commands that crawl.
type sourceArgs struct {
	source, kind                      string
	api, apiToken                     string
	host, scheme, storage, nonLavaLab string
	lavaURL, lavaToken, lavaTokens    string
	jobs                              string
	howMany                           int
	since                             time.Duration
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
	lab   string // of LAVA only
}

// front is an origin of KernelCI's.
func front(from crawl.Origin, kind, setting, url string, client *fetch.Client) *origin {
	return &origin{site: crawl.Site{Name: kind + " " + url, Origin: from}, what: "KernelCI", setting: setting, url: url,
		check: func(ctx context.Context) error { return client.Reach(ctx, url, fetch.IdleTimeout) }}
}
