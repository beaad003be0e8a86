package intake

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kcing/kcing/internal/kinds"
)

// New makes an intake. It opens nothing; see Serve and Handler.
func New(c Config) *Intake {
	if c.Metrics == nil {
		c.Metrics = NewMetrics()
	}
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	in := &Intake{config: c, limits: c.Limits.withDefaults(), log: c.Logger, metrics: c.Metrics, started: time.Now()}
	in.bodies.limit = in.limits.BodyBytes
	in.accepting, in.cut = context.WithCancel(context.Background())
	in.metrics.observe(in)
	in.exporter = promhttp.HandlerFor(in.metrics.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 8})
	return in
}

// Handler answers on a port whose kind is given. Paths that name a kind go before
// the port's; any other POST is of the port's kind. Paths are compared, never
// cleaned or followed: no file is named after one.
func (in *Intake) Handler(kind string) http.Handler {
	page := func(name string, show func(*exchange)) http.Handler {
		return in.handle(name, func(e *exchange) { e.page(show) })
	}
	record := func(kind string) http.Handler { return in.handle(kind, func(e *exchange) { e.record(kind) }) }
	own, lava, other := record(kind), record(kinds.LAVA), in.handle("other", (*exchange).noSuchPage)
	paths := map[string]http.Handler{
		"/healthz":            page("healthz", (*exchange).healthz),
		"/readyz":             page("readyz", (*exchange).readyz),
		"/metrics":            page("metrics", (*exchange).prometheus),
		"/status":             page("status", (*exchange).statusPage),
		"/build":              record(kinds.Build),
		"/boot":               record(kinds.Boot),
		"/lava":               lava,
		"/callback/lava/boot": lava,
		"/callback/lava/test": lava,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in.handling.RLock()
		defer in.handling.RUnlock()
		path := strings.TrimRight(r.URL.Path, "/")
		answer, found := paths[path]
		switch {
		case found:
		case strings.HasPrefix(r.URL.Path, "/node/"):
			answer = lava
		case path != "" && reading(r):
			answer = other
		default:
			answer = own
		}
		answer.ServeHTTP(w, r)
	})
}

// handle makes a handler that is counted under a name.
func (in *Intake) handle(name string, answer func(*exchange)) http.Handler {
	return in.metrics.instrument(name, func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{intake: in, w: w, r: r, received: time.Now(), requestID: requestID(r.Header.Get("X-Request-Id"))}
		w.Header().Set("X-Request-Id", e.requestID)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		defer e.recovered()
		answer(e)
	})
}

// recovered turns a panic into a 500 and a line in the log.
func (e *exchange) recovered() {
	p := recover()
	if p == nil {
		return
	}
	if err, ok := p.(error); ok && err == http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http compares it
		panic(p)
	}
	e.intake.log.Error("a request made the intake panic; this is a bug",
		"panic", fmt.Sprint(p), "request_id", e.requestID,
		"path", clip(e.r.URL.Path, 200), "remote", e.remote(), "stack", string(debug.Stack()))
	if e.answered {
		panic(http.ErrAbortHandler) // it is half written: the client must not take it for whole
	}
	e.fail(http.StatusInternalServerError, "internal error; kcing's log has more under this request_id")
}

func (e *exchange) noSuchPage() {
	e.fail(http.StatusNotFound, "no such page: "+
		"there are /status, /metrics, /healthz and /readyz, and records are posted")
}

func (e *exchange) prometheus() { e.intake.exporter.ServeHTTP(e.w, e.r) }

// page answers GET and HEAD only.
func (e *exchange) page(show func(*exchange)) {
	if !reading(e.r) {
		e.w.Header().Set("Allow", "GET, HEAD")
		e.fail(http.StatusMethodNotAllowed, fmt.Sprintf("%s is no method for this path: GET it", clip(e.r.Method, 20)))
		return
	}
	show(e)
}

// record answers on a path of records: POST brings one, GET is the health check
// that Logstash's inputs answered.
func (e *exchange) record(kind string) {
	switch {
	case e.r.Method == http.MethodPost:
		e.post(kind)
	case reading(e.r):
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

func reading(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// wait returns when no handler runs.
func (in *Intake) wait() {
	in.handling.Lock()
	defer in.handling.Unlock()
}
