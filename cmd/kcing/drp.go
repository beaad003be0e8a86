package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
)

func (a *app) drpCommand() *cli.Command {
	s := new(settings)
	dryRun := false
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Usage: "show what would go and delete nothing", Destination: &dryRun},
		s.jsonFlag(),
	}
	return &cli.Command{
		Name: "drp", Usage: "data retention: delete old indices and forget their records",
		Description: "Deletes indices named exactly [PREFIX](boot|build|test|log|incident)-YYYY.MM.DD whose day is\n" +
			"older than today and the days to keep before it, each by its name, and forgets the\n" +
			"finished records of those days. Other indices are never touched; where indices of\n" +
			"that name hold nothing of kcing's, it refuses the prefix and deletes nothing.\n\n" +
			"Example:\n   kcing drp --drp-days 30 --dry-run",
		Flags: slices.Concat(flags, s.drpFlags(), s.esFlags(), s.stateFlags(), s.logFlags()),
		Action: func(c *cli.Context) error {
			return a.withLog(s, func(log *slog.Logger) error { return a.drp(c.Context, s, dryRun, log) })
		},
	}
}

// drpReport is what a run of retention did, and the report of drp --json.
type drpReport struct {
	mappings.RetainReport
	DryRun    bool      `json:"dry_run"`
	Before    time.Time `json:"before"`    // finished records from before it are forgotten
	Forgotten int       `json:"forgotten"` // of them; 0 in a dry run
}

func (a *app) drp(ctx context.Context, s *settings, dryRun bool, log *slog.Logger) error {
	report, err := a.retain(ctx, s, dryRun, log)
	if err != nil && report.Kept+len(report.Deleted)+len(report.Gone)+len(report.Failed) == 0 {
		return err // it did not come to anything
	}
	if s.json {
		return cmp.Or(err, a.writeJSON(report))
	}
	a.printDRP(report)
	return err
}

// retain is one run of retention: it deletes the indices that s.days() no longer
// keeps, forgets their records and notes the run for status. A dry run deletes,
// forgets and notes nothing. The report says what was done also with an error.
// It opens and closes what it needs and prints nothing, so that serve can call
// it on a schedule.
func (a *app) retain(ctx context.Context, s *settings, dryRun bool, log *slog.Logger) (drpReport, error) {
	started, days := a.now(), s.days()
	report := drpReport{DryRun: dryRun, Before: mappings.Cutoff(started, days.Longest())}
	client, err := a.connect(ctx, s)
	if err != nil {
		return report, err
	}
	report.RetainReport, err = mappings.Retain(ctx, client.Patient(),
		mappings.RetainOptions{Prefix: s.prefix, Now: started, Days: days, DryRun: dryRun})
	if dryRun {
		return report, err
	}
	stateErr := a.withState(s, func(store *state.Store) error {
		if err == nil { // else days whose indices are left would be forgotten
			report.Before, report.Forgotten, err = crawl.Forget(ctx, store, report.Before, a.now())
		}
		a.saveRun(ctx, store, "drp", started, err, map[string]int64{
			"indices": int64(len(report.Deleted)), "documents": report.Docs, "bytes": report.Bytes,
			"forgotten": int64(report.Forgotten),
		}, log)
		return nil
	})
	return report, errors.Join(err, stateErr)
}

func (a *app) printDRP(r drpReport) {
	t := &table{right: []bool{false, true, true}}
	for _, i := range r.Deleted {
		t.row(i.Name, plural(i.Docs, "document"), bytesText(i.Bytes))
	}
	a.wrote(t.print(a.stdout))
	if len(r.Deleted)+len(r.Failed)+r.Forgotten == 0 {
		a.say("nothing to do: no index and no finished record is from before %s; %s kept",
			r.Before.Format(time.DateOnly), plural(r.Kept, "index"))
		return
	}
	verb, freed := "deleted", "freed"
	if r.DryRun {
		verb, freed = "would delete", "to be freed"
	}
	a.say("%s %s: %s, %s %s; %s kept", verb, plural(len(r.Deleted), "index"), plural(r.Docs, "document"),
		bytesText(r.Bytes), freed, plural(r.Kept, "index"))
	if !r.DryRun {
		a.say("forgot %s from before %s", plural(r.Forgotten, "finished record"), r.Before.Format(time.DateOnly))
	}
}
