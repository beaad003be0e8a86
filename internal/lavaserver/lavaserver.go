// Package lavaserver fetches from a LAVA server the callbacks of jobs whose
// callback was lost: LAVA keeps the body it posted as job_data. It knows nothing
// of Maestro and cannot list which jobs there are.
//
// The caveat that bites: LAVA keeps job_data only for jobs whose definition asks
// for a callback, and the body does not say which lab it is: name it.
package lavaserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
)

// maxJobs bounds how many jobs one run may name: a slip such as 1-999999999
// should not keep a server busy for a year.
const maxJobs = 1_000_000

// Range is a range of job numbers, both ends included.
type Range struct{ First, Last int64 }

// ParseJobs reads a list such as "100-200,305". Ranges are sorted, and joined
// where they touch.
func ParseJobs(list string) ([]Range, error) {
	var ranges []Range
	for part := range strings.SplitSeq(list, ",") {
		part = strings.TrimSpace(part)
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.ParseInt(strings.TrimSpace(first), 10, 64)
		b, errB := strconv.ParseInt(strings.TrimSpace(last), 10, 64)
		if errA != nil || errB != nil || a < 1 || b < a {
			return nil, fmt.Errorf("%.40q is neither a job number nor a range such as 100-200", part)
		}
		ranges = append(ranges, Range{a, b})
	}
	slices.SortFunc(ranges, func(a, b Range) int {
		if a.First != b.First {
			return int(min(max(a.First-b.First, -1), 1))
		}
		return int(min(max(a.Last-b.Last, -1), 1))
	})
	joined := ranges[:0]
	total := int64(0)
	for _, r := range ranges {
		if n := len(joined); n > 0 && r.First-1 <= joined[n-1].Last {
			joined[n-1].Last = max(joined[n-1].Last, r.Last)
			continue
		}
		joined = append(joined, r)
	}
	for _, r := range joined {
		if r.Last-r.First >= maxJobs {
			return nil, fmt.Errorf("%d-%d: more than %d jobs at once", r.First, r.Last, maxJobs)
		}
		total += r.Last - r.First + 1
	}
	if total > maxJobs {
		return nil, fmt.Errorf("%d jobs: more than %d at once", total, maxJobs)
	}
	return joined, nil
}

// Options of New.
type Options struct {
	// URL is the server's, as in a browser. Required.
	URL string
	// Token is that of a LAVA user, for jobs that are not public; may be empty.
	Token string
	// Jobs are those to fetch. Required.
	Jobs []Range
	// Fetch is how to download.
	Fetch fetch.Options
}

// Origin is a LAVA server. It implements [crawl.Origin].
type Origin struct {
	base   string
	header http.Header
	jobs   []Range
	client *fetch.Client
}

// New makes an origin. The error says which setting is wrong.
func New(o Options) (*Origin, error) {
	u, err := url.Parse(o.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, errors.New("--lava-url: it is not a URL such as https://lava.example.org")
	}
	if u.User != nil {
		return nil, errors.New("--lava-url: a name and password do not belong into it; use --lava-token (LAVA_TOKEN)")
	}
	u.RawQuery, u.Fragment = "", ""
	header := http.Header{}
	if o.Token != "" {
		header.Set("Authorization", "Token "+o.Token)
	}
	return &Origin{base: strings.TrimRight(u.String(), "/"), header: header, jobs: o.Jobs, client: fetch.New(o.Fetch)}, nil
}

// URL is where the server is, for people and for state.
func (o *Origin) URL() string { return o.base }

// Client is what it downloads with.
func (o *Origin) Client() *fetch.Client { return o.client }

// Kinds implements [crawl.Origin].
func (o *Origin) Kinds() []string { return []string{"lava"} }

// Items implements [crawl.Origin]: the jobs that were named, whatever the window.
// There is nothing to go on from, so no time is returned.
func (o *Origin) Items(_ context.Context, _ crawl.Window, yield func(crawl.Item) error) (time.Time, error) {
	for _, r := range o.jobs {
		for job := r.First; job <= r.Last; job++ {
			if err := yield(o.item(strconv.FormatInt(job, 10))); err != nil {
				return time.Time{}, err
			}
		}
	}
	return time.Time{}, nil
}

// Item implements [crawl.Origin].
func (o *Origin) Item(_ context.Context, was crawl.Item) (crawl.Item, error) {
	return o.item(was.Key), nil
}

func (o *Origin) item(job string) crawl.Item {
	at := o.base + "/scheduler/job/" + url.PathEscape(job) + "/job_data"
	return crawl.Item{Key: job, ID: job, Kind: "lava", Form: "lava", Name: fetch.Redact(at), Version: "job_data",
		Fetch: func(ctx context.Context) ([]byte, error) { return o.fetch(ctx, job, at) }}
}

// fetch downloads one job's callback. A server answers 404 for a job that never
// was as for one without a callback.
func (o *Origin) fetch(ctx context.Context, job, at string) ([]byte, error) {
	body, err := o.client.Get(ctx, at, o.header)
	var status *fetch.StatusError
	switch {
	case errors.As(err, &status) && status.Status == http.StatusUnauthorized:
		return nil, fmt.Errorf("%w: %w; check --lava-token (LAVA_TOKEN)", crawl.ErrStop, err)
	case errors.As(err, &status) && status.Status == http.StatusForbidden:
		return nil, fmt.Errorf("job %s is not public, or the token's user may not see it: %w; see --lava-token (LAVA_TOKEN)", job, err)
	case errors.As(err, &status) && status.Status == http.StatusNotFound:
		return nil, fmt.Errorf("job %s has no job_data: there is no such job, or its definition asks for no callback: %w", job, err)
	case err == nil && looksLikePage(body):
		return nil, fmt.Errorf("%s answered with a page instead of job_data; the job may not be public: see --lava-token (LAVA_TOKEN)", fetch.Redact(at))
	}
	return body, err
}

// looksLikePage tells a login page from a callback.
func looksLikePage(body []byte) bool {
	return strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 100)])), "<")
}
