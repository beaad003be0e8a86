package fetch

import (
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"github.com/kcing/kcing/internal/retry"
)

// IdleTimeout is how long a server may send nothing, tryTimeout how long one try may take.
const (
	IdleTimeout = 2 * time.Minute
	tryTimeout  = 5 * time.Minute
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

// passing reports whether another try may succeed.
func passing(err error) bool {
	var (
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
	)
	switch status := statusOf(err); {
	case errors.Is(err, errNotURL), errors.Is(err, ErrTooLarge), errors.As(err, &authority), errors.As(err, &hostname):
		return false
	case status == 0: // the connection, or a body that was cut
		return true
	default:
		return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout ||
			status == http.StatusTooEarly || status >= 500 && status != http.StatusNotImplemented
	}
}

// finalError is what the caller gets of an error that is not worth a retry.
func finalError(url string, err error) error {
	if statusOf(err) != 0 {
		return err
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
	var s *StatusError
	if errors.As(err, &s) && s.retryAfter > 0 {
		return s.retryAfter
	}
	return pause
}
