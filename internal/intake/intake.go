package intake

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
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

	mu      sync.Mutex
	idle    *sync.Cond // of mu
	running int        // handlers
}

// New makes an intake. It opens nothing; see Serve and Handler.
func New(c Config) *Intake {
	if c.Metrics == nil {
		c.Metrics = NewMetrics(nil)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	in := &Intake{config: c, limits: c.Limits.withDefaults(), log: c.Logger, metrics: c.Metrics, started: time.Now()}
	in.idle = sync.NewCond(&in.mu)
	in.bodies.limit = in.limits.BodyBytes
	in.accepting, in.cut = context.WithCancel(context.Background())
	in.metrics.connect(c.Status, &in.bodies, c.Version)
	in.exporter = promhttp.HandlerFor(in.metrics.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 8})
	return in
}

// exchange is one request and what is known of its answer.
type exchange struct {
	intake    *Intake
	w         http.ResponseWriter
	r         *http.Request
	requestID string
	handler   string // for the metrics
	received  time.Time
	code      int // of the answer, 0 before it
}

// Handler answers on a port whose kind is given. Paths that name a kind go before
// the port's; any other POST is of the port's kind. Paths are compared, never
// cleaned or followed: no file is named after one.
func (in *Intake) Handler(kind string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{
			intake: in, w: w, r: r, received: time.Now(), handler: "other",
			requestID: requestID(r.Header.Get("X-Request-Id")),
		}
		in.enter()
		defer in.leave()
		defer e.end()
		w.Header().Set("X-Request-Id", e.requestID)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		e.route(kind)
	})
}

// end counts the request, and turns a panic into a 500 and a line in the log.
func (e *exchange) end() {
	if p := recover(); p != nil {
		if err, ok := p.(error); ok && err == http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http compares it
			panic(p)
		}
		e.intake.log.Error("a request made the intake panic; this is a bug",
			"panic", fmt.Sprint(p), "request_id", e.requestID,
			"path", clip(e.r.URL.Path, 200), "remote", e.remote(), "stack", string(debug.Stack()))
		if e.code == 0 {
			e.fail(http.StatusInternalServerError, "internal error; kcing's log has more under this request_id")
		} else {
			panic(http.ErrAbortHandler) // the answer is half written: the client must not take it for whole
		}
	}
	e.intake.metrics.request(e.handler, e.code, time.Since(e.received))
}

func (e *exchange) route(kind string) {
	path := strings.TrimRight(e.r.URL.Path, "/")
	switch path {
	case "/healthz":
		e.page("healthz", e.healthz)
	case "/readyz":
		e.page("readyz", e.readyz)
	case "/metrics":
		e.page("metrics", e.prometheus)
	case "/status":
		e.page("status", e.statusPage)
	case "/build", "/boot", "/lava":
		e.record(path[1:], "")
	case "/callback/lava/boot", "/callback/lava/test":
		e.record(KindLAVA, "")
	default:
		if id, ok := strings.CutPrefix(e.r.URL.Path, "/node/"); ok {
			e.record(KindLAVA, id)
			return
		}
		if path != "" && e.reading() {
			e.fail(http.StatusNotFound, "no such page: "+
				"there are /status, /metrics, /healthz and /readyz, and records are posted")
			return
		}
		e.record(kind, "")
	}
}

// page answers GET and HEAD only.
func (e *exchange) page(name string, show func()) {
	e.handler = name
	if !e.reading() {
		e.w.Header().Set("Allow", "GET, HEAD")
		e.fail(http.StatusMethodNotAllowed, fmt.Sprintf("%s is no method for this path: GET it", clip(e.r.Method, 20)))
		return
	}
	show()
}

// record answers on a path of records: POST brings one, GET is the health check
// that Logstash's inputs answered.
func (e *exchange) record(kind, node string) {
	e.handler = kind
	switch {
	case e.r.Method == http.MethodPost:
		e.post(kind, node)
	case e.reading():
		e.adviseGET(kind)
		e.text(http.StatusOK, "ok")
	default:
		e.w.Header().Set("Allow", "GET, HEAD, POST")
		e.fail(http.StatusMethodNotAllowed, fmt.Sprintf("%s is no method for records: POST them", clip(e.r.Method, 20)))
	}
}

// adviseGET notes what is most likely a LAVA job whose notify.callback has no
// "method: POST": LAVA's default is GET, which carries no record.
func (e *exchange) adviseGET(kind string) {
	if strings.Contains(e.r.URL.RawQuery, "lab_name=") || e.r.Header.Get("Authorization") != "" {
		e.intake.log.Warn("a GET where callbacks are posted holds no record: "+
			"give the LAVA job's notify.callback method: POST",
			"kind", kind, "path", clip(e.r.URL.Path, 200), "remote", e.remote(), "request_id", e.requestID)
	}
}

func (e *exchange) reading() bool {
	return e.r.Method == http.MethodGet || e.r.Method == http.MethodHead
}

func (e *exchange) remote() string {
	host, _, err := net.SplitHostPort(e.r.RemoteAddr)
	if err != nil {
		return clip(e.r.RemoteAddr, 64)
	}
	return host
}

func (in *Intake) enter() {
	in.metrics.inFlight.Inc()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.running++
}

func (in *Intake) leave() {
	in.metrics.inFlight.Dec()
	in.mu.Lock()
	defer in.mu.Unlock()
	in.running--
	if in.running == 0 {
		in.idle.Broadcast()
	}
}

// wait returns when no handler runs.
func (in *Intake) wait() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.running > 0 {
		in.idle.Wait()
	}
}
