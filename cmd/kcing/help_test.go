package main

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// each calls f with every command that there is and how it is called.
func eachCommand(commands []*cli.Command, path []string, f func(*cli.Command, []string)) {
	for _, c := range commands {
		p := slices.Concat(path, []string{c.Name})
		f(c, p)
		eachCommand(c.Subcommands, p, f)
	}
}

// TestHelp: the help of each command shows one worked example, names each flag
// once, and fits a terminal of 160 columns.
func TestHelp(t *testing.T) {
	t.Chdir(t.TempDir()) // no kcing.env
	a := &app{stdin: strings.NewReader(""), stdout: os.Stdout, stderr: &screen{out: os.Stderr}, now: time.Now}
	n := 0
	eachCommand(a.program().Commands, []string{"kcing"}, func(c *cli.Command, path []string) {
		n++
		name := strings.Join(path, " ")
		var out, errs bytes.Buffer
		if code := run(append(path, "--help"), strings.NewReader(""), &out, &errs); code != exitOK || errs.Len() > 0 {
			t.Errorf("%s --help: exit code %d, stderr %q", name, code, errs.String())
		}
		text := out.String()
		if _, example, ok := strings.Cut(text, "Example:\n"); !ok || !strings.Contains(example, "   kcing "+path[1]) {
			t.Errorf("%s --help has no worked example:\n%s", name, text)
		}
		if !strings.Contains(text, "USAGE:\n   "+name+" ") {
			t.Errorf("%s --help does not say how it is called:\n%s", name, text)
		}
		if strings.Contains(text, " value ") || strings.Contains(text, "(default: false)") {
			t.Errorf("%s --help has a flag without a name for its value, or noise:\n%s", name, text)
		}
		for line := range strings.Lines(text) {
			if len(line) > 160 {
				t.Errorf("%s --help: a line of %d columns: %s", name, len(line), line)
			}
		}
		seen := map[string]bool{}
		for _, f := range c.Flags {
			for _, flag := range f.Names() {
				if seen[flag] {
					t.Errorf("%s has --%s twice", name, flag)
				}
				seen[flag] = true
			}
		}
		if len(c.Subcommands) == 0 && !seen["env-file"] {
			t.Errorf("%s has no --env-file", name)
		}
	})
	if n < 15 {
		t.Errorf("only %d commands", n)
	}
}

func TestFlagsFirst(t *testing.T) {
	a := &app{stderr: &screen{}}
	f := func(in, want string) {
		t.Helper()
		got := strings.Join(flagsFirst(a.program(), strings.Fields("kcing "+in))[1:], " ")
		if got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	f("", "")
	f("feed a b", "feed a b")
	f("feed a --force b", "feed --force a b")
	f("feed a --lab-name x b -d", "feed --lab-name x -d a b")
	f("feed a --lab-name=x b", "feed --lab-name=x a b")
	f("feed a - --force", "feed --force a -")
	f("feed a --force -- -b --c", "feed --force -- a -b --c")
	f("feed --boots a b --force c", "feed --boots a --boots b --force c")
	f("feed --boots=a b", "feed --boots=a --boots b")
	f("feed --boots a --builds b c", "feed --boots a --builds b --builds c")
	f("feed a b --lab-name", "feed --lab-name")
	f("feed a --force --help b", "feed --help")
	f("feed a -- --help", "feed -- a --help")
	f("--env-file e feed a --force", "--env-file e feed --force a")
	f("rejects show a --body", "rejects show --body a")
	f("rejects drop --kind boot --type x", "rejects drop --kind boot --type x")
	f("nosuch a --force", "nosuch a --force")
	f("nosuch", "nosuch")
}

func TestAlike(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		if alike(a, b) != want || alike(b, a) != want {
			t.Errorf("%q and %q: want %v", a, b, want)
		}
	}
	f("stauts", "status", true)
	f("statu", "status", true)
	f("sttus", "status", true)
	f("statux", "status", true)
	f("status", "status", true)
	f("fed", "feed", true)
	f("status", "state", false)
	f("", "x", false)
	f("ab", "ba", true)
	f("feed", "drp", false)
}

func TestPlural(t *testing.T) {
	f := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f(plural(0, "record"), "0 records")
	f(plural(1, "record"), "1 record")
	f(plural(12345, "record"), "12,345 records")
	f(plural(1, "index"), "1 index")
	f(plural(2, "index"), "2 indices")
	f(durationText(5*time.Minute), "5m")
	f(durationText(2*time.Hour), "2h")
	f(durationText(90*time.Second), "1m30s")
	f(durationText(time.Hour+time.Second), "1h0m1s")
	f(durationText(10*time.Minute), "10m")
	f(durationText(time.Second), "1s")
}

// TestPlainText: no method, no URL with secrets, one line.
func TestPlainText(t *testing.T) {
	inner := &url.Error{Op: "Post", URL: "http://kcing:hunter2@es:9200/_bulk?x=1", Err: errors.New("dial tcp: odd")}
	got := plainText(errors.Join(errors.New("first"), inner))
	if want := "first; cannot reach http://es:9200: dial tcp: odd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	unknown := plainText(&url.Error{Op: "Get", URL: "https://lava/api", Err: x509.UnknownAuthorityError{}})
	if !strings.HasSuffix(unknown, "unknown authority, see SSL_CERT_FILE") {
		t.Errorf("%q sends to the authority of another server", unknown)
	}
}
