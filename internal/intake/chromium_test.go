package intake

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/kinds"
)

// The page in a real browser: its script runs and refreshes it, nothing of it is
// refused by its own CSP, and what hostile labs are called runs nowhere.
func TestStatusPageInChromium(t *testing.T) {
	browser := chromium(t)
	s := busyStand()
	server := httptest.NewServer(s.Handler(kinds.LAVA))
	defer server.Close()
	// Virtual time: the browser goes through 12 s of timers as fast as it can.
	dom, console := browse(t, browser, "--virtual-time-budget=12000", "--dump-dom", server.URL+"/status")
	if !strings.Contains(dom, "181 MiB of 1.0 GiB") {
		t.Errorf("no page: %s%s", dom, console)
	}
	if n := metric(t, s.metrics, "kcing_http_requests_total", "200", "status"); n < 2 {
		t.Errorf("%v requests for the page: its script did not refresh it\n%s", n, console)
	}
	for _, sign := range []string{"CONSOLE", "Content Security Policy", "Uncaught"} {
		if strings.Contains(console, sign) {
			t.Errorf("the browser complains: %s", console)
			break
		}
	}
	if !strings.Contains(dom, "&lt;script&gt;alert(1)") || !strings.Contains(dom, `id="lost" role="alert" hidden`) {
		t.Errorf("the page after its refresh: %s", dom)
	}
	// The check can fail: a page of the same server with an error is found out.
	if _, console := browse(t, browser, "--dump-dom",
		"data:text/html,<script>nosuchthing()</script>"); !strings.Contains(console, "Uncaught") {
		t.Errorf("an error on a page was not seen: %s", console)
	}
}

// chromium finds a browser, or skips unless KCING_REQUIRE_CHROMIUM asks for one.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("KCING_REQUIRE_CHROMIUM") != "" {
		t.Fatal("KCING_REQUIRE_CHROMIUM is set, and there is no chromium: apt-get install chromium")
	}
	t.Skip("no chromium here: apt-get install chromium")
	return ""
}

func browse(t *testing.T, browser string, args ...string) (dom, console string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "kcing-chromium-") //nolint:usetesting // the browser's children may still write when it has ended
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cmd := exec.CommandContext(ctx, browser, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking",
		"--disable-component-update", "--enable-logging=stderr", "--user-data-dir=" + filepath.Join(dir, "profile"),
	}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		if os.Getenv("KCING_REQUIRE_CHROMIUM") == "" {
			t.Skipf("%s does not run here: %v", browser, err)
		}
		t.Fatalf("%s: %v\n%s", browser, err, errs.String())
	}
	return out.String(), errs.String()
}
