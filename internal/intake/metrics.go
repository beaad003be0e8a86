package intake

import (
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/kcing/kcing/internal/kinds"
)

const (
	maxLabs   = 200     // lab labels; further labs count as otherLabs
	otherLabs = "other" // in metrics and on the page
	noLab     = "-"     // the lab of builds and of callbacks that name none, as in ids
)

// Metrics counts what becomes of records, for /metrics and /status. Its methods
// may be called by many goroutines at once.
//
// Received = Stored + Duplicate + Rejected + what is in the spool, as long as the
// process lives.
type Metrics struct {
	registry *prometheus.Registry
	status   atomic.Pointer[func() Status]
	bodies   atomic.Pointer[budget]

	received, stored, duplicate, rejected *prometheus.CounterVec // by kind and lab
	superseded, conflicts                 *prometheus.CounterVec // likewise; of stored, and of rejected
	bytes, documents, requests            *prometheus.CounterVec
	blank                                 prometheus.Counter
	duration                              *prometheus.HistogramVec
	inFlight                              prometheus.Gauge

	mu      sync.Mutex
	labs    map[string]bool // that have a label of their own
	rows    map[rowKey]*Row
	history history
	recent  []Reject // oldest first, at most maxRecent
}

// NewMetrics registers the metrics, and those of the Go runtime and the process,
// in r; nil stands for a registry of its own. One registry takes one Metrics.
func NewMetrics(r *prometheus.Registry) *Metrics {
	if r == nil {
		r = prometheus.NewRegistry()
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "kcing_" + name, Help: help}, labels)
	}
	m := &Metrics{
		registry: r,
		received: counter("records_received_total", "Records posted and answered for good: accepted or refused.",
			"kind", "lab"),
		stored:    counter("records_stored_total", "Records whose documents are all in Elasticsearch.", "kind", "lab"),
		duplicate: counter("records_duplicate_total", "Records posted again after they were stored.", "kind", "lab"),
		rejected: counter("records_rejected_total", "Records refused, by the intake or by Elasticsearch.", "kind",
			"lab"),
		superseded: counter("records_superseded_total",
			"Of those stored: left out, since a record that knows more of the same job is there.", "kind", "lab"),
		conflicts: counter("records_conflict_total",
			"Of those rejected: a record with the same key, that knows as much and says other things, is there.",
			"kind", "lab"),
		bytes:     counter("received_bytes_total", "Bytes of accepted records after decompression.", "kind"),
		documents: counter("bulk_documents_total", "Documents by their outcome in Elasticsearch.", "outcome"),
		requests:  counter("http_requests_total", "HTTP requests by handler and status code.", "handler", "code"),
		blank: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "kcing_blank_posts_total", Help: "Posts with nothing but white space, answered 200 and dropped.",
		}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kcing_http_request_duration_seconds", Help: "Time from a request's header to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"handler"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "kcing_http_requests_in_flight", Help: "HTTP requests being answered.",
		}),
		labs: map[string]bool{},
		rows: map[rowKey]*Row{},
	}
	m.history.start(time.Now())
	r.MustRegister(m.received, m.stored, m.duplicate, m.rejected, m.superseded, m.conflicts, m.bytes, m.documents,
		m.requests, m.blank,
		m.duration, m.inFlight, &statusCollector{m})
	for _, c := range []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		_ = r.Register(c) // the caller may have them there already
	}
	return m
}

// Stored counts a record that is finished: all its documents are in
// Elasticsearch or among the rejects.
func (m *Metrics) Stored(kind, lab string) {
	m.count(m.stored, kind, lab, func(r *Row, p *point) { r.Stored++; p.stored++ })
}

// Duplicate counts a post of a record that was finished before, to which Accept
// returns nil.
func (m *Metrics) Duplicate(kind, lab string) {
	m.count(m.duplicate, kind, lab, func(r *Row, _ *point) { r.Duplicate++ })
}

// Superseded counts a record, which Stored counts as well, that was left out since
// one that knows more is stored.
func (m *Metrics) Superseded(kind, lab string) {
	m.count(m.superseded, kind, lab, func(*Row, *point) {})
}

// Conflict counts a record, which Rejected counts as well, whose key another one
// has that says other things.
func (m *Metrics) Conflict(kind, lab string) {
	m.count(m.conflicts, kind, lab, func(*Row, *point) {})
}

// Rejected counts a record that was refused after it was accepted, and shows it
// on /status. Refusals of Accept and those that Config.Refused is told of are
// counted by the intake.
func (m *Metrics) Rejected(kind, lab, key, reason string) {
	m.reject(Reject{Kind: kind, Lab: lab, Key: key, Reason: reason})
}

// Documents counts n documents with an outcome of package bulk: "stored",
// "duplicate", "rejected" or "undelivered".
func (m *Metrics) Documents(outcome string, n int) {
	m.documents.WithLabelValues(clip(outcome, 40)).Add(float64(max(n, 0)))
}

// accept counts a post that was answered 200.
func (m *Metrics) accept(p *Post) {
	m.bytes.WithLabelValues(p.Kind).Add(float64(len(p.Payload)))
	m.receive(p)
}

// receive counts a post that was answered for good.
func (m *Metrics) receive(p *Post) {
	m.count(m.received, p.Kind, p.Lab, func(r *Row, pt *point) {
		r.Received++
		pt.received++
		r.Last = time.Now()
	})
}

func (m *Metrics) reject(r Reject) {
	r.Time = time.Now()
	r.Lab, r.Key, r.Reason = clip(r.Lab, maxLab), clip(r.Key, 200), clip(r.Reason, 400)
	m.count(m.rejected, r.Kind, r.Lab, func(row *Row, p *point) {
		row.Rejected++
		p.rejected++
		if len(m.recent) >= maxRecent {
			m.recent = append(m.recent[:0], m.recent[1:]...)
		}
		m.recent = append(m.recent, r)
	})
}

// count adds one to a counter, and to the table and the plot under the lock.
func (m *Metrics) count(c *prometheus.CounterVec, kind, lab string, add func(*Row, *point)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := rowKey{knownKind(kind), m.label(lab)}
	c.WithLabelValues(key.kind, key.lab).Inc()
	row := m.rows[key]
	if row == nil {
		row = &Row{Kind: key.kind, Lab: key.lab}
		m.rows[key] = row
	}
	add(row, m.history.at(time.Now()))
}

// label bounds the number of time series, whatever labs clients make up.
func (m *Metrics) label(lab string) string {
	if lab == "" {
		return noLab
	}
	lab = clip(lab, maxLab)
	if !m.labs[lab] {
		if len(m.labs) >= maxLabs {
			return otherLabs
		}
		m.labs[lab] = true
	}
	return lab
}

func knownKind(kind string) string {
	if slices.Contains(kinds.Names(), kind) {
		return kind
	}
	return "unknown"
}

func (m *Metrics) request(handler string, code int, took time.Duration) {
	m.requests.WithLabelValues(handler, strconv.Itoa(code)).Inc()
	m.duration.WithLabelValues(handler).Observe(took.Seconds())
}

func (m *Metrics) readStatus() Status {
	if f := m.status.Load(); f != nil {
		return (*f)()
	}
	return Status{}
}

// connect gives m the sources of the values that it does not count itself.
func (m *Metrics) connect(status func() Status, bodies *budget, version string) {
	m.bodies.Store(bodies)
	if status != nil {
		m.status.Store(&status)
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "kcing_build_info",
		Help:        "Always 1; the version of kcing and of Go.",
		ConstLabels: prometheus.Labels{"version": clip(version, 100), "goversion": runtime.Version()}})
	info.Set(1)
	_ = m.registry.Register(info) // a second Intake on the same Metrics says the same
}

// statusCollector makes gauges of one look at Config.Status a scrape, so that
// they fit together.
type statusCollector struct{ m *Metrics }

var statusGauges = []struct {
	desc  *prometheus.Desc
	value func(Status) float64
}{
	{
		statusDesc("spool_records", "Records accepted and not yet finished."),
		func(s Status) float64 { return float64(s.Spool.Records) },
	},
	{
		statusDesc("spool_bytes", "Bytes of the records in the spool."),
		func(s Status) float64 { return float64(s.Spool.Bytes) },
	},
	{
		statusDesc("spool_limit_bytes", "Bytes at which the spool is full; 0: no limit."),
		func(s Status) float64 { return float64(s.Spool.MaxBytes) },
	},
	{
		statusDesc("spool_oldest_age_seconds", "Age of the oldest record in the spool; 0 when it is empty."),
		func(s Status) float64 { return age(s.Spool.Oldest) },
	},
	{
		statusDesc("spool_corrupt_files", "Damaged spool files that were set aside."),
		func(s Status) float64 { return float64(s.Spool.Corrupt) },
	},
	{
		statusDesc("rejects", "Entries of kcing rejects list; -1 when unknown."),
		func(s Status) float64 { return float64(s.Rejects) },
	},
	{statusDesc("elasticsearch_up", "1 when Elasticsearch answered the last time, otherwise 0."),
		func(s Status) float64 {
			if s.Elasticsearch.Up {
				return 1
			}
			return 0
		}},
}

var bodyBytes = statusDesc("http_body_bytes", "Memory of the bodies that are being received or accepted.")

func statusDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("kcing_"+name, help, nil, nil)
}

func (c *statusCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, g := range statusGauges {
		ch <- g.desc
	}
	ch <- bodyBytes
}

func (c *statusCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.m.readStatus()
	for _, g := range statusGauges {
		ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, g.value(s))
	}
	if b := c.m.bodies.Load(); b != nil {
		ch <- prometheus.MustNewConstMetric(bodyBytes, prometheus.GaugeValue, float64(b.used.Load()))
	}
}

func age(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Since(t).Seconds())
}
