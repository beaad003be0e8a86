package intake

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kcing/kcing/internal/kinds"
)

const (
	maxLabs   = 200     // lab labels; further labs count as otherLabs
	otherLabs = "other" // in metrics and on the page
	noLab     = "-"     // the lab of builds and of callbacks that name none, as in ids
)

// Event is something that is counted of records.
type Event string

// What may become of a record after it was posted.
const (
	Stored     Event = "stored"     // it is finished: all its documents are in Elasticsearch or among the rejects
	Duplicate  Event = "duplicate"  // it was finished before; Accept returns nil for it
	Superseded Event = "superseded" // of Stored: left out since one that knows more is stored
	Conflict   Event = "conflict"   // of rejected: another one has its key and says other things
	received   Event = "received"
	rejected   Event = "rejected"
)

var events = map[Event]string{
	received:   "Records posted and answered for good: accepted or refused.",
	Stored:     "Records whose documents are all in Elasticsearch.",
	Duplicate:  "Records posted again after they were stored.",
	rejected:   "Records refused, by the intake or by Elasticsearch.",
	Superseded: "Of those stored: left out, since a record that knows more of the same job is there.",
	Conflict:   "Of those rejected: a record with the same key, that knows as much and says other things, is there.",
}

// Metrics counts what becomes of records, for /metrics and /status. Its methods
// may be called by many goroutines at once.
//
// Received = Stored + Duplicate + Rejected + what is in the spool, as long as the
// process lives.
type Metrics struct {
	registry *prometheus.Registry

	records                    map[Event]*prometheus.CounterVec // by kind and lab
	bytes, documents, requests *prometheus.CounterVec
	blank                      prometheus.Counter
	duration                   *prometheus.HistogramVec
	inFlight                   prometheus.Gauge

	mu      sync.Mutex
	labs    map[string]bool // that have a label of their own
	rows    map[rowKey]*Row
	history history
	recent  []Reject // oldest first, at most maxRecent
}

// NewMetrics registers the metrics, and those of the Go runtime and the process,
// in a registry of their own.
func NewMetrics() *Metrics {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	auto := promauto.With(r)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return auto.NewCounterVec(prometheus.CounterOpts{Name: "kcing_" + name, Help: help}, labels)
	}
	records := map[Event]*prometheus.CounterVec{}
	for event, help := range events {
		records[event] = counter("records_"+string(event)+"_total", help, "kind", "lab")
	}
	return &Metrics{
		registry:  r,
		records:   records,
		bytes:     counter("received_bytes_total", "Bytes of accepted records after decompression.", "kind"),
		documents: counter("bulk_documents_total", "Documents by their outcome in Elasticsearch.", "outcome"),
		requests:  counter("http_requests_total", "HTTP requests by handler and status code.", "handler", "code"),
		blank: auto.NewCounter(prometheus.CounterOpts{
			Name: "kcing_blank_posts_total", Help: "Posts with nothing but white space, answered 200 and dropped.",
		}),
		duration: auto.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kcing_http_request_duration_seconds", Help: "Time from a request's header to the end of its answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"handler"}),
		inFlight: auto.NewGauge(prometheus.GaugeOpts{
			Name: "kcing_http_requests_in_flight", Help: "HTTP requests being answered.",
		}),
		labs:    map[string]bool{},
		rows:    map[rowKey]*Row{},
		history: history{began: time.Now()},
	}
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
func (m *Metrics) receive(p *Post) { m.Count(received, p.Kind, p.Lab) }

func (m *Metrics) reject(r Reject) {
	r.Time = time.Now()
	r.Lab, r.Key, r.Reason = clip(r.Lab, maxLab), clip(r.Key, 200), clip(r.Reason, 400)
	m.Count(rejected, r.Kind, r.Lab)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.recent) >= maxRecent {
		m.recent = append(m.recent[:0], m.recent[1:]...)
	}
	m.recent = append(m.recent, r)
}

// Count counts a record, for /metrics, the table and the plot.
func (m *Metrics) Count(what Event, kind, lab string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := rowKey{knownKind(kind), m.label(lab)}
	m.records[what].WithLabelValues(key.kind, key.lab).Inc()
	row, now := m.rows[key], time.Now()
	if row == nil {
		row = &Row{Kind: key.kind, Lab: key.lab}
		m.rows[key] = row
	}
	switch point := m.history.at(now); what {
	case received:
		row.Received++
		row.Last = now
		point.received++
	case Stored:
		row.Stored++
		point.stored++
	case rejected:
		row.Rejected++
		point.rejected++
	case Duplicate:
		row.Duplicate++
	case Superseded, Conflict: // rows have them among others
	}
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

// instrument counts and times the requests that a handler answers.
func (m *Metrics) instrument(name string, answer http.HandlerFunc) http.Handler {
	labels := prometheus.Labels{"handler": name}
	return promhttp.InstrumentHandlerInFlight(m.inFlight,
		promhttp.InstrumentHandlerDuration(m.duration.MustCurryWith(labels),
			promhttp.InstrumentHandlerCounter(m.requests.MustCurryWith(labels), answer)))
}
