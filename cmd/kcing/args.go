package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// listFlags may be followed by further names: --boots A B is --boots A --boots B,
// as in the first kcing.
var listFlags = []string{"builds", "boots", "lavas"}

// flagsFirst moves the flags of a command before its arguments, because the
// library stops at the first argument and people write `feed DIR --dry-run`.
func flagsFirst(program *cli.App, args []string) []string {
	if len(args) < 2 {
		return args
	}
	out, rest := args[:1:1], args[1:]
	flags, commands := program.Flags, program.Commands
	for len(commands) > 0 {
		i := slices.IndexFunc(rest, func(s string) bool { return !strings.HasPrefix(s, "-") })
		if i < 0 {
			return args
		}
		if i > 0 && takesValue(flags, rest[i-1]) { // the value of a flag, no command
			out, rest = append(out, rest[:i+1]...), rest[i+1:]
			continue
		}
		cmd := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(rest[i]) })
		if cmd < 0 {
			return args
		}
		out, rest = append(out, rest[:i+1]...), rest[i+1:]
		flags, commands = commands[cmd].Flags, commands[cmd].Subcommands
	}
	return append(out, reorder(flags, rest)...)
}

func reorder(flags []cli.Flag, args []string) []string {
	var first, last []string
	list := "" // the list flag that plain arguments belong to
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			return slices.Concat(first, []string{"--"}, last, args[i+1:])
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			if list != "" {
				first = append(first, "--"+list, arg)
			} else {
				last = append(last, arg)
			}
		default:
			first = append(first, arg)
			list = ""
			name, _, _ := typedFlag(arg)
			if flagNamed(flags, name) == nil && slices.Contains(cli.HelpFlag.Names(), name) {
				return []string{arg} // the library would look for help on an argument
			}
			if takesValue(flags, arg) {
				if i++; i == len(args) {
					return first // not before the arguments, or it would swallow one
				}
				first = append(first, args[i])
			}
			if slices.Contains(listFlags, name) && flagNamed(flags, name) != nil {
				list = name
			}
		}
	}
	return append(first, last...)
}

// takesValue tells whether the argument is a flag whose value is the next one.
func takesValue(flags []cli.Flag, arg string) bool {
	name, _, inline := typedFlag(arg)
	switch flagNamed(flags, name).(type) {
	case nil, *cli.BoolFlag:
		return false
	}
	return !inline
}
