package lavaserver

import (
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
)

// newServer is a LAVA server: it has job_data of even jobs, job 7 is private,
// job 9 leads to a login page.
func newServer(t *testing.T, token string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token != "" && r.Header.Get("Authorization") != "Token "+token {
			http.Error(w, "bad token", http.StatusUnauthorized)
			return
		}
		var job int
		_, err := fmt.Sscanf(r.URL.Path, "/lava/scheduler/job/%d/job_data", &job)
		switch {
		case err != nil || job%2 == 1 && job != 7 && job != 9:
			http.NotFound(w, r)
		case job == 7:
			http.Error(w, "no", http.StatusForbidden)
		case job == 9:
			_, _ = w.Write([]byte("\n<!DOCTYPE html><title>Login</title>"))
		default:
			w.Header().Set("Content-Type", "application/gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write([]byte(`{"id":` + strconv.Itoa(job) + `}`))
			_ = z.Close()
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func newOrigin(t *testing.T, url, token, jobs string) *Origin {
	t.Helper()
	ranges, err := ParseJobs(jobs)
	if err != nil {
		t.Fatal(err)
	}
	o, err := New(Options{URL: url, Token: token, Jobs: ranges, Fetch: fetch.Options{Tries: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestJobData(t *testing.T) {
	server := newServer(t, "")
	var got []string
	complete, err := newOrigin(t, server.URL+"/lava/", "", "6-9,12").Items(t.Context(), crawl.Window{}, func(it crawl.Item) error {
		body, err := it.Fetch(t.Context())
		if err != nil {
			body = []byte(err.Error())
		}
		got = append(got, it.Kind+" "+it.ID+" "+strings.ReplaceAll(string(body), server.URL, "URL"))
		return nil
	})
	want := []string{
		`lava 6 {"id":6}`,
		"lava 7 job 7 is not public, or the token's user may not see it: URL/lava/scheduler/job/7/job_data answered 403 Forbidden: no; see --lava-token (LAVA_TOKEN)",
		`lava 8 {"id":8}`,
		"lava 9 URL/lava/scheduler/job/9/job_data answered with a page instead of job_data; the job may not be public: see --lava-token (LAVA_TOKEN)",
		`lava 12 {"id":12}`,
	}
	if err != nil || !complete.IsZero() || !slices.Equal(got, want) {
		t.Errorf("%v, %v\ngot  %q\nwant %q", complete, err, got, want)
	}
	it, err := newOrigin(t, server.URL+"/lava", "", "1").Item(t.Context(), crawl.Item{Key: "3"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := it.Fetch(t.Context()); err == nil || !errors.Is(err, fetch.ErrGone) || !strings.Contains(err.Error(), "job 3 has no job_data") {
		t.Errorf("%v", err)
	}
}

// A wrong token stops the run; it is in no error.
func TestToken(t *testing.T) {
	server := newServer(t, "hunter2")
	for token, ok := range map[string]bool{"hunter2": true, "hunter3": false, "": false} {
		it, err := newOrigin(t, server.URL+"/lava", token, "4").Item(t.Context(), crawl.Item{Key: "4"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = it.Fetch(t.Context())
		if (err == nil) != ok || !ok && !errors.Is(err, crawl.ErrStop) || err != nil && strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: %v", token, err)
		}
	}
	for _, bad := range []string{"", "lava.example.org", "ftp://x", "https://user:hunter2@x"} {
		if _, err := New(Options{URL: bad}); err == nil || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestParseJobs(t *testing.T) {
	f := func(in string, want ...Range) {
		t.Helper()
		if got, err := ParseJobs(in); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	f("305", Range{305, 305})
	f("100-200,305", Range{100, 200}, Range{305, 305})
	f(" 305 , 100 - 200", Range{100, 200}, Range{305, 305})
	f("1-5,3-9,10,12", Range{1, 10}, Range{12, 12})
	for _, bad := range []string{"", "x", "0", "-5", "5-", "9-3", "1,,2", "1-99999999999", "99999999999999999999", "1-600000,700000-1300000"} {
		if got, err := ParseJobs(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// FuzzParseJobs: what is accepted is sorted, apart, and bounded.
func FuzzParseJobs(f *testing.F) {
	for _, seed := range []string{"100-200,305", "1", "5-5,5", "1-2,2-3,9", "9223372036854775807", "1-9223372036854775807"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		ranges, err := ParseJobs(list)
		if err != nil {
			return
		}
		last, total := int64(-1), int64(0)
		for _, r := range ranges {
			if r.First < 1 || r.Last < r.First || r.First-1 <= last {
				t.Errorf("%q: %v", list, ranges)
			}
			last, total = r.Last, total+r.Last-r.First+1
		}
		if total < 1 || total > maxJobs {
			t.Errorf("%q: %d jobs", list, total)
		}
	})
}
