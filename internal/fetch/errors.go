package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ErrGone is what a *StatusError with 400, 403, 404 or 410 wraps: what storage
// answers for files that have expired.
var ErrGone = errors.New("not there any more")

// ErrTooLarge says that a body is over the limit.
var ErrTooLarge = errors.New("larger than the limit")

// What becomes of a try that had no whole answer, beside the connection's own errors.
var (
	errNotURL  = errors.New("not a URL")
	errTimeout = errors.New("it took too long")
	errIdle    = errors.New("the server sent nothing for too long")
)

func timedOut(err error) bool { return errors.Is(err, errIdle) || errors.Is(err, errTimeout) }

// StatusError is an answer other than success.
type StatusError struct {
	// URL is without userinfo and query.
	URL    string
	Status int
	// Detail is the beginning of the answer's text, on one line; may be empty.
	Detail string
	// Location is where a redirect leads, without userinfo and query; empty for
	// other answers.
	Location string

	retryAfter time.Duration // 0: it did not say
}

// location is where an answer redirects to.
func location(res *http.Response) string {
	to, err := res.Location()
	if err != nil {
		return ""
	}
	return Redact(to.String())
}

// Error names URL and status.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s answered %d %s", e.URL, e.Status, http.StatusText(e.Status))
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Is makes the answers of expired storage match ErrGone.
func (e *StatusError) Is(target error) bool {
	return target == ErrGone && (e.Status == http.StatusNotFound || e.Status == http.StatusGone ||
		e.Status == http.StatusForbidden || e.Status == http.StatusBadRequest)
}

// statusOf is an answer's status, 0 when there was no answer.
func statusOf(err error) int {
	var s *StatusError
	if errors.As(err, &s) {
		return s.Status
	}
	return 0
}

// TransferError is a request without a usable answer after all tries: no
// connection, cut off, too slow, or a server that is not able to answer.
type TransferError struct {
	// URL is without userinfo and query.
	URL   string
	Tries int
	Slow  bool  // the last try took longer than Request.SlowAfter
	Err   error // of the last try
}

// Error names URL, the number of tries and the last reason.
func (e *TransferError) Error() string {
	times := ""
	if e.Tries > 1 {
		times = fmt.Sprintf(" (%d tries)", e.Tries)
	}
	return fmt.Sprintf("cannot get %s%s: %s", e.URL, times, reason(e.Err))
}

// Unwrap gives the last try's error.
func (e *TransferError) Unwrap() error { return e.Err }

// reason is err without the URL that net/http puts before it, which may hold a
// password or a signature.
func reason(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return reason(u.Err)
	}
	return err.Error()
}

// Redact is a URL without userinfo, query and fragment, for people to read.
func Redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "a URL that cannot be read"
	}
	u.User, u.RawQuery, u.ForceQuery, u.Fragment, u.RawFragment = nil, "", false, "", ""
	return u.String()
}

// detail is the beginning of an answer as one line of plain text.
func detail(body []byte) string {
	const most = 200
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body), "")), " ")
	if strings.HasPrefix(text, "<") { // an HTML page says nothing in a line
		return ""
	}
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return text
}
