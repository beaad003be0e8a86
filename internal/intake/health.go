package intake

import (
	"net/http"
	"strings"
)

// healthz says that the process answers, and nothing else: a restart would not
// bring Elasticsearch back.
func (e *exchange) healthz() { e.text(http.StatusOK, "ok\n") }

// readyz says whether the process can do its whole work. While Elasticsearch is
// away it is not ready and takes records all the same.
func (e *exchange) readyz() {
	reasons := e.intake.notReady()
	if len(reasons) == 0 {
		e.text(http.StatusOK, "ok\n")
		return
	}
	e.text(http.StatusServiceUnavailable, strings.Join(reasons, "\n")+"\n")
}

func (in *Intake) notReady() []string {
	var reasons []string
	if in.draining.Load() {
		reasons = append(reasons, "shutting down")
	}
	if in.config.Ready != nil {
		reasons = append(reasons, in.config.Ready()...)
	}
	return reasons
}

func (e *exchange) prometheus() {
	w := &codeWriter{ResponseWriter: e.w}
	e.intake.exporter.ServeHTTP(w, e.r)
	e.code = w.code
}

// codeWriter sees the status code that another handler answers with.
type codeWriter struct {
	http.ResponseWriter
	code int
}

func (w *codeWriter) WriteHeader(code int) {
	if w.code == 0 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *codeWriter) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}
