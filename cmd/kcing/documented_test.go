package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kcing/kcing/internal/estest"
)

// documentedPages are the pages for people who use kcing.
func documentedPages(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(pages) < 10 {
		t.Fatalf("pages %v, %v", pages, err)
	}
	return append(pages, "../../README.md")
}

// example is a command of a page and the lines that the page shows as its output.
type example struct {
	line    int
	command string
	output  []string // nil: the page shows none, or says that it is only an example
}

// outputIsAnExample before a block of the page: its output is not what the test's few records give.
const outputIsAnExample = "<!-- the output is an example -->"

// examples are the commands in a page's blocks of sh (each line is one) and console (what follows "$ ").
func examples(page string) []example {
	var found []example
	block, compared, here, more := "", true, "", false
	for n, line := range strings.Split(page, "\n") {
		fence, fenced := strings.CutPrefix(line, "```")
		text, typed := strings.CutPrefix(line, "$ ")
		switch {
		case here != "", more: // a here document, an open quote
			last := &found[len(found)-1]
			last.command += "\n" + line
			if line == here {
				here = ""
			}
			more = goesOn(last.command)
		case fenced && block == "":
			block = fence
		case fenced:
			block, compared = "", true
		case block == "" && line == outputIsAnExample:
			compared = false
		case block == "console" && !typed && len(found) > 0 && compared:
			last := &found[len(found)-1]
			last.output = append(last.output, line)
		case block == "console" && typed, block == "sh" && line != "" && !strings.HasPrefix(line, "#"):
			if block == "sh" {
				text = line
			}
			found = append(found, example{line: n + 1, command: text})
			more = goesOn(text)
			if _, end, ok := strings.Cut(text, "<<'"); ok {
				here, _, _ = strings.Cut(end, "'")
			}
		}
	}
	return found
}

// goesOn reports whether a command needs the next line.
func goesOn(command string) bool {
	typed := comment.ReplaceAllString(command, "")
	return strings.HasSuffix(typed, `\`) || strings.Count(typed, "'")%2 > 0
}

var comment = regexp.MustCompile(`(?m) +# .*$`)

// TestDocumentedCommands runs what README.md and docs/ tell people to type, in a place that has what the pages speak
// of: records, a Kibana, a Maestro, a file of tokens. What needs another machine is parsed.
func TestDocumentedCommands(t *testing.T) {
	url := estest.Shared(t)
	dir := t.TempDir()
	var files []string
	for _, page := range documentedPages(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var script strings.Builder
		for _, e := range examples(string(text)) {
			fmt.Fprintf(&script, "documented %d %s %s\n", e.line, quoteForScript(e.command), quoteForScript(strings.Join(e.output, "\n")))
		}
		if script.Len() == 0 {
			continue
		}
		name := filepath.Join(dir, strings.TrimSuffix(filepath.Base(page), ".md")+".txtar")
		if err := os.WriteFile(name, []byte(script.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, name)
	}
	testscript.Run(t, testscript.Params{
		Files: files, RequireExplicitExec: true,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"documented": documented},
		Setup: func(e *testscript.Env) error { return newReader(t, e, url) },
	})
}

// quoteForScript has line ends as \n, since a script's command is one line.
func quoteForScript(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, "'", "''"), "\n", `\n`) + "'"
}

func fromScript(s string) string { return strings.ReplaceAll(s, `\n`, "\n") }

// elsewhere are programs that change the machine or the sources; what they do is tested where packages are made.
var elsewhere = []string{"apt", "apt-get", "dnf", "git", "go", "install", "sudo", "systemctl", "journalctl"}

// endings are commands that end with another exit code than 0 in a page's workplace, by their beginning.
var endings = map[string]int{
	"kcing report --json --fail-on regression": exitRegression, // of what furnish has fed
	"kcing rejects retry --type no_results":    exitRejects,
}

// documented LINE COMMAND OUTPUT: the command of that line of the page does what the page says.
func documented(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: documented LINE COMMAND OUTPUT")
	}
	r, _ := ts.Value(readerKey{}).(*reader)
	line, command, output := args[0], strings.TrimSpace(comment.ReplaceAllString(fromScript(args[1]), "")), fromScript(args[2])
	program, _, _ := strings.Cut(command, " ")
	var err error
	switch {
	case program == "make":
		err = r.makes(command)
	case program == "docker":
		err = r.inContainer(command)
	case slices.Contains(elsewhere, program):
	case strings.Contains(command, "example.org"), strings.Contains(command, "example.com"):
		err = r.parses(command)
	case strings.HasPrefix(command, "kcing serve"):
		err = r.serve(ts, command)
	default:
		err = r.run(ts, command, output)
	}
	if err != nil {
		ts.Fatalf("line %s of the page: %s\n%v", line, command, err)
	}
}

var (
	numbers = regexp.MustCompile(`\d[\d,.:TZ]*|"request_id":"\w+"`)
	units   = regexp.MustCompile(`N ([kMG]i?)?B\b`)
	plurals = regexp.MustCompile(`\b(document|record|object|job|index)(es|s)?\b`)
	spaces  = regexp.MustCompile(`\s+`)
)

// shape is a line without what differs from run to run.
func shape(line string) string {
	line = strings.ReplaceAll(line, "indices", "index")
	line = units.ReplaceAllString(numbers.ReplaceAllString(line, "N"), "N bytes")
	return strings.TrimSpace(spaces.ReplaceAllString(plurals.ReplaceAllString(line, "$1"), " "))
}

// sameShape reports the first line of the page's output that has nothing like it in what was printed.
func sameShape(want, got string) error {
	have := map[string]bool{}
	for line := range strings.Lines(got) {
		have[shape(line)] = true
	}
	for line := range strings.Lines(want) {
		if s := shape(line); s != "" && s != "…" && !have[s] {
			return fmt.Errorf("the page shows a line that was not printed:\n  %s\nprinted:\n%s", strings.TrimSpace(line), got)
		}
	}
	return nil
}

func TestShape(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		if got := sameShape(a, b) == nil; got != want {
			t.Errorf("%q and %q: the same %v, want %v", a, b, got, want)
		}
	}
	f("220 records, 1.5 MB, in 3.2 s (0.5 MB/s)", "1 record, 27 kB,  in 0.2 s (150 kB/s)\n", true)
	f("nothing to do: all 40 known", "nothing to do: all 7 known\n", true)
	f("nothing to do: all 40 known", "nothing to do\n", false)
	f("ok", "", false)
}

func TestExamples(t *testing.T) {
	page := "# x\n```sh\n# no\na b   # c's\ncat <<'END'\n$ x\nEND\n```\n" +
		"```console\n$ c 'd\ne'\nout\n```\n```yaml\nd\n```\n" + outputIsAnExample + "\n```console\n$ e\nout\n```\n"
	want := []example{{4, "a b   # c's", nil}, {5, "cat <<'END'\n$ x\nEND", nil}, {10, "c 'd\ne'", []string{"out"}}, {19, "e", nil}}
	if got := examples(page); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
