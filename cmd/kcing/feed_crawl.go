package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/mappings"
)

// feedCrawl is feed without paths: it crawls a source, or several LAVA servers
// one after the other. lab is what --lab-name says.
func (a *app) feedCrawl(ctx context.Context, f *feedArgs, lab string, config pipeline.Config) error {
	log := config.Logger
	origins, err := f.crawled.origins(&f.settings, lab, a.now, log)
	if err != nil {
		return err
	}
	f.crawled.kind = f.kind
	kinds, err := f.crawled.kinds(origins[0])
	if err != nil {
		return err
	}
	o := crawl.Options{Kinds: kinds, Since: f.crawled.since, HowMany: max(f.crawled.howMany, 0),
		MaxRecordBytes: int64(f.maxRecordBytes), Force: f.force, RetryFailed: f.crawled.jobs != "", Lab: lab, Now: a.now, Logger: log}
	if f.dryRun {
		return a.eachLab(ctx, origins, func(from *origin) error { return a.dryCrawl(ctx, f, from, o, config) })
	}
	unlock, err := lockFeed(ctx, f.data)
	if err != nil {
		return err
	}
	defer unlock()
	store, err := f.openState(a)
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // every write was committed and checked
	client, reached, err := a.connectAll(ctx, f, origins)
	if err != nil {
		return err
	}
	if err := installMissing(ctx, client.Patient(), f.prefix, log); err != nil {
		return err
	}
	kept, err := spool.Open(f.spoolDir(), spool.Options{Now: a.now, Logger: log})
	if err != nil {
		return err
	}
	defer kept.Close() //nolint:errcheck // what it still holds is for the next run
	f.checkDestination(ctx, client, store, f.force, log)
	f.warnOfRetention(log, o, a)
	o.Store, o.Spool = store, kept
	config.Transport, config.Requests, config.Ledger = client, client.Patient(), store
	run := &crawlRun{app: a, f: f, config: config, client: client, started: a.now(), counts: map[string]int64{}}
	result := a.eachLab(ctx, origins, func(from *origin) error {
		if err := reached[from]; err != nil {
			return run.unreached(from, err)
		}
		return run.one(ctx, from, o)
	})
	a.saveRun(ctx, store, "feed", run.started, result, run.counts, log)
	return result
}

// connectAll asks Elasticsearch and the sources at once, so that a machine
// without network is told of in seconds. Of several sources those that cannot be
// reached do not hold up the others: reached has their errors.
func (a *app) connectAll(ctx context.Context, f *feedArgs, origins []*origin) (client *elastic.Client,
	reached map[*origin]error, err error,
) {
	errs := make([]error, len(origins))
	var asking sync.WaitGroup
	for i, from := range origins {
		asking.Go(func() { errs[i] = from.reach(ctx) })
	}
	if client, err = a.connect(ctx, &f.settings); err != nil {
		return nil, nil, err
	}
	asking.Wait()
	reached = map[*origin]error{}
	for i, from := range origins {
		reached[from] = errs[i]
	}
	if len(origins) == 1 {
		err = errs[0]
	}
	return client, reached, err
}

// eachLab runs fn for each origin. Where there are several, one that fails is
// told of at once and does not hold up the others; the worst exit code counts.
func (a *app) eachLab(ctx context.Context, origins []*origin, fn func(*origin) error) error {
	if len(origins) == 1 {
		return fn(origins[0])
	}
	code := exitOK
	for _, from := range origins {
		err := fn(from)
		if err == nil {
			continue
		}
		a.complain(printable(from.lab) + ": " + plainText(err))
		switch c := codeOf(err); {
		case ctx.Err() != nil:
			return &exitError{code: exitInterrupted}
		case code != exitFailed:
			code = c
		}
	}
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

// crawlRun is a run of feed over one or several origins.
type crawlRun struct {
	app     *app
	f       *feedArgs
	config  pipeline.Config
	client  *elastic.Client
	started time.Time
	counts  map[string]int64 // of all origins
}

// one crawls an origin. The report is printed with an error too.
func (r *crawlRun) one(ctx context.Context, from *origin, o crawl.Options) error {
	config, log := r.config, r.config.Logger
	from.fill(&o)
	// Downloads are what a crawl waits for: documents that pile up before
	// Elasticsearch would cost memory and gain nothing.
	steadyMemory()
	config.Bulk.MaxPendingBytes = 2 * int64(config.Bulk.FlushBytes)
	config.Progress = new(pipeline.Progress)
	crawler := crawl.New(o)
	stopProgress := r.app.showProgress(&r.f.settings, config.Progress, crawler.Expected, log)
	report, runErr := pipeline.Run(ctx, crawler, config)
	crawled, closeErr := crawler.Close(ctx, runErr)
	stopProgress()
	if runErr == nil {
		runErr = closeErr
	}
	if report.Bulk.Stored > 0 && runErr == nil {
		r.f.refresh(ctx, r.client, log)
	}
	result := crawlResult(report, crawled, runErr, pendingInSpool(o.Spool, r.f.spoolDir()), r.f.db)
	for name, n := range feedCounts(report, 0) {
		r.counts[name] += n
	}
	r.counts["downloaded"] += crawled.Downloaded
	r.counts["not_downloaded"] += crawled.Failed
	if r.f.json {
		if err := r.print(crawlJSON{Source: o.Source, Report: report, Crawl: crawled}); err != nil {
			return err
		}
		return result
	}
	r.app.printCrawlReport(cmp.Or(printable(from.lab), r.f.crawled.source), crawled)
	if report.Records == 0 && runErr == nil && crawled.Failed == 0 {
		r.app.say("nothing to do: %s", allKnown(crawled.Known))
	} else {
		r.app.printFeedReport(report)
	}
	return result
}

// unreached reports an origin that was not crawled.
func (r *crawlRun) unreached(from *origin, why error) error {
	if r.f.json {
		if err := r.print(crawlJSON{Source: from.name, Error: plainText(why)}); err != nil {
			return err
		}
	}
	return why
}

func (r *crawlRun) print(v crawlJSON) error { return json.NewEncoder(r.app.stdout).Encode(v) }

// fill sets what of a crawl's options the origin decides.
func (o *origin) fill(options *crawl.Options) {
	options.Source, options.Origin, options.Clock, options.Downloads = o.name, o.Origin, o.clock, o.downloads
}

// crawlJSON is the report of feed --json when it crawls, a line for each source.
type crawlJSON struct {
	Source string `json:"source"`
	// Error is why this source was not crawled; the rest is zero then.
	Error string `json:"error,omitempty"`
	pipeline.Report
	Crawl crawl.Report `json:"crawl"`
}

// dryCrawl writes what a crawl would send, and touches nothing: it does not know
// what is finished.
func (a *app) dryCrawl(ctx context.Context, f *feedArgs, from *origin, o crawl.Options, config pipeline.Config) error {
	if err := from.reach(ctx); err != nil {
		return err
	}
	from.fill(&o)
	crawler := crawl.New(o)
	report, err := pipeline.DryRun(ctx, crawler, a.stdout, config)
	crawled, _ := crawler.Close(ctx, err)
	if err == nil && crawled.Failed > 0 {
		err = a.dryRunResult(f, report, 0, nil)
		return cmp.Or(err, error(&exitError{code: exitRejects, msg: plural(crawled.Failed, "record") + " could not be downloaded"}))
	}
	return a.dryRunResult(f, report, 0, err)
}

// warnOfRetention says that a crawl brings what drp is going to delete.
func (f *feedArgs) warnOfRetention(log *slog.Logger, o crawl.Options, a *app) {
	cutoff := mappings.Cutoff(a.now(), longest(f.days()))
	if o.Since > 0 && a.now().Add(-o.Since).Before(cutoff) {
		log.Warn("the crawl goes back further than retention keeps documents: drp will delete the older ones", "since", durationText(o.Since), "DRP_DAYS", f.drpDays)
	}
}

func (a *app) printCrawlReport(source string, r crawl.Report) {
	more := ""
	if r.Resumed > 0 {
		more = ", " + humanize.Comma(r.Resumed) + " taken up from an interrupted run"
	}
	if n := r.Failed + r.GivenUp; n > 0 {
		more += ", " + humanize.Comma(n) + " not downloaded"
	}
	a.say("%s: %s listed, %s known, %s downloaded%s", source, humanize.Comma(r.Listed), humanize.Comma(r.Known), humanize.Comma(r.Downloaded), more)
}

// pendingInSpool says how much an unfinished crawl leaves for the next one.
func pendingInSpool(s *spool.Spool, dir string) string {
	if n := s.Stats().Records; n > 0 {
		return plural(n, "downloaded record") + " pending in " + dir + "; run the same command again to go on"
	}
	return "nothing that was downloaded is pending; run the same command again to go on"
}

// crawlResult chooses the exit code and the line that goes with it.
func crawlResult(r pipeline.Report, c crawl.Report, err error, pending, db string) error {
	notFetched := ""
	if n := c.Failed + c.GivenUp; n > 0 {
		notFetched = plural(n, "record") + " could not be downloaded; see: kcing status" + dbFlag(db)
	}
	switch {
	case err != nil && errors.Is(err, context.Canceled):
		return &exitError{code: exitInterrupted, msg: "interrupted: " + pending}
	case err != nil:
		return &exitError{code: exitFailed, msg: "not finished: " + plainText(err) + "; " + pending}
	case r.Rejected() && notFetched != "":
		return &exitError{code: exitRejects, msg: refusedLine(r, 0) + seeRejects(r, db) + "; " + notFetched}
	case r.Rejected():
		return &exitError{code: exitRejects, msg: refusedLine(r, 0) + seeRejects(r, db)}
	case notFetched != "":
		return &exitError{code: exitRejects, msg: notFetched}
	}
	return nil
}
