package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
)

// pipeline is how the settings want records to be delivered, wherever that is.
func (s *settings) pipeline(now func() time.Time, log *slog.Logger) pipeline.Config {
	return pipeline.Config{ES: pipeline.Elasticsearch{Bulk: s.bulkOptions(), Prefix: s.prefix},
		OtherLab: s.lab, IngestTime: s.timestamp == "ingest", Now: now, Logger: log}
}

// feedRun is a run of feed into Elasticsearch: of files, or of one or several
// origins.
type feedRun struct {
	app     *app
	args    *feedArgs
	log     *slog.Logger
	config  pipeline.Config
	client  *elastic.Client
	store   *state.Store
	spool   *spool.Spool
	unlock  func()
	started time.Time
	counts  map[string]int64 // for status; of all origins
}

// openFeed makes sure that this is the only feed, opens state and the spool, makes
// Elasticsearch ready, and asks the origins whether they are there. close has to be called.
func (a *app) openFeed(ctx context.Context, f *feedArgs, config pipeline.Config, origins ...*origin) (*feedRun, error) {
	r := &feedRun{app: a, args: f, log: config.Logger, config: config, started: a.now(), counts: map[string]int64{}}
	if err := r.open(ctx, origins); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *feedRun) open(ctx context.Context, origins []*origin) (err error) {
	f := r.args
	if r.unlock, err = lockFeed(ctx, f.settings.data); err != nil {
		return err
	}
	if r.store, err = f.settings.openState(r.app); err != nil {
		return err
	}
	if r.client, err = r.connect(ctx, origins); err != nil {
		return err
	}
	if err := installMissing(ctx, r.client.Patient(), f.settings.prefix, r.log); err != nil {
		return err
	}
	if f.force {
		keepDestination(ctx, r.store, f.settings.destination(r.client), r.log) // nothing is skipped
	} else {
		f.settings.checkDestination(ctx, r.client, r.store, r.log)
	}
	r.config.ES.Transport, r.config.ES.Requests, r.config.Ledger = r.client, r.client.Patient(), r.store
	r.spool, err = spool.Open(f.settings.spoolDir(), spool.Options{Now: r.app.now, Logger: r.log})
	return err
}

// connect asks Elasticsearch and the sources at once, so that a machine
// without network is told of in seconds. Of several sources those that cannot be
// reached do not hold up the others.
func (r *feedRun) connect(ctx context.Context, origins []*origin) (*elastic.Client, error) {
	var asking sync.WaitGroup
	for _, from := range origins {
		asking.Go(func() { from.away = from.reach(ctx) })
	}
	client, err := r.app.connect(ctx, &r.args.settings)
	if err != nil {
		return nil, err
	}
	asking.Wait()
	if len(origins) == 1 {
		err = origins[0].away
	}
	return client, err
}

// close leaves what is not finished in the spool, for others to adopt.
func (r *feedRun) close() {
	if r.spool != nil {
		if err := r.spool.Close(); err != nil {
			r.spoolTrouble(err)
		}
	}
	if r.store != nil {
		_ = r.store.Close() // every write was committed and checked
	}
	if r.unlock != nil {
		r.unlock()
	}
}

func (r *feedRun) spoolTrouble(err error) {
	r.log.Error("the spool was not left in good order; what is finished there is found so by the next run",
		"error", err)
}

// deliver feeds what src emits, and shows the progress.
func (r *feedRun) deliver(ctx context.Context, src pipeline.Source, expected func() int64) (pipeline.Report, error) {
	config := r.config
	config.Progress = new(pipeline.Progress)
	stopProgress := r.app.showProgress(&r.args.settings, config.Progress, expected, r.log)
	report, err := pipeline.Run(ctx, src, config)
	stopProgress()
	if report.Bulk.Stored > 0 && err == nil {
		r.args.settings.refresh(ctx, r.client, r.log)
	}
	return report, err
}

// fed is what came of feeding files or one origin.
type fed struct {
	pipeline.Report
	unreadable    int   // files
	notDownloaded int64 // items of an origin, now or in earlier runs
	err           error // why the run could not be finished
	pending       string
}

// conclude counts and reports. The error is that of the report or has the exit code.
func (r *feedRun) conclude(done fed, asJSON any, asText func()) error {
	for name, n := range map[string]int64{
		"records": done.Records, "finished": done.Finished, "skipped": done.Skipped, "superseded": done.Superseded,
		"refused": total(done.Refused), "unreadable": int64(done.unreadable), "pending": done.Pending,
		"stored": done.Bulk.Stored, "duplicate": done.Bulk.Duplicate, "rejected": total(done.RejectedDocuments),
	} {
		r.counts[name] += n
	}
	if !r.args.settings.json {
		asText()
	} else if err := r.app.writeJSON(asJSON); err != nil {
		return err
	}
	return done.result(r.args.settings.db)
}

// save notes the run for status.
func (r *feedRun) save(ctx context.Context, result error) {
	r.app.saveRun(ctx, r.store, "feed", r.started, result, r.counts, r.log)
}

// printFed prints the report, or why there was nothing to do; no reason: then there
// was.
func (a *app) printFed(done fed, nothing string) {
	if nothing != "" && done.Records == 0 && done.unreadable == 0 && done.err == nil {
		a.say("nothing to do: %s", nothing)
	} else {
		a.printFeedReport(done.Report)
	}
}

// result chooses the exit code and the line that goes with it.
func (d fed) result(db string) error {
	switch {
	case d.err != nil && errors.Is(d.err, context.Canceled):
		return &exitError{code: exitInterrupted, msg: "interrupted: " + d.pending}
	case d.err != nil:
		return &exitError{code: exitFailed, msg: "not finished: " + plainText(d.err) + "; " + d.pending}
	case d.Pending > 0:
		return &exitError{code: exitFailed, msg: "not finished: " + d.pending}
	}
	var reasons []string
	if d.Rejected() || d.unreadable > 0 {
		reasons = append(reasons, refusedLine(d.Report, d.unreadable))
	}
	if d.Rejected() {
		reasons = append(reasons, "see: kcing rejects list"+dbFlag(db))
	}
	if d.notDownloaded > 0 {
		reasons = append(reasons, plural(d.notDownloaded,
			"record")+" could not be downloaded; see: kcing status"+dbFlag(db))
	}
	if len(reasons) == 0 {
		return nil
	}
	return &exitError{code: exitRejects, msg: strings.Join(reasons, "; ")}
}

// dbFlag is what a suggested command needs to find the same state file.
func dbFlag(db string) string {
	if db == "kcing.db" || os.Getenv("KCING_DB") != "" {
		return ""
	}
	return " --db " + db
}

// saveRun notes what the run did, for status. It is no reason to fail.
func (a *app) saveRun(ctx context.Context, store *state.Store, command string, started time.Time,
	result error, counts map[string]int64, log *slog.Logger,
) {
	run := state.Run{Command: command, Started: started, Ended: a.now(), ExitCode: codeOf(result), Counts: counts}
	if err := store.SaveRun(context.WithoutCancel(ctx), run); err != nil {
		log.Warn("the run could not be noted for status", "error", err)
	}
}

// installMissing puts templates that are missing, so that nothing is indexed
// with guessed types, and warns of outdated ones.
func installMissing(ctx context.Context, t mappings.Transport, prefix string, log *slog.Logger) error {
	changes, err := mappings.Install(ctx, t, mappings.InstallOptions{Prefix: prefix, OnlyMissing: true})
	if err != nil {
		return err
	}
	for _, c := range changes {
		switch c.Action {
		case mappings.Created:
			log.Info("index template installed", "template", c.Template)
		case mappings.Outdated:
			log.Warn("index template is not this version's; run: kcing setup-es", "template", c.Template)
		case mappings.Newer:
			log.Warn("index template is of a newer kcing; this version is out of date", "template", c.Template)
		}
		if c.HiddenBy != "" {
			log.Warn(hiddenTemplate(c.Template, c.HiddenBy))
		}
	}
	return nil
}

type feedArgs struct {
	settings             settings
	kind                 string
	builds, boots, lavas cli.StringSlice
	paths                []string
	dryRun, force        bool
	crawled              sourceArgs
}

// dryRunResult reports on stderr, since the documents go to stdout.
func (a *app) dryRunResult(f *feedArgs, r pipeline.Report, unreadable int, err error) error {
	if err != nil {
		return err
	}
	if f.settings.json {
		err = json.NewEncoder(a.stderr).Encode(feedJSON{Report: r, Unreadable: unreadable})
	} else {
		_, err = fmt.Fprintf(a.stderr, "dry run: %s from %s: %s\n",
			plural(total(r.Documents), "document"), plural(r.Records, "record"), byKind(r.Documents))
	}
	if err == nil && (len(r.Refused) > 0 || unreadable > 0) {
		return &exitError{code: exitRejects, msg: refusedLine(r, unreadable)}
	}
	return err
}

// feedJSON is the report of feed --json.
type feedJSON struct {
	pipeline.Report
	Unreadable int `json:"unreadable"`
	// Resumed are those of Records that others had left in the spool.
	Resumed int `json:"resumed"`
}
