package manual

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// command is one that does something, or that has others below it.
type command struct {
	*cli.Command
	path string // without the program's name: "rejects list"
}

// commands are all visible ones, each before those below it.
func commands(program *cli.App) []command {
	var all []command
	var walk func([]*cli.Command, string)
	walk = func(list []*cli.Command, parents string) {
		for _, c := range list {
			if c.Hidden {
				continue
			}
			all = append(all, command{c, parents + c.Name})
			walk(c.Subcommands, parents+c.Name+" ")
		}
	}
	walk(program.Commands, "")
	return all
}

// flag is a flag as people read about it.
type flag struct {
	names  []string // with dashes, the usual one first
	value  string   // name of its value; empty: it takes none
	usage  string
	normal string // default
	env    string
}

// flags are the visible ones, by name, and last the one for help.
func flags(list []cli.Flag) []flag {
	var all []flag
	for _, f := range list {
		d, ok := f.(cli.DocGenerationFlag)
		if v, can := f.(cli.VisibleFlag); !ok || can && !v.IsVisible() {
			continue
		}
		if slices.Contains(f.Names(), "help") {
			continue // the library has added it to the command that runs
		}
		one := flag{usage: d.GetUsage()}
		if before, rest, found := strings.Cut(one.usage, "`"); found {
			name, after, _ := strings.Cut(rest, "`")
			one.value, one.usage = name, before+name+after
		}
		if d.TakesValue() {
			if one.value == "" {
				one.value = "VALUE"
			}
			one.normal = d.GetDefaultText()
		}
		for _, name := range f.Names() {
			if len(name) == 1 {
				one.names = append(one.names, "-"+name)
			} else {
				one.names = append(one.names, "--"+name)
			}
		}
		if env := d.GetEnvVars(); len(env) > 0 {
			one.env = env[0]
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b flag) int { return strings.Compare(a.names[0], b.names[0]) })
	return append(all, help)
}

// help is the flag that the library adds.
var help = flag{names: []string{"--help", "-h"}, usage: "show help"}

// under are the commands directly below a path; "" is the program.
func under(all []command, path string) []command {
	var found []command
	for _, c := range all {
		if parent(c.path) == path {
			found = append(found, c)
		}
	}
	return found
}

// parent is the path of the command above; "" is the program.
func parent(path string) string { return path[:max(0, strings.LastIndexByte(path, ' '))] }
