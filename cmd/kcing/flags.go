package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"
)

func env(name string) []string { return []string{name} }

func positive(name string) func(*cli.Context, time.Duration) error {
	return func(_ *cli.Context, v time.Duration) error {
		if v <= 0 {
			return usagef("%s: %v is not a positive duration such as 30s", name, v)
		}
		return nil
	}
}

func oneOf(name string, allowed ...string) func(*cli.Context, string) error {
	return func(_ *cli.Context, v string) error {
		for _, a := range allowed {
			if v == a {
				return nil
			}
		}
		return usagef("%s: %q is not one of: %s", name, v, strings.Join(allowed, ", "))
	}
}

func atLeast(name string, least int) func(*cli.Context, int) error {
	return func(_ *cli.Context, v int) error {
		if v < least {
			return usagef("%s: %d is too small, the least is %d", name, v, least)
		}
		return nil
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
