package manual

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// program has what is hard: an apostrophe, a bracket, a leading dot, a name that begins like another, one with a
// hyphen, and the flag that the library adds to the command that it runs.
func program() *cli.App {
	return &cli.App{
		Name: "prog", Usage: "does things", UsageText: "prog COMMAND",
		Description: "One\nparagraph.\n\nExample:\n   prog run -x",
		Commands: []*cli.Command{
			{Name: "run", Aliases: []string{"go"}, Usage: "run a thing", UsageText: "prog run [options]",
				Description: ".dot first\n'quote' \\ back\n\nExample:\n   prog run --file x",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "file", Aliases: []string{"f"}, EnvVars: []string{"PROG_FILE"},
						Usage: "read `FILE` [the user's]", DefaultText: "none"},
					&cli.BoolFlag{Name: "force", Usage: "whatever is there"},
					&cli.BoolFlag{Name: "secret", Hidden: true},
				}},
			{Name: "runs", Usage: "look at runs", UsageText: "prog runs COMMAND", Subcommands: []*cli.Command{
				{Name: "list", Usage: "list them", UsageText: "prog runs list",
					Flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "old ones too"}}},
				{Name: "drop", Usage: "drop one", UsageText: "prog runs drop"},
			}},
			{Name: "set-up", Usage: "set it up", UsageText: "prog set-up", Flags: []cli.Flag{cli.HelpFlag}},
			{Name: "hidden", Hidden: true},
		},
	}
}

func TestPage(t *testing.T) {
	page := Page(program(), "v1.2", Section{Title: "FILES", Items: []Item{{Text: "Several."},
		{Name: "x-y", Text: "is one"}}})
	f := func(want string) {
		t.Helper()
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	f(`.TH "PROG" 1 "" "prog v1.2"`)
	f("prog \\- does things\n")
	f("One\nparagraph.\n.PP\nExample:\n.PP\n.EX\n.RS 4\nprog run \\-x\n.RE\n.EE\n.SH COMMANDS\n")
	f(".SS \"run, go\"\nRun a thing.\n.PP\n.B prog run [options]\n.PP\n\\&.dot first\n\\&'quote' \\e back\n")
	f(".TP\n\\fB\\-\\-file, \\-f\\fR \\fIFILE\\fR\nread FILE [the user's] (default: none) [PROG_FILE]\n")
	f(".SH \"FILES\"\n.PP\nSeveral.\n.TP\n.B x\\-y\nis one\n")
	if strings.Contains(page, "hidden") || strings.Contains(page, "secret") {
		t.Error("what is hidden is in the page")
	}
	renders(t, page)
}

// renders asks groff, where there is one, whether it has something to complain about.
func renders(t *testing.T, page string) {
	t.Helper()
	groff, err := exec.LookPath("groff")
	if err != nil {
		return
	}
	cmd := exec.CommandContext(t.Context(), groff, "-man", "-Tutf8", "-ww", "-z")
	cmd.Stdin = strings.NewReader(page)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("groff: %v: %s", err, out)
	}
}

// shell writes a completion to a file and runs a script that gets its name as $1.
func shell(t *testing.T, name, completion, script string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no %s here", name)
	}
	file := filepath.Join(t.TempDir(), "completion")
	if err := os.WriteFile(file, []byte(completion), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"-c", script, name, file}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "COMPLETION="+file)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
	return strings.Join(strings.Fields(string(out)), " ")
}

func TestBash(t *testing.T) {
	f := func(typed, want string) {
		t.Helper()
		const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _prog; echo "${COMPREPLY[@]}"`
		words := strings.Split(typed, " ")
		if got := shell(t, "bash", Bash(program()), script, words...); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	f("prog r", "run runs")
	f("prog ", "run runs set-up")
	f("prog se", "set-up")
	f("prog set-up ", "")
	f("prog set-up --", "--help")
	f("prog --h", "--help")
	f("prog run --f", "--file --force")
	f("prog go --fo", "--force")
	f("prog run ", "") // files, by the shell
	f("prog runs ", "list drop")
	f("prog runs list -", "--all --help")
	f("prog runs list run --f", "")
	f("prog hid", "")
}

func TestFish(t *testing.T) {
	f := func(typed, want string) {
		t.Helper()
		const script = `source $COMPLETION; complete -C "$argv[3]"; true`
		got := shell(t, "fish", Fish(program()), script, typed)
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	f("prog r", "run run a thing runs look at runs")
	f("prog run --fo", "--force whatever is there")
	f("prog run --fi", "--file read FILE [the user’s]")
	f("prog runs l", "list list them")
	f("prog runs list --a", "--all old ones too")
	f("prog runs --fo", "")
	if n := strings.Count(Fish(program()), "__fish_seen_subcommand_from set-up' -l help"); n != 1 {
		t.Errorf("set-up has --help %d times", n)
	}
}

func TestZsh(t *testing.T) {
	// The completion's own functions are stood in for: what is asked of them counts.
	f := func(typed, want string) {
		t.Helper()
		const script = `_describe() { print -r -- $1 ${(P)2} }; _arguments() { print -rl -- "$@" }
words=("${(@s: :)2}"); CURRENT=$#words; source $1`
		if got := shell(t, "zsh", Zsh(program()), script, typed); !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q in it", typed, got, want)
		}
	}
	f("prog r", "command run:run a thing runs:look at runs set-up:set it up")
	f("prog go -", `-s -S --file[read FILE \[the user’s\]]:FILE:_files --force[whatever is there] --help[show help] *:file:_files`)
	f("prog runs l", "command list:list them drop:drop one")
	f("prog runs list -", "--all[old ones too] --help")
}
