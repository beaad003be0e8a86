package intake

import (
	"cmp"
	"context"
	"log/slog"
	"time"
)

// Limits bound what clients can make the process do. Zero fields are the
// defaults of [DefaultLimits].
type Limits struct {
	// RecordBytes is the longest body in bytes, after decompression too; 413
	// past it.
	RecordBytes int64
	// BodyBytes bounds the memory of all bodies that are being read or accepted,
	// in bytes; 503 past it. It is not below what one record of RecordBytes
	// needs, which is twice its length while its buffer grows.
	BodyBytes int64
	// Connections open at once on each listener; more wait in the kernel's queue.
	Connections int
	// HeaderBytes is the longest request header in bytes; 431 past it.
	HeaderBytes int

	HeaderTimeout time.Duration // to send the header
	BodyTimeout   time.Duration // to send header and body; 408 past it
	IdleTimeout   time.Duration // between two requests of a connection
	AcceptTimeout time.Duration // for Config.Accept; its context ends then
}

// DefaultLimits are made for 200 MiB of memory in all. LAVA callbacks are up to
// 1 MB and arrive whole within a second; the timeouts leave room for slow links.
func DefaultLimits() Limits {
	return Limits{
		RecordBytes: 32 << 20,
		BodyBytes:   64 << 20,
		Connections: 2000,
		HeaderBytes: 16 << 10,

		HeaderTimeout: 10 * time.Second,
		BodyTimeout:   time.Minute,
		IdleTimeout:   2 * time.Minute,
		AcceptTimeout: 30 * time.Second,
	}
}

// withDefaults fills zero fields and keeps BodyBytes large enough for a record.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	l.RecordBytes = cmp.Or(l.RecordBytes, d.RecordBytes)
	l.BodyBytes = max(cmp.Or(l.BodyBytes, d.BodyBytes), 2*l.RecordBytes+gzipMemory+2*minBuffer)
	l.Connections = cmp.Or(l.Connections, d.Connections)
	l.HeaderBytes = cmp.Or(l.HeaderBytes, d.HeaderBytes)
	l.HeaderTimeout = cmp.Or(l.HeaderTimeout, d.HeaderTimeout)
	l.BodyTimeout = cmp.Or(l.BodyTimeout, d.BodyTimeout)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, d.IdleTimeout)
	l.AcceptTimeout = cmp.Or(l.AcceptTimeout, d.AcceptTimeout)
	return l
}

// Config is what the intake is made of. Only Accept is required.
type Config struct {
	// Accept makes a record durable; nil means it is, and the client gets 200.
	// It is called by many goroutines at once, and its context does not end when
	// the client goes away. A *[Refusal] is passed on to the client; Accept has
	// put such a record among the rejects itself. A *[Busy] is 503 with
	// Retry-After, and so is every other error, with no detail to the client.
	Accept func(context.Context, *Post) error

	// Refused is told of the posts that Accept never saw because they can never
	// be taken (400, 413, 415, 422), with what was read of them, so that they
	// come among the rejects. Not of 401, 403, 408 and 503. nil: nobody is told.
	Refused func(context.Context, *Post, *Refusal)

	// Ready gives the reasons why the process cannot do its whole work, in plain
	// words without secrets; none means ready. nil: always ready. It must not block.
	Ready func() []string

	// Status gives what /status and the gauges of /metrics show of the rest of
	// the process. nil: zero values. It must not block.
	Status func() Status

	Metrics *Metrics     // from NewMetrics, for this intake alone; nil: one of its own
	Tokens  *Tokens      // nil: nobody needs a token
	Limits  Limits       // zero: DefaultLimits
	Logger  *slog.Logger // nil: no log
	Version string       // of kcing, for /status and kcing_build_info
}

// Status is the state of the rest of the process, as /status and /metrics show
// it. It holds no secrets.
type Status struct {
	Elasticsearch Elasticsearch `json:"elasticsearch"`
	Delivery      Delivery      `json:"delivery"`
	Spool         Spool         `json:"spool"`
	// Rejects is how many entries `kcing rejects list` has; -1 when unknown.
	Rejects int `json:"rejects"`
}

// Elasticsearch says how the cluster was when it was last heard of.
type Elasticsearch struct {
	URL     string `json:"url"`     // without user and password
	Version string `json:"version"` // empty before the first answer
	Up      bool   `json:"up"`
	Detail  string `json:"detail"` // why not, in words; also "yellow" or the like
}

// Delivery says what the background delivery does.
type Delivery struct {
	// State is one word or two: "delivering", "idle", "waiting", "stopped".
	State  string `json:"state"`
	Detail string `json:"detail"`
	// Since is when it came into this state; zero when unknown.
	Since time.Time `json:"since,omitzero"`
}

// Spool describes the records that are accepted and not yet finished.
type Spool struct {
	Records  int       `json:"records"`
	Bytes    int64     `json:"bytes"`
	MaxBytes int64     `json:"max_bytes"` // 0: no limit
	Oldest   time.Time `json:"oldest,omitzero"`
	Corrupt  int       `json:"corrupt"` // files set aside
}
