package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"
)

// Exit codes; the README explains them to users.
const (
	exitOK          = 0
	exitFailed      = 1 // could not run, or not finished
	exitUsage       = 2
	exitRejects     = 3 // finished, but something was rejected or could not be read
	exitRegression  = 4 // report --fail-on: it is there
	exitInterrupted = 130
)

// exitError ends the command with a code of its own. Its message, if any, is
// printed as the one line that the user sees.
type exitError struct {
	code int
	msg  string
}

func (e *exitError) Error() string { return e.msg }

func usagef(format string, args ...any) error {
	return &exitError{code: exitUsage, msg: fmt.Sprintf(format, args...)}
}

// app is what the commands share: the outside world.
type app struct {
	args   []string // as typed
	stdin  io.Reader
	stdout io.Writer
	stderr *screen
	now    func() time.Time
	// endWarnings tells how often warnings came that were shown once; nil: none
	// were held back.
	endWarnings func()
	// misspelled says what of the settings file is no setting.
	misspelled []string
	// typesRecords: a person at the terminal is standard input.
	typesRecords bool
	// unprinted is the first error of writing to stdout, see wrote.
	unprinted error
}

// codeOf is the exit code that an error of a command leads to.
func codeOf(err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return exit.code
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

func envFileFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "env-file", Usage: "read settings (KEY=value lines) from `FILE`",
		DefaultText: defaultEnvFile + " if it is there",
	}
}

const defaultEnvFile = "kcing.env"
