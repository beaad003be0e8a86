package bulk

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// defaultMaxDocBytes is the default of Elasticsearch's http.max_content_length.
const defaultMaxDocBytes = 100 << 20

// Options configures an Indexer. The zero value of each field means the default
// named there; DefaultOptions spells them out.
type Options struct {
	// MaxPendingBytes bounds the memory held for documents without an outcome:
	// filling, queued, in flight, waiting for a retry, and waiting for the
	// callback. Each document counts with its bytes plus 384 for bookkeeping.
	// Compressed copies in flight come on top (a few per cent of Requests ×
	// FlushBytes). Zero: 64 MiB.
	MaxPendingBytes int64
	// MaxDocBytes is the largest body that Add takes; a larger one gets
	// ErrTooLarge. Zero: 100 MiB, what Elasticsearch takes by default. It is
	// never more than MaxPendingBytes allows.
	MaxDocBytes int
	// FlushBytes is the largest request in raw bytes (before compression: that is
	// what http.max_content_length limits). A single larger document goes alone.
	// Zero: 5 MiB.
	FlushBytes int
	// FlushActions is the largest number of documents in a request. Zero: 10,000, so
	// that the bytes decide: small requests cost Elasticsearch more.
	FlushActions int
	// FlushInterval is the longest a document waits for its request to fill
	// while a request slot is free. Zero: 1 s.
	FlushInterval time.Duration
	// Requests is the number of requests in flight. Zero: 2.
	Requests int

	// RetryFor is how long a request may fail before its documents are
	// Undelivered, counted from its first failure; an answer that settles some of
	// its documents starts the count anew. Zero: 5 minutes. Negative: without end.
	RetryFor time.Duration
	// MaxAttempts is how often a document may fail before it is Undelivered.
	// Requests that were only cut in halves do not count. Zero: no limit.
	MaxAttempts int
	// BackoffBase and BackoffCap shape the pause after failures: a random time
	// up to base × 2ⁿ, at most cap. Zero: 500 ms and 30 s. A Retry-After header
	// lengthens a pause, beyond the cap if it says so.
	BackoffBase, BackoffCap time.Duration
	// RequestTimeout ends a request that got no complete answer; it is then sent
	// again. Zero: 90 s (Elasticsearch itself gives up waiting for shards after
	// 60 s). Negative: none.
	RequestTimeout time.Duration

	// Indices is what is known of the indices. Nil: nothing yet.
	Indices *Indices
	// Compress sends the bodies with gzip at level 1: about 20:1 on log lines for
	// 1.7 CPU-ms a megabyte. Right over a network, pointless on loopback.
	Compress bool
	// TrustBodies skips the check that each body is one valid JSON object (about
	// 1 ns a byte). Set it only when the bodies come from an encoder. One bad
	// body makes Elasticsearch refuse or misread its neighbours; newlines are
	// refused in any case.
	TrustBodies bool
	// Logger gets pauses and smaller requests; what becomes of a document is only
	// told to the callback. Nil: discard.
	Logger *slog.Logger
	// OnPause is told when requests pause since Elasticsearch is busy or away,
	// and when they go on. It must not block. Nil: nobody is told.
	OnPause func(paused bool)

	random func() float64 // in [0,1); tests replace it
}

// DefaultOptions returns the values that zero fields stand for.
func DefaultOptions() Options {
	o, _ := Options{}.withDefaults() // The zero value is valid.
	return o
}

func (o Options) withDefaults() (Options, error) {
	if o.MaxPendingBytes < 0 || o.MaxDocBytes < 0 || o.FlushBytes < 0 || o.FlushActions < 0 ||
		o.FlushInterval < 0 || o.Requests < 0 || o.MaxAttempts < 0 || o.BackoffBase < 0 || o.BackoffCap < 0 {
		return o, errors.New("bulk: sizes, counts and intervals must not be negative; use 0 for the default")
	}
	o.MaxPendingBytes = cmp.Or(o.MaxPendingBytes, 64<<20)
	o.MaxDocBytes = cmp.Or(o.MaxDocBytes, defaultMaxDocBytes)
	o.FlushBytes = cmp.Or(o.FlushBytes, 5<<20)
	o.FlushActions = cmp.Or(o.FlushActions, 10_000)
	o.FlushInterval = cmp.Or(o.FlushInterval, time.Second)
	o.Requests = cmp.Or(o.Requests, 2)
	o.RetryFor = cmp.Or(o.RetryFor, 5*time.Minute)
	o.BackoffBase = cmp.Or(o.BackoffBase, 500*time.Millisecond)
	o.BackoffCap = cmp.Or(o.BackoffCap, 30*time.Second)
	o.RequestTimeout = cmp.Or(o.RequestTimeout, 90*time.Second)
	if o.MaxPendingBytes < 4<<10 {
		return o, fmt.Errorf("bulk: MaxPendingBytes %d is less than one small document needs (4096)", o.MaxPendingBytes)
	}
	if o.BackoffCap < o.BackoffBase {
		return o, fmt.Errorf("bulk: BackoffCap %v is less than BackoffBase %v", o.BackoffCap, o.BackoffBase)
	}
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	o.Indices = cmp.Or(o.Indices, new(Indices))
	if o.random == nil {
		o.random = rand.Float64
	}
	return o, nil
}
