package estest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// launchPatience is for a start on a loaded machine; a first build has buildPatience on top.
const (
	launchPatience = 2 * time.Minute
	buildPatience  = 10 * time.Minute
)

// GiveUp skips the test when something is not installed, unless the environment demands a server.
func GiveUp(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, ErrPrerequisite) && os.Getenv("CI") == "" && os.Getenv("KCING_REQUIRE_ELASTICSEARCH") == "" {
		t.Skipf("no Elasticsearch to test with: %v", err)
	}
	t.Fatalf("no Elasticsearch to test with: %v", err)
}

// shared is the one server of this test process. A package variable because tests of one binary have nothing else
// in common.
var shared struct {
	once   sync.Once
	url    string
	err    error
	server *Server
}

// Shared returns the URL of a server that the tests of this process have in common: that of ELASTICSEARCH_URL when
// it is set, else one started by the first caller. Use Prefix to keep apart from the others. A missing Java or Maven
// skips the test, or fails it where CI or KCING_REQUIRE_ELASTICSEARCH is set.
func Shared(t testing.TB) string {
	t.Helper()
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), buildPatience+launchPatience)
		defer cancel()
		if url := os.Getenv("ELASTICSEARCH_URL"); url != "" {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			if err := answers(ctx, url); err != nil {
				shared.err = fmt.Errorf("ELASTICSEARCH_URL: %w", err)
			}
			shared.url = strings.TrimRight(url, "/")
			return
		}
		shared.server, shared.err = Launch(ctx, LaunchOptions{Quick: true, Progress: os.Stderr})
		if shared.err == nil {
			shared.url = shared.server.URL()
		}
	})
	if shared.err != nil {
		GiveUp(t, shared.err)
	}
	return shared.url
}

// answers returns an error when nothing like Elasticsearch is at the URL.
func answers(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("it names a server that does not answer: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK || res.Header.Get("X-Elastic-Product") != "Elasticsearch" {
		return fmt.Errorf("it names something that is not Elasticsearch: GET / answers %s", res.Status)
	}
	return nil
}

// Main runs the tests, ends the shared server, and returns the exit code; for a TestMain that calls os.Exit with it.
func Main(m *testing.M) int {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "removing the test server:", err)
		}
	}
	return code
}
