package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"
)

func env(name string) []string { return []string{name} }

// variables are the environment variables that set a flag.
func variables(f cli.Flag) []string {
	if d, ok := f.(cli.DocGenerationFlag); ok {
		return d.GetEnvVars()
	}
	return nil
}

// inCategory puts flags under a heading of the help.
func inCategory(category string, flags ...cli.Flag) []cli.Flag {
	for _, f := range flags {
		switch f := f.(type) {
		case *cli.StringFlag:
			f.Category = category
		case *cli.StringSliceFlag:
			f.Category = category
		case *cli.IntFlag:
			f.Category = category
		case *cli.DurationFlag:
			f.Category = category
		case *cli.BoolFlag:
			f.Category = category
		case *cli.GenericFlag:
			f.Category = category
		}
	}
	return flags
}

// finishFlags shows defaults in the help as they would be typed, and has the checks
// of values name the flag.
func finishFlags(flags []cli.Flag) {
	for _, f := range flags {
		switch f := f.(type) {
		case *cli.BoolFlag:
			f.DisableDefaultText = true // no "(default: false)"
		case *cli.StringFlag:
			f.DefaultText = cmp.Or(f.DefaultText, f.Value) // without quotes
			f.Action = named(f, f.Action)
		case *cli.DurationFlag:
			if f.Value != 0 {
				f.DefaultText = cmp.Or(f.DefaultText, durationText(f.Value))
			}
			f.Action = named(f, f.Action)
		case *cli.IntFlag:
			f.Action = named(f, f.Action)
		}
	}
}

// named begins the error of a flag's check with the flag and its variable:
// "--drain (KCING_DRAIN): …".
func named[T any](f cli.Flag, check func(*cli.Context, T) error) func(*cli.Context, T) error {
	if check == nil {
		return nil
	}
	return func(c *cli.Context, value T) error {
		err := check(c, value)
		if err == nil {
			return nil
		}
		name := dashed(f.Names()[0])
		for _, variable := range variables(f) {
			name += " (" + variable + ")"
		}
		return usagef("%s: %v", name, err)
	}
}

func positive(_ *cli.Context, v time.Duration) error {
	if v <= 0 {
		return fmt.Errorf("%v is not a positive duration such as 30s", v)
	}
	return nil
}

func oneOf(allowed ...string) func(*cli.Context, string) error {
	return func(_ *cli.Context, v string) error {
		if !slices.Contains(allowed, v) {
			return fmt.Errorf("%q is not one of: %s", v, strings.Join(allowed, ", "))
		}
		return nil
	}
}

func atLeast(least int) func(*cli.Context, int) error {
	return func(_ *cli.Context, v int) error {
		if v < least {
			return fmt.Errorf("%d is too small, the least is %d", v, least)
		}
		return nil
	}
}

func between(least, most int) func(*cli.Context, int) error {
	return func(c *cli.Context, v int) error {
		if v > most {
			return fmt.Errorf("%d is too large, the most is %d", v, most)
		}
		return atLeast(least)(c, v)
	}
}

// byteSize is a flag for sizes such as 5MiB.
type byteSize int64

// Set implements [cli.Generic].
func (b *byteSize) Set(s string) error {
	n, err := humanize.ParseBytes(s)
	if err != nil || n == 0 || n > 1<<40 {
		return fmt.Errorf("%q is not a size such as 5MiB", s)
	}
	*b = byteSize(n)
	return nil
}

// Get implements [flag.Getter], so that status can show the value.
func (b *byteSize) Get() any { return b.String() }

// String implements [cli.Generic].
func (b *byteSize) String() string {
	return strings.Replace(humanize.IBytes(uint64(*b)), ".0 ", " ", 1) //nolint:gosec // never negative
}

// hidden takes flags out of the help: of variables that a command heeds and does
// not need flags for.
func hidden(flags []cli.Flag) []cli.Flag {
	for _, f := range flags {
		if n, ok := f.(*cli.IntFlag); ok {
			n.Hidden = true
		}
	}
	return flags
}
