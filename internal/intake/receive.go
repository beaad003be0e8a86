package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"
)

// retrySoon is the Retry-After when the memory for bodies is used up: bodies come and go in seconds.
const retrySoon = 5 * time.Second

// post takes one record in. A token that is missing or wrong ends it before
// anything is read; a record that can never be taken is read all the same, as
// far as the limits let it, so that it can be kept among the rejects.
func (e *exchange) post(kind string) {
	p := &Post{Kind: kind, Size: e.r.ContentLength, RequestID: e.requestID, Remote: e.remote(), Received: e.received}
	if !e.authorize(p) {
		return
	}
	lab, refusal := queryLab(e.r.URL.RawQuery)
	p.Lab = lab
	var other *Refusal
	if errors.As(p.CheckLab(lab), &other) {
		e.refuse(p, other)
		return
	}
	if node, given := strings.CutPrefix(e.r.URL.Path, "/node/"); given && refusal == nil {
		p.NodeID, refusal = nodeID(node)
	}
	b := &body{budget: &e.intake.bodies}
	defer b.free()
	err := b.read(e.r, e.intake.limits.RecordBytes)
	p.Payload = b.bytes
	var tooMuch *Refusal
	switch {
	case errors.As(err, &tooMuch):
		if tooMuch.Status == http.StatusRequestEntityTooLarge && e.r.ContentLength <= e.intake.limits.RecordBytes {
			p.Size = -1
		}
		refusal = tooMuch
	case err != nil:
		e.unread(p, err)
		return
	default:
		p.Size = int64(len(p.Payload))
		if len(bytes.TrimSpace(p.Payload)) == 0 {
			e.intake.metrics.blank.Inc()
			e.text(http.StatusOK, "ok") // as Logstash did
			return
		}
		if r := contentType(e.r.Header.Values("Content-Type"), p.Payload); r != nil {
			refusal = r
		}
	}
	if refusal != nil {
		e.keep(p, refusal)
		e.refuse(p, refusal)
		return
	}
	e.accept(p)
}

// authorize answers 401 by itself. 401 is for a token that is missing or
// unknown, 403 for a good one that is another lab's: so that the
// sender's log says which of the two is wrong.
func (e *exchange) authorize(p *Post) bool {
	if e.intake.config.Tokens == nil {
		return true
	}
	given := credential(e.r.Header.Get("Authorization"))
	lab, ok := e.intake.config.Tokens.lab(given)
	if !ok {
		reason := "unknown token"
		if given == "" {
			reason = "no token: send it in the Authorization header " +
				"(in a LAVA job: notify.callback token:, and header: Authorization, which is its default)"
		}
		e.w.Header().Set("WWW-Authenticate", `Bearer realm="kcing"`)
		e.warn(p, http.StatusUnauthorized, reason)
		e.fail(http.StatusUnauthorized, reason)
		return false
	}
	if lab != AnyLab {
		p.TokenLab = lab
	}
	return true
}

// accept hands the record over, and answers.
func (e *exchange) accept(p *Post) {
	ctx, cancel := context.WithTimeout(e.intake.accepting, e.intake.limits.AcceptTimeout)
	defer cancel()
	err := e.intake.config.Accept(ctx, p)
	var refusal *Refusal
	var busy *Busy
	switch {
	case err == nil:
		e.intake.metrics.accept(p)
		e.intake.log.Debug("accepted a record", e.attrs(p)...)
		e.text(http.StatusOK, "ok")
	case errors.As(err, &refusal):
		e.refuse(p, refusal)
	case errors.As(err, &busy):
		e.warn(p, http.StatusServiceUnavailable, busy.Reason)
		e.busy(busy.RetryAfter, busy.Reason)
	default:
		e.intake.log.Error("could not take a record; it is lost unless the sender posts it again",
			append(e.attrs(p), "error", err)...)
		e.busy(retrySoon, "the record could not be stored just now; post it again")
	}
}

// keep hands over a post that Accept never saw, for the rejects.
func (e *exchange) keep(p *Post, refusal *Refusal) {
	if e.intake.config.Refused == nil {
		return
	}
	ctx, cancel := context.WithTimeout(e.intake.accepting, e.intake.limits.AcceptTimeout)
	defer cancel()
	e.intake.config.Refused(ctx, p, refusal)
}

// refuse answers with a refusal.
func (e *exchange) refuse(p *Post, refusal *Refusal) {
	if refusal.Status < 400 || refusal.Status > 499 { // no status for a client: the record is refused all the same
		refusal = &Refusal{Status: http.StatusUnprocessableEntity, Type: refusal.Type, Reason: refusal.Reason}
	}
	e.warn(p, refusal.Status, refusal.Reason)
	if refusal.Status != http.StatusForbidden { // without permission to post there is no place on the page either
		e.intake.metrics.receive(p)
		if !refusal.NoReject {
			e.intake.metrics.reject(Reject{
				Kind: p.Kind, Lab: p.Lab, Key: p.Key, Reason: refusal.Reason, RequestID: p.RequestID,
			})
		}
	}
	if refusal.Status == http.StatusUnsupportedMediaType {
		e.w.Header().Set("Accept-Encoding", "gzip, identity") // RFC 9110, 15.5.16
	}
	e.fail(refusal.Status, refusal.Reason)
}

// unread answers when the body did not come in whole.
func (e *exchange) unread(p *Post, err error) {
	e.w.Header().Set("Connection", "close") // the rest of the body would be taken for a request
	if errors.Is(err, errNoMemory) {
		e.warn(p, http.StatusServiceUnavailable, err.Error())
		e.busy(retrySoon, err.Error())
		return
	}
	status, reason := http.StatusBadRequest, err.Error()
	if errors.Is(err, errTimeout) {
		status, reason = http.StatusRequestTimeout, fmt.Sprintf("%v (%s)", err, e.intake.limits.BodyTimeout)
	}
	e.warn(p, status, reason)
	e.fail(status, reason)
}

// warn writes the line that each post gets which is not answered 200.
func (e *exchange) warn(p *Post, status int, reason string) {
	e.intake.log.Warn("refused a record", append(e.attrs(p), "status", status, "reason", reason)...)
}

// attrs are a post's coordinates. The query is not among them: it may hold a
// token.
func (e *exchange) attrs(p *Post) []any {
	attrs := []any{
		slog.String("request_id", p.RequestID), slog.String("remote", p.Remote), slog.String("kind", p.Kind),
		slog.String("lab", clip(p.Lab, maxLab)), slog.String("path", clip(e.r.URL.Path, 200)),
		slog.Int("bytes", len(p.Payload)),
	}
	if p.TokenLab != "" {
		attrs = append(attrs, slog.String("token_lab", p.TokenLab))
	}
	if p.Key != "" {
		attrs = append(attrs, slog.String("key", clip(p.Key, 200)))
	}
	if via := e.r.Header.Get("X-Forwarded-For"); via != "" { // may be forged
		attrs = append(attrs, slog.String("forwarded_for", clip(via, 100)))
	}
	return attrs
}

// contentType refuses what is not meant as JSON. LAVA says application/json;
// Logstash never looked, so that many senders say text/plain or nothing.
//
// LAVA's default, urlencoded, is refused and not decoded: Python requests makes
// of the map `results` one results=SUITE for each of its keys, and the results
// themselves are not in the body at all. But curl --data says urlencoded of
// everything, so what begins as a JSON object is one: in a form the brace would
// be %7B.
func contentType(values []string, payload []byte) *Refusal {
	if len(values) == 0 || strings.TrimSpace(values[0]) == "" {
		return nil
	}
	media, _, err := mime.ParseMediaType(values[0])
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		media = strings.ToLower(strings.TrimSpace(values[0]))
	}
	switch {
	case media == "application/json", media == "text/json", media == "text/plain", media == "application/octet-stream",
		media == "application/gzip", media == "application/x-gzip", strings.HasSuffix(media, "+json"):
		return nil
	case media == "application/x-www-form-urlencoded":
		if bytes.HasPrefix(bytes.TrimSpace(payload), []byte("{")) {
			return nil
		}
		return &Refusal{Status: http.StatusUnsupportedMediaType, Type: "unsupported_content_type",
			Reason: "urlencoded form: LAVA leaves the results out of it; " +
				"give the job's notify.callback content-type: json"}
	}
	return &Refusal{Status: http.StatusUnsupportedMediaType, Type: "unsupported_content_type",
		Reason: fmt.Sprintf("Content-Type %q: send the record as application/json", clip(media, 80))}
}
