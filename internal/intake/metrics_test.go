package intake

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/kcing/kcing/internal/kinds"
)

// metric sums a counter or gauge over its labels.
func metric(t *testing.T, m *Metrics, name string, labels ...string) float64 {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, one := range f.GetMetric() {
			if len(labels) > 0 {
				var all []string
				for _, l := range one.GetLabel() {
					all = append(all, l.GetValue())
				}
				if strings.Join(all, " ") != strings.Join(labels, " ") {
					continue
				}
			}
			sum += one.GetCounter().GetValue() + one.GetGauge().GetValue()
		}
	}
	return sum
}

func series(t *testing.T, m *Metrics, name string) int {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return len(f.GetMetric())
		}
	}
	return 0
}

// The gauges of one scrape are of one moment.
func TestStatusIsAskedOnceAScrape(t *testing.T) {
	asked := 0
	s := newStand(Config{Status: func() Status {
		asked++
		return Status{Spool: Spool{Records: asked, Bytes: int64(asked)}}
	}})
	if asked != 0 {
		t.Errorf("asked %d times before anybody looked", asked)
	}
	text := s.do(kinds.Build, httptest.NewRequest(http.MethodGet, "/metrics", nil)).Body.String()
	if asked != 1 || !strings.Contains(text, "kcing_spool_records 1\n") ||
		!strings.Contains(text, "kcing_spool_bytes 1\n") {
		t.Errorf("asked %d times:\n%s", asked, text)
	}
}

func TestMetricsOfPosts(t *testing.T) {
	s := newStand(Config{Version: "v1", Status: func() Status {
		return Status{Spool: Spool{Records: 3, Bytes: 4000, MaxBytes: 1 << 30, Oldest: time.Now().Add(-time.Hour)},
			Elasticsearch: Elasticsearch{Up: true}, Rejects: 2}
	}})
	s.box.answer = func(p *Post) error {
		switch {
		case strings.Contains(string(p.Payload), "bad"):
			return &Refusal{Status: 422, Reason: "bad"}
		case strings.Contains(string(p.Payload), "busy"):
			return &Busy{}
		}
		p.Lab = "lab-b" // of the body
		return nil
	}
	for _, body := range []string{callback, callback, `{"bad": 1}`, `{"busy": 1}`} {
		s.post(kinds.LAVA, "/", body)
	}
	s.post(kinds.Build, "/", callback, "Content-Type", "text/html")
	s.metrics.Count(Stored, kinds.LAVA, "lab-b")
	s.metrics.Count(Duplicate, kinds.LAVA, "lab-b")
	s.metrics.Rejected(kinds.LAVA, "lab-b", "lab-b/7", "mapper_parsing_exception")
	s.metrics.Documents("stored", 12)
	for _, c := range []struct {
		name   string
		labels string // values, sorted by label
		want   float64
	}{
		{"kcing_records_received_total", "lava lab-b", 2},
		{"kcing_records_received_total", "lava -", 1},
		{"kcing_records_received_total", "", 4},
		{"kcing_records_rejected_total", "build -", 1},
		{"kcing_records_rejected_total", "", 3},
		{"kcing_records_stored_total", "lava lab-b", 1},
		{"kcing_records_duplicate_total", "lava lab-b", 1},
		{"kcing_received_bytes_total", "lava", float64(2 * len(callback))},
		{"kcing_bulk_documents_total", "stored", 12},
		{"kcing_http_requests_total", "503 lava", 1},
		{"kcing_http_requests_total", "415 build", 1},
		{"kcing_http_requests_in_flight", "", 0},
		{"kcing_http_body_bytes", "", 0},
		{"kcing_spool_records", "", 3},
		{"kcing_spool_bytes", "", 4000},
		{"kcing_spool_limit_bytes", "", 1 << 30},
		{"kcing_elasticsearch_up", "", 1},
		{"kcing_rejects", "", 2},
	} {
		if got := metric(t, s.metrics, c.name, strings.Fields(c.labels)...); got != c.want {
			t.Errorf("%s{%s} is %v, want %v", c.name, c.labels, got, c.want)
		}
	}
	if got := metric(t, s.metrics, "kcing_spool_oldest_age_seconds"); got < 3600 || got > 7200 {
		t.Errorf("oldest is %v s old", got)
	}
	families, err := s.metrics.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	w := s.do(kinds.Build, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{`kcing_build_info{goversion="go`, `version="v1"} 1`,
		`kcing_http_request_duration_seconds_bucket{handler="lava",le="0.25"}`, "go_goroutines", "process_open_fds"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func TestLabLabelsAreBounded(t *testing.T) {
	m := NewMetrics()
	for i := range 10 * maxLabs {
		m.Count(Stored, kinds.LAVA, fmt.Sprint("lab-", i))
		m.Rejected("no such kind", "\xff"+strings.Repeat("x", 10000), "", "")
	}
	if n := series(t, m, "kcing_records_stored_total"); n != maxLabs { // one label went to the other metric
		t.Errorf("%d series, want %d with the one for the rest", n, maxLabs)
	}
	if got := metric(t, m, "kcing_records_stored_total", "lava", otherLabs); got != 9*maxLabs+1 {
		t.Errorf("%v counted as %q, want %d", got, otherLabs, 9*maxLabs+1)
	}
	if len(m.recent) != maxRecent || len(m.rows) > maxLabs+2 {
		t.Errorf("%d rejects and %d rows kept", len(m.recent), len(m.rows))
	}
}

func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMetrics()
		stored := func() (sum int64, last, first int64) {
			var r report
			m.fill(&r, time.Now())
			if len(r.History.Stored) != historyPoints {
				t.Fatalf("%d points", len(r.History.Stored))
			}
			for _, n := range r.History.Stored {
				sum += n
			}
			return sum, r.History.Stored[historyPoints-1], r.History.Stored[0]
		}
		check := func(when string, sum, last, first int64) {
			t.Helper()
			if s, l, f := stored(); s != sum || l != last || f != first {
				t.Errorf("%s: sum %d, last %d, first %d; want %d, %d, %d", when, s, l, f, sum, last, first)
			}
		}
		m.Count(Stored, kinds.LAVA, "a")
		m.Count(Stored, kinds.LAVA, "a")
		check("at once", 2, 2, 0)
		time.Sleep(historyStep)
		m.Count(Stored, kinds.LAVA, "a")
		check("one step later", 3, 1, 0)
		time.Sleep((historyPoints - 2) * historyStep)
		check("at the end of the hour", 3, 0, 2)
		time.Sleep(historyStep)
		check("a step past it", 1, 0, 1)
		time.Sleep(1000 * time.Hour)
		check("weeks later", 0, 0, 0)
		m.Count(Stored, kinds.LAVA, "a")
		check("and again", 1, 1, 0)
	})
}
