package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
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
		if gjson.Get(out, "bulk.added").Int() != 0 || gjson.Get(out, "crawl.downloaded").Int() != 0 || gjson.Get(out, "records").Int() != 0 {
			t.Errorf("%v of what is known reports %s", args, out)
		}
	}
	// Nothing but listings was asked for.
	for _, r := range k.Requests() {
		if r.Path != "/latest" && (r.Path != "/latest/nodes" || r.Query.Get("state") != "done" || r.Query.Get("updated__gte") == "") {
			t.Errorf("a crawl of what is known asked for %s?%s", r.Path, r.Query.Encode())
		}
		if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "kcing/") || !strings.Contains(agent, "https://github.com/kcing/kcing") {
			t.Errorf("User-Agent %q", agent)
		}
	}
	// The KCIDB bridge moves every node a second time: nothing to do either.
	for _, id := range k.IDs() {
		k.Touch(id, time.Now().Add(-time.Minute), maestrotest.Node{"processed_by_kcidb_bridge": true})
	}
	out, _ = w.run(exitOK, "feed", "--json")
	if gjson.Get(out, "crawl.known").Int() < 40 || gjson.Get(out, "crawl.downloaded").Int() != 0 || w.count() != k.documents {
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
	var seen, next atomic.Int64
	reached := make(chan struct{}, 1)
	k.SetFault(func(http.ResponseWriter, *http.Request) bool {
		if seen.Add(1) == next.Load() {
			select {
			case reached <- struct{}{}:
			default:
			}
		}
		return false
	})
	for _, after := range []int64{2, 9, 25, 40, 60} {
		seen.Store(0)
		next.Store(after)
		p := w.start("feed", "--es-bulk-actions", "40")
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
	out, _ := w.run(exitOK, "feed", "--json")
	if n := w.count(); n != k.documents || gjson.Get(out, "pending").Int() != 0 {
		t.Errorf("%d documents, want %d; the last run reports %s", n, k.documents, out)
	}
	again := 0
	for _, n := range k.downloads() {
		again += n - 1
	}
	if again > 5*4 { // five kills, four downloads at a time
		t.Errorf("%d downloads were made twice", again)
	}
	if out, _ := w.run(exitOK, "feed", "--json", "--since", "48h"); gjson.Get(out, "bulk.added").Int() != 0 || gjson.Get(out, "crawl.downloaded").Int() != 0 {
		t.Errorf("once more: %s", out)
	}
	w.run(exitOK, "state", "check")
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
	if want := fmt.Sprintf("kcing: another feed is running (process %d holds data/feed.lock); wait for it to end\n", first.Process.Pid); stderr != want {
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
	if !strings.Contains(stderr, "kcing: not finished: reading records: the Maestro API refuses access: ") || strings.Contains(out+stderr, "hunter2") {
		t.Errorf("refused, it said %q", stderr)
	}
	refuse(http.StatusUnprocessableEntity, "baseline-3")
	out, stderr = w.run(exitRejects, "feed", "--json")
	if gjson.Get(out, "crawl.failed").Int() != 1 || !strings.HasSuffix(stderr, "kcing: 1 record could not be downloaded; see: kcing status\n") {
		t.Errorf("it said %q and reports %s", stderr, out)
	}
	status, _ := w.run(exitOK, "status")
	if !strings.Contains(status, "not downloaded") || !strings.Contains(status, "tried in 1 run, last ") || !strings.Contains(status, "answered 422") || strings.Contains(status, "hunter2") {
		t.Errorf("status:\n%s", status)
	}
	k.SetFault(nil)
	w.run(exitOK, "feed")
	if n := w.count(); n != k.documents {
		t.Errorf("%d documents, want %d", n, k.documents)
	}
	if status, _ = w.run(exitOK, "status", "--json"); gjson.Get(status, "state.not_downloaded").Int() != 0 || gjson.Get(status, "settings.KCI_API_TOKEN").String() != "********" {
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
	if out, _ = w.run(exitOK, "feed", "--dry-run", "--how-many", "1", "--kind", "build"); strings.Count(out, "\n") != 2 || !strings.Contains(out, `"kbuild-gcc-14-arm64-0"`) {
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

// proxied makes w reach every host other than Elasticsearch's through a server,
// as behind a firewall.
func proxied(t *testing.T, w *workplace, h http.Handler) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	elasticsearch, err := url.Parse(w.host)
	if err != nil {
		t.Fatal(err)
	}
	w.env = append(w.env, "HTTP_PROXY="+s.URL, "http_proxy="+s.URL, "NO_PROXY="+elasticsearch.Hostname())
}

// TestCrawlThroughProxy: there is no way to the servers but the proxy.
func TestCrawlThroughProxy(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	k := &kernelCI{Server: maestrotest.New(maestrotest.Options{})} // its files are at http://files.test
	k.grow(3, 1)
	var hosts sync.Map
	proxied(t, w, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		hosts.Store(r.URL.Host, true)
		k.ServeHTTP(rw, r)
	}))
	w.env = append(w.env, "KCI_API=http://maestro.invalid")
	w.run(exitOK, "feed")
	if n := w.count(); n != k.documents {
		t.Errorf("%d documents, want %d", n, k.documents)
	}
	for _, host := range []string{"maestro.invalid", "files.test"} {
		if _, ok := hosts.Load(host); !ok {
			t.Errorf("%s was not asked through the proxy", host)
		}
	}
}

// legacySite is a front end and its storage.
func legacySite(rw http.ResponseWriter, r *http.Request) {
	const callback = `{"id":%d,"status":2,"lab_name":"lab-a","definition":"metadata: {device.type: x}","results":{"lava":"- {name: login-action, result: pass, measurement: '3.0'}"},"log":"- {\"dt\": \"2026-01-01T00:00:00.000000\", \"lvl\": \"target\", \"msg\": \"x\"}\n"}`
	first := r.URL.Query().Get("skip") == "0"
	switch at := r.URL.Host + r.URL.Path; {
	case at == "kci.test/":
		_, _ = fmt.Fprint(rw, `<meta name="csrf-token" content="t0ken">`)
	case strings.HasPrefix(at, "kci.test/_ajax/") && (r.Header.Get("X-Csrftoken") != "t0ken" || r.URL.Query().Get("date_range") == ""):
		rw.WriteHeader(http.StatusBadRequest)
	case at == "kci.test/_ajax/build" && first:
		_, _ = fmt.Fprint(rw, `{"result":[{"_id":{"$oid":"b1"},"file_server_resource":"next/b"}]}`)
	case at == "kci.test/_ajax/boot" && first:
		_, _ = fmt.Fprint(rw, `{"result":[{"_id":{"$oid":"l1"},"file_server_resource":"next/b","lab_name":"lab-a","board":"x"},`+
			`{"_id":{"$oid":"n1"},"file_server_resource":"next/b","lab_name":"lab-baylibre-seattle","board":"y"},`+
			`{"_id":{"$oid":"l2"},"file_server_resource":"next/b","lab_name":"lab-a","board":"gone"}]}`)
	case strings.HasPrefix(at, "kci.test/_ajax/"):
		_, _ = fmt.Fprint(rw, `{"result":[]}`)
	case at == "storage.kci.test/next/b/build.json":
		_, _ = fmt.Fprint(rw, `{"_id":{"$oid":"b1"},"job":"next","kernel":"v6","arch":"arm64","defconfig":"d","build_result":"PASS"}`)
	case at == "storage.kci.test/next/b/lab-a/lava-json-x.json":
		_, _ = fmt.Fprintf(rw, callback, 7)
	case at == "storage.kci.test/next/b/lab-baylibre-seattle/boot-y.json":
		_, _ = fmt.Fprint(rw, `{"_id":{"$oid":"n1"},"board":"y","lab_name":"lab-baylibre-seattle","boot_result":"PASS"}`)
	default:
		http.NotFound(rw, r)
	}
}

// TestCrawlLegacy: the old front end, its failures, and its samples.
func TestCrawlLegacy(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	proxied(t, w, http.HandlerFunc(legacySite))
	w.env = append(w.env, "KCI_SOURCE=legacy", "KCI_HOST=kci.test", "KCI_SCHEME=http")
	_, stderr := w.run(exitRejects, "feed")
	if !strings.Contains(stderr, "1 record could not be downloaded") || !strings.Contains(stderr, "lava-json-gone.json") {
		t.Errorf("it said %q", stderr)
	}
	want := map[string]int64{"build": 1, "boot": 2, "test": 1, "log": 1}
	for kind, n := range want {
		if got := countDocuments(w.host, w.prefix, kind); got != n {
			t.Errorf("%d %s documents, want %d", got, kind, n)
		}
	}
	out, _ := w.run(exitRejects, "samples", "--samples-dir", "s")
	if !strings.Contains(out, "3 records downloaded to s: build 1, boot 1, lava 1; 0 were there") {
		t.Errorf("samples: %s", out)
	}
	names, _ := filepath.Glob(filepath.Join(w.dir, "s", "*"))
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	if !slices.Equal(names, []string{"boot_n1.json", "build_b1.json", "lava_l1.json"}) {
		t.Errorf("samples are %q", names)
	}
	// The same bytes: feeding them finds them finished. And a second download
	// takes up where the first ended.
	if out, _ = w.run(exitOK, "feed", "--json", "s"); gjson.Get(out, "skipped").Int() != 3 {
		t.Errorf("feeding the samples reports %s", out)
	}
	if out, _ = w.run(exitRejects, "gen_samples", "--samples-dir", "s"); !strings.Contains(out, "0 records downloaded to s: build 0, boot 0, lava 0; 3 were there") {
		t.Errorf("samples again: %s", out)
	}
}

// TestCrawlLAVA: named jobs of a LAVA server; those without job_data are told.
func TestCrawlLAVA(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		var job int
		if _, err := fmt.Sscanf(r.URL.Path, "/scheduler/job/%d/job_data", &job); err != nil || job == 6 || r.Header.Get("Authorization") != "Token hunter2" {
			http.NotFound(rw, r)
			return
		}
		served.Add(1)
		z := gzip.NewWriter(rw)
		_ = json.NewEncoder(z).Encode(map[string]any{"id": job, "status": 2, "end_time": "2026-01-02 03:04:05+00:00", "definition": "metadata: {device.type: x}",
			"results": map[string]string{"lava": "- {name: job, result: pass}"}, "log": "- {\"dt\": \"2026-01-01T00:00:00.000000\", \"lvl\": \"target\", \"msg\": \"x\"}\n"})
		_ = z.Close()
	}))
	t.Cleanup(server.Close)
	w.env = append(w.env, "LAVA_TOKEN=hunter2")
	args := []string{"feed", "--source", "lava", "--lava-url", server.URL, "--jobs", "5-7,305", "--lab-name", "lab-x"}
	out, stderr := w.run(exitRejects, append(args, "--debug")...)
	if !strings.Contains(stderr, "job 6 has no job_data") || !strings.Contains(stderr, "kcing: 1 record could not be downloaded") || strings.Contains(out+stderr, "hunter2") {
		t.Errorf("it said %q", stderr)
	}
	if n := w.count(); n != 9 || served.Load() != 3 {
		t.Errorf("%d documents, %d downloads", n, served.Load())
	}
	w.run(exitRejects, args...)
	if served.Load() != 3 {
		t.Errorf("%d downloads after the second run", served.Load())
	}
	if out, _ := w.run(exitOK, "state", "forget", "--kind", "lava", "lab-x/5"); out != "forgot 1 record\n" {
		t.Errorf("forget: %s", out)
	}
	if w.run(exitRejects, args...); served.Load() != 4 {
		t.Errorf("%d downloads after one was forgotten", served.Load())
	}
}

// TestSamplesOfMaestro: a folder of today's records can be fed.
func TestSamplesOfMaestro(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	k := newKernelCI(t, w, 9, 9)
	out, _ := w.run(exitOK, "samples", "--sample-size", "2")
	if !strings.Contains(out, "4 records downloaded to samples: build 2, boot 0, lava 2; 0 were there") {
		t.Errorf("samples: %s", out)
	}
	w.run(exitOK, "feed", "samples")
	if n, want := w.count(), int64(2+2*(maestrotest.Job{Tests: 3, Lines: 4}).Documents()); n != want {
		t.Errorf("%d documents, want %d", n, want)
	}
	w.run(exitOK, "feed")
	if n := w.count(); n != k.documents {
		t.Errorf("%d documents after a crawl, want %d", n, k.documents)
	}
}
