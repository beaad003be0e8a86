package intake

import (
	"cmp"
	"context"
	"log/slog"
	"time"
)

// Post is one record as it was posted.
type Post struct {
	Kind string // of package kinds

	// Payload is the body, decompressed; nobody else refers to it. For
	// Config.Refused it may be only the beginning, see Size.
	Payload []byte
	// Size is the length of the whole body in bytes; of a body that was not
	// read to its end what the header said, or -1.
	Size int64

	// Lab is lab_name of the query and wins over the body's. Empty when there is
	// none; then the body's counts, and without that TokenLab. Accept may set it
	// to the lab it found, for the log and the metrics.
	Lab string
	// TokenLab is the lab of the token that came with the post: "" without
	// tokens and for tokens of [AnyLab]. It agrees with Lab; whether it agrees
	// with the lab of the body is for Accept to see, with CheckLab.
	TokenLab string
	// NodeID is the Maestro node of /node/{node_id}, otherwise empty.
	NodeID string
	// Key may be set by Accept: the record's key, for the log.
	Key string

	RequestID string
	Remote    string    // the sender's IP address, that of the proxy behind one
	Received  time.Time // when the request's header had come in
}

// CheckLab returns a *Refusal when the post's token is another lab's than lab,
// the one that the record names. No lab agrees with every token.
func (p *Post) CheckLab(lab string) error {
	if p.TokenLab == "" || lab == "" || p.TokenLab == lab {
		return nil
	}
	return otherLab(lab)
}

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
