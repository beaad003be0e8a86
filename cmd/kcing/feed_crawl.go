package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"github.com/dustin/go-humanize"
	"github.com/elastic/go-elasticsearch/v8"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
)

// feedCrawl is feed without paths: it crawls a source.
func (a *app) feedCrawl(ctx context.Context, f *feedArgs, config pipeline.Config) error {
	log := config.Logger
	from, err := f.crawled.origin(&f.settings, log)
	if err != nil {
		return err
	}
	f.crawled.kind = f.kind
	kinds, err := f.crawled.kinds(from)
	if err != nil {
		return err
	}
	o := crawl.Options{Source: from.name, Origin: from, Kinds: kinds, Since: f.crawled.since, HowMany: max(f.crawled.howMany, 0),
		MaxRecordBytes: int64(f.maxRecordBytes), Force: f.force, Insist: f.crawled.source == sourceLAVA, Lab: config.Lab, Now: a.now, Logger: log}
	config.Lab = "" // what others have left in the spool is not of that lab
	if f.dryRun {
		return a.dryCrawl(ctx, f, from, o, config)
	}
	unlock, err := lockFeed(ctx, f.data)
	if err != nil {
		return err
	}
	defer unlock()
	store, err := state.Open(f.db, state.Options{Now: a.now})
	if err != nil {
		return err
	}
	defer store.Close() //nolint:errcheck // every write was committed and checked
	client, err := a.connectBoth(ctx, f, from)
	if err != nil {
		return err
	}
	if err := installMissing(ctx, f.patient(client), f.prefix, log); err != nil {
		return err
	}
	kept, err := spool.Open(f.spoolDir(), spool.Options{Now: a.now, Logger: log})
	if err != nil {
		return err
	}
	defer kept.Close() //nolint:errcheck // what it still holds is for the next run
	f.warnOfRetention(log, o, a)
	o.Store, o.Spool = store, kept
	config.Transport, config.Ledger = client, store
	return a.runCrawl(ctx, f, o, config, client)
}

// connectBoth asks Elasticsearch and the source at once, so that a machine
// without network is told of in seconds.
func (a *app) connectBoth(ctx context.Context, f *feedArgs, from *origin) (*elasticsearch.BaseClient, error) {
	reached := make(chan error, 1)
	go func() { reached <- from.reach(ctx) }()
	client, err := a.connect(ctx, &f.settings)
	return client, cmp.Or(err, <-reached)
}

func (a *app) runCrawl(ctx context.Context, f *feedArgs, o crawl.Options, config pipeline.Config, client *elasticsearch.BaseClient) error {
	log, store := config.Logger, o.Store
	// Downloads are what a crawl waits for: documents that pile up before
	// Elasticsearch would cost memory and gain nothing.
	steadyMemory()
	config.Bulk.MaxPendingBytes = 2 * int64(config.Bulk.FlushBytes)
	crawler := crawl.New(o)
	config.OnParsed, config.OnFinished, config.OnRefused = crawler.Parsed, crawler.Finished, crawler.Refused
	started := a.now()
	stopProgress := a.showProgress(&f.settings, config.Progress, -1, log)
	report, runErr := pipeline.Run(ctx, crawler, config)
	crawled, closeErr := crawler.Close(ctx, runErr)
	stopProgress()
	if runErr == nil {
		runErr = closeErr
	}
	if report.Bulk.Stored > 0 && runErr == nil {
		f.refresh(ctx, client, log)
	}
	result := crawlResult(report, crawled, runErr, pendingInSpool(o.Spool, f.spoolDir()), f.db)
	counts := feedCounts(report, 0)
	counts["downloaded"], counts["not_downloaded"] = crawled.Downloaded, crawled.Failed
	a.saveRun(ctx, store, "feed", started, result, counts, log)
	if f.json {
		if err := json.NewEncoder(a.stdout).Encode(crawlJSON{Report: report, Crawl: crawled}); err != nil {
			return err
		}
		return result
	}
	a.printCrawlReport(f.crawled.source, crawled)
	if report.Records == 0 && runErr == nil && crawled.Failed == 0 {
		a.say("nothing to do: %s", allKnown(crawled.Known))
	} else {
		a.printFeedReport(report)
	}
	return result
}

// crawlJSON is the report of feed --json when it crawls.
type crawlJSON struct {
	pipeline.Report
	Crawl crawl.Report `json:"crawl"`
}

// dryCrawl writes what a crawl would send, and touches nothing: it does not know
// what is finished.
func (a *app) dryCrawl(ctx context.Context, f *feedArgs, from *origin, o crawl.Options, config pipeline.Config) error {
	if err := from.reach(ctx); err != nil {
		return err
	}
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
