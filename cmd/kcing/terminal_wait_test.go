//go:build unix

package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// untilStatus waits for a status line that matches.
func (term *terminal) untilStatus(pattern string) {
	term.t.Helper()
	line := regexp.MustCompile(pattern)
	term.until(pattern, func() bool { return slices.ContainsFunc(term.statusLines(), line.MatchString) })
}

// TestWaitOnTerminal: what waits says for what, and for how long still.
func TestWaitOnTerminal(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	term := w.onTerminal(80, nil, "setup-kibana", "--kb-url", "http://"+closedPort(t), "--wait", "60s")
	term.untilStatus(`^waiting for Kibana at http://\S+  0:5\d left$`)
	term.types("\x03")
	wants(t, term.ends(exitInterrupted), `^kcing: interrupted$`)
}

// TestOutageOnTerminal: a feed in whose middle Elasticsearch goes away says that
// it waits and for how long still, and goes on when it is there again.
func TestOutageOnTerminal(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	w.run(exitOK, "samples", "--synthetic", "--sample-size", "80")
	w.run(exitOK, "setup-es")
	out := newOutage(t, w.host)
	term := w.onTerminal(80, func(c *exec.Cmd) { c.Env = append(c.Env, "ES_HOST="+out.URL) },
		"feed", "samples", "--es-bulk-actions", "50", "--es-bulk-requests", "1")
	term.untilStatus(` [1-9][\d,]* documents`)
	out.down.Store(true)
	term.untilStatus(`^\d+%  waiting for Elasticsearch, 4:\d\d still  \d+/80 records$`)
	out.down.Store(false)
	wants(t, term.ends(exitOK), `^80 records, `, `Elasticsearch takes documents again`)
}

// TestCrawlOnTerminal: a crawl shows that it lives while it lists, and ends with
// its report; a second one has nothing to do.
func TestCrawlOnTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{100, 40} {
		w := newWorkplace(t)
		k := newKernelCI(t, w, 6, 6)
		listing, goOn := make(chan struct{}), make(chan struct{})
		release := sync.OnceFunc(func() { close(goOn) })
		t.Cleanup(release)
		k.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/nodes") {
				select {
				case listing <- struct{}{}:
				default:
				}
				<-goOn
			}
			return false
		})
		term := w.onTerminal(width, nil, "feed")
		<-listing
		term.untilStatus(`^0 records  0:\d\d`)
		release()
		wants(t, term.ends(exitOK), `^12 records, `, `^  finished +12$`)
		k.SetFault(nil)
		wants(t, w.onTerminal(width, nil, "feed").ends(exitOK), `^nothing to do: no new records$`)
	}
}

// TestDownloadOnTerminal: a download of samples shows how many of how many are
// there, once it knows that.
func TestDownloadOnTerminal(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	k := newKernelCI(t, w, 4, 4)
	goOn := make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	t.Cleanup(release)
	k.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/files/") {
			<-goOn
		}
		return false
	})
	term := w.onTerminal(80, nil, "samples", "--sample-size", "4")
	term.untilStatus(`^listing what maestro has  0:\d\d$`)
	term.untilStatus(`^\[=* +\] \d+%  \d+/8 records`)
	release()
	wants(t, term.ends(exitOK), `^\d+ records downloaded to samples: `)
	k.SetFault(nil)
	wants(t, w.onTerminal(40, nil, "samples", "--sample-size", "4").ends(exitOK), `^nothing to do: all \d+`)
}

// TestLeftoversOnTerminal: what a server left in its spool goes first, and the
// report says so.
func TestLeftoversOnTerminal(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	w.run(exitOK, "setup-es")
	out := newOutage(t, w.host)
	out.down.Store(true)
	w.env = append(w.env, "ES_HOST="+out.URL)
	s := w.serve()
	for id := range 3 {
		if err := post(t.Context(), func() string { return s.base["lava"] }, callback(id)); err != nil {
			t.Fatal(err)
		}
	}
	s.end()
	out.down.Store(false)
	if err := os.WriteFile(filepath.Join(w.dir, "one.json"), []byte(oneBoot), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, w.onTerminal(40, nil, "feed", "one.json").ends(exitOK), `^4 records, `, `^  finished +4$`, `left`)
}

// TestHelpOnTerminal: help fits the width, and a description's further lines
// stand below its first.
func TestHelpOnTerminal(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	for _, args := range [][]string{{"state", "--help"}, {"healthcheck", "--help"}, {"version", "--help"}} {
		screen := w.onTerminal(60, nil, args...).ends(exitOK)
		wants(t, screen, `^NAME:$`)
		for line := range strings.SplitSeq(screen, "\n") {
			if columns(line) > 60 {
				t.Errorf("%v: %d columns: %q", args, columns(line), line)
			}
		}
	}
	wants(t, w.onTerminal(60, nil, "version", "--help").ends(exitOK), `(?s)--env-file FILE +read.*\n {10,}\S`)
}
