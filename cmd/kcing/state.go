package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/state"
)

func (a *app) stateCommand() *cli.Command {
	return &cli.Command{
		Name: "state", Usage: "check, compact or edit the state file",
		Description: "The state file (kcing.db) remembers which records are finished and keeps the rejects.\n\n" +
			"Example:\n   kcing state check",
		Subcommands: []*cli.Command{
			a.stateSub("check", "check the state file's integrity", "", a.stateCheck),
			a.stateSub("compact", "give the free pages of the state file back to the disk", "", a.stateCompact),
			a.stateForget(),
			a.stateSub("import", "import the CSV (type,oid,created_on) of the first kcing's SQLite table",
				"FILE|-", a.stateImport),
		},
	}
}

// stateSub is a subcommand that needs nothing but the state file's path.
func (a *app) stateSub(name, usage, args string, do func(context.Context, *settings, []string) error) *cli.Command {
	s := new(settings)
	return &cli.Command{
		Name: name, Usage: usage, ArgsUsage: args,
		Description: "Example:\n   kcing state " + strings.TrimSpace(name+" "+strings.TrimSuffix(args, "|-")),
		Flags:       append(s.stateFlags(), s.logFlags()...),
		Action:      func(c *cli.Context) error { return do(c.Context, s, c.Args().Slice()) },
	}
}

var errNoState = errors.New("there is no state file")

// stateExists makes sure that a command does not create the file it shall look at.
func (s *settings) stateExists() error {
	_, err := os.Stat(s.db)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s (KCING_DB); the first feed creates it", errNoState, s.db)
	}
	return err
}

func (a *app) stateCheck(ctx context.Context, s *settings, _ []string) error {
	if err := s.stateExists(); err != nil {
		return err
	}
	r, err := state.Check(ctx, s.db)
	if err != nil {
		return err
	}
	for _, p := range r.Problems {
		a.printf("%s\n", p)
	}
	if !r.OK() {
		return fmt.Errorf("%s is damaged: %s; move it away and feed again "+
			"(ids are deterministic, nothing is stored twice)", s.db, plural(len(r.Problems)+r.More, "problem"))
	}
	_, err = fmt.Fprintf(a.stdout, "%s is sound: %s, %s, %s\n",
		s.db, plural(r.Finished, "finished record"), plural(r.Rejects, "reject"), bytesText(r.FileBytes))
	return err
}

func (a *app) stateCompact(ctx context.Context, s *settings, _ []string) error {
	if err := s.stateExists(); err != nil {
		return err
	}
	before, after, err := state.Compact(ctx, s.db)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %s before, %s after\n", s.db, bytesText(before), bytesText(after))
	return err
}

func (a *app) stateForget() *cli.Command {
	s := new(settings)
	kind, all := "", false
	flags := []cli.Flag{
		kindFlag("the records are of", &kind),
		&cli.BoolFlag{Name: "all", Usage: "all records of the kind", Destination: &all},
	}
	return &cli.Command{
		Name: "forget", Usage: "forget that records are finished, so that the next feed sends them again",
		ArgsUsage: "KEY...",
		Description: "The key of a callback is lab/jobid, that of a build or boot its id.\n\n" +
			"Example:\n   kcing state forget --kind lava lab-collabora/2783047",
		Flags: slices.Concat(flags, s.stateFlags(), s.logFlags()),
		Action: func(c *cli.Context) error {
			if kind == "" || all == c.Args().Present() {
				return usagef("state forget wants --kind and either keys or --all (see: kcing state forget --help)")
			}
			if err := s.stateExists(); err != nil {
				return err
			}
			return a.withState(s, func(store *state.Store) error {
				return a.forget(c.Context, store, kind, c.Args().Slice())
			})
		},
	}
}

func (a *app) forget(ctx context.Context, store *state.Store, kind string, ids []string) error {
	var n int
	var err error
	if len(ids) == 0 {
		n, err = store.ForgetKind(ctx, kind)
	} else {
		keys := make([]state.Key, len(ids))
		for i, id := range ids {
			keys[i] = state.Key{Kind: kind, ID: id}
		}
		n, err = store.Forget(ctx, keys...)
	}
	if err != nil {
		return err
	}
	if n == 0 {
		a.say("nothing to do: no such record is finished")
		return nil
	}
	a.say("forgot %s", plural(n, "record"))
	return nil
}

func (a *app) stateImport(ctx context.Context, s *settings, args []string) error {
	if len(args) != 1 {
		return usagef("state import wants one CSV file, or - for standard input")
	}
	var in io.Reader
	if args[0] == "-" {
		in = a.input("CSV")
	} else {
		f, err := os.Open(args[0])
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	return a.withState(s, func(store *state.Store) error { return a.importCSV(ctx, store, in) })
}

func (a *app) importCSV(ctx context.Context, store *state.Store, in io.Reader) error {
	r, err := store.ImportCSV(ctx, in)
	if err != nil {
		return err
	}
	if r.Added+r.Skipped == 0 && r.Known > 0 {
		a.say("nothing to do: %s", allKnown(int64(r.Known)))
		return nil
	}
	a.say("imported %s; %s known before, %s not understood",
		plural(r.Added, "record"), plural(r.Known, "record"), plural(r.Skipped, "row"))
	if r.FirstBad != nil {
		return &exitError{code: exitRejects, msg: r.FirstBad.Error()}
	}
	return nil
}
