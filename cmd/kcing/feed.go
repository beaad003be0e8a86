package main

import (
	"context"
	"log/slog"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/source"
)

func (a *app) feedCommand() *cli.Command {
	f := new(feedArgs)
	s := &f.settings
	crawling := append(f.crawled.flags(), &cli.IntFlag{
		Name: "how-many", Usage: "crawl the newest `N` records of each kind", DefaultText: "all new ones",
		Destination: &f.crawled.howMany, Category: "Source", Action: atLeast(1),
	})
	kind := kindFlag("all records are of this", &f.kind)
	kind.Usage += " (default: detected from each)"
	records := inCategory("Records",
		kind,
		&cli.StringSliceFlag{Name: "builds", Usage: "feed build records from `FILE`; further names may follow",
			Destination: &f.builds},
		&cli.StringSliceFlag{Name: "boots", Usage: "feed boot records from `FILE`; further names may follow",
			Destination: &f.boots},
		&cli.StringSliceFlag{Name: "lavas", Usage: "feed LAVA callbacks from `FILE`; further names may follow",
			Destination: &f.lavas},
		s.labFlag("the callbacks come from lab `LAB`; the variable is for those that name none"),
	)
	how := []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Usage: "write the _bulk body to stdout and touch nothing",
			Destination: &f.dryRun},
		&cli.BoolFlag{Name: "force", Usage: "send finished records again and overwrite their documents",
			Destination: &f.force},
		&cli.BoolFlag{Name: "no-progress", Usage: "no progress bar or lines", Destination: &s.noProgress},
		s.jsonFlag(), s.dataFlag(),
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
		Flags: slices.Concat(records, crawling, how, s.recordFlags(), s.esFlags(), s.bulkFlags(), s.stateFlags(),
			hidden(s.drpFlags()), s.logFlags()),
		Action: func(c *cli.Context) error {
			f.paths = c.Args().Slice()
			if len(f.allPaths()) > 0 {
				if err := a.idle(crawling, "for crawling; leave that out, or the paths"); err != nil {
					return err
				}
			}
			return a.withLog(&f.settings, func(log *slog.Logger) error { return a.feed(c.Context, f, log) })
		},
	}
}

func (a *app) feed(ctx context.Context, f *feedArgs, log *slog.Logger) error {
	a.warnOfSettings(log)
	config := f.settings.pipeline(a.now, log)
	config.ES.Bulk.Logger = log
	config.Force, config.LogEach = f.force, a.logsEach(&f.settings)
	lab := "" // that the records are said to be of
	if a.typed(labName) {
		lab = f.settings.lab
	}
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
	return a.feedFiles(ctx, f, files, config, &unreadable)
}
