package intake

import (
	"crypto/rand"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// requestID takes the sender's id when it can stand in a log as it is, else makes one.
func requestID(given string) string {
	if given != "" && len(given) <= 64 && strings.TrimLeft(given, alphanumeric+"-_.:") == "" {
		return given
	}
	return strings.ToLower(rand.Text()[:16])
}

func (e *exchange) text(code int, text string) {
	e.write(code, "text/plain; charset=utf-8", []byte(text))
}

// fail answers with an error in JSON. It is for the sender: no secret, no detail
// of ours.
func (e *exchange) fail(code int, reason string) {
	answer, err := json.Marshal(struct {
		Error     string `json:"error"`
		RequestID string `json:"request_id"`
	}{reason, e.requestID})
	if err != nil { // cannot be: two strings
		answer = []byte(`{"error":"internal error"}`)
	}
	e.write(code, "application/json", append(answer, '\n'))
}

// busy answers 503.
func (e *exchange) busy(after time.Duration, reason string) {
	e.w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(after.Seconds())))))
	e.fail(http.StatusServiceUnavailable, reason)
}

func (e *exchange) write(code int, contentType string, content []byte) {
	e.answered = true
	h := e.w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	e.w.WriteHeader(code)
	if e.r.Method != http.MethodHead {
		_, _ = e.w.Write(content) // the client has gone: nobody to tell
	}
}
