package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestSetupESWaits: an Elasticsearch that is only starting is waited for; one that refuses the credentials is not.
func TestSetupESWaits(t *testing.T) {
	t.Chdir(t.TempDir()) // no kcing.env
	var asked, busyFor atomic.Int64
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path != "/":
			_, _ = w.Write([]byte(`{}`))
		case asked.Add(1) <= busyFor.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(status)
			_, _ = w.Write([]byte(`{"cluster_name":"c","version":{"number":"8.19.21"}}`))
		}
	}))
	defer server.Close()
	f := func(wait string, wantCode int, wantErr string) {
		t.Helper()
		asked.Store(0)
		var out, errs strings.Builder
		code := run([]string{"kcing", "setup-es", "--dry-run", "--es-host", server.URL, "--wait", wait},
			strings.NewReader(""), &out, &errs)
		if code != wantCode || !strings.Contains(errs.String(), wantErr) {
			t.Errorf("--wait %s: exit code %d, %q; want %d, %q", wait, code, errs.String(), wantCode, wantErr)
		}
	}
	busyFor.Store(9) // more than are tried without --wait
	f("1ms", exitFailed, "answered 503 (after waiting 1ms")
	f("1h", exitOK, "")
	busyFor.Store(0)
	status = http.StatusUnauthorized
	f("1h", exitFailed, "refused the credentials")
	if asked.Load() != 1 {
		t.Errorf("asked %d times with refused credentials", asked.Load())
	}
}
