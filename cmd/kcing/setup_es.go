package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/mappings"
)

func (a *app) setupESCommand() *cli.Command {
	s := new(settings)
	o, wait := new(mappings.InstallOptions), time.Duration(0)
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "dry-run", Usage: "show the difference and change nothing", Destination: &o.DryRun},
		&cli.BoolFlag{
			Name: "reset", Usage: "put this version's templates whatever is there, also in place of a newer version's",
			Destination: &o.Reset,
		},
		s.jsonFlag(),
		&cli.DurationFlag{
			Name: "wait", Usage: "wait `TIME` at most for Elasticsearch to be there", DefaultText: "not at all",
			Destination: &wait, Category: "Elasticsearch", Action: positive,
		},
	}
	return &cli.Command{
		Name: "setup-es", Aliases: []string{"setup_es"},
		Usage: "put the index templates into Elasticsearch",
		Description: "Safe to run again: what is in place stays. Templates take effect with each day's new\n" +
			"indices; indices that exist keep their mappings.\n\n" +
			"Example:\n   kcing setup-es --wait 2m",
		Flags: slices.Concat(flags, s.esFlags(), s.logFlags()),
		Action: func(c *cli.Context) error {
			o.Prefix = s.prefix
			return a.withLog(s, func(log *slog.Logger) error {
				client, err := a.connectWithin(c.Context, s, wait, log)
				if err != nil {
					return err
				}
				return a.setupES(c.Context, s, *o, client)
			})
		},
	}
}

func (a *app) setupES(ctx context.Context, s *settings, o mappings.InstallOptions, client *elastic.Client) error {
	changes, err := mappings.Install(ctx, client.Patient(), o)
	if s.json {
		return cmp.Or(err, a.writeJSON(changes))
	}
	verb := ""
	if o.DryRun {
		verb = "would be "
	}
	for _, c := range changes {
		switch c.Action {
		case mappings.Created, mappings.Updated:
			a.printf("%-24s %s%s (version %d)\n", c.Template, verb, c.Action, c.NewVersion)
		default:
			a.printf("%-24s %s (version %d)\n", c.Template, c.Action, c.OldVersion)
		}
		if o.DryRun && c.Diff != "" {
			a.printf("%s\n", c.Diff)
		}
		if c.HiddenBy != "" {
			_, _ = fmt.Fprintln(a.stderr, "kcing: "+hiddenTemplate(c.Template, c.HiddenBy))
		}
	}
	return err
}

// hiddenTemplate is the line about a template that does not count.
func hiddenTemplate(template, by string) string {
	return "template " + by + " hides " + template + ": new indices get its fields, not kcing's;" +
		" remove it, narrow its index_patterns, or set another ES_INDEX_PREFIX"
}
