package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/compose"
)

// TestComposeCommands: each service that runs kcing has a command line that
// kcing takes, with the variables that it sets.
func TestComposeCommands(t *testing.T) {
	project, err := compose.Read("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // no kcing.env
	ran := 0
	for name, s := range project.Services {
		if s.Image != "kcing:local" {
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) {
			lines := [][]string{s.Command}
			if s.HealthCheck != nil {
				check := s.HealthCheck.Test
				if len(check) < 3 || check[0] != "CMD" || check[1] != "/usr/local/bin/kcing" {
					t.Fatalf("health check %v: the image has no shell", check)
				}
				lines = append(lines, check[2:])
			}
			for name, value := range s.Environment {
				t.Setenv(name, value)
			}
			for _, line := range lines {
				takes(t, line)
			}
		})
	}
	if ran < 5 {
		t.Errorf("only %d services run kcing", ran)
	}
}

// takes parses a command line with the environment as it is, up to where the
// command would begin its work.
func takes(t *testing.T, line []string) {
	t.Helper()
	a := &app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: &screen{out: io.Discard}, now: time.Now}
	program := a.program()
	begun := false
	eachCommand(program.Commands, nil, func(c *cli.Command, _ []string) {
		if len(c.Subcommands) > 0 {
			return
		}
		c.Action = func(c *cli.Context) error {
			if begun = true; c.Command.ArgsUsage == "" && c.Args().Present() {
				return usagef("what is %q?", c.Args().First())
			}
			return nil
		}
	})
	err := program.RunContext(t.Context(), flagsFirst(program, append([]string{"kcing"}, line...)))
	if err != nil || !begun {
		t.Errorf("kcing %s: begun %v, error %v", strings.Join(line, " "), begun, err)
	}
}

// TestImageSettings: each Dockerfile sets variables that kcing knows and exposes
// the ports that they name.
func TestImageSettings(t *testing.T) {
	for _, name := range []string{"Dockerfile", "packaging/Dockerfile"} {
		text, err := os.ReadFile("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { imageSettings(t, string(text)) })
	}
}

func imageSettings(t *testing.T, text string) {
	t.Chdir(t.TempDir())
	known := map[string]bool{}
	eachCommand((&app{stderr: &screen{}}).program().Commands, nil, func(c *cli.Command, _ []string) {
		for _, f := range c.Flags {
			for _, name := range variables(f) {
				known[name] = true
			}
		}
	})
	var ports, exposed []string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "ENV":
			for _, pair := range words[1:] {
				name, value, _ := strings.Cut(pair, "=")
				if !known[name] {
					t.Errorf("ENV %s is no setting", name)
				}
				if _, port, ok := strings.Cut(value, ":"); ok {
					ports = append(ports, port)
				}
			}
		case "EXPOSE":
			exposed = words[1:]
		case "HEALTHCHECK":
			t.Error("a health check in the image calls a long feed unhealthy")
		}
	}
	if len(ports) != 3 || !slices.Equal(ports, exposed) {
		t.Errorf("listens on %v, exposes %v", ports, exposed)
	}
}
