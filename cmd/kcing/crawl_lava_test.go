package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/lavarest/lavaresttest"
)

// lavaJobs are n finished jobs of the hours before now, among them some of each odd
// form, and how many documents those become that everybody may see.
func lavaJobs(n int, now time.Time) (jobs []lavaresttest.Job, documents int64) {
	for i := range n {
		j := lavaresttest.Job{ID: int64(i + 1), End: now.Add(time.Duration(i-n-20) * time.Minute), Queued: i%7 == 3,
			NoLog: i%7 == 4, Packed: i%7 == 5, Private: i%7 == 6}
		if jobs = append(jobs, j); !j.Private {
			documents += int64(j.Documents())
		}
	}
	return jobs, documents
}

// TestCrawlLAVA: a server's jobs are there once, and a second run asks for what
// is new, all by the server's clock.
func TestCrawlLAVA(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	theirs := func() time.Time { return time.Now().Add(5 * time.Hour) }
	jobs, documents := lavaJobs(60, theirs())
	s := lavaresttest.New("2023.01", jobs...)
	s.Now = theirs
	w.env = append(w.env, "KCI_SOURCE=lava", "LAVA_URL="+s.Start(t)+"/scheduler/job/5", "KCING_LAB=lab-x")
	out, _ := w.run(exitOK, "feed")
	if !strings.HasPrefix(out, "lab-x: 52 listed, 0 known, 52 downloaded\n") {
		t.Errorf("it said %q", out)
	}
	if n := w.count(); n != documents {
		t.Errorf("%d documents, want %d", n, documents)
	}
	if _, asked := s.Asked(); asked != 2*(52-9) {
		t.Errorf("%d requests for 52 jobs, 9 of which never started", asked)
	}
	s.Forget()
	s.Add(lavaresttest.Job{ID: 900, End: theirs().Add(-3 * time.Second)})
	w.run(exitOK, "feed")
	if lists, asked := s.Asked(); asked != 2 || lists > 3 {
		t.Errorf("the second run made %d requests for jobs and %d for lists", asked, lists)
	}
	if n := w.count() - documents; n != int64((lavaresttest.Job{ID: 900}).Documents()) {
		t.Errorf("%d new documents", n)
	}
	if s.Most() > 2 || s.Cancels() > 0 {
		t.Errorf("%d requests at once, %d jobs canceled", s.Most(), s.Cancels())
	}
}

// TestCrawlLAVAKilled: whenever it is killed, the next runs make the same
// documents, and hardly anything is downloaded twice.
func TestCrawlLAVAKilled(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	jobs, documents := lavaJobs(60, time.Now())
	s := lavaresttest.New("2023.01", jobs...)
	w.env = append(w.env, "KCI_SOURCE=lava", "LAVA_URL=lab-x="+s.Start(t))
	killAt := []int64{1, 2, 3, 4, 9, 30, 50}
	w.kill(killAt, func(f func(http.ResponseWriter, *http.Request) bool) { s.SetFault(f) }, "feed", "--es-bulk-actions",
		"20")
	w.run(exitOK, "feed")
	if n := w.count(); n != documents {
		t.Errorf("%d documents, want %d", n, documents)
	}
	if n := downloads(s) - 2*(52-9); n > 2*2*len(killAt) { // two requests for each of two jobs at a time
		t.Errorf("%d downloads too many", n)
	}
	s.Forget()
	if w.run(exitOK, "feed"); downloads(s) != 0 {
		t.Errorf("%d downloads when all was there", downloads(s))
	}
}

// TestCrawlLAVAJobs: jobs that are named, one of which is not there.
func TestCrawlLAVAJobs(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	end := time.Now().Add(-1000 * time.Hour)
	s := lavaresttest.New("2025.02", lavaresttest.Job{ID: 5, End: end, Private: true},
		lavaresttest.Job{ID: 7, End: end},
		lavaresttest.Job{ID: 8, End: end}, lavaresttest.Job{ID: 305, End: end})
	w.env = append(w.env, "LAVA_TOKEN="+lavaresttest.Alice)
	args := []string{"feed", "--source", "lava", "--lava-url", s.Start(t), "--jobs", "5-7,305", "--lab-name", "lab-x"}
	out, stderr := w.run(exitRejects, append(args, "--debug")...)
	if !strings.Contains(stderr, "there is no job 6, or the token's user may not see it") ||
		!strings.HasSuffix(stderr, "kcing: 1 record could not be downloaded; see: kcing status\n") {
		t.Errorf("it said %q", stderr)
	}
	if text := out + stderr; strings.Contains(text, lavaresttest.Alice) || strings.Contains(text, "token-of-job") {
		t.Errorf("it said a secret: %q", text)
	}
	if n, want := w.count(), int64(3*(lavaresttest.Job{ID: 5}).Documents()); n != want {
		t.Errorf("%d documents, want %d", n, want)
	}
	s.Forget()
	if w.run(exitRejects, args...); downloads(s) != 0 {
		t.Errorf("%d downloads in the second run", downloads(s))
	}
	if out, _ := w.run(exitOK, "state", "forget", "--kind", "lava", "lab-x/5"); out != "forgot 1 record\n" {
		t.Errorf("forget: %s", out)
	}
	if w.run(exitRejects, args...); downloads(s) != 2 {
		t.Errorf("%d downloads after one was forgotten", downloads(s))
	}
}

// downloads counts the requests for results and logs.
func downloads(s *lavaresttest.Server) (n int) {
	for _, r := range s.Requests() {
		if strings.HasSuffix(r.Path, "/yaml/") || strings.HasSuffix(r.Path, "/logs/") {
			n++
		}
	}
	return n
}

// TestCrawlLAVAAfterCallback: what came as a callback is not downloaded, and what
// is, is the same.
func TestCrawlLAVAAfterCallback(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2023.01", "2025.02"} {
		w := newWorkplace(t)
		jobs, documents := lavaJobs(12, time.Now())
		s := lavaresttest.New(version, jobs...)
		w.env = append(w.env, "KCI_SOURCE=lava", "LAVA_URL=lab-x="+s.Start(t))
		w.run(exitOK, "samples", "--sample-size", "4")
		w.run(exitOK, "feed", "--lab-name", "lab-x", "samples")
		s.Forget()
		out, _ := w.run(exitOK, "feed")
		// One of the four had no log: the server might have had it since.
		if !strings.HasPrefix(out, "lab-x: 11 listed, 3 known, 8 downloaded\n") || w.count() != documents {
			t.Errorf("%d documents, want %d: %s", w.count(), documents, out)
		}
		if out, _ := w.run(exitOK, "feed", "--json", "--force"); gjson.Get(out, "finished").Int() != 11 ||
			w.count() != documents {
			t.Errorf("%d documents after --force, want %d: %s", w.count(), documents, out)
		}
	}
}

// TestCrawlLAVALabs: several labs have a cursor each, and one that is away or
// shut does not hold up the others.
func TestCrawlLAVALabs(t *testing.T) {
	t.Parallel()
	w := newWorkplace(t)
	jobs, documents := lavaJobs(14, time.Now())
	a, b, shut := lavaresttest.New("2023.01", jobs...), lavaresttest.New("2026.07", jobs...),
		lavaresttest.New("2026.07", jobs...)
	b.Prefix, shut.RequireLogin = "/lava", true
	away := lavaresttest.New("2026.07", jobs...)
	away.SetFault(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	strange := httptest.NewTLSServer(a) // by a certificate that nobody knows
	t.Cleanup(strange.Close)
	labs := fmt.Sprintf("LAVA_URL=away=%s,a=%s,shut=%s,b=%s", away.Start(t), a.Start(t), shut.Start(t), b.Start(t))
	w.env = append(w.env, "KCI_SOURCE=lava", "LAVA_TOKENS=tokens", labs+",strange="+strange.URL)
	tokens := lavaresttest.Alice + " a\nno-token shut\nother elsewhere\n"
	if err := os.WriteFile(filepath.Join(w.dir, "tokens"), []byte(tokens), 0o600); err != nil {
		t.Fatal(err)
	}
	out, stderr := w.run(exitFailed, "feed")
	for _, want := range []string{"kcing: away: cannot reach LAVA at ", "kcing: shut: ",
		" refuses the token (403: Invalid token.)",
		"kcing: strange: cannot reach LAVA at https://",
		" is signed by an unknown authority, see SSL_CERT_FILE (LAVA_URL)\n"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("no %q in %q", want, stderr)
		}
	}
	if !strings.Contains(out, "a: 14 listed, 0 known, 14 downloaded\n") ||
		!strings.Contains(out, "b: 12 listed, 0 known, 12 downloaded\n") {
		t.Errorf("it said %q", out)
	}
	private := int64(jobs[6].Documents() + jobs[13].Documents())
	if n := w.count(); n != 2*documents+private {
		t.Errorf("%d documents, want %d", n, 2*documents+private)
	}
	for _, s := range []*lavaresttest.Server{a, b, shut} {
		for _, r := range s.Requests() {
			want := map[*lavaresttest.Server]string{a: "Token " + lavaresttest.Alice, shut: "Token no-token"}[s]
			if h := r.Header.Get("Authorization"); h != want {
				t.Fatalf("%s got Authorization %q", r.Host, h)
			}
		}
	}
	away.SetFault(nil)
	shut.RequireLogin = false
	if err := os.WriteFile(filepath.Join(w.dir, "tokens"), []byte(lavaresttest.Alice+" a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.Forget()
	w.env = append(w.env, labs)
	w.run(exitOK, "feed")
	if n := w.count(); n != 4*documents+private || downloads(a) != 0 {
		t.Errorf("%d documents, want %d; lab a was asked for %d files again", n, 4*documents+private, downloads(a))
	}
}
