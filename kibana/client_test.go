package kibana

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/kibana/kibanatest"
)

// connect makes a client of a stand-in, without pauses to speak of.
func connect(t *testing.T, k *kibanatest.Kibana, o Options) *Client {
	t.Helper()
	a, err := ParseAddress(k.URL)
	if err != nil {
		t.Fatal(err)
	}
	if o.Address.Base == nil {
		o.Address = a
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

const (
	view   = `{"attributes":{"title":"boot-*"},"coreMigrationVersion":"8.8.0","id":"kcing-boot","references":[],"type":"index-pattern","typeMigrationVersion":"8.0.0"}`
	search = `{"attributes":{"title":"Boots"},"coreMigrationVersion":"8.8.0","id":"kcing-boots","references":[{"id":"kcing-boot","name":"x","type":"index-pattern"}],"type":"search","typeMigrationVersion":"8.0.0"}`
	mine   = `{"attributes":{"title":"Mine"},"id":"mine","references":[],"type":"dashboard"}`
)

func file(lines ...string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

// TestImport goes through what a Kibana may answer to an import of two objects.
func TestImport(t *testing.T) {
	k := kibanatest.Start(t, kibanatest.Options{BasePath: "/kibana", Spaces: []string{"lab", "other"}})
	c := connect(t, k, Options{Space: "lab"})
	f := func(ndjson []byte, overwrite bool, created, overwritten, renamed string) {
		t.Helper()
		r, err := c.Import(t.Context(), ndjson, overwrite)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(r.Created, r.Overwritten, r.Renamed); got != created+" "+overwritten+" "+renamed {
			t.Errorf("imported %s, want %s %s %s", got, created, overwritten, renamed)
		}
	}
	f(file(search, view), false, "[index-pattern kcing-boot search kcing-boots]", "[]", "[]")
	if got := k.Objects("lab"); !slices.Equal(got, []string{"index-pattern kcing-boot", "search kcing-boots"}) {
		t.Errorf("the space has %v", got)
	}
	if len(k.Objects("default")) > 0 {
		t.Error("the default space was touched")
	}
	f(file(search, view), true, "[]", "[index-pattern kcing-boot search kcing-boots]", "[]")

	// The same into another space: ids are taken, Kibana gives new ones.
	c = connect(t, k, Options{Space: "other"})
	f(file(view, search), true, "[index-pattern kcing-boot search kcing-boots]", "[]",
		"[index-pattern kcing-boot search kcing-boots]")
	_, err := c.Import(t.Context(), file(view), false)
	var refused *ImportError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if existing, ok := refused.Conflicts(); !ok || fmt.Sprint(existing) != "[index-pattern renamed-1]" {
		t.Errorf("conflicts %v, %v", existing, ok)
	}
}

// TestImportProblems: 200 with success=false, in words, and what was imported.
func TestImportProblems(t *testing.T) {
	k := kibanatest.Start(t, kibanatest.Options{MissingTypes: []string{"links"}})
	k.Put("default", view)
	k.Put("default", `{"type":"dashboard","id":"one","originId":"twice","attributes":{}}`)
	k.Put("default", `{"type":"dashboard","id":"two","originId":"twice","attributes":{}}`)
	c := connect(t, k, Options{})
	f := func(ndjson []byte, imported int, onlyConflicts bool, want ...string) {
		t.Helper()
		before := k.Objects("default")
		_, err := c.Import(t.Context(), ndjson, false)
		var refused *ImportError
		if !errors.As(err, &refused) || refused.Imported != imported {
			t.Fatalf("%+v", err)
		}
		if _, ok := refused.Conflicts(); ok != onlyConflicts {
			t.Errorf("only conflicts: %v", ok)
		}
		for _, w := range append(want, k.URL, "space default") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q is not in: %v", w, err)
			}
		}
		if n := len(k.Objects("default")) - len(before); n != imported {
			t.Errorf("%d objects were imported, want %d", n, imported)
		}
	}
	lost := `{"attributes":{},"id":"kcing-lost","references":[{"id":"kcing-nowhere","name":"x","type":"index-pattern"}],"type":"search","typeMigrationVersion":"8.0.0"}`
	links := `{"attributes":{},"id":"kcing-menu","references":[],"type":"links"}`
	twice := `{"attributes":{},"id":"twice","references":[],"type":"dashboard"}`
	f(file(view, mine), 0, true, "nothing was imported",
		"already there, and not to be overwritten: index-pattern kcing-boot")
	f(file(lost), 0, false, "neither in the file nor in the space: search kcing-lost (index-pattern kcing-nowhere)")
	f(file(twice), 0, false, "several objects that may be meant: dashboard twice (dashboard one, dashboard two); "+
		"delete all but one")
	f(file(view, lost, twice), 0, false, "nothing was imported", "kcing-boot", "kcing-lost", "one")
	f(file(links, mine), 1, false, "1 objects were imported",
		"has no objects of this type: links kcing-menu; it needs a later version")
}

func answers(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// TestImportAnswers: answers that are scarce or strange.
func TestImportAnswers(t *testing.T) {
	k := kibanatest.Start(t, kibanatest.Options{})
	c := connect(t, k, Options{})
	f := func(h http.HandlerFunc, want ...string) {
		t.Helper()
		k.Answer(h)
		_, err := c.Import(t.Context(), file(view), true)
		if err == nil {
			t.Fatalf("accepted, want %q", want)
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q is not in: %v", w, err)
			}
		}
	}
	const js = "application/json"
	f(answers(200, js, `{"success":false,"successCount":0}`), "nothing was imported", "gave no reason")
	f(answers(200, js, `{"success":true,"successCount":1,"errors":[{"type":"lens","id":"a","error":{"type":"unknown","message":"boom\nhere","statusCode":500}}]}`),
		"1 objects were imported", "Kibana could not save lens a (boom here)")
	f(answers(200, js, `{"success":false,"errors":[{"type":"lens","id":"a","error":{"type":"unexpected_access_control_metadata"}}]}`),
		"Kibana says unexpected_access_control_metadata of lens a")
	f(answers(200, js, `{"success":false,"errors":[{"type":"lens","id":"a"}]}`), "Kibana could not save lens a")
	f(answers(200, js, `{"acknowledged":true}`), "is not Kibana's API", "KB_URL")
	f(answers(200, js, `[]`), "is not Kibana's API")
	f(answers(200, "text/html; charset=utf-8", `<html><a href="/Login">`), "a web page, perhaps to log in")
	f(answers(400, js, `{"statusCode":400,"error":"Bad Request","message":"odd \u001b[31mthing"}`),
		"answered 400: odd [31mthing")
	f(answers(500, js, `{"statusCode":500,"message":"An internal server error occurred."}`), "answered 500",
		"Kibana's log has more")
	f(answers(404, "text/html", `<html>`), "answered 404: a web page, so perhaps not Kibana", "base path")
	many := `{"success":false,"errors":[`
	for i := range 8 {
		many += fmt.Sprintf(`{"type":"lens","id":"l%d","error":{"type":"conflict"}},`, i)
	}
	f(answers(200, js, strings.TrimSuffix(many, ",")+"]}"), "lens l4 and 3 more")
}

// TestRefusals: each refusal says what to do next, and no secret.
func TestRefusals(t *testing.T) {
	key := base64.StdEncoding.EncodeToString([]byte("id:hunter2"))
	f := func(k kibanatest.Options, o Options, credentials bool, want ...string) {
		t.Helper()
		server := kibanatest.Start(t, k)
		c := connect(t, server, o)
		_, err := c.Import(t.Context(), file(view), true)
		_, _, exportErr := c.Export(t.Context(), Kcing())
		if err == nil || errors.Is(err, ErrCredentials) != credentials {
			t.Fatalf("error %v, want one of credentials: %v", err, credentials)
		}
		if credentials && !errors.Is(exportErr, ErrCredentials) {
			t.Errorf("export: %v", exportErr)
		}
		for _, w := range append(want, server.URL) {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q is not in: %v", w, err)
			}
		}
		text := err.Error() + fmt.Sprint(exportErr)
		for _, secret := range []string{"hunter2", key, base64.StdEncoding.EncodeToString([]byte("kcing:hunter2"))} {
			if strings.Contains(text, secret) {
				t.Errorf("a secret is in: %v", text)
			}
		}
	}
	f(kibanatest.Options{APIKey: "right"}, Options{APIKey: key}, true, "answered 401", "got ApiKey ********",
		"check KB_API_KEY")
	f(kibanatest.Options{Username: "kcing", Password: "right"}, Options{Username: "kcing", Password: "hunter2"}, true,
		"answered 401", "got Basic ********")
	f(kibanatest.Options{APIKey: "right"}, Options{}, true, "it wants credentials: set KB_API_KEY")
	f(kibanatest.Options{ReadOnly: true}, Options{}, true, "answered 403: Unable to bulk_create",
		"Saved Objects Management: All in the space default")
	f(kibanatest.Options{Login: true}, Options{}, true, "answered 302: a redirect to the login page", "set KB_API_KEY")
	f(kibanatest.Options{MaxImportBytes: 10}, Options{}, false, "answered 413: Payload content length",
		"savedObjects.maxImportPayloadBytes")
	f(kibanatest.Options{MaxImportBytes: 10, ProxyLimit: true}, Options{}, false, "answered 413: a web page",
		"limit on bodies of the proxy")
	f(kibanatest.Options{}, Options{Space: "nosuch"}, false, "answered 404", "check KB_URL")
}

func TestTooNewObjects(t *testing.T) {
	k := kibanatest.Start(t, kibanatest.Options{})
	_, err := connect(t, k, Options{}).Import(t.Context(), file(strings.Replace(view, "8.0.0", "11.0.0", 1)), true)
	if err == nil || !strings.Contains(err.Error(),
		`answered 422: Document "kcing-boot" belongs to a more recent version`) ||
		!strings.Contains(err.Error(), "come from a later Kibana") {
		t.Error(err)
	}
}

// TestCredentialsAreSent, from each place where they may be.
func TestCredentialsAreSent(t *testing.T) {
	f := func(k kibanatest.Options, o Options, userinfo string) {
		t.Helper()
		server := kibanatest.Start(t, k)
		if userinfo != "" {
			a, err := ParseAddress(strings.Replace(server.URL, "://", "://"+userinfo+"@", 1))
			if err != nil {
				t.Fatal(err)
			}
			o.Address = a
		}
		if _, err := connect(t, server, o).Import(t.Context(), file(view), true); err != nil {
			t.Error(err)
		}
	}
	f(kibanatest.Options{APIKey: "abc"}, Options{APIKey: "abc"}, "")
	f(kibanatest.Options{Username: "u", Password: "p:w"}, Options{Username: "u", Password: "p:w"}, "")
	f(kibanatest.Options{Username: "u", Password: "p/w"}, Options{}, "u:p%2Fw")
	f(kibanatest.Options{Username: "u", Password: "right"}, Options{Username: "u", Password: "right"}, "u:wrong")
}

// TestTLS: the authority has to be told.
func TestTLS(t *testing.T) {
	k := kibanatest.Start(t, kibanatest.Options{TLS: true})
	c := connect(t, k, Options{CACert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate})})
	if _, err := c.Import(t.Context(), file(view), true); err != nil {
		t.Error(err)
	}
	if _, err := connect(t, k, Options{}).Wait(t.Context(), Patience{Unreachable: time.Second}); err == nil ||
		strings.Contains(err.Error(), "after waiting") {
		t.Errorf("an unknown authority is accepted, or waited for: %v", err)
	}
	a, err := ParseAddress(k.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Address: a, CACert: []byte("no PEM")}); err == nil ||
		!strings.Contains(err.Error(), "PEM") {
		t.Error(err)
	}
}

func TestStatusAndSpace(t *testing.T) {
	k := kibanatest.Start(t, kibanatest.Options{BasePath: "/a/b", Spaces: []string{"lab"}})
	c := connect(t, k, Options{Space: "lab"})
	s, err := c.Status(t.Context())
	if err != nil || s.Version != "8.19.21" || !s.Ready() || c.Space() != "lab" {
		t.Errorf("%+v, %v", s, err)
	}
	if err := c.CheckSpace(t.Context()); err != nil {
		t.Error(err)
	}
	if err := connect(t, k, Options{Space: "nosuch"}).CheckSpace(t.Context()); err == nil ||
		!strings.Contains(err.Error(), `no space "nosuch"`) {
		t.Error(err)
	}
	k.Answer(answers(403, "application/json", `{}`)) // may not look: the import will tell
	if err := c.CheckSpace(t.Context()); err != nil {
		t.Error(err)
	}
	f := func(h http.HandlerFunc, want string) {
		t.Helper()
		k.Answer(h)
		if s, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, error %v, want %q", s, err, want)
		}
	}
	f(answers(200, "application/json", `{"version":{"number":"8.13.4"},"status":{"overall":{"level":"available"}}}`),
		"is version 8.13.4; the dashboards need 8.14")
	f(answers(200, "application/json", `{"version":{"number":"7.17.0"},"status":{"overall":{"state":"green"}}}`),
		"is version 7.17.0")
	f(answers(200, "application/json", `{"status":{"overall":{"level":"critical"}}}`), "is not ready: it is critical")
	f(answers(200, "application/json", `{"tagline":"You Know, for Search"}`), "is not Kibana's API")
	f(answers(200, "text/html", `<html>`), "is not Kibana's API: a web page")
	f(answers(302, "text/html", ``), "a redirect to nowhere")
	k.Answer(answers(200, "application/json", `{"status":{"overall":{"level":"degraded"}}}`)) // nobody logged in
	if s, err := c.Status(t.Context()); err != nil || s.Version != "" {
		t.Errorf("%+v, %v", s, err)
	}
}

// roundTrip answers without a network, so that time can be virtual.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func plain(status int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func virtual(t *testing.T, f roundTrip) *Client {
	t.Helper()
	a, err := ParseAddress("kibana")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{Address: a})
	if err != nil {
		t.Fatal(err)
	}
	c.http.Transport = f
	return c
}

const isReady = `{"status":{"overall":{"level":"available"}}}`

func TestWait(t *testing.T) {
	refused := errors.New("connection refused")
	f := func(p Patience, failFor time.Duration, fail func() (*http.Response, error), least, most time.Duration,
		want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			started := time.Now()
			c := virtual(t, func(*http.Request) (*http.Response, error) {
				if time.Since(started) < failFor {
					return fail()
				}
				return plain(200, isReady), nil
			})
			_, err := c.Wait(t.Context(), p)
			if took := time.Since(started); took < least || took > most {
				t.Errorf("it took %v, want %v to %v", took, least, most)
			}
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
	lost := func() (*http.Response, error) { return nil, refused }
	starting := func() (*http.Response, error) { return plain(503, "Kibana server is not ready yet."), nil }
	wrong := func() (*http.Response, error) { return plain(401, `{}`), nil }
	f(Patience{}, time.Hour, lost, 0, 0, "connection refused")
	f(Patience{Starting: time.Hour}, time.Hour, lost, 0, 0, "connection refused")
	f(Patience{Unreachable: time.Minute}, 50*time.Second, lost, 50*time.Second, 54*time.Second, "")
	f(Patience{Unreachable: time.Minute}, time.Hour, lost, time.Minute, time.Minute, "after waiting 1m0s; --wait TIME")
	f(Patience{Starting: time.Minute}, 40*time.Second, starting, 40*time.Second, 44*time.Second, "")
	f(Patience{Starting: time.Minute}, time.Hour, starting, time.Minute, time.Minute,
		"Kibana server is not ready yet. (status 503) (after")
	f(Patience{Starting: time.Hour, Unreachable: time.Hour}, time.Hour, wrong, 0, 0, "KB_API_KEY")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := virtual(t, func(*http.Request) (*http.Response, error) { return nil, refused }).
			Wait(ctx, Patience{Unreachable: time.Hour})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// TestBusy: an import waits for a Kibana that is busy, as long as that asks, and
// not for ever.
func TestBusy(t *testing.T) {
	f := func(busy int, header []string, least, most time.Duration, want string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			started, n := time.Now(), 0
			c := virtual(t, func(r *http.Request) (*http.Response, error) {
				if body, err := io.ReadAll(r.Body); err != nil || !strings.Contains(string(body), `"kcing-boot"`) {
					t.Errorf("the body is not whole: %v, %s", err, body)
				}
				if n++; n <= busy {
					return plain([]int{503, 429, 502, 504}[n%4], "busy", header...), nil
				}
				return plain(200, `{"success":true,"successCount":0}`), nil
			})
			_, err := c.Import(t.Context(), file(view), true)
			if took := time.Since(started); took < least || took > most {
				t.Errorf("it took %v, want %v to %v", took, least, most)
			}
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("error %v, want %q", err, want)
			}
		})
	}
	f(0, nil, 0, 0, "")
	f(2, nil, 750*time.Millisecond, 750*time.Millisecond, "")
	f(2, []string{"Retry-After", "7"}, 14*time.Second, 14*time.Second, "")
	f(1, []string{"Retry-After", "600"}, 0, 0, "try again later")
	f(1, []string{"Retry-After", "-3"}, 250*time.Millisecond, 250*time.Millisecond, "")
	f(1000, nil, busyFor, busyFor, "import saved objects: the Kibana at http://kibana is not ready")
}
