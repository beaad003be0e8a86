package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
)

type feedArgs struct {
	settings
	kind                 string
	builds, boots, lavas cli.StringSlice
	paths                []string
	dryRun, force        bool
	crawled              sourceArgs
}

func (a *app) feedCommand() *cli.Command {
	f := new(feedArgs)
	crawling := f.crawled.flags()
	howMany := &cli.IntFlag{Name: "how-many", Usage: "crawl the newest `N` records of each kind", DefaultText: "all new ones", Destination: &f.crawled.howMany, Category: "Source", Action: atLeast("--how-many", 1)}
	flags := []cli.Flag{
		&cli.StringFlag{Name: "kind", Usage: "all records are of this `KIND`: build, boot or lava (default: detected from each)", Destination: &f.kind, Category: "Records", Action: oneOf("--kind", "build", "boot", "lava")},
		&cli.StringSliceFlag{Name: "builds", Usage: "feed build records from `FILE`; further names may follow", Destination: &f.builds, Category: "Records"},
		&cli.StringSliceFlag{Name: "boots", Usage: "feed boot records from `FILE`; further names may follow", Destination: &f.boots, Category: "Records"},
		&cli.StringSliceFlag{Name: "lavas", Usage: "feed LAVA callbacks from `FILE`; further names may follow", Destination: &f.lavas, Category: "Records"},
		f.labFlag("the callbacks come from lab `LAB`; the variable is for those that name none"),
		howMany,
		&cli.BoolFlag{Name: "dry-run", Usage: "write the _bulk body to stdout and touch nothing", Destination: &f.dryRun},
		&cli.BoolFlag{Name: "force", Usage: "send finished records again and overwrite their documents", Destination: &f.force},
		&cli.BoolFlag{Name: "no-progress", Usage: "no progress bar or lines", Destination: &f.noProgress},
		f.jsonFlag(), f.dataFlag(),
	}
	for _, group := range [][]cli.Flag{crawling, f.recordFlags(), f.esFlags(), f.bulkFlags(), f.stateFlags(), hidden(f.drpFlags()), f.logFlags()} {
		flags = append(flags, group...)
	}
	return &cli.Command{
		Name: "feed", Aliases: []string{"feed_es"},
		Usage:     "feed records into Elasticsearch",
		ArgsUsage: "[FILE|DIR|- ...]",
		Description: "Without a path it crawls a source: KernelCI's new records since the last crawl, at\n" +
			"first those of the last two days. With paths it feeds the records in files, in\n" +
			"folders (" + source.FolderFiles + ", recursively) and on standard input (-). What was fed\n" +
			"before is skipped; sending twice changes nothing.\n\n" +
			"Exit codes: 0 all is in Elasticsearch, 1 not finished (run it again), 2 usage,\n" +
			"3 finished but something was rejected (kcing rejects list) or could not be\n" +
			"downloaded (kcing status), 130 interrupted.\n\n" +
			"Example:\n   kcing feed\n   kcing feed --lab-name lab-collabora callbacks/\n" +
			"   kcing feed --source lava --lava-url https://lava.example.org",
		Flags: flags,
		Action: func(c *cli.Context) error {
			f.paths = c.Args().Slice()
			if len(f.allPaths()) > 0 {
				if err := a.idle(append(crawling, howMany), "for crawling; leave that out, or the paths"); err != nil {
					return err
				}
			}
			return a.feed(c.Context, f)
		},
	}
}

// allPaths are the files and folders that arguments and flags name.
func (f *feedArgs) allPaths() []source.Path {
	var paths []source.Path
	for _, p := range f.paths {
		paths = append(paths, source.Path{Name: p, Kind: f.kind})
	}
	for _, list := range []struct {
		kind  string
		names []string
	}{{"build", f.builds.Value()}, {"boot", f.boots.Value()}, {"lava", f.lavas.Value()}} {
		for _, p := range list.names {
			paths = append(paths, source.Path{Name: p, Kind: list.kind})
		}
	}
	return paths
}

// files is the source that reads the paths.
func (a *app) files(f *feedArgs, paths []source.Path, log *slog.Logger, unreadable *int) (*source.Files, error) {
	files := &source.Files{Paths: paths, Stdin: a.stdin, MaxRecordBytes: int64(f.maxRecordBytes),
		Unreadable: func(path string, err error) {
			*unreadable++
			log.Error("cannot read", "source", path, "error", err)
		},
		Empty: func(path string) {
			log.Warn("nothing to feed in this folder", "folder", path, "read are", source.FolderFiles)
		}}
	if slices.ContainsFunc(paths, func(p source.Path) bool { return p.Name == "-" }) {
		files.Stdin = a.input("records")
	}
	if err := files.Check(); err != nil {
		return nil, &exitError{code: exitFailed, msg: fmt.Sprintf("nothing was fed: %v", err)}
	}
	return files, nil
}

func (a *app) feed(ctx context.Context, f *feedArgs) error {
	log, closeLog, err := a.logger(&f.settings)
	if err != nil {
		return err
	}
	defer closeLog()
	a.warnOfSettings(log)
	config := pipeline.Config{Bulk: f.bulkOptions(), Prefix: f.prefix, OtherLab: f.lab, IngestTime: f.timestamp == "ingest",
		Force: f.force, Now: a.now, Logger: log, Progress: new(pipeline.Progress), LogEach: a.logsEach(&f.settings)}
	lab := "" // that the records are said to be of
	if a.typed(labName) {
		lab = f.lab
	}
	config.Bulk.Logger = log
	paths, unreadable := f.allPaths(), 0
	if len(paths) == 0 {
		return a.feedCrawl(ctx, f, lab, config)
	}
	files, err := a.files(f, paths, log, &unreadable)
	if err != nil {
		return err
	}
	files.Lab = lab
	if f.dryRun {
		report, err := pipeline.DryRun(ctx, files, a.stdout, config)
		return a.dryRunResult(f, report, unreadable, err)
	}
	return a.feedElasticsearch(ctx, f, files, config, &unreadable)
}

// dryRunResult reports on stderr, since the documents go to stdout.
func (a *app) dryRunResult(f *feedArgs, r pipeline.Report, unreadable int, err error) error {
	if err != nil {
		return err
	}
	if f.json {
		err = json.NewEncoder(a.stderr).Encode(feedJSON{Report: r, Unreadable: unreadable})
	} else {
		_, err = fmt.Fprintf(a.stderr, "dry run: %s from %s: %s\n", plural(total(r.Documents), "document"), plural(r.Records, "record"), byKind(r.Documents))
	}
	if err == nil && (len(r.Refused) > 0 || unreadable > 0) {
		return &exitError{code: exitRejects, msg: refusedLine(r, unreadable)}
	}
	return err
}

func (a *app) feedElasticsearch(ctx context.Context, f *feedArgs, files *source.Files, config pipeline.Config, unreadable *int) error {
	log := config.Logger
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
	client, err := a.connect(ctx, &f.settings)
	if err != nil {
		return err
	}
	if err := installMissing(ctx, client.Patient(), f.prefix, log); err != nil {
		return err
	}
	f.checkDestination(ctx, client, store, f.force, log)
	config.Transport, config.Requests, config.Ledger = client, client.Patient(), store
	leftovers, err := f.takeLeftovers(ctx, log)
	if err != nil {
		return err
	}
	defer leftovers.close(log)
	started := a.now()
	records := countRecords(ctx, files.Paths)
	if records >= 0 {
		records += int64(leftovers.found)
	}
	stopProgress := a.showProgress(&f.settings, config.Progress, always(records), log)
	report, runErr := pipeline.Run(ctx, inTurn{leftovers, files}, config)
	stopProgress()
	if report.Bulk.Stored > 0 && runErr == nil {
		f.refresh(ctx, client, log)
	}
	result := feedResult(report, *unreadable, runErr, pendingIn(files.Paths, records, report, *unreadable), f.db)
	a.saveRun(ctx, store, "feed", started, result, feedCounts(report, *unreadable), log)
	if f.json {
		if err := json.NewEncoder(a.stdout).Encode(feedJSON{Report: report, Unreadable: *unreadable, Resumed: leftovers.found}); err != nil {
			return err
		}
	} else {
		if report.Records == 0 && *unreadable == 0 && runErr == nil {
			a.say("nothing to do: there was nothing to feed")
		} else {
			a.printFeedReport(report)
		}
		a.printLeftovers(leftovers)
	}
	return result
}

// inTurn are sources, one after the other.
type inTurn []pipeline.Source

// Run implements [pipeline.Source].
func (s inTurn) Run(ctx context.Context, emit source.Emit) error {
	for _, each := range s {
		if err := each.Run(ctx, emit); err != nil {
			return err
		}
	}
	return nil
}

// feedJSON is the report of feed --json.
type feedJSON struct {
	pipeline.Report
	Unreadable int `json:"unreadable"`
	// Resumed are those of Records that others had left in the spool.
	Resumed int `json:"resumed"`
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

// feedResult chooses the exit code and the line that goes with it. pending says
// how much is left and where.
func feedResult(r pipeline.Report, unreadable int, err error, pending, db string) error {
	switch {
	case err != nil && errors.Is(err, context.Canceled):
		return &exitError{code: exitInterrupted, msg: "interrupted: " + pending}
	case err != nil:
		return &exitError{code: exitFailed, msg: "not finished: " + plainText(err) + "; " + pending}
	case r.Pending > 0:
		return &exitError{code: exitFailed, msg: "not finished: " + pending}
	case r.Rejected() || unreadable > 0:
		return &exitError{code: exitRejects, msg: refusedLine(r, unreadable) + seeRejects(r, db)}
	}
	return nil
}

// seeRejects names the command that lists what was refused, if anything was.
func seeRejects(r pipeline.Report, db string) string {
	if !r.Rejected() {
		return ""
	}
	return "; see: kcing rejects list" + dbFlag(db)
}

// pendingIn says how many records are not finished and in which paths they are.
// Of a run that ended early that includes the ones that were not read any more.
func pendingIn(paths []source.Path, records int64, r pipeline.Report, unreadable int) string {
	n := r.Pending
	if left := records - (r.Records - r.Pending) - int64(unreadable); left > n {
		n = left
	}
	var names []string
	for _, p := range paths {
		name := p.Name
		if name == "-" {
			name = "standard input"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	const most = 3
	where := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		where += fmt.Sprintf(" and %d more", len(names)-most)
	}
	if n == 0 {
		return "nothing that was read is pending"
	}
	return fmt.Sprintf("%s pending in %s; run the same command again to go on", plural(n, "record"), where)
}

// dbFlag is what a suggested command needs to find the same state file.
func dbFlag(db string) string {
	if db == "kcing.db" || os.Getenv("KCING_DB") != "" {
		return ""
	}
	return " --db " + db
}

func feedCounts(r pipeline.Report, unreadable int) map[string]int64 {
	return map[string]int64{
		"records": r.Records, "finished": r.Finished, "skipped": r.Skipped, "superseded": r.Superseded, "refused": total(r.Refused),
		"unreadable": int64(unreadable), "pending": r.Pending,
		"stored": r.Bulk.Stored, "duplicate": r.Bulk.Duplicate, "rejected": total(r.RejectedDocuments),
	}
}

// saveRun notes what the run did, for status. It is no reason to fail.
func (a *app) saveRun(ctx context.Context, store *state.Store, command string, started time.Time, result error, counts map[string]int64, log *slog.Logger) {
	run := state.Run{Command: command, Started: started, Ended: a.now(), ExitCode: codeOf(result), Counts: counts}
	if err := store.SaveRun(context.WithoutCancel(ctx), run); err != nil {
		log.Warn("the run could not be noted for status", "error", err)
	}
}
