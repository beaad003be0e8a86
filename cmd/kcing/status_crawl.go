package main

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/state"
)

// How many items that could not be downloaded status tells.
const (
	unfetchedLines = 10
	unfetchedJSON  = 10_000
)

// unfetchedReport is an item that could not be downloaded.
type unfetchedReport struct {
	Source  string    `json:"source"`
	Key     string    `json:"key"`
	Kind    string    `json:"kind"`
	URL     string    `json:"url"`
	Runs    int       `json:"runs"`     // in which it failed
	GivenUp bool      `json:"given_up"` // it is not tried again
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Error   string    `json:"error"`
}

// fillCrawls adds what the crawls have left.
func (r *stateReport) fillCrawls(ctx context.Context, store *state.Store) error {
	cursors, err := store.Cursors(ctx)
	if err != nil {
		return err
	}
	r.Crawls = crawl.Positions(cursors)
	failed, n, err := store.Unfetched(ctx, "", unfetchedJSON)
	if err != nil {
		return err
	}
	r.NotDownloaded, r.Unfetched = n, []unfetchedReport{}
	for _, u := range failed {
		r.Unfetched = append(r.Unfetched,
			unfetchedReport{Source: u.Source, Key: u.Key, Kind: u.Kind, URL: u.Name, Runs: u.Attempts,
				GivenUp: u.Attempts >= crawl.MaxRuns, First: u.First, Last: u.Last, Error: u.Error})
	}
	return nil
}

func printCrawls(row func(string, string, ...any), st stateReport) {
	for _, source := range slices.Sorted(maps.Keys(st.Crawls)) {
		row("crawled", "%s, up to %s", source, head(st.Crawls[source], 40))
	}
	if st.NotDownloaded == 0 {
		return
	}
	row("not downloaded", "%s", plural(st.NotDownloaded,
		"record")+"; each is tried in "+humanize.Comma(crawl.MaxRuns)+" runs, or again with feed --force")
	for i, u := range st.Unfetched {
		if i == unfetchedLines {
			row("", "and %s more: kcing status --json", humanize.Comma(int64(st.NotDownloaded-i)))
			break
		}
		tried := "tried in " + plural(u.Runs, "run")
		if u.GivenUp {
			tried += ", given up"
		}
		text := u.Error
		if u.URL != "" && !strings.Contains(text, u.URL) {
			text = u.URL + ": " + text
		}
		row("", "%s, last %s: %s", tried, u.Last.UTC().Format(time.DateTime+"Z"), head(printable(text), 200))
	}
}

// stateReport describes the state file. Path alone: it is not there yet.
type stateReport struct {
	Path     string           `json:"path"`
	Error    string           `json:"error,omitempty"`
	There    bool             `json:"there"`
	Finished map[string]int64 `json:"finished"`
	Rejects  map[string]int64 `json:"rejects"` // by type
	// RejectBytes is what they take in the file.
	RejectBytes int64       `json:"reject_bytes"`
	Runs        []state.Run `json:"runs"` // the last of each command
	FileBytes   int64       `json:"file_bytes"`
	FreeBytes   int64       `json:"free_bytes"`
	// Crawls are the times up to which sources were crawled, by source.
	Crawls map[string]string `json:"crawls"`
	// NotDownloaded counts the items that could not be downloaded; Unfetched are
	// the first of them.
	NotDownloaded int               `json:"not_downloaded"`
	Unfetched     []unfetchedReport `json:"unfetched"`
}
