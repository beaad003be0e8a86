package intake

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/kinds"
)

func TestContentTypes(t *testing.T) {
	// What Python requests makes of LAVA's map of results: its keys.
	form := url.Values{"id": {"7"}, "results": {"lava", "0_ltp"}, "log": {"- {}"}}.Encode()
	for _, c := range []struct {
		contentType, body string
		code              int
	}{
		{"", callback, 200},
		{"application/json", callback, 200},
		{"application/json; charset=utf-8", callback, 200},
		{"Application/JSON;charset", callback, 200},
		{"text/plain; charset=ISO-8859-1", callback, 200},
		{"text/json", callback, 200},
		{"application/problem+json", callback, 200},
		{"application/octet-stream", callback, 200},
		{"application/x-www-form-urlencoded", " \n" + callback, 200}, // curl --data
		{"application/x-www-form-urlencoded", form, 415},
		{"application/x-www-form-urlencoded; charset=UTF-8", form, 415},
		{"multipart/form-data; boundary=x", callback, 415},
		{"text/html", callback, 415},
		{"application/xml", callback, 415},
		{"garbage", callback, 415},
		{"application/json, text/html", callback, 415},
		{"application/x-www-form-urlencoded", "  \n", 200}, // blank: dropped whatever it is called
	} {
		s := newStand(Config{})
		w := s.post(kinds.LAVA, "/", c.body, "Content-Type", c.contentType)
		wantStatus(t, w, c.code)
		if c.code == http.StatusUnsupportedMediaType {
			wantError(t, w, c.code, "json")
			if _, refused := s.box.count(); refused != 1 || string(s.box.refused[0].Payload) != c.body {
				t.Errorf("%s: the body does not come among the rejects", c.contentType)
			}
		}
	}
	s := newStand(Config{})
	reason := wantError(t, s.post(kinds.LAVA, "/", form, "Content-Type", "application/x-www-form-urlencoded"), 415,
		"results")
	if !strings.Contains(reason, "content-type: json") {
		t.Errorf("the reason does not name the mend: %q", reason)
	}
}

func TestLabNames(t *testing.T) {
	for _, c := range []struct {
		query, lab string
		code       int
	}{
		{"", "", 200},
		{"?status=2", "", 200},
		{"?lab_name=lab-a", "lab-a", 200},
		{"?x=1&lab_name=lab-a&lab_name=lab-b", "lab-a", 200},
		{"?lab_name=lab%2Da%20%c3%a9", "lab-a é", 200},
		{"?lab_name=a+b", "a b", 200},
		{"?lab%5Fname=lab-a", "lab-a", 200},
		{"?status=%zz&lab_name=lab-a", "lab-a", 200}, // LAVA leaves unknown {NAMES} as they are
		{"?lab_name=" + strings.Repeat("l", 128), strings.Repeat("l", 128), 200},
		{"?lab_name=", "", 422},
		{"?lab_name", "", 422},
		{"?lab_name=%20", "", 422},
		{"?lab_name=%20a", "", 422},
		{"?lab_name=a%0Ab", "", 422},
		{"?lab_name=a%00b", "", 422},
		{"?lab_name=%ff", "", 422},
		{"?lab_name=%e2%80%ae", "", 422}, // right-to-left override
		{"?lab_name=" + strings.Repeat("l", 129), "", 422},
		{"?lab_name=%zz", "", 400},
	} {
		s := newStand(Config{})
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(callback))
		r.URL.RawQuery = strings.TrimPrefix(c.query, "?")
		w := s.do(kinds.LAVA, r)
		wantStatus(t, w, c.code)
		if c.code != 200 {
			wantError(t, w, c.code, "lab_name")
			if a, refused := s.box.count(); a != 0 || refused != 1 || string(s.box.refused[0].Payload) != callback {
				t.Errorf("%s: not among the rejects", c.query)
			}
			continue
		}
		if p := s.box.one(t); p.Lab != c.lab || string(p.Payload) != callback || p.Size != int64(len(callback)) {
			t.Errorf("%s: %+v, want lab %q", c.query, p, c.lab)
		}
	}
}

func tokensFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func loadTokens(t *testing.T, content string) *Tokens {
	t.Helper()
	tokens, err := LoadTokens(tokensFile(t, content))
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestTokensOfPosts(t *testing.T) {
	tokens := loadTokens(t, "# labs\nsecret-a lab-a\nsecret-b lab-b\nsecret-any *\n")
	for _, c := range []struct {
		authorization, query string
		code                 int
		tokenLab             string
	}{
		{"secret-a", "", 200, "lab-a"},
		{"Token secret-a", "", 200, "lab-a"},
		{"Bearer secret-a", "?lab_name=lab-a", 200, "lab-a"},
		{"bearer   secret-b", "", 200, "lab-b"},
		{"secret-any", "?lab_name=lab-c", 200, ""},
		{"secret-a", "?lab_name=lab-b", 403, ""},
		{"secret-a", "?lab_name=", 422, ""},
		{"", "", 401, ""},
		{"Bearer", "", 401, ""},
		{"secret-", "", 401, ""},
		{"secret-aa", "", 401, ""},
		{"SECRET-A", "", 401, ""},
		{"Basic secret-a", "", 401, ""},
		{"Token Token secret-a", "", 401, ""},
		{strings.Repeat("x", 10000), "", 401, ""},
	} {
		s := newStand(Config{Tokens: tokens})
		w := s.post(kinds.LAVA, "/"+c.query, callback, "Authorization", c.authorization)
		wantStatus(t, w, c.code)
		accepted, refused := s.box.count()
		switch c.code {
		case 200:
			if p := s.box.one(t); p.TokenLab != c.tokenLab {
				t.Errorf("%q: token's lab %q, want %q", c.authorization, p.TokenLab, c.tokenLab)
			}
		case 401:
			if w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%q: no WWW-Authenticate", c.authorization)
			}
			fallthrough
		case 403:
			if accepted+refused != 0 {
				t.Errorf("%q: who may not post filled the rejects", c.authorization)
			}
		}
		if log := s.log.String(); strings.Contains(strings.ToLower(log), "secret-") ||
			strings.Contains(w.Body.String(), "secret-") {
			t.Errorf("%q: the token is in the log or the answer: %s%s", c.authorization, log, w.Body)
		}
	}
}

func TestCheckLab(t *testing.T) {
	for _, c := range []struct {
		token, lab string
		ok         bool
	}{{"", "b", true}, {"a", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "A", false}} {
		p := Post{TokenLab: c.token}
		err := p.CheckLab(c.lab)
		if (err == nil) != c.ok {
			t.Errorf("token of %q, lab %q: %v", c.token, c.lab, err)
		}
		var refusal *Refusal
		if err != nil && (!errors.As(err, &refusal) || refusal.Status != http.StatusForbidden) {
			t.Errorf("%v is no 403", err)
		}
	}
}

func TestAnswersOfAccept(t *testing.T) {
	for _, c := range []struct {
		err        error
		code       int
		says       string
		retryAfter string
	}{
		{&Refusal{Status: 422, Type: "no_id", Reason: "no id: there"}, 422, "no id: there", ""},
		{fmt.Errorf("wrapped: %w", &Refusal{Status: 400, Reason: "no JSON"}), 400, "no JSON", ""},
		{&Refusal{Status: 200, Reason: "odd"}, 422, "odd", ""},
		{&Busy{RetryAfter: 1500 * time.Millisecond, Reason: "the spool is full"}, 503, "the spool is full", "2"},
		{&Busy{}, 503, "", "1"},
		{errors.New("disk on fire at /srv/kcing"), 503, "post it again", "5"},
	} {
		s := newStand(Config{})
		s.box.answer = func(p *Post) error {
			p.Lab, p.Key = "lab-of-body", "lab-of-body/7"
			return c.err
		}
		w := s.post(kinds.LAVA, "/?lab_name=", callback)
		wantStatus(t, w, 422) // the query's fault comes first, and Accept is not asked
		w = s.post(kinds.LAVA, "/?token=hush", callback)
		reason := wantError(t, w, c.code, c.says)
		if strings.Contains(reason, "disk on fire") {
			t.Errorf("our trouble is told to the client: %q", reason)
		}
		if got := w.Header().Get("Retry-After"); got != c.retryAfter {
			t.Errorf("%v: Retry-After %q, want %q", c.err, got, c.retryAfter)
		}
		log := s.log.String()
		for _, part := range []string{w.Header().Get("X-Request-Id"), `"kind":"lava"`, `"lab":"lab-of-body"`,
			`"key":"lab-of-body/7"`, `"remote":"192.0.2.1"`} {
			if !strings.Contains(log, part) {
				t.Errorf("the log lacks %s: %s", part, log)
			}
		}
		if strings.Contains(log, "hush") {
			t.Errorf("the query is in the log: %s", log)
		}
		if a, refused := s.box.count(); a != 1 || refused != 1 {
			t.Errorf("%d accepted and %d refused; Refused is for what Accept did not see", a, refused)
		}
	}
}

func TestBlankBodies(t *testing.T) {
	s := newStand(Config{})
	for _, body := range []string{"", "\n", " \t\r\n"} {
		wantStatus(t, s.post(kinds.Build, "/", body), http.StatusOK)
	}
	if a, r := s.box.count(); a+r != 0 {
		t.Errorf("%d accepted, %d refused, want none", a, r)
	}
	if got := metric(t, s.metrics, "kcing_blank_posts_total"); got != 3 {
		t.Errorf("%v blank posts counted, want 3", got)
	}
}

// The client of an accepted record may go away before it is durable: LAVA gives
// up after some seconds, and never posts again.
func TestAcceptOutlivesTheClient(t *testing.T) {
	entered, left := make(chan struct{}), make(chan struct{})
	result := make(chan error, 1)
	s := newStand(Config{Accept: func(ctx context.Context, _ *Post) error {
		close(entered)
		<-left
		result <- ctx.Err()
		return nil
	}})
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(callback)).WithContext(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.do(kinds.LAVA, r)
	}()
	<-entered
	cancel()
	close(left)
	if err := <-result; err != nil {
		t.Errorf("Accept's context ended with the client's: %v", err)
	}
	<-done
}

// The clients themselves, over a socket.
func TestRealClients(t *testing.T) {
	s := newStand(Config{Tokens: loadTokens(t, "secret-a lab-a\n")})
	server := httptest.NewServer(s.Handler(kinds.LAVA))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "callback.json")
	// curl asks with Expect: 100-continue from 1 MiB on
	body := `{"id": 7, "log": "` + strings.Repeat("x", 2<<20) + `"}`
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, out []byte, err error) {
		t.Helper()
		if err != nil || string(out) != "200 ok" {
			t.Fatalf("%v: %s\n%s", err, out, s.log)
		}
		if p := s.box.one(t); string(p.Payload) != body || p.Lab != "lab-a" || p.TokenLab != "lab-a" {
			t.Errorf("another record came in: %d bytes, lab %q", len(p.Payload), p.Lab)
		}
		s.box.empty()
	}
	t.Run("curl", func(t *testing.T) {
		if _, err := exec.LookPath("curl"); err != nil {
			t.Skip("no curl here")
		}
		for _, args := range [][]string{
			{"--data-binary", "@" + file},
			{"--header", "Content-Type: application/json", "--header", "Transfer-Encoding: chunked", "--data-binary",
				"@" + file},
			{"--header", "Expect: 100-continue", "--header", "Content-Type:", "--data-binary", "@" + file},
		} {
			args = append(args, "--silent", "--header", "Authorization: Bearer secret-a", "--write-out",
				"\n%{http_code}", server.URL+"/?lab_name=lab-a")
			out, err := direct(exec.CommandContext(t.Context(), "curl", args...)).Output()
			text, code, _ := strings.Cut(string(out), "\n")
			check(t, []byte(code+" "+text), err)
		}
	})
	t.Run("requests", func(t *testing.T) {
		if exec.CommandContext(t.Context(), "python3", "-c", "import requests").Run() != nil {
			t.Skip("no Python requests here")
		}
		// As LAVA calls it: the token bare, the map as json=.
		script := `import json, requests, sys
r = requests.post(sys.argv[1] + "/callback/lava/test?lab_name=lab-a&status=2", json=json.load(open(sys.argv[2])), headers={"Authorization": "secret-a"}, timeout=60)
print(r.status_code, r.text, end="")`
		out, err := direct(exec.CommandContext(t.Context(), "python3", "-c", script, server.URL, file)).Output()
		check(t, out, err)
	})
}

// direct keeps a client from a proxy that this machine may have.
func direct(cmd *exec.Cmd) *exec.Cmd {
	cmd.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*")
	return cmd
}
