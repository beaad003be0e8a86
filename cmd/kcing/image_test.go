package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// buildContext is what .dockerignore leaves of the working tree.
func buildContext(t *testing.T) *patternmatcher.PatternMatcher {
	t.Helper()
	f, err := os.Open("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	patterns, err := ignorefile.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestImageHasItsSources: each file that kcing is built from gets into the image's build.
func TestImageHasItsSources(t *testing.T) {
	left := buildContext(t)
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,Module,GoFiles,EmbedFiles", ".").
		Output()
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"go.mod", "go.sum"}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir                 string
			Module              *struct{ Main bool }
			GoFiles, EmbedFiles []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		dir, err := filepath.Rel(root, p.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(p.GoFiles, p.EmbedFiles...) {
			files = append(files, filepath.Join(dir, name))
		}
	}
	if len(files) < 100 {
		t.Fatalf("only %d files", len(files))
	}
	for _, name := range files {
		if ignored, err := left.MatchesOrParentMatches(name); err != nil || ignored {
			t.Errorf(".dockerignore leaves %s out: %v", name, err)
		}
	}
}

// TestImageHasNoSecrets: what people keep in a working tree stays out of the image's build.
func TestImageHasNoSecrets(t *testing.T) {
	left := buildContext(t)
	for _, name := range []string{
		"kcing.env", ".env", "cmd/kcing/kcing.env", "cmd/kcing/.env", "kcing.db", "internal/kcing.db",
		"data/spool/x.record",
		"tokens", "tokens.txt", "internal/intake/tokens.txt", "cmd/tokens", "server.key", "internal/tls.pem",
		"kibana/ca.crt",
		"samples/lava/1.json", "docs/intake.md", "transform/testdata/x.json", "transform/node_test.go", ".git/config",
		".github/workflows/test.yaml", "dist/kcing.deb", "demo-report.html", "secrets.yaml",
	} {
		if ignored, err := left.MatchesOrParentMatches(name); err != nil || !ignored {
			t.Errorf(".dockerignore lets %s in: %v", name, err)
		}
	}
}
