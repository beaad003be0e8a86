package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/urfave/cli/v2"
)

// run is the whole program, but for the exit.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{args: args, stdin: stdin, stdout: stdout, stderr: &screen{out: stderr}, now: time.Now}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, func() {
		a.stderr.killable()
		stop()
	})()
	names, err := loadEnvFile(args)
	if err == nil {
		program := a.program()
		a.misspelled = misspelledSettings(program.Commands, names)
		dropEmptyVariables(program.Commands)
		err = program.RunContext(ctx, flagsFirst(program, args))
	}
	return a.exitCode(ctx, err)
}

func (a *app) exitCode(ctx context.Context, err error) int {
	var exit *exitError
	switch {
	case err == nil && a.unprinted == nil:
		return exitOK
	case err == nil:
		err = a.unprinted
	case errors.As(err, &exit):
		if exit.msg != "" {
			a.complain(exit.msg)
		}
		return exit.code
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		a.complain("interrupted")
		return exitInterrupted
	}
	a.complain(plainText(err))
	return exitFailed
}

// program is the command line interface.
func (a *app) program() *cli.App {
	version := false
	program := &cli.App{
		Name:      "kcing",
		Usage:     "feed KernelCI builds, boots and LAVA callbacks into Elasticsearch",
		UsageText: "kcing COMMAND [options] [arguments]",
		Description: "Settings come from flags, else the environment, else the file kcing.env\n" +
			"(KEY=value lines in the working directory, read as systemd reads an\n" +
			"EnvironmentFile). Results go to stdout, logs to stderr. Each command has its own\n--help.\n\n" +
			"Exit codes: 0 done, 1 could not run or not finished, 2 usage, 3 finished but\n" +
			"something was rejected, 4 a regression (report --fail-on), 130 interrupted.\n\n" +
			"Example:\n   kcing setup-es && kcing feed results/",
		Reader: a.stdin, Writer: &helpPaper{out: a.stdout}, ErrWriter: a.stderr,
		HideVersion:    true,                         // the library's flag prints less than the command
		ExitErrHandler: func(*cli.Context, error) {}, // the exit code is chosen once, in run
		OnUsageError:   onUsageError,
		Flags: []cli.Flag{
			envFileFlag(),
			&cli.BoolFlag{
				Name: "version", Aliases: []string{"v"}, Usage: "same as the command version", Destination: &version,
			},
		},
		Commands: []*cli.Command{
			a.feedCommand(), a.serveCommand(), a.reportCommand(), a.samplesCommand(),
			a.setupESCommand(), a.setupKibanaCommand(), a.backupKibanaCommand(), a.drpCommand(),
			a.statusCommand(), a.healthcheckCommand(), a.rejectsCommand(), a.stateCommand(), a.completionCommand(),
			a.manualCommand(), a.versionCommand(),
		},
		Action: func(c *cli.Context) error {
			switch {
			case version:
				return a.showVersion(false)
			case c.Args().Present():
				return noCommand(c, c.App.Commands)
			}
			return cli.ShowAppHelp(c)
		},
	}
	finishFlags(program.Flags)
	for _, cmd := range program.Commands {
		finish(cmd, "kcing ")
	}
	return program
}

// finish sets what all commands have in common.
func finish(cmd *cli.Command, parents string) {
	cmd.OnUsageError = onUsageError
	cmd.HideHelpCommand = true // a file may be called help
	finishFlags(cmd.Flags)
	path := parents + cmd.Name
	if len(cmd.Subcommands) == 0 {
		cmd.UsageText = strings.TrimSpace(path + " [options] " + cmd.ArgsUsage)
		if cmd.ArgsUsage == "" {
			cmd.Action = withoutArguments(cmd.Action)
		}
		return
	}
	cmd.UsageText = path + " COMMAND [options] [arguments]"
	for _, sub := range cmd.Subcommands {
		finish(sub, path+" ")
	}
	cmd.Action = func(c *cli.Context) error {
		if c.Args().Present() {
			return noCommand(c, c.Command.Subcommands)
		}
		return cli.ShowSubcommandHelp(c)
	}
}

// withoutArguments refuses arguments that a command would silently ignore.
func withoutArguments(action cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if c.Args().Present() {
			return usagef("%s takes no arguments, so what is %q? (see: %s --help)",
				strings.TrimPrefix(commandPath(c), "kcing "), c.Args().First(), commandPath(c))
		}
		return action(c)
	}
}

// noCommand is the error for a command that does not exist.
func noCommand(c *cli.Context, commands []*cli.Command) error {
	name := c.Args().First()
	hint := ""
	if i := slices.IndexFunc(commands, func(cmd *cli.Command) bool { return alike(name, cmd.Name) }); i >= 0 {
		hint = "; did you mean " + commands[i].Name + "?"
	}
	return usagef("no command %q%s (see: %s --help)", name, hint, commandPath(c))
}
