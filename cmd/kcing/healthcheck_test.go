package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthcheck(t *testing.T) {
	t.Chdir(t.TempDir()) // no kcing.env
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/healthz":
			_, _ = io.WriteString(w, "ok\n")
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "not\x1b delivered")
		}
	}))
	defer server.Close()
	f := func(code int, want string, args ...string) {
		t.Helper()
		var out, errs bytes.Buffer
		got := run(append([]string{"kcing", "healthcheck", "--timeout", "60s"}, args...), strings.NewReader(""), &out,
			&errs)
		if text := out.String() + errs.String(); got != code || !strings.Contains(text, want) ||
			strings.Contains(text, "hunter2") {
			t.Errorf("%v: exit code %d, %q; want %d, %q", args, got, text, code, want)
		}
	}
	f(exitOK, "ok", "--url", server.URL+"/healthz")
	f(exitFailed, "answered 503: not  delivered", "--url", server.URL+"/readyz")
	f(exitFailed, "no kcing serve at http://127.0.0.1:", "--url", "http://u:hunter2@"+closedPort(t))
	f(exitUsage, "not a URL", "--url", "http://u:hunter2%zz@h")
	f(exitUsage, "not a URL", "--url", "here")
	encrypted := httptest.NewTLSServer(http.NotFoundHandler())
	defer encrypted.Close()
	f(exitFailed, "unknown authority, see SSL_CERT_FILE (KCING_HEALTH_URL)", "--url", encrypted.URL)
	t.Setenv("KCING_HEALTH_URL", server.URL+"/healthz")
	f(exitOK, "ok")
}
