package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/kibana"
)

// setupKibanaOptions are the flags of setup-kibana alone.
type setupKibanaOptions struct {
	dryRun, noBackup bool
	backupDir        string
	file             string // instead of our own objects
}

func (a *app) setupKibanaCommand() *cli.Command {
	s, o := new(settings), new(setupKibanaOptions)
	flags := []cli.Flag{
		&cli.BoolFlag{
			Name: "dry-run", Usage: "write the file that would be imported to stdout, and do not ask Kibana",
			Destination: &o.dryRun,
		},
		&cli.BoolFlag{
			Name: "no-backup", Usage: "replace objects without writing what was there to a file",
			Destination: &o.noBackup,
		},
		&cli.StringFlag{
			Name: "backup-dir", Value: ".", DefaultText: "the working directory",
			Usage: "`DIR` for the file with what was there before", Destination: &o.backupDir,
		},
		s.jsonFlag(), s.kibana.waitFlag(), s.prefixFlag(), s.kibana.publicURLFlag(),
	}
	return &cli.Command{
		Name: "setup-kibana", Aliases: []string{"setup_kbn"}, ArgsUsage: "[FILE|-]",
		Usage: "import the dashboards into Kibana",
		Description: "Imports kcing's data views, searches and dashboards, or the objects of FILE, such as\n" +
			"one of backup-kibana. Objects of the same ids are replaced; what was there before is\n" +
			"written to a dated file first. Safe to run again.\n\n" +
			"Example:\n   kcing setup-kibana --kb-url http://localhost:5601 --wait 2m",
		Flags: slices.Concat(flags, s.kibana.flags(), s.logFlags()),
		Action: func(c *cli.Context) error {
			if c.NArg() > 1 {
				return usagef("setup-kibana takes one file, so what is %q? (see: kcing setup-kibana --help)",
					c.Args().Get(1))
			}
			if o.file = c.Args().First(); o.file != "" {
				if err := a.idle([]cli.Flag{s.prefixFlag()},
					"the objects of a file name their indices themselves; leave that out, or the file"); err != nil {
					return err
				}
			}
			return a.withLog(s, func(log *slog.Logger) error { return a.setupKibana(c.Context, s, *o, log) })
		},
	}
}

// setupKibanaReport is the report of setup-kibana --json.
type setupKibanaReport struct {
	Kibana    string `json:"kibana"`
	Version   string `json:"version,omitempty"`
	Space     string `json:"space"`
	Created   int    `json:"created"`
	Replaced  int    `json:"replaced"`
	Unchanged int    `json:"unchanged"`        // all or none: then nothing was imported
	Renamed   int    `json:"renamed"`          // of those created and replaced
	Backup    string `json:"backup,omitempty"` // the file with what was there before
	Open      string `json:"open,omitempty"`   // the page to begin with
}

func (a *app) setupKibana(ctx context.Context, s *settings, o setupKibanaOptions, log *slog.Logger) error {
	objects, err := a.objectsFor(s, o.file)
	if err != nil {
		return err
	}
	ndjson, err := kibana.File(objects, nil)
	if err != nil {
		return err
	}
	if o.dryRun {
		_, err := a.stdout.Write(ndjson)
		return err
	}
	browser, err := s.kibana.forBrowser()
	if err != nil {
		return err
	}
	client, status, err := a.openKibana(ctx, &s.kibana, log)
	if err != nil {
		return err
	}
	r := setupKibanaReport{Kibana: client.Address().String(), Version: status.Version, Space: client.Space()}
	if err := a.importObjects(ctx, client, o, objects, ndjson, &r); err != nil {
		return kibanaProblem(err, client)
	}
	if slices.ContainsFunc(objects, func(o kibana.Object) bool {
		return o.Type == "dashboard" && o.ID == kibana.HomeID
	}) && r.Renamed == 0 {
		r.Open = browser + "/app/dashboards#/view/" + kibana.HomeID
	}
	if r.Renamed > 0 {
		log.Warn("another space of this Kibana has kcing's objects, so Kibana gave those of this space other ids: "+
			"links from rows to other pages do not work here",
			"space", r.Space, "objects", r.Renamed, "see", "docs/kibana.md, Spaces")
	}
	return a.printSetupKibana(s, r)
}

// objectsFor are the objects to import: ours, or those of a file.
func (a *app) objectsFor(s *settings, file string) ([]kibana.Object, error) {
	if file == "" {
		return kibana.Objects(s.prefix)
	}
	var data []byte
	var err error
	if file == "-" {
		file = "standard input"
		data, err = io.ReadAll(a.input("saved objects"))
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, err
	}
	objects, err := kibana.ParseFile(data)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be imported: %w", file, err)
	}
	return objects, nil
}

// importObjects first imports without overwriting. That is all when none is
// there yet; otherwise Kibana imports nothing and names those that are there, so
// that exactly what would be replaced can be kept.
func (a *app) importObjects(ctx context.Context, client *kibana.Client, o setupKibanaOptions, objects []kibana.Object,
	ndjson []byte, r *setupKibanaReport,
) error {
	result, err := client.Import(ctx, ndjson, false)
	var refused *kibana.ImportError
	switch {
	case err == nil:
		r.take(result)
		return nil
	case !errors.As(err, &refused):
		return err
	}
	existing, onlyConflicts := refused.Conflicts()
	if !onlyConflicts {
		return refused.WithoutConflicts()
	}
	before, missing, err := client.Export(ctx, kibana.Selection{Objects: existing})
	if err != nil {
		return fmt.Errorf("before replacing them: %w", err)
	}
	if len(before) == len(objects) && allSame(before, objects) {
		r.Unchanged = len(objects)
		return nil
	}
	if !o.noBackup {
		if r.Backup, err = a.keepBefore(o.backupDir, before, missing); err != nil {
			return fmt.Errorf("nothing was replaced, since what is there cannot be kept: %w "+
				"(--backup-dir DIR, or --no-backup)",
				err)
		}
	}
	if result, err = client.Import(ctx, ndjson, true); err != nil {
		return err
	}
	r.take(result)
	return nil
}

func (r *setupKibanaReport) take(result kibana.ImportResult) {
	r.Created, r.Replaced, r.Renamed = len(result.Created), len(result.Overwritten), len(result.Renamed)
}

// allSame compares with the canonical order of an export.
func allSame(exported, objects []kibana.Object) bool {
	sorted, err := kibana.Canonical(objects)
	return err == nil && slices.EqualFunc(exported, sorted, kibana.Same)
}

func (a *app) printSetupKibana(s *settings, r setupKibanaReport) error {
	if s.json {
		return a.writeJSON(r)
	}
	where := "Kibana"
	if r.Version != "" {
		where += " " + printable(r.Version)
	}
	where += " at " + r.Kibana + ", space " + r.Space
	if r.Unchanged > 0 {
		a.printf("nothing to do: %s in %s as they should be\n",
			plural(r.Unchanged, "object"), where)
	} else {
		a.printf("imported %s into %s: %d new, %d replaced\n",
			plural(r.Created+r.Replaced, "object"), where, r.Created, r.Replaced)
	}
	if r.Backup != "" {
		a.printf("what was there before is in %s; to go back to it: kcing setup-kibana %[1]s\n",
			r.Backup)
	}
	if r.Open != "" {
		a.printf("open %s\n", r.Open)
	}
	return nil
}
