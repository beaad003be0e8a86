package lavarest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/lavarest/lavaresttest"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/transform"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// newOrigin is an origin at a server, which is taken for lab-a.
func newOrigin(t *testing.T, s *lavaresttest.Server, o Options) *Origin {
	t.Helper()
	o.Lab = Lab{Name: "lab-a", Given: true, URL: s.Start(t)}
	o.Fetch.Tries = 1
	return New(o)
}

// list lists a window of a day before noon.
func list(t *testing.T, o *Origin) (ids []string, complete time.Time, err error) {
	t.Helper()
	complete, err = o.Items(t.Context(), crawl.Window{From: noon.Add(-24 * time.Hour), To: noon, Kinds: o.Kinds()},
		func(it crawl.Item) error {
			ids = append(ids, it.Key)
			return nil
		})
	return ids, complete, err
}

// TestListing: each job once and oldest first, whatever their number and times,
// and without following the server's links.
func TestListing(t *testing.T) {
	f := func(name string, n int, end func(i int) time.Time) {
		t.Helper()
		s := lavaresttest.New("2023.01")
		s.Now = func() time.Time { return noon }
		var want []string
		for i := range n {
			s.Add(lavaresttest.Job{ID: int64(i + 1), End: end(i)})
			want = append(want, fmt.Sprint(i+1))
		}
		s.Add(lavaresttest.Job{ID: 900, End: noon.Add(-25 * time.Hour)},
			lavaresttest.Job{ID: 901, End: noon.Add(time.Second)},
			lavaresttest.Job{ID: 902, State: "Running"}, lavaresttest.Job{ID: 903, End: noon.Add(-time.Hour),
				Private: true})
		got, complete, err := list(t, newOrigin(t, s, Options{}))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, listed %v", name, err, got)
		}
		last := noon
		if n > 0 {
			last = end(n - 1)
		}
		if !complete.Equal(last) {
			t.Errorf("%s: complete up to %v", name, complete)
		}
		for _, r := range s.Requests() {
			if r.Host == lavaresttest.InnerHost || r.Header.Get("Accept") != "application/json" {
				t.Errorf("%s: request %+v", name, r)
			}
		}
		if lists, jobs := s.Asked(); jobs > 0 || lists > 2*(n/pageRows)+n/10+4 {
			t.Errorf("%s: %d lists, %d requests for jobs", name, lists, jobs)
		}
	}
	f("none", 0, nil)
	f("one page", 7, func(i int) time.Time { return noon.Add(time.Duration(i-100) * time.Minute) })
	f("a full page", 50, func(i int) time.Time { return noon.Add(time.Duration(i-100) * time.Minute) })
	f("many pages", 333, func(i int) time.Time { return noon.Add(time.Duration(i-400) * time.Minute) })
	f("one microsecond", 120, func(int) time.Time { return noon.Add(-time.Hour - time.Microsecond) })
	f("pairs", 101, func(i int) time.Time { return noon.Add(time.Duration(i/2-100) * time.Second) })
}

// TestListingMeanwhile: jobs that become visible while one lists, with a time
// before that of jobs which were listed, are there in the end.
func TestListingMeanwhile(t *testing.T) {
	s := lavaresttest.New("2023.01")
	for i := range 60 {
		s.Add(lavaresttest.Job{ID: int64(i + 1), End: noon.Add(time.Duration(i-100) * time.Second)})
	}
	lists := 0
	s.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/jobs/") {
			if lists++; lists == 3 {
				s.Add(lavaresttest.Job{ID: 77, End: noon.Add(-99 * time.Second)})
			}
		}
		return false
	})
	got, _, err := list(t, newOrigin(t, s, Options{}))
	if err != nil || len(got) != 61 || !slices.Contains(got, "77") {
		t.Errorf("%v, listed %v", err, got)
	}
}

// TestLargePages: rows that are too much together are asked for in parts.
func TestLargePages(t *testing.T) {
	s := lavaresttest.New("2023.01")
	var want []string
	for i := range 20 {
		s.Add(lavaresttest.Job{ID: int64(i + 1), End: noon.Add(time.Duration(i/4-100) * time.Second),
			Definition: strings.Repeat("# as it is\n", 300)})
		want = append(want, fmt.Sprint(i+1))
	}
	o := newOrigin(t, s, Options{})
	o.maxPage = 30_000 // 4 rows
	got, _, err := list(t, o)
	if lists, _ := s.Asked(); err != nil || !slices.Equal(got, want) || lists > 40 {
		t.Errorf("%v, listed %v with %d requests", err, got, lists)
	}
	var newest []string
	err = o.Newest(t.Context(), crawl.Window{To: noon}, 15, func(it crawl.Item) error {
		newest = append(newest, it.Key)
		return nil
	})
	slices.Reverse(newest)
	if err != nil || !slices.Equal(newest, want[5:]) {
		t.Errorf("%v, newest %v", err, newest)
	}
}

// TestFilterIgnored: a server that lists what it was not asked for is not crawled
// for ever.
func TestFilterIgnored(t *testing.T) {
	s := lavaresttest.New("2019.12", lavaresttest.Job{ID: 5, End: noon.Add(-48 * time.Hour)})
	s.IgnoresFilters = true
	_, _, err := list(t, newOrigin(t, s, Options{}))
	if err == nil || !strings.Contains(err.Error(),
		`(release "2019.12") lists what it was not asked for: job 5 ended at`) {
		t.Errorf("%v", err)
	}
}

// TestOddRow: a job of which no callback can be made is a download that fails, and
// does not hold up the others.
func TestOddRow(t *testing.T) {
	s := lavaresttest.New("2026.07", lavaresttest.Job{ID: 1, End: noon.Add(-2 * time.Hour), Health: "Splendid"},
		lavaresttest.Job{ID: 2, End: noon.Add(-time.Hour)})
	o := newOrigin(t, s, Options{})
	got, _, err := list(t, o)
	if err != nil || !slices.Equal(got, []string{"1", "2"}) {
		t.Fatalf("%v, listed %v", err, got)
	}
	it, err := o.Item(t.Context(), crawl.Item{Key: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = it.Fetch(t.Context()); err == nil ||
		err.Error() != `job 1 has a health that kcing does not know: "Splendid"` {
		t.Errorf("%v", err)
	}
}

// TestClock: the server's counts, but for what is within its header's exactness.
func TestClock(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Second, 3 * time.Hour, -3 * time.Hour} {
		s := lavaresttest.New("2026.07")
		s.Now = func() time.Time { return noon.Add(ahead) }
		o := newOrigin(t, s, Options{Now: func() time.Time { return noon }})
		if got := o.Clock(); !got.Equal(noon) {
			t.Errorf("before it was asked: %v", got)
		}
		if err := o.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := o.Clock().Sub(noon); got != ahead && ahead.Abs() > 2*time.Second ||
			ahead.Abs() < 2*time.Second && got != 0 {
			t.Errorf("%v ahead: %v", ahead, got)
		}
	}
}

// TestBody: what of a row and two files becomes the callback, in both releases.
func TestBody(t *testing.T) {
	const sorted = "- id: '4'\n  name: a\n  suite: lava\n- id: '5'\n  name: b\n  suite: 0_x\n- id: '6'\n  name: c\n " +
		" suite: lava\n"
	f := func(version string, j lavaresttest.Job, want map[string]string) {
		t.Helper()
		j.ID, j.End = 12, noon
		o := newOrigin(t, lavaresttest.New(version, j), Options{Token: lavaresttest.Admin})
		it, err := o.Item(t.Context(), crawl.Item{Key: "12"})
		if err != nil {
			t.Fatal(err)
		}
		body, err := it.Fetch(t.Context())
		if err != nil || !gjson.ValidBytes(body) {
			t.Fatalf("%s: %v: %s", version, err, body)
		}
		for path, value := range want {
			if got := gjson.GetBytes(body, path).Raw; got != value {
				t.Errorf("%s: %s is %s, not %s", version, path, got, value)
			}
		}
		if strings.Contains(string(body), "token-of-job") || strings.Contains(string(body), "as submitted") {
			t.Errorf("%s: %s", version, body)
		}
		var record transform.Record
		err = record.Parse(body, transform.Options{Kind: transform.KindLAVA, Lab: it.Lab})
		if err != nil || record.Key != it.Record.ID || record.Rank.Level > it.Level ||
			it.Version != "2026-03-04T12:00:00.000000Z" {
			t.Errorf("%s: %v, key %q level %d, item %+v", version, err, record.Key, record.Rank.Level, it)
		}
	}
	whole := lavaresttest.Job{Rows: sorted, Log: "- {\"msg\": \"\\\"\\u00e9\t\"}\n"}
	f("2023.01-1~bpo", whole, map[string]string{
		"id": "12", "status": "2", "status_string": `"complete"`, "state": "5", "state_string": `"Finished"`,
		"health": "1", "health_string": `"Complete"`,
		"submit_time": `"2026-03-04 11:58:00.000000+00:00"`, "start_time": `"2026-03-04 11:59:00.000000+00:00"`,
		"end_time":           `"None"`,
		"submitter_username": `"somebody"`, "failure_comment": "null", "priority": "50", "description": `"job 12"`,
		"actual_device_id": `"qemu-01"`,
		"definition":       `"job_name: job 12\nmetadata: {device.type: qemu}\n"`, "metadata": "[]", "health_check": "",
		"results.lava": `"- id: '4'\n  name: a\n  suite: lava\n- id: '6'\n  name: c\n  suite: lava\n"`,
		"results.0_x":  `"- id: '5'\n  name: b\n  suite: 0_x\n"`,
		"log":          `"- {\"msg\": \"\\\"\\u00e9\t\"}\n"`,
	})
	f("2023.06", whole, map[string]string{"end_time": `"2026-03-04 12:00:00.000000+00:00"`, "health_check": ""})
	f("2025.02", whole, map[string]string{"end_time": `"2026-03-04 12:00:00.000000+00:00"`, "health_check": "true"})
	f("2025.02", lavaresttest.Job{Health: "Unknown", Rows: "[]\n", NoLog: true},
		map[string]string{"status_string": `"incomplete"`, "health": "0", "results": "{}", "log": ""})
	f("2023.01", lavaresttest.Job{Queued: true, Health: "Canceled"}, map[string]string{
		"status": "4", "start_time": `"None"`, "end_time": `"None"`, "actual_device_id": "null", "results": "{}",
		"log": ""})
	f("2023.06", lavaresttest.Job{Queued: true, Health: "Canceled"},
		map[string]string{"start_time": `"2026-03-04 12:00:00.000000+00:00"`})
}

// TestLogs: whole or not at all, and no request too many.
func TestLogs(t *testing.T) {
	f := func(name string, j lavaresttest.Job, requests int, want string) {
		t.Helper()
		j.ID, j.End = 3, noon
		s := lavaresttest.New("2023.01", j)
		o := newOrigin(t, s, Options{MaxRecordBytes: 2000})
		it, err := o.Item(t.Context(), crawl.Item{Key: "3"})
		if err != nil {
			t.Fatal(err)
		}
		s.Forget()
		body, err := it.Fetch(t.Context())
		got := gjson.GetBytes(body, "log").Str
		if err != nil {
			got = err.Error()
		}
		if want = strings.ReplaceAll(want, "URL", o.base); got != want {
			t.Errorf("%s: %q, not %q", name, got, want)
		}
		if _, n := s.Asked(); n != requests {
			t.Errorf("%s: %d requests", name, n)
		}
		if errors.Is(err, source.ErrTooLarge) && (gjson.GetBytes(body, "id").Int() != 3 || len(body) == 0) {
			t.Errorf("%s: kept is %s", name, body)
		}
	}
	const log = "- {\"msg\": \"x\"}\n"
	f("as it should be", lavaresttest.Job{Log: log}, 2, log)
	f("compressed", lavaresttest.Job{Log: log, Packed: true}, 2, log)
	f("deleted", lavaresttest.Job{NoLog: true}, 2, "")
	f("not UTF-8", lavaresttest.Job{Log: "- {\"msg\": \"\xe9\"}\n", Latin: true}, 3, "- {\"msg\": \"\xe9\"}\n")
	f("not UTF-8, and compressed", lavaresttest.Job{Log: log, Latin: true, Packed: true}, 3,
		"job 3: its log cannot be had whole: URL/api/v0.2/jobs/3/logs/ answered 500 Internal Server Error")
	f("canceled in the queue", lavaresttest.Job{Queued: true}, 0, "")
	f("too large", lavaresttest.Job{Log: strings.Repeat(log, 200)}, 2,
		"record too large: the job's log is over the limit of 2000 bytes (KCING_MAX_RECORD_BYTES); with a higher "+
			"one: kcing feed --source lava --jobs 3 --force")
}

// TestNewest: the newest first, no more than wanted, and named jobs.
func TestNewest(t *testing.T) {
	s := lavaresttest.New("2023.01")
	for i := range 130 {
		s.Add(lavaresttest.Job{ID: int64(i + 1), End: noon.Add(time.Duration(i/70) * time.Second)})
	}
	f := func(n, want int, first string, jobs ...Range) {
		t.Helper()
		var got []string
		err := newOrigin(t, s, Options{Jobs: jobs}).Newest(t.Context(), crawl.Window{To: noon}, n,
			func(it crawl.Item) error {
				got = append(got, it.Key)
				return nil
			})
		sorted := slices.Compact(slices.Sorted(slices.Values(got)))
		if err != nil || len(got) != want || len(sorted) != want || got[0] != first {
			t.Errorf("newest %d: %v, %d: %v", n, err, len(got), got)
		}
	}
	f(3, 3, "130")
	f(100, 100, "130")
	f(1000, 130, "130")
	f(2, 2, "7", Range{7, 9})
}

// TestNamed: those that cannot be had do not hold up the others.
func TestNamed(t *testing.T) {
	s := lavaresttest.New("2023.01", lavaresttest.Job{ID: 5, End: noon}, lavaresttest.Job{ID: 6, State: "Running"},
		lavaresttest.Job{ID: 7, End: noon, Private: true})
	f := func(token string, want ...string) {
		t.Helper()
		var got []string
		total := int64(0)
		o := newOrigin(t, s, Options{Jobs: []Range{{5, 8}}, Token: token})
		complete, err := o.Items(t.Context(), crawl.Window{Total: func(n int64) { total = n }},
			func(it crawl.Item) error {
				text := "ok"
				if _, err := it.Fetch(t.Context()); err != nil {
					text = err.Error()
				}
				got = append(got, it.Key+" "+text)
				return nil
			})
		if err != nil || !complete.IsZero() || total != 4 || !slices.Equal(got, want) {
			t.Errorf("%v, %v, %d, %q", complete, err, total, got)
		}
	}
	f("", "5 ok", "6 job 6 is not over yet (Running); a crawl brings it when it is",
		"7 there is no job 7, or without a token only public jobs are seen: see --lava-token (LAVA_TOKEN)",
		"8 there is no job 8, or without a token only public jobs are seen: see --lava-token (LAVA_TOKEN)")
	f(lavaresttest.Alice, "5 ok", "6 job 6 is not over yet (Running); a crawl brings it when it is", "7 ok",
		"8 there is no job 8, or the token's user may not see it")
}

// TestAccess: what stands in the way is said in one line that ends the crawl, and
// the token is in none.
func TestAccess(t *testing.T) {
	answers := func(status int, header, value, body string) lavaresttest.Fault {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set(header, value)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	deaf := func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Authorization")
		return false
	}
	f := func(token string, change func(*lavaresttest.Server), fault lavaresttest.Fault, want string) {
		t.Helper()
		s := lavaresttest.New("2023.01", lavaresttest.Job{ID: 1, End: noon})
		if change != nil {
			change(s)
		}
		s.SetFault(fault)
		o := newOrigin(t, s, Options{Token: token})
		err := o.Check(t.Context())
		if err == nil || err.Error() != o.base+" "+want || !errors.Is(err, crawl.ErrStop) {
			t.Errorf("it said    %v\ninstead of %s", err, want)
		}
		if n := len(s.Requests()); n > 2 {
			t.Errorf("%s: %d requests", want, n)
		}
	}
	login := func(s *lavaresttest.Server) { s.RequireLogin = true }
	f("hunter2", nil, nil, "refuses the token (403: Invalid token.); check --lava-token (LAVA_TOKEN), or the lab's "+
		"line in --lava-tokens")
	f("", nil, answers(403, "X", "", ""), "refuses access (403); it may want a token: see --lava-token (LAVA_TOKEN)")
	f("", login, nil, "shows its jobs only after a login (REQUIRE_LOGIN); give the API token of one of its users: "+
		"--lava-token (LAVA_TOKEN)")
	f("", func(s *lavaresttest.Server) { s.Version, s.RequireLogin = "2025.02", true }, nil,
		"shows its jobs only after a login (REQUIRE_LOGIN); give the API token of one of its users: --lava-token "+
			"(LAVA_TOKEN)")
	f("hunter2", func(s *lavaresttest.Server) { s.Version, s.RequireLogin = "2025.02", true }, nil,
		"refuses the token (403: Invalid token.); check --lava-token (LAVA_TOKEN), or the lab's line in --lava-tokens")
	f("hunter2", login, nil, "asks for a login, so it does not take the token; check --lava-token (LAVA_TOKEN), or "+
		"the lab's line in --lava-tokens")
	f(lavaresttest.Alice, nil, deaf, "does not hear the token: something before it, such as a proxy, takes the "+
		"Authorization header away")
	f("", nil, answers(302, "Location", "https://lava.example.org/x/api/v0.2/system/version/", ""),
		"redirects to https://lava.example.org/x (302), and redirects are not followed; if that is the LAVA server, "+
			"give it in LAVA_URL")
	f("", nil, answers(401, "WWW-Authenticate", "Bearer", "no"),
		"is behind something that wants a login of its own (401: no); LAVA itself takes its API token as "+
			"`Authorization: Token …` only")
	f("", nil, answers(400, "Content-Type", "text/html", "<!DOCTYPE html>Bad Request"),
		"does not know that name of itself (400, Django's ALLOWED_HOSTS); give the one by which people reach it in "+
			"LAVA_URL")
	f("", nil, answers(200, "Content-Type", "text/html; charset=utf-8", "<html>Sign in</html>"),
		"answers with a web page instead of data: a login or some portal stands before it, or LAVA_URL is not the "+
			"address of a LAVA server")
	f("", nil, answers(200, "Content-Type", "application/json", `{"x":1}`),
		"does not answer as LAVA's API does; is LAVA_URL a LAVA server, with the prefix of its path?")
	f("", nil, answers(404, "Content-Type", "text/html", "<html>"),
		"has no LAVA API at /api/v0.2/ (404); LAVA_URL lacks the prefix of its path, or it is no LAVA server")
}

// TestAccessLost: also in the middle, for a list or a job.
func TestAccessLost(t *testing.T) {
	s := lavaresttest.New("2023.01", lavaresttest.Job{ID: 1, End: noon})
	o := newOrigin(t, s, Options{Token: lavaresttest.Alice})
	it, err := o.Item(t.Context(), crawl.Item{Key: "1"})
	if err != nil {
		t.Fatal(err)
	}
	s.RequireLogin = true
	s.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Authorization")
		return false
	})
	if _, err := it.Fetch(t.Context()); !errors.Is(err, crawl.ErrStop) {
		t.Errorf("fetch: %v", err)
	}
	if _, _, err := list(t, o); !errors.Is(err, crawl.ErrStop) {
		t.Errorf("list: %v", err)
	}
}

// TestAgain: a server that is busy, or cuts an answer, is asked again.
func TestAgain(t *testing.T) {
	s := lavaresttest.New("2023.01", lavaresttest.Job{ID: 1, End: noon})
	asked := map[string]int{}
	s.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		asked[r.URL.Path]++
		if asked[r.URL.Path] > 1 || !strings.Contains(r.URL.Path, "/jobs/1/") {
			return false
		}
		if strings.HasSuffix(r.URL.Path, "/logs/") {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("- id: '1'\n"))
		panic(http.ErrAbortHandler)
	})
	o := New(Options{Lab: Lab{Name: "lab-a", URL: s.Start(t)}, Fetch: fetch.Options{Tries: 2}})
	j := job{id: "1", ran: true, head: []byte(`{"id":1`)}
	body, err := o.fetch(t.Context(), j)
	if err != nil || gjson.GetBytes(body, "results.lava").Str == "" || gjson.GetBytes(body, "log").Str == "" {
		t.Errorf("%v: %s", err, body)
	}
}

// TestTwoAtOnce: no server gets more requests at once.
func TestTwoAtOnce(t *testing.T) {
	s := lavaresttest.New("2023.01")
	for i := range 30 {
		s.Add(lavaresttest.Job{ID: int64(i + 1), End: noon.Add(-time.Hour)})
	}
	o := newOrigin(t, s, Options{})
	done := make(chan error)
	ids, _, err := list(t, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		go func() {
			_, err := o.fetch(t.Context(), job{id: id, ran: true, head: []byte(`{"id":1`)})
			done <- err
		}()
	}
	for range ids {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := s.Most(); n > Requests || s.Cancels() > 0 {
		t.Errorf("%d requests at once, %d cancels", n, s.Cancels())
	}
}
