package fetch

import (
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/kcing/kcing/internal/retry"
)

// Pauses between tries: firstPause, which doubles from try to try up to maxPause,
// less a random part of up to a half. Those of five tries outlast a restart of 15 s. A
// server's Retry-After wins; when it is over maxRetryAfter the next run tries again.
const (
	firstPause    = 2 * time.Second
	maxPause      = 30 * time.Second
	maxRetryAfter = 2 * time.Minute

	// A server that let a request time out may still be working on it: it is asked
	// again after slowPause, twice, and then by the next run.
	slowTries = 3
	slowPause = 30 * time.Second
)

func timedOut(err error) bool { return errors.Is(err, errIdle) || errors.Is(err, errTimeout) }

// finalFault is an error that another try would not mend.
type finalFault struct{ error }

func (e *finalFault) Unwrap() error { return e.error }

// answer is a status that is not success, with what the server wants.
type answer struct {
	status     *StatusError
	retryAfter time.Duration // 0: it did not say
}

func (e *answer) Error() string { return e.status.Error() }
func (e *answer) Unwrap() error { return e.status }

// passing reports whether another try may succeed.
func passing(err error) bool {
	var (
		final     *finalFault
		a         *answer
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
	)
	switch {
	case errors.As(err, &final), errors.As(err, &authority), errors.As(err, &hostname):
		return false
	case errors.As(err, &a):
		s := a.status.Status
		return s == http.StatusTooManyRequests || s == http.StatusRequestTimeout || s == http.StatusTooEarly ||
			s >= 500 && s != http.StatusNotImplemented
	}
	return true // the connection, or a body that was cut
}

// finalError is what the caller gets of an error that is not worth a retry.
func finalError(url string, err error) error {
	var a *answer
	if errors.As(err, &a) {
		return a.status
	}
	return &TransferError{URL: Redact(url), Tries: 1, Err: err}
}

// backoff chooses the pauses of one download.
type backoff struct {
	growing retry.Backoff
	slow    int // tries that timed out
}

func (b *backoff) next(err error) time.Duration {
	if timedOut(err) {
		b.slow++
		return slowPause
	}
	pause := b.growing.Next()
	var a *answer
	if errors.As(err, &a) && a.retryAfter > 0 {
		return a.retryAfter
	}
	return pause
}
