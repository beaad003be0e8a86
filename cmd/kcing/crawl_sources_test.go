package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/maestro/maestrotest"
)

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
	case strings.HasPrefix(at, "kci.test/_ajax/") && (r.Header.Get("X-Csrftoken") != "t0ken" ||
		r.URL.Query().Get("date_range") == ""):
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
	if !strings.Contains(stderr, "1 record could not be downloaded") ||
		!strings.Contains(stderr, "lava-json-gone.json") {
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
	if out, _ = w.run(exitRejects, "gen_samples", "--samples-dir", "s"); !strings.Contains(out,
		"0 records downloaded to s: build 0, boot 0, lava 0; 3 were there") {
		t.Errorf("samples again: %s", out)
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
