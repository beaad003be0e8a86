package retry

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := Sleep(t.Context(), time.Minute); err != nil || time.Since(began) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(why) })
		began = time.Now()
		if err := Sleep(ctx, time.Minute); !errors.Is(err, why) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := Sleep(ctx, 0); err != nil {
			t.Errorf("no wait: %v", err)
		}
	})
}

func TestAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	f := func(v string, want time.Duration) {
		t.Helper()
		if got := After(http.Header{"Retry-After": {v}}, now); got != want {
			t.Errorf("%q: %v, want %v", v, got, want)
		}
	}
	f("", 0)
	f("0", 0)
	f(" 30 ", 30*time.Second)
	f("-5", 0)
	f("1.5", 0)
	f("soon", 0)
	f("99999999999999999999", 0)
	f("9223372036854775807", 24*time.Hour)
	f("Fri, 02 Jan 2026 03:05:05 GMT", time.Minute)
	f("Fri, 02 Jan 2026 03:00:00 GMT", 0)
	f("Fri, 02 Jan 2099 03:00:00 GMT", 24*time.Hour)
}

func TestBackoff(t *testing.T) {
	b := Backoff{First: 2 * time.Second, Longest: 5 * time.Second}
	f := func(most time.Duration) {
		t.Helper()
		if got := b.Next(); got > most || got < most/2 {
			t.Errorf("%v, want half of %v to all of it", got, most)
		}
	}
	for range 20 {
		f(2 * time.Second)
		f(4 * time.Second)
		f(5 * time.Second)
		f(5 * time.Second)
		b.Reset()
	}
}

func TestBusy(t *testing.T) {
	for status := range 600 {
		want := status == 429 || status == 502 || status == 503 || status == 504
		if got := Busy(status); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
}
