package main

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/dustin/go-humanize"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/mappings"
)

// feedCrawl is feed without paths: it crawls a source, or several LAVA servers
// one after the other. lab is what --lab-name says.
func (a *app) feedCrawl(ctx context.Context, f *feedArgs, lab string, config pipeline.Config) error {
	log := config.Logger
	origins, err := f.crawled.origins(a, &f.settings, lab, log)
	if err != nil {
		return err
	}
	f.crawled.kind = f.kind
	kinds, err := f.crawled.kinds(origins[0])
	if err != nil {
		return err
	}
	o := crawl.Options{Kinds: kinds, Since: f.crawled.since, HowMany: max(f.crawled.howMany, 0),
		MaxRecordBytes: int64(f.settings.maxRecordBytes), Force: f.force, RetryFailed: f.crawled.jobs != "", Lab: lab,
		Now: a.now, Logger: log}
	if f.dryRun {
		return a.eachLab(ctx, origins, func(from *origin) error { return a.dryCrawl(ctx, f, from, o, config) })
	}
	r, err := a.openFeed(ctx, f, config, origins...)
	if err != nil {
		return err
	}
	defer r.close()
	f.warnOfRetention(log, o, a)
	o.Store, o.Spool = r.store, r.spool
	// Downloads are what a crawl waits for: documents that pile up before
	// Elasticsearch would cost memory and gain nothing.
	steadyMemory()
	r.config.ES.Bulk.MaxPendingBytes = 2 * int64(r.config.ES.Bulk.FlushBytes)
	result := a.eachLab(ctx, origins, func(from *origin) error {
		if from.away != nil {
			return r.unreached(from)
		}
		return r.crawl(ctx, from, o)
	})
	r.save(ctx, result)
	return result
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

// crawl feeds from an origin. The report is printed with an error too.
func (r *feedRun) crawl(ctx context.Context, from *origin, o crawl.Options) error {
	o.Site = from.site
	crawler := crawl.New(o)
	report, err := r.deliver(ctx, crawler, crawler.Expected)
	crawled, closeErr := crawler.Close(ctx, err)
	done := fed{Report: report, notDownloaded: crawled.Failed + crawled.GivenUp, err: cmp.Or(err, closeErr)}
	done.pending = pendingInSpool(o.Spool, r.args.settings.spoolDir())
	r.counts["downloaded"] += crawled.Downloaded
	r.counts["not_downloaded"] += crawled.Failed
	return r.conclude(done, crawlJSON{Source: from.site.Name, Report: report, Crawl: crawled}, func() {
		r.app.printCrawlReport(cmp.Or(printable(from.lab), r.args.crawled.source), crawled)
		nothing := allKnown(crawled.Known)
		if crawled.Failed > 0 {
			nothing = ""
		}
		r.app.printFed(done, nothing)
	})
}

// unreached reports an origin that was not crawled.
func (r *feedRun) unreached(from *origin) error {
	if !r.args.settings.json {
		return from.away
	}
	return cmp.Or(r.app.writeJSON(crawlJSON{Source: from.site.Name, Error: plainText(from.away)}), from.away)
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
	o.Site = from.site
	crawler := crawl.New(o)
	report, err := pipeline.DryRun(ctx, crawler, a.stdout, config)
	crawled, _ := crawler.Close(ctx, err)
	if err == nil && crawled.Failed > 0 {
		err = a.dryRunResult(f, report, 0, nil)
		return cmp.Or(err, error(&exitError{code: exitRejects,
			msg: plural(crawled.Failed, "record") + " could not be downloaded"}))
	}
	return a.dryRunResult(f, report, 0, err)
}

// warnOfRetention says that a crawl brings what drp is going to delete.
func (f *feedArgs) warnOfRetention(log *slog.Logger, o crawl.Options, a *app) {
	cutoff := mappings.Cutoff(a.now(), f.settings.days().Longest())
	if o.Since > 0 && a.now().Add(-o.Since).Before(cutoff) {
		log.Warn("the crawl goes back further than retention keeps documents: drp will delete the older ones",
			"since", durationText(o.Since), "DRP_DAYS", f.settings.drpDays)
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
	a.say("%s: %s listed, %s known, %s downloaded%s",
		source, humanize.Comma(r.Listed), humanize.Comma(r.Known), humanize.Comma(r.Downloaded), more)
}

// pendingInSpool says how much an unfinished crawl leaves for the next one.
func pendingInSpool(s *spool.Spool, dir string) string {
	if n := s.Stats().Records; n > 0 {
		return plural(n, "downloaded record") + " pending in " + dir + "; run the same command again to go on"
	}
	return "nothing that was downloaded is pending; run the same command again to go on"
}
