package manual

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// Shells are those that there is a completion for.
var Shells = map[string]func(*cli.App) string{"bash": Bash, "zsh": Zsh, "fish": Fish}

// typed are the words that lead to a command, for a case of a shell that joined the parent's name and what is typed.
func typed(c command) []string {
	var words []string
	for _, name := range c.Names() {
		words = append(words, parent(c.path)+" "+name)
	}
	return words
}

// Bash completes commands, flags after a dash, and files.
func Bash(program *cli.App) string {
	all := commands(program)
	var lead, words strings.Builder
	for _, c := range append([]command{{path: ""}}, all...) {
		if c.Command == nil {
			fmt.Fprintf(&words, "\t\"\") below=\"%s\" flags=\"--help --version\" ;;\n", names(under(all, "")))
			continue
		}
		for _, w := range typed(c) {
			fmt.Fprintf(&lead, "\t\t%q) command=%q ;;\n", w, c.path)
		}
		fmt.Fprintf(&words, "\t%q) below=\"%s\" flags=\"%s\" ;;\n", c.path, names(under(all, c.path)), flagNames(c))
	}
	return fmt.Sprintf(`# bash completion of %[1]s
_%[1]s() {
	local cur=${COMP_WORDS[COMP_CWORD]} command="" below="" flags="" i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case "$command ${COMP_WORDS[i]}" in
%[2]s		esac
	done
	case "$command" in
%[3]s	esac
	[[ $cur == -* ]] && below=$flags
	# shellcheck disable=SC2207 # macOS' bash has no mapfile
	COMPREPLY=($(compgen -W "$below" -- "$cur"))
}
complete -o bashdefault -o default -F _%[1]s %[1]s
`, program.Name, lead.String(), words.String())
}

// names are of commands, in one line.
func names(list []command) string {
	var all []string
	for _, c := range list {
		all = append(all, c.Name)
	}
	return strings.Join(all, " ")
}

// flagNames are the names with two dashes.
func flagNames(c command) string {
	all := ""
	for _, f := range flags(c.Flags) {
		for _, name := range f.names {
			if strings.HasPrefix(name, "--") {
				all += name + " "
			}
		}
	}
	return strings.TrimSpace(all)
}

// Zsh completes commands and flags with what they are for, and files. Of flags it offers the usual name.
func Zsh(program *cli.App) string {
	all := commands(program)
	var cases strings.Builder
	for _, c := range all {
		words := typed(c)
		for i, w := range words {
			words[i] = `"` + w + `"`
		}
		fmt.Fprintf(&cases, "\t%s)\n", strings.Join(words, "|"))
		if below := under(all, c.path); len(below) > 0 {
			fmt.Fprintf(&cases, "\t\t((CURRENT == 3)) && { local -a below=(%s); _describe command below; return "+
				"}\n\t\t;;\n", described(below))
			continue
		}
		cases.WriteString("\t\tflags=(\n")
		for _, f := range flags(c.Flags) {
			spec := f.names[0] + "[" + strings.NewReplacer("[", `\[`, "]", `\]`).Replace(f.usage) + "]"
			if f.value != "" {
				spec += ":" + strings.ReplaceAll(f.value, ":", `\:`) + ":_files"
			}
			fmt.Fprintf(&cases, "\t\t\t%s\n", single(spec))
		}
		cases.WriteString("\t\t)\n\t\t;;\n")
	}
	return fmt.Sprintf(`#compdef %[1]s
_%[1]s() {
	if ((CURRENT == 2)); then
		local -a top=(%[2]s)
		_describe command top
		return
	fi
	local -a flags
	local command=" $words[2]"
	case "$words[2]" in
	%[3]s) ((CURRENT > 3)) && command="$words[2] $words[3]" ;;
	esac
	case "$command" in
%[4]s	esac
	_arguments -s -S $flags '*:file:_files'
}
_%[1]s "$@"
`, program.Name, described(under(all, "")), strings.Join(parents(all), "|"), cases.String())
}

func parents(all []command) []string {
	var found []string
	for _, c := range all {
		if len(c.Subcommands) > 0 {
			found = append(found, c.path)
		}
	}
	return found
}

// described is for _describe: name and usage.
func described(list []command) string {
	var all []string
	for _, c := range list {
		all = append(all, single(c.Name+":"+c.Usage))
	}
	return strings.Join(all, " ")
}

// Fish completes commands and flags with what they are for, and files.
func Fish(program *cli.App) string {
	all := commands(program)
	var b strings.Builder
	fmt.Fprintf(&b, "# fish completion of %s\n", program.Name)
	for _, c := range all {
		above := parent(c.path)
		where := "__fish_use_subcommand"
		if above != "" {
			where = "__fish_seen_subcommand_from " + above + "; and not __fish_seen_subcommand_from " +
				names(under(all, above))
		}
		fmt.Fprintf(&b, "complete -c %s -n %s -f -a %s -d %s\n", program.Name, single(where), c.Name, single(c.Usage))
		if len(c.Subcommands) > 0 {
			continue
		}
		where = "__fish_seen_subcommand_from " + strings.Join(c.Names(), " ")
		if above != "" {
			where = "__fish_seen_subcommand_from " + above + "; and " + where
		}
		for _, f := range flags(c.Flags) {
			fmt.Fprintf(&b, "complete -c %s -n %s", program.Name, single(where))
			for _, name := range f.names {
				if long, ok := strings.CutPrefix(name, "--"); ok {
					b.WriteString(" -l " + long)
				} else {
					b.WriteString(" -s " + name[1:])
				}
			}
			if f.value != "" {
				b.WriteString(" -r")
			}
			fmt.Fprintf(&b, " -d %s\n", single(f.usage))
		}
	}
	return b.String()
}

// single is a word in single quotes; an apostrophe within becomes a typographic one, which no shell minds.
func single(s string) string { return "'" + strings.ReplaceAll(s, "'", "’") + "'" }
