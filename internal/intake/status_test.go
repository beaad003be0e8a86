package intake

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/kcing/kcing/internal/kinds"
)

const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>`

// busyStand has something of everything to show.
func busyStand() *stand {
	s := newStand(Config{
		Version: "v2.0.0" + hostile,
		Ready:   func() []string { return []string{"Elasticsearch does not answer" + hostile} },
		Status: func() Status {
			return Status{
				Elasticsearch: Elasticsearch{URL: "http://es:9200/" + hostile, Version: "8.19.7" + hostile,
					Detail: "connection refused" + hostile},
				Delivery: Delivery{State: "waiting" + hostile, Detail: "tries again in 8 s" + hostile,
					Since: time.Now().Add(-49*time.Hour - 30*time.Minute)},
				Spool: Spool{Records: 1234, Bytes: 181 << 20, MaxBytes: 1 << 30,
					Oldest: time.Now().Add(-53*time.Hour - 30*time.Minute), Corrupt: 1},
				Rejects: 17,
			}
		},
	})
	for range 40 {
		s.post(kinds.LAVA, "/?lab_name=lab-a", callback)
	}
	s.metrics.Count(Stored, kinds.LAVA, "lab-a")
	s.metrics.Rejected(kinds.LAVA, "lab-<b>"+hostile, "key"+hostile, "mapper_parsing_exception: "+hostile)
	return s
}

func (s *stand) get(target string) *httptest.ResponseRecorder {
	return s.do(kinds.LAVA, httptest.NewRequest(http.MethodGet, target, nil))
}

// tags gives the tags of a page with their attributes, as a browser finds them.
func tags(t *testing.T, page io.Reader) (all []html.Token) {
	t.Helper()
	z := html.NewTokenizer(page)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				t.Fatal(z.Err())
			}
			return all
		case html.StartTagToken, html.SelfClosingTagToken:
			all = append(all, z.Token())
		}
	}
}

func TestStatusPageEscapes(t *testing.T) {
	for _, c := range []struct {
		target  string
		scripts int
	}{{"/status", 1}, {"/status?format=fragment", 0}, {"/status/", 1}} {
		w := busyStand().get(c.target)
		wantStatus(t, w, http.StatusOK)
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("CSP %q", csp)
		}
		for _, want := range []string{"1,234", "181 MiB of 1.0 GiB (18 %)", "oldest 2 d 5 h", "1 damaged file",
			"for 2 d 1 h", "lab-&lt;b&gt;", "40"} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s lacks %q", c.target, want)
			}
		}
		scripts := 0
		for _, tag := range tags(t, w.Body) {
			if tag.Data == "script" {
				scripts++
			}
			if tag.Data == "img" {
				t.Errorf("%s: markup from outside: %v", c.target, tag)
			}
			for _, a := range tag.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.Contains(a.Val, "//") {
					t.Errorf("%s: attribute %s=%q: neither inline nor from elsewhere", c.target, a.Key, a.Val)
				}
				if a.Key == "nonce" && !strings.Contains(csp, "'nonce-"+a.Val+"'") {
					t.Errorf("%s: the nonce is not that of the CSP", c.target)
				}
			}
		}
		if scripts != c.scripts {
			t.Errorf("%s has %d scripts, want %d", c.target, scripts, c.scripts)
		}
	}
	s := busyStand()
	first, second := s.get("/status").Header(), s.get("/status").Header()
	if first.Get("Content-Security-Policy") == second.Get("Content-Security-Policy") {
		t.Error("two answers have one nonce")
	}
}

func TestStatusJSON(t *testing.T) {
	w := busyStand().get("/status?format=json")
	wantStatus(t, w, http.StatusOK)
	var r report
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Spool.Records != 1234 || r.Rejects != 17 || len(r.NotReady) != 1 || len(r.History.Received) != historyPoints ||
		len(r.Recent) != 1 {
		t.Errorf("%+v", r)
	}
	if len(r.Labs) != 2 || r.Labs[0].Lab != "lab-<b>"+hostile && r.Labs[1].Lab != "lab-a" {
		t.Errorf("labs %+v", r.Labs)
	}
	sum := int64(0)
	for _, n := range r.History.Received {
		sum += n
	}
	if sum != 40 {
		t.Errorf("%d received in the plot, want 40", sum)
	}
}

// Nothing came in, nobody tells how the rest is: still a page.
func TestEmptyStatusPage(t *testing.T) {
	w := newStand(Config{}).get("/status")
	wantStatus(t, w, http.StatusOK)
	for _, want := range []string{"nothing came in", "Nothing came in yet", "None since the start"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestRecentRejectsNewestFirst(t *testing.T) {
	m := NewMetrics()
	for i := range 3 * maxRecent {
		m.Rejected(kinds.LAVA, "a", strings.Repeat("k", i), "why")
	}
	var r report
	m.fill(&r, time.Now())
	if len(r.Recent) != maxRecent || len(r.Recent[0].Key) != 3*maxRecent-1 ||
		len(r.Recent[maxRecent-1].Key) != 2*maxRecent {
		t.Errorf("%d rejects, first %q", len(r.Recent), r.Recent[0].Key)
	}
}

func TestDraw(t *testing.T) {
	s := Series{Step: 10, Received: make([]int64, historyPoints), Stored: make([]int64, historyPoints),
		Rejected: make([]int64, historyPoints)}
	if p := draw(s); !p.Empty || p.Top != "0.2" {
		t.Errorf("nothing: %+v", p)
	}
	s.Received[historyPoints-1] = 1000 // of the step that goes on
	if p := draw(s); !p.Empty {
		t.Error("the unfinished step is drawn")
	}
	s.Received[0], s.Received[1], s.Stored[358], s.Rejected[2] = 100, 50, 25, 10
	p := draw(s)
	if p.Empty || p.Top != "10" || p.Half != "5" {
		t.Errorf("axis %s %s", p.Top, p.Half)
	}
	if want := "M0 140L0 0.0H2.0V70.0H4.0V140.0H718L718 140Z"; p.Received != want {
		t.Errorf("received %s, want %s", p.Received, want)
	}
	if want := "M0 140.0H716.0V105.0H718"; p.Stored != want {
		t.Errorf("stored %s, want %s", p.Stored, want)
	}
	if want := "M5.0 140V126.0"; p.Rejected != want {
		t.Errorf("rejected %s, want %s", p.Rejected, want)
	}
	if !draw(Series{}).Empty {
		t.Error("no series at all is drawn")
	}
}

func TestCeiling(t *testing.T) {
	for v, want := range map[float64]float64{0: .2, .1: .2, .2: .2, .21: .5, .5: .5, .6: 1, 1: 1, 1.1: 2, 3: 5, 7: 10,
		10: 10, 10.1: 20, 199: 200, 432: 500, 1e6: 1e6} {
		if got := ceiling(v); got != want {
			t.Errorf("ceiling(%v) = %v, want %v", v, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		n, of int64
		want  string
	}{{0, 10, "0 %"}, {1, 1000, "<1 %"}, {5, 10, "50 %"}, {11, 10, "110 %"}, {1, 0, ""}} {
		if got := percent(c.n, c.of); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.n, c.of, got, c.want)
		}
	}
}

func TestSpan(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for back, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min", 59*time.Minute + 59*time.Second: "59 min",
		time.Hour: "1 h 0 min", 47 * time.Hour: "47 h 0 min", 49 * time.Hour: "2 d 1 h",
	} {
		if got := span(now, now.Add(-back)); got != want {
			t.Errorf("%v: %q, want %q", back, got, want)
		}
	}
	if span(now, time.Time{}) != "–" {
		t.Error("no time is a time")
	}
}
