package main

import (
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/manual"
)

func (a *app) completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", ArgsUsage: "bash|zsh|fish",
		Usage: "write the completion of a shell to stdout",
		Description: "The packages bring them; otherwise put it where the shell looks.\n\n" +
			"Example:\n   kcing completion bash >/etc/bash_completion.d/kcing",
		Flags: []cli.Flag{envFileFlag()},
		Action: func(c *cli.Context) error {
			shell, known := manual.Shells[c.Args().First()]
			if !known || c.NArg() > 1 {
				return usagef("completion wants one of bash, zsh and fish (see: kcing completion --help)")
			}
			_, err := io.WriteString(a.stdout, shell(c.App))
			return err
		},
	}
}

func (a *app) manualCommand() *cli.Command {
	return &cli.Command{
		Name: "manual", Usage: "write the manual page to stdout",
		Description: "The packages bring it as man kcing.\n\n" +
			"Example:\n   kcing manual | man -l -",
		Flags: []cli.Flag{envFileFlag()},
		Action: func(c *cli.Context) error {
			_, err := io.WriteString(a.stdout, manual.Page(c.App, buildVersion(), manualSections(c.App)...))
			return err
		},
	}
}

// manualSections are what the definitions of commands and flags do not say.
func manualSections(program *cli.App) []manual.Section {
	return []manual.Section{
		{Title: "EXIT STATUS", Items: []manual.Item{
			{Name: "0", Text: "Done: everything is in Elasticsearch, stored now or there before."},
			{Name: "1", Text: "Could not run, or not finished; run it again."},
			{Name: "2", Text: "A flag or setting is wrong."},
			{
				Name: "3",
				Text: "Finished, but something was rejected (kcing rejects list) " +
					"or could not be downloaded (kcing status).",
			},
			{Name: "4", Text: "A regression (report --fail-on regression)."},
			{Name: "130", Text: "Interrupted; what was under way is settled or pending."},
		}},
		{Title: "ENVIRONMENT", Items: []manual.Item{
			{
				Text: "A flag wins over its variable, that over the settings file. The variables are " +
					strings.Join(slices.Sorted(maps.Keys(byVariable(program.Commands))), ", ") + ".",
			},
		}},
		{Title: "FILES", Items: []manual.Item{
			{
				Name: "kcing.env",
				Text: "Settings as KEY=value lines, in the working directory or named by --env-file. " +
					"The packages' services read /etc/kcing/kcing.env.",
			},
			{
				Name: "kcing.db",
				Text: "What is finished, where crawls stand, rejects (KCING_DB). " +
					"The packages' services have it in /var/lib/kcing.",
			},
			{Name: "data", Text: "Records that are accepted and not yet finished (KCING_DATA)."},
		}},
		{Title: "SEE ALSO", Items: []manual.Item{{Text: "https://github.com/kcing/kcing/tree/main/docs"}}},
	}
}
