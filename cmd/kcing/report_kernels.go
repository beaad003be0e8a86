package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/report"
)

// kernelReport are the flags of the command report.
type kernelReport struct {
	days    int
	filter  report.Filter
	compare string // the older kernel; the newer one is the argument
	limit   int
	html    string
	failOn  string
}

// mostDays is a hundred years: older than any record, and days that
// Elasticsearch and JSON can write.
const mostDays = 36_500

func (a *app) reportCommand() *cli.Command {
	s, k := new(settings), new(kernelReport)
	flags := []cli.Flag{
		&cli.IntFlag{
			Name: "days", Value: 7, Usage: "kernels tested within the last `N` days", Destination: &k.days,
			Action: between(1, mostDays),
		},
		&cli.StringFlag{
			Name: "compare",
			Usage: "compare the kernels `OLD` NEW (git describe or version) " +
				"instead of each tree's newest with the one before",
			Destination: &k.compare, DefaultText: "none",
		},
		&cli.StringFlag{
			Name: "html", Usage: "write the report as one page to `FILE`, - for stdout", Destination: &k.html,
		},
		&cli.IntFlag{
			Name: "limit", Value: 500, Usage: "at most `N` changes of a tree, and as many incidents",
			Destination: &k.limit, Action: atLeast(1),
		},
		&cli.StringFlag{
			Name: "fail-on", Usage: "end with exit code 4 on any `CHANGE`: regression", Destination: &k.failOn,
			Action: oneOf(string(report.Regression)),
		},
		s.jsonFlag(),
	}
	filters := inCategory("Filters",
		&cli.StringFlag{Name: "tree", Usage: "only the tree `T`", Destination: &k.filter.Tree},
		&cli.StringFlag{Name: "branch", Usage: "only the branch `B`", Destination: &k.filter.Branch},
		&cli.StringFlag{Name: "lab", Usage: "only boots and tests in the lab `L`", Destination: &k.filter.Lab},
		&cli.StringFlag{Name: "board", Usage: "only boots and tests on the board `B`", Destination: &k.filter.Board},
		&cli.StringFlag{Name: "arch", Usage: "only the architecture `A`", Destination: &k.filter.Arch},
	)
	return &cli.Command{
		Name: "report", Usage: "what fails now, since when, and what the last kernel changed",
		ArgsUsage: "[NEW]",
		Description: "Compares the newest kernel of each tree and branch with the one before it: what\n" +
			"fails now and passed before (regression), what passes again (fixed), what still fails\n" +
			"and since which kernel, what the kernels reported, and what the labs lost. Reads\n" +
			"Elasticsearch only; a role that may read the indices is enough.\n\n" +
			"Example:\n   kcing report --tree mainline --html report.html",
		Flags: slices.Concat(flags, filters, s.esFlags(), s.kibana.linkFlags(), s.logFlags()),
		Action: func(c *cli.Context) error {
			if k.html == "-" && s.json {
				return usagef("--html - and --json both write to stdout")
			}
			return a.reportKernels(c.Context, s, k, c.Args().Slice())
		},
	}
}

func (a *app) reportKernels(ctx context.Context, s *settings, k *kernelReport, args []string) error {
	o := report.Options{Prefix: s.prefix, Until: a.now(), Filter: k.filter, Limit: k.limit}
	o.Since = o.Until.AddDate(0, 0, -k.days)
	switch {
	case k.compare != "" && (len(args) != 1 || args[0] == ""):
		return usagef("--compare wants two kernels: kcing report --compare OLD NEW")
	case k.compare == "" && len(args) > 0:
		return usagef("report takes no arguments but the NEW of --compare OLD NEW, so what is %q?", args[0])
	case k.compare != "":
		o.Compare = [2]string{k.compare, args[0]}
		if k.compare == args[0] {
			return usagef("--compare: %v", &report.SameKernelError{Names: o.Compare})
		}
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	if err := client.CheckToRead(ctx); err != nil {
		return err
	}
	r, err := report.Make(ctx, client, o)
	var same *report.SameKernelError
	switch {
	case errors.As(err, &same):
		return usagef("--compare: %v", same)
	case err != nil:
		return fmt.Errorf("no report: %w", err)
	}
	if err := a.writeReport(s, k, r); err != nil {
		return err
	}
	return a.failOn(k, s.prefix, r)
}

// failOn ends the command with an error when there is such a change, or when
// nothing was compared: whoever waits for a change would wait for ever. Only
// where there is nothing yet that is no error.
func (a *app) failOn(k *kernelReport, prefix string, r *report.Report) error {
	const nothing = "--fail-on: nothing was compared: "
	switch {
	case k.failOn == "":
		return nil
	case r.Nothing:
		a.complain(nothing + fmt.Sprintf("there are no results under the index prefix %q", prefix))
		return nil
	case len(r.Others) > 0:
		return &exitError{code: exitFailed,
			msg: nothing + "the filters leave no kernel; there are " + strings.Join(r.Others, ", ")}
	case len(r.Trees) == 0:
		return &exitError{code: exitFailed,
			msg: nothing + "no kernel was tested in the last " + plural(k.days, "day")}
	case !r.Compared():
		return &exitError{code: exitFailed, msg: nothing + "no tree has a kernel before its newest"}
	}
	n := 0
	for _, t := range r.Trees {
		n += t.Counts[report.Change(k.failOn)]
	}
	if n > 0 {
		return &exitError{code: exitRegression, msg: plural(n, k.failOn)}
	}
	return nil
}

// writeReport writes the page, and JSON or text to stdout. Whoever asks for a
// page alone gets no text.
func (a *app) writeReport(s *settings, k *kernelReport, r *report.Report) error {
	if k.html != "" {
		links, err := s.kibana.links()
		if err != nil {
			return err
		}
		var page bytes.Buffer
		if err := r.WriteHTML(&page, links); err != nil {
			return err
		}
		if k.html == "-" {
			_, err := a.stdout.Write(page.Bytes())
			return err
		}
		if err := writeWhole(k.html, page.Bytes(), 0o644); err != nil {
			return fmt.Errorf("--html: %w", err)
		}
	}
	switch {
	case s.json:
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		return e.Encode(r)
	case k.html != "":
		_, err := fmt.Fprintln(a.stdout, "wrote", k.html)
		return err
	}
	return r.WriteText(a.stdout)
}
