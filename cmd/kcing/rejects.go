package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/state"
)

type rejectsArgs struct {
	settings settings
	filter   state.Filter
	all      bool
	force    bool
	body     bool
	noTrunc  bool
}

func (a *app) rejectsCommand() *cli.Command {
	return &cli.Command{
		Name: "rejects", Usage: "list, show, retry or drop what was refused",
		Description: "Records that could never become documents, and documents that Elasticsearch refused,\n" +
			"are kept with the reason and their bytes until they are retried with success or dropped.\n\n" +
			"Example:\n   kcing rejects list --type no_lab",
		Subcommands: []*cli.Command{a.rejectsList(), a.rejectsShow(), a.rejectsRetry(), a.rejectsDrop()},
	}
}

func (o *rejectsArgs) filterFlags() []cli.Flag {
	return []cli.Flag{
		kindFlag("only records of", &o.filter.Kind),
		&cli.StringFlag{
			Name: "type", Usage: "only those refused for `TYPE`, as list shows it", Destination: &o.filter.Type,
		},
	}
}

func (o *rejectsArgs) allFlag(verb string) cli.Flag {
	return &cli.BoolFlag{Name: "all", Usage: verb + " all of them", Destination: &o.all}
}

// withRejects runs fn with the state file open, which has to be there.
func (a *app) withRejects(o *rejectsArgs, fn func(*state.Store) error) error {
	if err := o.settings.stateExists(); err != nil {
		return err
	}
	return a.withState(&o.settings, fn)
}

func (a *app) rejectsList() *cli.Command {
	o := new(rejectsArgs)
	flags := []cli.Flag{
		&cli.IntFlag{Name: "limit", Usage: "at most `N`; 0: all", Destination: &o.filter.Limit},
		&cli.BoolFlag{Name: "full", Usage: "do not shorten sources and reasons", Destination: &o.noTrunc},
		o.settings.jsonFlag(),
	}
	return &cli.Command{
		Name: "list", Usage: "list what was refused, oldest first",
		Description: "Example:\n   kcing rejects list --kind lava",
		Flags:       slices.Concat(o.filterFlags(), flags, o.settings.stateFlags(), o.settings.logFlags()),
		Action: func(c *cli.Context) error {
			err := a.withRejects(o, func(s *state.Store) error { return a.listRejects(c.Context, o, s) })
			if errors.Is(err, errNoState) && !o.settings.json {
				_, err = fmt.Fprintln(a.stdout, "no rejects:", err)
			}
			return err
		},
	}
}

func (a *app) listRejects(ctx context.Context, o *rejectsArgs, s *state.Store) error {
	t := new(table)
	n := 0
	for r, err := range s.Rejects(ctx, o.filter) {
		if err != nil {
			return err
		}
		if o.settings.json {
			if err := a.writeJSON(r); err != nil {
				return err
			}
			continue
		}
		if n++; n == 1 {
			t.row("ID", "RECEIVED", "KIND", "TYPE", "SIZE", "SOURCE", "REASON")
		}
		source, reason := r.Source, r.Reason
		if r.DocumentID != "" {
			source = r.Index + "/" + r.DocumentID
		}
		source, reason = printable(source), printable(reason)
		if !o.noTrunc {
			source, reason = tail(source, 48), head(reason, 120)
		}
		t.row(r.ID, r.Received.UTC().Format("2006-01-02 15:04"), cmp.Or(r.Kind, "-"), r.Type,
			humanize.Bytes(uint64(max(r.Size, 0))), source, reason)
	}
	if n == 0 && !o.settings.json {
		a.say("no rejects")
	}
	return t.print(a.stdout)
}

func (a *app) rejectsShow() *cli.Command {
	o := new(rejectsArgs)
	return &cli.Command{
		Name: "show", Usage: "show one reject with its bytes", ArgsUsage: "ID",
		Description: "The beginning of an ID is enough. --body writes the bytes alone, for a pipe.\n\n" +
			"Example:\n   kcing rejects show --body 3f9a > record.json",
		Flags: slices.Concat([]cli.Flag{
			&cli.BoolFlag{Name: "body", Usage: "only the bytes", Destination: &o.body},
		}, o.settings.stateFlags(), o.settings.logFlags()),
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usagef("rejects show wants one ID (see: kcing rejects list)")
			}
			return a.withRejects(o, func(s *state.Store) error {
				return a.showReject(c.Context, o, s, c.Args().First())
			})
		},
	}
}

func (a *app) showReject(ctx context.Context, o *rejectsArgs, s *state.Store, id string) error {
	r, err := s.Reject(ctx, id)
	if err != nil {
		return err
	}
	if o.body {
		_, err := a.stdout.Write(r.Body)
		return err
	}
	enc := json.NewEncoder(a.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return err
	}
	const most = 4096
	body, note := r.Body, ""
	if len(body) > most {
		body, note = body[:most], fmt.Sprintf("… and %s more: kcing rejects show --body %s%s\n",
			plural(len(r.Body)-most, "byte"), r.ID, dbFlag(o.settings.db))
	}
	for line := range strings.SplitSeq(string(body), "\n") {
		if _, err := fmt.Fprintln(a.stdout, printable(line)); err != nil {
			return err
		}
	}
	_, err = fmt.Fprint(a.stdout, note)
	return err
}

func (a *app) rejectsDrop() *cli.Command {
	o := new(rejectsArgs)
	return &cli.Command{
		Name: "drop", Usage: "forget rejects for ever", ArgsUsage: "ID...",
		Description: "Example:\n   kcing rejects drop --type not_json",
		Flags: slices.Concat([]cli.Flag{o.allFlag("drop")}, o.filterFlags(), o.settings.stateFlags(),
			o.settings.logFlags()),
		Action: func(c *cli.Context) error {
			return a.withRejects(o, func(s *state.Store) error {
				ids, err := o.selected(c.Context, s, c.Args().Slice())
				if err != nil {
					return err
				}
				n, err := s.DropRejects(c.Context, ids...)
				if n == 0 && err == nil {
					a.say("nothing to do: no such rejects")
					return nil
				}
				a.say("dropped %s", plural(n, "reject"))
				return err
			})
		},
	}
}

// selected are the whole ids of the rejects that the arguments name.
func (o *rejectsArgs) selected(ctx context.Context, s *state.Store, args []string) (ids []string, err error) {
	filtered := o.all || o.filter.Kind != "" || o.filter.Type != ""
	if filtered == (len(args) > 0) {
		return nil, usagef("name either IDs (see: kcing rejects list), or --all, --kind or --type")
	}
	for _, arg := range args {
		r, err := s.Reject(ctx, arg)
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
	}
	if !filtered {
		return ids, nil
	}
	for r, err := range s.Rejects(ctx, o.filter) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, r.ID)
	}
	return ids, nil
}

func (a *app) rejectsRetry() *cli.Command {
	o := new(rejectsArgs)
	flags := []cli.Flag{
		o.allFlag("retry"), o.settings.labFlag("callbacks that name no lab come from lab `LAB`"),
		&cli.BoolFlag{Name: "force", Usage: "overwrite what is stored under the same key", Destination: &o.force},
	}
	return &cli.Command{
		Name: "retry", Usage: "send rejects again; those that get in are dropped from the list", ArgsUsage: "ID...",
		Description: "Records are read again by this version of kcing; documents are sent as they are.\n\n" +
			"Example:\n   kcing rejects retry --all\n   kcing rejects retry --type no_lab --lab-name lab-a",
		Flags: slices.Concat(flags, o.filterFlags(), o.settings.recordFlags(), o.settings.esFlags(),
			o.settings.bulkFlags(), o.settings.stateFlags(), o.settings.logFlags()),
		Action: func(c *cli.Context) error {
			return a.withRejects(o, func(s *state.Store) error {
				return a.withLog(&o.settings, func(log *slog.Logger) error {
					return a.retryRejects(c.Context, o, s, c.Args().Slice(), log)
				})
			})
		},
	}
}

func (a *app) retryRejects(ctx context.Context, o *rejectsArgs, s *state.Store, args []string,
	log *slog.Logger,
) error {
	ids, err := o.selected(ctx, s, args)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		a.say("nothing to do: no such rejects")
		return nil
	}
	client, err := a.connect(ctx, &o.settings)
	if err != nil {
		return err
	}
	if err := installMissing(ctx, client.Patient(), o.settings.prefix, log); err != nil {
		return err
	}
	config := o.settings.pipeline(a.now, log)
	config.ES.Transport, config.ES.Requests, config.Ledger = client, client.Patient(), s
	config.Force, config.LogEach, config.Progress = o.force, a.logsEach(&o.settings), new(pipeline.Progress)
	stopProgress := a.showProgress(&o.settings, config.Progress, always(-1), log)
	accepted, err := pipeline.Retry(ctx, s, ids, int64(o.settings.maxRecordBytes), config)
	stopProgress()
	if accepted > 0 && err == nil {
		o.settings.refresh(ctx, client, log)
	}
	if err != nil {
		a.say("%s of %s got in", humanize.Comma(int64(accepted)), plural(len(ids), "reject"))
	} else {
		a.say("%s retried: %s got in, %s refused again",
			plural(len(ids), "reject"), humanize.Comma(int64(accepted)), humanize.Comma(int64(len(ids)-accepted)))
	}
	switch {
	case err != nil && errors.Is(err, context.Canceled):
		return err
	case err != nil:
		return fmt.Errorf("not finished, the others are still among the rejects: %w", err)
	case accepted < len(ids):
		return &exitError{
			code: exitRejects,
			msg:  plural(len(ids)-accepted, "reject") + " left; see: kcing rejects list" + dbFlag(o.settings.db),
		}
	}
	return nil
}
