package intake

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Intake answers the requests of all listeners.
type Intake struct {
	config   Config
	limits   Limits
	log      *slog.Logger
	metrics  *Metrics
	bodies   budget
	exporter http.Handler
	started  time.Time
	draining atomic.Bool

	// accepting ends when a shutdown has taken too long; then Accept is cancelled.
	accepting context.Context //nolint:containedctx // the process's, not a request's
	cut       context.CancelFunc

	handling sync.RWMutex // read-locked by each handler: who has the lock knows that none runs
}

// exchange is one request and what is known of its answer.
type exchange struct {
	intake    *Intake
	w         http.ResponseWriter
	r         *http.Request
	requestID string
	received  time.Time
	answered  bool
}

func (e *exchange) remote() string {
	host, _, err := net.SplitHostPort(e.r.RemoteAddr)
	if err != nil {
		return clip(e.r.RemoteAddr, 64)
	}
	return host
}

func (in *Intake) status() Status {
	if in.config.Status == nil {
		return Status{}
	}
	return in.config.Status()
}
