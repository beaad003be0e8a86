package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/maestro/maestrotest"
)

// kernelCI is a Maestro with a number of nodes, and the documents that they
// become.
type kernelCI struct {
	*maestrotest.Server
	documents int64
	jobs      int
	builds    int
}

// newKernelCI starts one and makes w crawl it.
func newKernelCI(t *testing.T, w *workplace, jobs, builds int) *kernelCI {
	k := &kernelCI{Server: maestrotest.New(maestrotest.Options{})}
	w.env = append(w.env, "KCI_API="+k.Start(t))
	k.grow(jobs, builds)
	return k
}

// grow adds nodes that were done at some time of the last day.
func (k *kernelCI) grow(jobs, builds int) {
	at := func(n int) time.Time { return time.Now().Add(-time.Hour - time.Duration(n)*time.Second) }
	for range builds {
		k.Add(maestrotest.Build(k.builds, at(k.builds)))
		k.builds++
		k.documents++
	}
	for range jobs {
		j := maestrotest.Job{N: k.jobs, Updated: at(k.jobs), Tests: 3, Lines: 4}
		k.AddJob(j)
		k.jobs++
		k.documents += int64(j.Documents())
	}
}

// downloads counts the requests for files since the last call, by path.
func (k *kernelCI) downloads() map[string]int {
	files := map[string]int{}
	for _, r := range k.Requests() {
		if strings.HasPrefix(r.Path, "/files/") {
			files[r.Path]++
		}
	}
	k.Forget()
	return files
}

// TestCrawl: one run stores exactly what there is; the next stores and downloads
// nothing; what came while the first was listing is there after the next.
func TestCrawl(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	k := newKernelCI(t, w, 30, 20)
	before := k.documents
	var once sync.Once
	k.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/nodes") && r.URL.Query().Get("kind") == "job" {
			once.Do(func() { k.grow(5, 5) })
		}
		return false
	})
	out, _ := w.run(exitOK, "feed", "--json")
	stored := gjson.Get(out, "bulk.stored").Int()
	if n := w.count(); n != stored || stored < before || stored > k.documents || gjson.Get(out, "pending").Int() != 0 {
		t.Errorf("%d documents, of %d to %d; the first run reports %s", n, before, k.documents, out)
	}
	k.SetFault(nil)
	w.run(exitOK, "feed", "--since", "48h")
	if n := w.count(); n != k.documents {
		t.Errorf("%d documents after the second run, want %d", n, k.documents)
	}

	k.Forget()
	for _, args := range [][]string{{"feed", "--json"}, {"feed", "--json", "--since", "48h"}} {
		out, _ := w.run(exitOK, args...)
		if gjson.Get(out, "bulk.added").Int() != 0 || gjson.Get(out, "crawl.downloaded").Int() != 0 ||
			gjson.Get(out, "records").Int() != 0 {
			t.Errorf("%v of what is known reports %s", args, out)
		}
	}
	// Nothing but listings was asked for.
	for _, r := range k.Requests() {
		if r.Path != "/latest" && (r.Path != "/latest/nodes" || !r.Query.Has("state") && !r.Query.Has("state__in") ||
			r.Query.Get("updated__gte") == "") {
			t.Errorf("a crawl of what is known asked for %s?%s", r.Path, r.Query.Encode())
		}
		if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "kcing/") ||
			!strings.Contains(agent, "https://github.com/kcing/kcing") {
			t.Errorf("User-Agent %q", agent)
		}
	}
	// The KCIDB bridge moves every node a second time: nothing to do either.
	for _, id := range k.IDs() {
		k.Touch(id, time.Now().Add(-time.Minute), maestrotest.Node{"processed_by_kcidb_bridge": true})
	}
	out, _ = w.run(exitOK, "feed", "--json")
	if gjson.Get(out, "crawl.known").Int() < 40 || gjson.Get(out, "crawl.downloaded").Int() != 0 ||
		w.count() != k.documents {
		t.Errorf("after the bridge it reports %s", out)
	}
	if out, _ = w.run(exitOK, "status"); !strings.Contains(out, "crawled ") || strings.Contains(out, "not downloaded") {
		t.Errorf("status:\n%s", out)
	}
	if spooled, _ := filepath.Glob(filepath.Join(w.dir, "data/spool/*.record")); len(spooled) > 0 {
		t.Errorf("left in the spool: %v", spooled)
	}
}

// TestCrawlKilled: kill -9 at several moments and running it again gives the same
// documents; what had been downloaded is downloaded again only by accident.
func TestCrawlKilled(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	k := newKernelCI(t, w, 60, 20)
	killAt := []int64{2, 9, 25, 40, 60}
	w.kill(killAt, func(f func(http.ResponseWriter, *http.Request) bool) { k.SetFault(f) }, "feed", "--es-bulk-actions",
		"40")
	out, _ := w.run(exitOK, "feed", "--json")
	if n := w.count(); n != k.documents || gjson.Get(out, "pending").Int() != 0 {
		t.Errorf("%d documents, want %d; the last run reports %s", n, k.documents, out)
	}
	again := 0
	for _, n := range k.downloads() {
		again += n - 1
	}
	if again > 4*len(killAt) { // four downloads at a time
		t.Errorf("%d downloads were made twice", again)
	}
	if out, _ := w.run(exitOK, "feed", "--json", "--since", "48h"); gjson.Get(out, "bulk.added").Int() != 0 ||
		gjson.Get(out, "crawl.downloaded").Int() != 0 {
		t.Errorf("once more: %s", out)
	}
	w.run(exitOK, "state", "check")
}

// kill starts kcing again and again, and kills it when it makes each of these
// requests to a server. see lets the server's requests be seen.
func (w *workplace) kill(at []int64, see func(func(http.ResponseWriter, *http.Request) bool), args ...string) {
	w.t.Helper()
	var seen, next atomic.Int64
	reached := make(chan struct{}, 1)
	see(func(http.ResponseWriter, *http.Request) bool {
		if seen.Add(1) == next.Load() {
			select {
			case reached <- struct{}{}:
			default:
			}
		}
		return false
	})
	for _, n := range at {
		seen.Store(0)
		next.Store(n)
		p := w.start(args...)
		select {
		case <-reached:
		case <-p.ended:
		}
		_ = p.Process.Kill()
		w.code(p)
		select {
		case <-reached:
		default:
		}
	}
	next.Store(0)
}

// TestCrawlTwiceAtOnce: a second feed ends at once and harms nothing.
func TestCrawlTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	k := newKernelCI(t, w, 4, 2)
	release := make(chan struct{})
	asked := make(chan struct{}, 100)
	k.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/nodes") {
			asked <- struct{}{}
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
		return false
	})
	first := w.start("feed")
	select {
	case <-asked:
	case <-first.ended:
		t.Fatalf("it ended early: %s", first.err.String())
	}
	_, stderr := w.run(exitFailed, "feed")
	if want := fmt.Sprintf("kcing: another feed is running (process %d holds data/feed.lock); wait for it to end\n",
		first.Process.Pid); stderr != want {
		t.Errorf("the second said %q, want %q", stderr, want)
	}
	close(release)
	if code := w.code(first); code != exitOK || w.count() != k.documents {
		t.Errorf("the first ended with %d, %d documents, want %d: %s", code, w.count(), k.documents, first.err.String())
	}
}

// TestCrawlFailures: what cannot be downloaded does not hold up the rest, is
// listed, and comes with a later run; refused credentials end the run.
func TestCrawlFailures(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	k := newKernelCI(t, w, 6, 2)
	refuse := func(status int, path string) {
		k.SetFault(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.Contains(r.URL.Path, path) || r.URL.Path == "/latest" {
				return false
			}
			rw.WriteHeader(status)
			return true
		})
	}
	refuse(http.StatusUnauthorized, "/latest/nodes")
	w.env = append(w.env, "KCI_API_TOKEN=hunter2")
	out, stderr := w.run(exitFailed, "feed", "--debug")
	if !strings.Contains(stderr, "kcing: not finished: reading records: the Maestro API refuses access: ") ||
		strings.Contains(out+stderr, "hunter2") {
		t.Errorf("refused, it said %q", stderr)
	}
	refuse(http.StatusUnprocessableEntity, "baseline-3")
	out, stderr = w.run(exitRejects, "feed", "--json")
	if gjson.Get(out, "crawl.failed").Int() != 1 || !strings.HasSuffix(stderr,
		"kcing: 1 record could not be downloaded; see: kcing status\n") {
		t.Errorf("it said %q and reports %s", stderr, out)
	}
	status, _ := w.run(exitOK, "status")
	if !strings.Contains(status, "not downloaded") || !strings.Contains(status, "tried in 1 run, last ") ||
		!strings.Contains(status, "answered 422") || strings.Contains(status, "hunter2") {
		t.Errorf("status:\n%s", status)
	}
	k.SetFault(nil)
	w.run(exitOK, "feed")
	if n := w.count(); n != k.documents {
		t.Errorf("%d documents, want %d", n, k.documents)
	}
	if status, _ = w.run(exitOK, "status", "--json"); gjson.Get(status, "state.not_downloaded").Int() != 0 ||
		gjson.Get(status, "settings.KCI_API_TOKEN").String() != "********" {
		t.Errorf("status:\n%s", status)
	}
}

// TestCrawlDryRun writes the documents and touches nothing.
func TestCrawlDryRun(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	k := newKernelCI(t, w, 5, 3)
	out, _ := w.run(exitOK, "feed", "--dry-run")
	if n := strings.Count(out, "\n"); int64(n) != 2*k.documents {
		t.Errorf("%d lines for %d documents", n, k.documents)
	}
	for line := range strings.Lines(out) {
		if !gjson.Valid(line) {
			t.Fatalf("not JSON: %s", line)
		}
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil || len(entries) > 0 || w.count() > 0 {
		t.Errorf("it left %v behind, and %d documents (%v)", entries, w.count(), err)
	}
	// The newest of each kind; a kind alone.
	out, _ = w.run(exitOK, "feed", "--dry-run", "--how-many", "1", "--kind", "build")
	if strings.Count(out, "\n") != 2 || !strings.Contains(out, `"kbuild-gcc-14-arm64-0"`) {
		t.Errorf("the newest build: %s", out)
	}
}

// TestDRPKeepsWhatACrawlNeeds: retention shorter than the crawl's window does not
// make the next crawl bring back what was deleted.
func TestDRPKeepsWhatACrawlNeeds(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	k := newKernelCI(t, w, 0, 0)
	for n := range 6 {
		k.Add(maestrotest.Build(n, time.Now().Add(-time.Duration(n+1)*12*time.Hour)))
	}
	_, stderr := w.run(exitOK, "feed", "--since", "96h", "--drp-days", "0")
	if !strings.Contains(stderr, "the crawl goes back further than retention keeps documents") {
		t.Errorf("no warning: %q", stderr)
	}
	if n := w.count(); n != 6 {
		t.Fatalf("%d documents", n)
	}
	w.run(exitOK, "drp", "--drp-days", "0")
	left := w.count()
	if left > 2 {
		t.Errorf("%d documents after drp", left)
	}
	out, _ := w.run(exitOK, "feed", "--since", "96h", "--json")
	if n := w.count(); n != left || gjson.Get(out, "crawl.known").Int() != 6 {
		t.Errorf("the next crawl brought back %d documents: %s", n-left, out)
	}
}
