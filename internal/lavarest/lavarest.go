package lavarest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// Requests is how many requests a server gets at once.
const Requests = 2

// Options of New. Fields without a word about zero are required.
type Options struct {
	// Lab is the server, and the name under which its jobs go.
	Lab Lab
	// Token is the API token of a LAVA user, for what is not public; may be empty.
	Token string
	// Jobs are those to fetch; empty: all that have finished.
	Jobs []Range
	// MaxRecordBytes limits a log; 0: source.DefaultMaxRecordBytes.
	MaxRecordBytes int64
	// Fetch is how to download; Concurrency, NoRedirects and MaxBytes are set here.
	Fetch fetch.Options
	// Now is our clock; nil: time.Now.
	Now func() time.Time
}

// Origin is a LAVA server. It implements [crawl.Origin] and [crawl.Newester].
type Origin struct {
	lab, base string
	token     bool
	header    http.Header
	jobs      []Range
	maxRecord int64
	maxPage   int64 // of a list
	client    *fetch.Client
	now       func() time.Time
	log       *slog.Logger

	mu     sync.Mutex // held while the server is asked for what server is
	server *server    // nil: not asked yet
}

// New makes an origin. It asks nothing.
func New(o Options) *Origin {
	o.MaxRecordBytes = cmp.Or(o.MaxRecordBytes, source.DefaultMaxRecordBytes)
	o.Fetch.Concurrency, o.Fetch.NoRedirects, o.Fetch.MaxBytes = Requests, true, o.MaxRecordBytes
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Fetch.Logger = cmp.Or(o.Fetch.Logger, slog.New(slog.DiscardHandler))
	// Anything but JSON is refused by LAVA, or is a page; results and logs come as
	// YAML in any case.
	header := http.Header{"Accept": {"application/json"}}
	if o.Token != "" {
		header.Set("Authorization", "Token "+o.Token)
	}
	return &Origin{lab: o.Lab.Name, base: o.Lab.URL, token: o.Token != "", header: header, jobs: o.Jobs,
		maxRecord: o.MaxRecordBytes, maxPage: maxPage,
		client: fetch.New(o.Fetch), now: o.Now, log: o.Fetch.Logger}
}

// Kinds implements [crawl.Origin].
func (o *Origin) Kinds() []string { return []string{"lava"} }

// Items implements [crawl.Origin]. With jobs named those are the items, whatever
// the window; then there is nothing to go on from, and no time is returned.
func (o *Origin) Items(ctx context.Context, w crawl.Window, yield func(crawl.Item) error) (time.Time, error) {
	s, err := o.known(ctx)
	if err != nil {
		return time.Time{}, err
	}
	if len(o.jobs) > 0 {
		return time.Time{}, o.named(ctx, w, math.MaxInt64, yield)
	}
	l := &lister{o: o, server: s, w: w, yield: yield, seen: map[string]time.Time{}}
	return l.all(ctx)
}

// named yields the first most of the jobs that were named. One that cannot be had is an
// item whose download fails, so that it does not hold up the others.
func (o *Origin) named(ctx context.Context, w crawl.Window, most int64, yield func(crawl.Item) error) error {
	total := int64(0)
	for _, r := range o.jobs {
		total += r.Last - r.First + 1
	}
	left := min(total, most)
	if w.Total != nil {
		w.Total(left)
	}
	for _, r := range o.jobs {
		for n := r.First; n <= r.Last && left > 0; n++ {
			left--
			id := fmt.Sprint(n)
			it, err := o.Item(ctx, crawl.Item{Key: id})
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case errors.Is(err, crawl.ErrStop):
				return err
			case err != nil:
				it = crawl.Item{Key: id, ID: id, Kind: "lava", Form: "lava", Name: o.address(id), Lab: o.lab,
					Fetch: func(context.Context) ([]byte, error) { return nil, err }}
			}
			if err := yield(it); err != nil {
				return err
			}
		}
	}
	return nil
}

// Item implements [crawl.Origin]: it asks for one job's row.
func (o *Origin) Item(ctx context.Context, was crawl.Item) (crawl.Item, error) {
	s, err := o.known(ctx)
	if err != nil {
		return crawl.Item{}, err
	}
	res, err := o.get(ctx, "jobs/"+was.Key+"/", fetch.Request{MaxBytes: maxRow})
	if isNotFound(err) {
		return crawl.Item{}, o.unseen(was.Key)
	}
	if err != nil {
		return crawl.Item{}, err
	}
	if !gjson.ValidBytes(res.Body) {
		return crawl.Item{}, fmt.Errorf("%s: the answer is no JSON", o.address(was.Key))
	}
	j, err := parseJob(gjson.ParseBytes(res.Body), s.release)
	switch {
	case err != nil:
		return crawl.Item{}, fmt.Errorf("%s: %w", o.base, err)
	case j.id != was.Key:
		return crawl.Item{}, fmt.Errorf("%s: asked for job %s, it answers with job %s", o.base, was.Key, j.id)
	case j.state != finished:
		return crawl.Item{}, fmt.Errorf("job %s is not over yet (%s); a crawl brings it when it is", j.id, j.state)
	}
	return o.item(j), nil
}

// unseen is the error for a job that LAVA answers 404 for.
func (o *Origin) unseen(id string) error {
	who := "without a token only public jobs are seen: see --lava-token (LAVA_TOKEN)"
	if o.token {
		who = "the token's user may not see it"
	}
	return fmt.Errorf("there is no job %s, or %s", id, who)
}

// address is a job's for people.
func (o *Origin) address(id string) string { return o.base + "/scheduler/job/" + id }

func (o *Origin) item(j job) crawl.Item {
	level := uint8(transform.LevelBoot)
	if j.ran {
		level = transform.LevelWhole
	}
	return crawl.Item{Key: j.id, ID: j.id, Kind: "lava", Form: "lava", Name: o.address(j.id), Lab: o.lab,
		Version: j.ended, Time: j.end,
		Record: state.Key{Kind: string(transform.KindLAVA), ID: transform.JobKey(o.lab, j.id)}, Level: level,
		Fetch: func(ctx context.Context) ([]byte, error) { return o.fetch(ctx, j) }}
}

// fetch makes a job's body with two requests. Of a job that never ran there is
// nothing but its row.
func (o *Origin) fetch(ctx context.Context, j job) ([]byte, error) {
	if j.fault != nil {
		return nil, j.fault
	}
	if !j.ran {
		return j.body(nil, nil)
	}
	rows, err := o.get(ctx, "jobs/"+j.id+"/yaml/", fetch.Request{})
	switch {
	case isNotFound(err):
		return nil, o.unseen(j.id)
	case errors.Is(err, fetch.ErrTooLarge):
		return o.tooLarge(j, nil, "results")
	case err != nil:
		return nil, err
	}
	log, err := o.logOf(ctx, j)
	switch {
	case errors.Is(err, fetch.ErrTooLarge):
		return o.tooLarge(j, rows.Body, "log")
	case err != nil:
		return nil, err
	}
	return j.body(rows.Body, log)
}

// tooLarge refuses a job a part of which is over the limit; what is kept of it is
// the rest.
func (o *Origin) tooLarge(j job, rows []byte, part string) ([]byte, error) {
	const most = 64 << 10
	body, err := j.body(rows, nil)
	if err != nil {
		return nil, err
	}
	return body[:min(len(body), most)], fmt.Errorf("%w: the job's %s is over the limit of %d bytes "+
		"(KCING_MAX_RECORD_BYTES); with a higher one: kcing feed --source lava --jobs %s --force", source.ErrTooLarge,
		part, o.maxRecord, j.id)
}

// logOf is a job's log, nil when LAVA has deleted it.
func (o *Origin) logOf(ctx context.Context, j job) ([]byte, error) {
	// With a last line LAVA reads it whole from wherever it is; a log that it has
	// compressed it otherwise answers cut, or as it lies there. More lines than that
	// not every store of logs takes.
	path := "jobs/" + j.id + "/logs/"
	res, err := o.get(ctx, path+"?end=1000000", fetch.Request{Final: http.StatusInternalServerError})
	var status *fetch.StatusError
	if errors.As(err, &status) && status.Status == http.StatusInternalServerError { // a log that is not UTF-8
		res, err = o.get(ctx, path, fetch.Request{Final: http.StatusInternalServerError})
		if err == nil && !isWholeLog(res.Body) {
			return nil, fmt.Errorf("job %s: its log cannot be had whole: %w", j.id, status)
		}
	}
	switch {
	case isNotFound(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return res.Body, nil
}

// isWholeLog tells a log from one that is cut or compressed.
func isWholeLog(log []byte) bool {
	return bytes.HasPrefix(log, []byte("- ")) && bytes.HasSuffix(log, []byte("\n"))
}

// isNotFound tells LAVA's own 404.
func isNotFound(err error) bool {
	var status *fetch.StatusError
	return errors.As(err, &status) && status.Status == http.StatusNotFound && strings.Contains(status.Detail, "detail")
}
