package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// How the library words its errors (tested, so that an update of it shows).
var (
	unknownFlag  = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	missingValue = regexp.MustCompile(`^flag needs an argument: -(.*)$`)
	badValue     = regexp.MustCompile(`^invalid (?:boolean )?value "((?s).*)" for (?:flag )?-(\S+): `)
	badVariable  = regexp.MustCompile(`^could not parse "((?s).*)" (?:as \w+ value )?from environment variable "(\w+)"(?: as value)? for flag ([\w-]+): `)
)

// onUsageError says what is wrong with the command line or a variable.
func onUsageError(c *cli.Context, err error, _ bool) error {
	flags := c.App.Flags
	if c.Command != nil && len(c.Command.Flags) > 0 {
		flags = c.Command.Flags
	}
	return usagef("%s (see: %s --help)", plainUsage(flags, err.Error(), commandPath(c) == "kcing"), commandPath(c))
}

func plainUsage(flags []cli.Flag, text string, root bool) string {
	if m := unknownFlag.FindStringSubmatch(text); m != nil {
		hint := ""
		if root {
			hint = "; the flags of a command come after its name"
		} else if like := likeFlag(flags, m[1]); like != "" {
			hint = "; did you mean " + dashed(like) + "?"
		}
		return "no flag " + dashed(m[1]) + hint
	}
	if m := missingValue.FindStringSubmatch(text); m != nil {
		return dashed(m[1]) + " wants a value"
	}
	if m := badValue.FindStringSubmatch(text); m != nil {
		return wrongValue(dashed(m[2]), m[1], flagNamed(flags, m[2]))
	}
	if m := badVariable.FindStringSubmatch(text); m != nil {
		return wrongValue(m[2], m[1], flagNamed(flags, m[3]))
	}
	return text
}

// wrongValue names the flag or variable, its value and what it wants.
func wrongValue(name, value string, f cli.Flag) string {
	want := "a valid value"
	switch f.(type) {
	case *cli.IntFlag, *cli.Uint64Flag:
		want = "a whole number"
	case *cli.DurationFlag:
		want = "a duration such as 30s or 5m"
	case *cli.BoolFlag:
		want = "true or false"
	case *cli.GenericFlag:
		want = "a size such as 5MiB"
	}
	return name + `: "` + head(printable(value), 40) + `" is not ` + want
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func likeFlag(flags []cli.Flag, typed string) string {
	for _, f := range flags {
		for _, name := range f.Names() {
			if len(name) > 1 && (alike(typed, name) || alike(strings.ReplaceAll(typed, "_", "-"), name)) {
				return name
			}
		}
	}
	return ""
}

func flagNamed(flags []cli.Flag, name string) cli.Flag {
	i := slices.IndexFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
	if i < 0 {
		return nil
	}
	return flags[i]
}

// typedFlag takes an argument of the command line apart: --name, or with inline
// set --name=value. The name is empty when it is no flag.
func typedFlag(arg string) (name, value string, inline bool) {
	if !strings.HasPrefix(arg, "-") {
		return "", "", false
	}
	return strings.Cut(strings.TrimLeft(arg, "-"), "=")
}

// idle is a usage error when one of flags is on the command line, where it does
// nothing; why says so. A variable is for all commands and no error.
func (a *app) idle(flags []cli.Flag, why string) error {
	var names []string
	for _, f := range flags {
		if a.typed(f.Names()...) {
			names = append(names, dashed(f.Names()[0]))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return usagef("%s: %s", strings.Join(names, ", "), why)
}

// typed tells whether a flag of one of these names is on the command line, and
// does not come from a variable.
func (a *app) typed(names ...string) bool {
	args := a.args
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end] // paths follow
	}
	return slices.ContainsFunc(args, func(arg string) bool {
		name, _, _ := typedFlag(arg)
		return slices.Contains(names, name)
	})
}

// alike tells whether one name may be a slip for the other: one letter wrong,
// missing or too many, or two exchanged.
func alike(typed, name string) bool {
	if len(typed) > len(name) {
		typed, name = name, typed
	}
	if len(name)-len(typed) > 1 || len(typed) < 2 {
		return false
	}
	i := 0
	for i < len(typed) && typed[i] == name[i] {
		i++
	}
	if len(typed) < len(name) {
		return typed[i:] == name[i+1:]
	}
	if i+1 >= len(typed) {
		return true
	}
	return typed[i+1:] == name[i+1:] || typed[i] == name[i+1] && typed[i+1] == name[i] && typed[i+2:] == name[i+2:]
}

// commandPath is the command as it is typed: "kcing rejects list".
func commandPath(c *cli.Context) string {
	if c == nil || c.Command == nil || c.Command.HelpName == "" {
		return "kcing"
	}
	return c.Command.HelpName
}
