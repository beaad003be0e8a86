package faults

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/estest"
)

// patience bounds every wait of these tests, on a loaded machine too.
const patience = 4 * time.Minute

// long makes the tests take their time, see the package comment.
var long = os.Getenv("KCING_FAULTS") == "long"

// equipment is what the tests of this process share. A package variable because
// they have nothing else in common.
var equipment struct {
	dir     string // removed at the end
	server  *estest.Server
	strict  *estest.Server
	corpora map[string]*corpus
}

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "kcing-faults-")
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	equipment.dir, equipment.corpora = dir, map[string]*corpus{}
	code := m.Run()
	for _, s := range []*estest.Server{equipment.server, equipment.strict} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "clearing up:", err)
	}
	return code
}

// program returns the path of kcing, with the race detector when this test has
// it. It is built once.
func program(t *testing.T) string {
	t.Helper()
	path, err := builtKcing()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// plainProgram returns kcing as users run it: the race detector needs several
// times the memory.
func plainProgram(t *testing.T) string {
	t.Helper()
	path, err := builtPlain()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	builtKcing = sync.OnceValues(func() (string, error) { return build("kcing", raceDetector) })
	builtPlain = sync.OnceValues(func() (string, error) {
		if !raceDetector {
			return builtKcing()
		}
		return build("kcing-plain", false)
	})
)

func build(name string, race bool) (string, error) {
	if err := noteSources(); err != nil {
		return "", err
	}
	path := filepath.Join(equipment.dir, name)
	// Without the detector the flags are those of make build, so that its
	// compiled packages serve here, too.
	cmd := exec.Command("go", "build", "-o", path, "-trimpath", "-ldflags=-s -w", "github.com/kcing/kcing/cmd/kcing")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if race {
		cmd = exec.Command("go", "build", "-o", path, "-race", "github.com/kcing/kcing/cmd/kcing")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building kcing: %w\n%s", err, out)
	}
	return path, nil
}

// noteSources looks at each source file, so that go test knows on what its
// cached result depends: it cannot see what the go command reads.
func noteSources() error {
	const root = "../.."
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."), d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go") || !strings.HasSuffix(path, ".go") &&
			!strings.HasSuffix(path, ".json"):
			return nil
		}
		_, err = os.Stat(path)
		return err
	})
}

// elasticsearch returns the server of this package's own, started again if a
// test has left it dead.
func elasticsearch(t *testing.T) *estest.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 12*time.Minute)
	defer cancel()
	if s := equipment.server; s != nil {
		if !answers(s.URL()) {
			if err := s.Restart(ctx); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	equipment.server = launch(ctx, t, nil)
	return equipment.server
}

// strictElasticsearch returns a server that takes little at once: one thread
// that writes, a queue of one for it, and requests of 1 MB.
func strictElasticsearch(t *testing.T) *estest.Server {
	t.Helper()
	if equipment.strict == nil {
		equipment.strict = launch(t.Context(), t, map[string]string{
			"thread_pool.write.size": "1", "thread_pool.write.queue_size": "1", "http.max_content_length": "1mb"})
	}
	return equipment.strict
}

// launch starts a server; one cannot be had without Java, and then the test is
// skipped where that is allowed.
func launch(ctx context.Context, t *testing.T, settings map[string]string) *estest.Server {
	t.Helper()
	s, err := estest.Launch(ctx, estest.LaunchOptions{Heap: "400m", Settings: settings, Quick: true,
		Progress: os.Stderr})
	if err != nil {
		estest.GiveUp(t, err)
	}
	return s
}

func answers(url string) bool {
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Get(url)
	if err != nil {
		return false
	}
	return res.Body.Close() == nil && res.StatusCode == http.StatusOK
}
