// Package retry is how kcing waits before it tries something again: a sleep that
// a context ends, what a server asks for with Retry-After, pauses that grow, and
// which statuses are about the moment rather than the request. What else is worth
// another try, and how often, is for the caller to know.
package retry

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Sleep waits for d, or until ctx ends and then returns its cause. A d of 0 or
// less is no wait at all, whatever ctx is.
func Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// After reads the header Retry-After: seconds or an HTTP date (RFC 9110, 10.2.3).
// Zero: none, or over. It is cut at a day: a longer one is a mistake.
func After(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	const longest = 24 * time.Hour
	if n, err := strconv.ParseUint(v, 10, 63); err == nil {
		if n > uint64(longest/time.Second) {
			return longest
		}
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), longest)
}

// Busy reports whether a status says that a server, or a proxy before it, cannot
// answer now and may soon.
func Busy(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// Backoff chooses pauses that double from First up to Longest, each less a
// random part of up to a half. First must be positive.
type Backoff struct {
	First, Longest time.Duration

	last time.Duration // before the random part was taken off
}

// Next is the next pause.
func (b *Backoff) Next() time.Duration {
	b.last = min(max(2*b.last, b.First), b.Longest)
	return b.last - rand.N(b.last/2+1) //nolint:gosec // jitter, no secret
}

// Reset makes First the next pause again.
func (b *Backoff) Reset() { b.last = 0 }
