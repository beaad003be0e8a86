package faults

import (
	"encoding/base64"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// The secrets of these tests, which no output may hold in any form.
const (
	user     = "kcing-feeder"
	password = "hunter2!pa55"
)

var apiKey = base64.StdEncoding.EncodeToString([]byte("VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw"))

var secrets = []string{password, apiKey, "ui2lp2axTNmsyakw9tvNnw", "hunter2%21pa55",
	base64.StdEncoding.EncodeToString([]byte(user + ":" + password))}

// guards are the ways in: each returns a status from 400 to refuse.
func basicAuth(r *http.Request) int {
	if u, p, _ := r.BasicAuth(); u == user && p == password {
		return 0
	}
	return http.StatusUnauthorized
}

func keyAuth(r *http.Request) int {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "ApiKey") && key == apiKey {
		return 0
	}
	return http.StatusUnauthorized
}

// guarded is a workplace before a TLS proxy with this guard.
func guarded(t *testing.T, guard func(*http.Request) int) (*workplace, *proxy) {
	t.Helper()
	server := elasticsearch(t)
	ca := newAuthority(t)
	p := newProxy(t, server.URL(), proxyOptions{guard: guard, tls: ca.server("", time.Now().Add(time.Hour))})
	w := newWorkplace(t, server.URL(), p.url)
	w.writeFile("ca.pem", ca.pem)
	return w.with("ES_CA_CERT", w.path("ca.pem")), p
}

// noSecrets wants no secret in the outputs, the log and the state file.
func (w *workplace) noSecrets(outputs ...string) {
	w.t.Helper()
	for _, name := range []string{"kcing.db", "kcing.log"} {
		content, err := os.ReadFile(w.path(name))
		if err != nil && !os.IsNotExist(err) {
			w.t.Fatal(err)
		}
		outputs = append(outputs, string(content))
	}
	for _, out := range outputs {
		for _, secret := range secrets {
			if strings.Contains(out, secret) {
				w.t.Errorf("the secret %q is in the output: %s", secret, out[:min(2000, len(out))])
			}
		}
	}
}

// TestTLSAndCredentials: what is right works.
func TestTLSAndCredentials(t *testing.T) {
	f := func(name string, guard func(*http.Request) int, env func(w *workplace, p *proxy)) {
		t.Run(name, func(t *testing.T) {
			c := usual(t)
			w, p := guarded(t, guard)
			env(w, p)
			w.noSecrets(w.run(exitOK, "feed", c.dir, "--debug"))
			w.noSecrets(w.run(exitOK, "status", "--debug"))
			w.complete(c)
		})
	}
	f("API key", keyAuth, func(w *workplace, _ *proxy) { w.with("ES_API_KEY", apiKey) })
	f("basic", basicAuth, func(w *workplace, _ *proxy) { w.with("ES_USERNAME", user, "ES_PASSWORD", password) })
	f("in the URL", basicAuth, func(w *workplace, p *proxy) {
		w.with("ES_HOST", strings.Replace(p.url, "https://", "https://"+user+":hunter2%21pa55@", 1))
	})
}

// TestRefused: what is wrong from the start costs one clear line and exit code
// 1; nothing is rejected, finished or told.
func TestRefused(t *testing.T) {
	f := func(name, want string, guard func(*http.Request) int, env func(w *workplace, p *proxy)) {
		t.Run(name, func(t *testing.T) {
			c := usual(t)
			w, p := guarded(t, guard)
			w.with("ES_API_KEY", apiKey)
			if env != nil {
				env(w, p)
			}
			for _, more := range [][]string{nil, {"--debug"}, {"--debug", "--log-file", w.path("kcing.log")}} {
				out, stderr := w.run(exitFailed, append([]string{"feed", c.dir}, more...)...)
				line := w.closing(stderr)
				if more == nil && stderr != line {
					t.Errorf("it says more than one line:\n%s", stderr)
				}
				t.Logf("%s", line)
				if got := strings.ReplaceAll(line, p.url, "URL"); !strings.Contains(got, want) {
					t.Errorf("it says %q, want %q", got, want)
				}
				w.noSecrets(out, stderr)
			}
			if finished, rejects := w.state(); finished != 0 || rejects != 0 {
				t.Errorf("%d records finished, %d rejects", finished, rejects)
			}
			if n := w.es.count(w.prefix); n > 0 {
				t.Errorf("%d documents", n)
			}
		})
	}
	refuse := func(status int) func(*http.Request) int { return func(*http.Request) int { return status } }
	refused := func(status string) string {
		return "kcing: the Elasticsearch at URL refused the credentials (" + status +
			"): check ES_API_KEY, or ES_USERNAME and ES_PASSWORD\n"
	}
	f("expired key", refused("401"), refuse(401), nil)
	f("forbidden", refused("403"), refuse(403), nil)
	f("wrong password", refused("401"), basicAuth, func(w *workplace, _ *proxy) {
		delete(w.env, "ES_API_KEY")
		w.with("ES_USERNAME", user, "ES_PASSWORD", "x"+password)
	})
	f("templates forbidden", "kcing: get index template ", func(r *http.Request) int {
		if strings.HasPrefix(r.URL.Path, "/_index_template") {
			return http.StatusForbidden
		}
		return 0
	}, nil)
	f("unknown authority", "kcing: cannot reach Elasticsearch at URL: its certificate is signed by an unknown "+
		"authority, see ES_CA_CERT (ES_HOST)\n", keyAuth,
		func(w *workplace, _ *proxy) { delete(w.env, "ES_CA_CERT") })
	f("wrong authority", "its certificate is signed by an unknown authority, see ES_CA_CERT (ES_HOST)\n", keyAuth,
		func(w *workplace, _ *proxy) { w.writeFile("ca.pem", newAuthority(w.t).pem) })
	certificate := func(name string, until time.Time) func(w *workplace, p *proxy) {
		return func(w *workplace, _ *proxy) {
			ca := newAuthority(w.t)
			w.writeFile("ca.pem", ca.pem)
			w.with("ES_HOST", newProxy(w.t, w.es.url, proxyOptions{guard: keyAuth, tls: ca.server(name, until)}).url)
		}
	}
	f("certificate for another host", "127.0.0.1", keyAuth, certificate("es.example.org", time.Now().Add(time.Hour)))
	f("certificate expired", "expired", keyAuth, certificate("", time.Now().Add(-time.Hour)))
}

// TestRefusedWhileRunning: credentials that stop working in the middle, or that
// may read but not write, end the run. What is in is finished, the rest is
// pending, and with good credentials a second run completes it.
func TestRefusedWhileRunning(t *testing.T) {
	f := func(name, want string, status, after int64) {
		t.Run(name, func(t *testing.T) {
			c := usual(t)
			var renewed atomic.Bool
			var bulks atomic.Int64
			w, _ := guarded(t, func(r *http.Request) int {
				if strings.HasSuffix(r.URL.Path, "/_bulk") && !renewed.Load() && bulks.Add(1) > after {
					return int(status)
				}
				return keyAuth(r)
			})
			w.with("ES_API_KEY", apiKey, "ES_BULK_ACTIONS", "70")
			w.run(exitOK, "setup-es")
			out, stderr := w.run(exitFailed, "feed", c.dir, "--debug", "--json")
			w.noSecrets(out, stderr)
			line := w.closing(stderr)
			if !strings.HasPrefix(line, "kcing: not finished: "+want) {
				t.Errorf("it says %q, want %q", line, want)
			}
			finished, rejects := w.state()
			if pending := w.pendingIn(line); rejects != 0 || pending != c.records-finished ||
				(after == 0) != (finished == 0) {
				t.Errorf("%d finished, %d pending, %d rejects", finished, pending, rejects)
			}
			if r := w.report(out); r.Get("bulk.rejected").Int() != 0 || r.Get("bulk.undelivered").Int() == 0 {
				t.Errorf("report %s", out)
			}
			renewed.Store(true)
			w.run(exitOK, "feed", c.dir)
			w.complete(c)
		})
	}
	f("expired", "the credentials were not accepted, check the API key (expired?)", 401, 20)
	f("may not write", "the credentials are known but may not write", 403, 0)
}
