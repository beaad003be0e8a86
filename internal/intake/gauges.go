package intake

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// statusGauge is a gauge whose value is part of the status.
type statusGauge struct {
	name, help string
	value      func(Status) float64
}

func (g statusGauge) desc() *prometheus.Desc {
	return prometheus.NewDesc("kcing_"+g.name, g.help, nil, nil)
}

var statusGauges = []statusGauge{
	{"spool_records", "Records accepted and not yet finished.",
		func(s Status) float64 { return float64(s.Spool.Records) }},
	{"spool_bytes", "Bytes of the records in the spool.",
		func(s Status) float64 { return float64(s.Spool.Bytes) }},
	{"spool_limit_bytes", "Bytes at which the spool is full; 0: no limit.",
		func(s Status) float64 { return float64(s.Spool.MaxBytes) }},
	{"spool_oldest_age_seconds", "Age of the oldest record in the spool; 0 when it is empty.",
		func(s Status) float64 { return age(s.Spool.Oldest) }},
	{"spool_corrupt_files", "Damaged spool files that were set aside.",
		func(s Status) float64 { return float64(s.Spool.Corrupt) }},
	{"rejects", "Entries of kcing rejects list; -1 when unknown.",
		func(s Status) float64 { return float64(s.Rejects) }},
	{"elasticsearch_up", "1 when Elasticsearch answered the last time, otherwise 0.",
		func(s Status) float64 {
			if s.Elasticsearch.Up {
				return 1
			}
			return 0
		}},
}

// statusCollector makes the gauges of one look at the status for each scrape, so
// that they fit together.
type statusCollector struct{ intake *Intake }

// Describe implements [prometheus.Collector].
func (c statusCollector) Describe(to chan<- *prometheus.Desc) {
	for _, g := range statusGauges {
		to <- g.desc()
	}
}

// Collect implements [prometheus.Collector].
func (c statusCollector) Collect(to chan<- prometheus.Metric) {
	s := c.intake.status()
	for _, g := range statusGauges {
		to <- prometheus.MustNewConstMetric(g.desc(), prometheus.GaugeValue, g.value(s))
	}
}

// observe registers the gauges of what is not counted here but asked of the intake.
func (m *Metrics) observe(in *Intake) {
	m.registry.MustRegister(statusCollector{in},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kcing_http_body_bytes",
			Help: "Memory of the bodies that are being received or accepted."},
			func() float64 { return float64(in.bodies.used.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "kcing_build_info",
			Help:        "Always 1; the version of kcing and of Go.",
			ConstLabels: prometheus.Labels{"version": clip(in.config.Version, 100), "goversion": runtime.Version()}},
			func() float64 { return 1 }))
}

func age(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Since(t).Seconds())
}
