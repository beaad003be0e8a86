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
