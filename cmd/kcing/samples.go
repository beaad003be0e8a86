package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/synthetic"
)

func (a *app) samplesCommand() *cli.Command {
	o := new(samplesArgs)
	downloading := append(o.crawled.flags(), kindFlag("only records of", &o.crawled.kind))
	making := []cli.Flag{
		&cli.Uint64Flag{
			Name: "seed", Value: 1, Usage: "with --synthetic: `S` chooses the records", Destination: &o.seed,
		},
		&cli.StringFlag{
			Name: "profile", Value: "demo",
			Usage:       "with --synthetic: `LOGS`, demo for short ones, real for ones as long as in production",
			Destination: &o.logLines, Action: oneOf("demo", "real"),
		},
		&cli.BoolFlag{
			Name: "if-empty", Usage: "with --synthetic: do nothing when the folder has records already",
			Destination: &o.ifEmpty,
		},
	}
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "synthetic", Usage: "make realistic records offline instead", Destination: &o.synthetic},
		&cli.StringFlag{
			Name: "samples-dir", Value: "samples", Usage: "write to `DIR`", Destination: &o.dir,
		},
		&cli.IntFlag{
			Name: "sample-size", Value: 100,
			Usage:       "`N` records: of each kind when they are downloaded, in all when they are made",
			Destination: &o.size, Action: atLeast(1),
		},
	}
	return &cli.Command{
		Name: "samples", Aliases: []string{"gen_samples"},
		Usage: "download or make sample records",
		Description: "Writes records to a folder that kcing feed can read. Without --synthetic the newest\n" +
			"ones of each kind are downloaded; those that are in the folder already are not\n" +
			"downloaded again. With it they are made up: the same seed gives the same records,\n" +
			"relative to the current UTC day.\n\n" +
			"Example:\n   kcing samples --sample-size 20 && kcing feed samples/\n" +
			"   kcing samples --synthetic --sample-size 2500 && kcing feed samples/",
		Flags: slices.Concat(flags, making, downloading, o.settings.sizeFlags(), o.settings.logFlags()),
		Action: func(c *cli.Context) error {
			if !o.synthetic {
				if err := a.idle(making, "for --synthetic, which makes records up"); err != nil {
					return err
				}
				return a.withLog(&o.settings, func(log *slog.Logger) error { return a.downloadSamples(c.Context, o, log) })
			}
			const why = "for downloads; --synthetic downloads nothing and makes records of all kinds"
			if err := a.idle(downloading, why); err != nil {
				return err
			}
			return a.samples(c.Context, o)
		},
	}
}

func (a *app) samples(ctx context.Context, o *samplesArgs) error {
	if err := os.MkdirAll(o.dir, 0o750); err != nil {
		return fmt.Errorf("--samples-dir: %w", err)
	}
	if o.ifEmpty {
		if entries, err := os.ReadDir(o.dir); err != nil || len(entries) > 0 {
			a.printf("%s has records already (--if-empty)\n", o.dir)
			return err
		}
	}
	today := a.now().UTC().Truncate(24 * time.Hour)
	counts := map[string]int64{}
	for r := range synthetic.Records(synthetic.Options{
		Size: o.size, Seed: o.seed, Now: today, Profile: synthetic.Profile(o.logLines),
	}) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := os.WriteFile(filepath.Join(o.dir, r.Name), r.Payload, 0o644); err != nil { //nolint:gosec // samples are for all
			return err
		}
		counts[r.Kind]++
	}
	a.say("%s in %s: %s", plural(total(counts), "record"), o.dir, eachKind(counts))
	return nil
}
