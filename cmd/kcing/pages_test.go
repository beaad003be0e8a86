package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestSettingsAreDocumented: each variable is in docs/settings.md, and that names no other.
func TestSettingsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{"HTTPS_PROXY": true, "HTTP_PROXY": true, "NO_PROXY": true} // the HTTP client's own
	for name := range byVariable((&app{stderr: &screen{}, now: time.Now}).program().Commands) {
		named[name] = true
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("%s is not in docs/settings.md", name)
		}
	}
	for _, m := range regexp.MustCompile("`([A-Z]+_[A-Z_]+)`").FindAllStringSubmatch(string(page), -1) {
		if !named[m[1]] {
			t.Errorf("docs/settings.md has %s, which is no setting", m[1])
		}
	}
}

var (
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unlinked = regexp.MustCompile("[^a-z0-9 _-]")
)

// anchors are the names by which a page's headings are linked.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for _, m := range headings.FindAllStringSubmatch(page, -1) {
		found[strings.ReplaceAll(unlinked.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return found
}

// TestLinks: what a page links to in this repository is there, and each page of docs is in their index.
func TestLinks(t *testing.T) {
	pages := append(documentedPages(t), "../../ARCHITECTURE.md", "../../CONTRIBUTING.md")
	for _, name := range pages {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range links.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, anchor, _ := strings.Cut(m[1], "#")
			target := name
			if path != "" {
				target = filepath.Join(filepath.Dir(name), path)
			}
			there, err := os.Stat(target)
			switch {
			case err != nil:
				t.Errorf("%s links to %s, which is not there", name, m[1])
			case there.IsDir() || anchor == "":
			default:
				if text, err := os.ReadFile(target); err != nil || !anchors(string(text))[anchor] {
					t.Errorf("%s links to %s, which has no such heading", name, m[1])
				}
			}
		}
	}
	index, err := os.ReadFile("../../docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pages {
		if base := filepath.Base(name); filepath.Base(filepath.Dir(name)) == "docs" && base != "README.md" &&
			!strings.Contains(string(index), "("+base+")") {
			t.Errorf("docs/README.md does not name %s", base)
		}
	}
}

// TestPagesNameTestsThatExist: a guarantee is worth what holds it, so each test, benchmark
// and script that a page names has to be in the sources.
func TestPagesNameTestsThatExist(t *testing.T) {
	exists := map[string]bool{}
	function := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "../.." && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case strings.HasSuffix(name, ".txtar"):
			exists[d.Name()] = true
		case strings.HasSuffix(name, "_test.go"):
			text, err := os.ReadFile(name)
			for _, m := range function.FindAllStringSubmatch(string(text), -1) {
				exists[m[1]] = true
			}
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Benchmark|Fuzz)[A-Z0-9]\\w*|\\w+\\.txtar)`")
	for _, page := range append(documentedPages(t), "../../ARCHITECTURE.md", "../../CONTRIBUTING.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if !exists[m[1]] {
				t.Errorf("%s names %s, which is not in the sources", page, m[1])
			}
		}
	}
}

// TestReadmeIsShort: it is for somebody who has never heard of kcing; the rest is in docs.
func TestReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if n := strings.Count(string(text), "\n"); err != nil || n > 130 {
		t.Errorf("README.md has %d lines, 130 at most: %v", n, err)
	}
}
