// Package importgraph holds no code, only the test that keeps imports pointing
// one way. The picture is in ARCHITECTURE.md.
package importgraph

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/kcing/kcing/"

// basics are small, import nothing of ours, and may be imported by all.
var basics = []string{"internal/gzipped", "internal/jsontext", "internal/kinds", "internal/oneline", "internal/retry"}

// allowed are the other packages of ours that ours may import, tests aside. A package
// that is not listed is a leaf: it imports nothing of ours but basics.
var allowed = map[string][]string{
	"cmd/kcing": {
		"bulk", "internal/crawl", "internal/elastic", "internal/envfile", "internal/fetch", "internal/intake",
		"internal/lavarest", "internal/legacy", "internal/maestro", "internal/manual", "internal/pipeline",
		"internal/report", "internal/serve", "internal/source", "internal/spool", "internal/synthetic", "kibana",
		"mappings", "state", "transform",
	},
	"internal/crawl":     {"internal/fetch", "internal/source", "internal/spool", "state"},
	"internal/demo":      {"mappings", "transform"},
	"internal/estest":    {"tools/elasticsearch"},
	"internal/estest/es": {"internal/estest"},
	"internal/lavarest":  {"internal/crawl", "internal/fetch", "internal/source", "state", "transform"},
	"internal/legacy":    {"internal/crawl", "internal/fetch"},
	"internal/maestro":   {"internal/crawl", "internal/fetch"},
	"internal/pipeline":  {"bulk", "internal/elastic", "internal/source", "mappings", "state", "transform"},
	"internal/report":    {"internal/elastic", "mappings", "transform"},
	"internal/serve": {
		"bulk", "internal/intake", "internal/pipeline", "internal/source", "internal/spool", "state", "transform",
	},
	"internal/spool":  {"internal/source"},
	"kibana":          {"kibana/objects"},
	"kibana/objects":  {"transform"},
	"mappings":        {"internal/elastic"},
	"state/statetest": {"state"},
	"transform":       {"transform/incident"},
}

// The sources are read here rather than by `go list`, so that files for other
// systems count too and go test knows on which files its cached result depends.
func TestImportsPointOneWay(t *testing.T) {
	found := map[string]bool{}
	tree := os.DirFS("../..")
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != "." && (base == "testdata" || strings.HasPrefix(base, ".") ||
				strings.HasPrefix(base, "_")) {
				return fs.SkipDir
			}
			if _, err := fs.Stat(tree, path.Join(name, "go.mod")); name != "." && err == nil {
				return fs.SkipDir // a module of its own
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		src, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := path.Dir(name)
		found[from] = true
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			to, ours := strings.CutPrefix(imported, module)
			if ours && (!slices.Contains(basics, to) || slices.Contains(basics, from)) &&
				!slices.Contains(allowed[from], to) {
				t.Errorf("%s imports %s; %s may import only %q (see ARCHITECTURE.md)", name, to, from, allowed[from])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range allowed {
		if !found[name] {
			t.Errorf("%s is in the import graph, and there is no such package", name)
		}
	}
}
