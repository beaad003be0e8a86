package intake

import (
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var statusGauges = []struct {
	name, help string
	value      func(Status) float64
}{
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

// observe registers the gauges of what is not counted here but asked of the intake.
func (m *Metrics) observe(in *Intake) {
	gauge := func(o prometheus.GaugeOpts, value func() float64) {
		o.Name = "kcing_" + o.Name
		m.registry.MustRegister(prometheus.NewGaugeFunc(o, value))
	}
	for _, g := range statusGauges {
		gauge(prometheus.GaugeOpts{Name: g.name, Help: g.help}, func() float64 { return g.value(in.status()) })
	}
	gauge(prometheus.GaugeOpts{Name: "http_body_bytes",
		Help: "Memory of the bodies that are being received or accepted."},
		func() float64 { return float64(in.bodies.used.Load()) })
	gauge(prometheus.GaugeOpts{Name: "build_info", Help: "Always 1; the version of kcing and of Go.",
		ConstLabels: prometheus.Labels{"version": clip(in.config.Version, 100), "goversion": runtime.Version()}},
		func() float64 { return 1 })
}

func age(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Since(t).Seconds())
}
