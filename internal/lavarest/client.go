package lavarest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
)

const (
	api = "/api/v0.2/"
	// checkTries is how often a server is asked at the beginning: one that is away
	// is told of within seconds.
	checkTries = 3
	// checkWithin is how long that may take in all: a server that takes requests and
	// never answers should not hold up other labs for long.
	checkWithin = time.Minute
)

// release is LAVA's: year and month.
type release struct{ year, month int }

func (r release) before(year, month int) bool {
	return r.year < year || r.year == year && r.month < month
}

var releaseForm = regexp.MustCompile(`^\s*(\d{4})\.(\d{1,2})`)

// server is what is known of it after [Origin.Check].
type server struct {
	release release
	version string
	skew    time.Duration // how far its clock is ahead of ours
}

// Check makes sure that there is a LAVA that lets us in, and asks for its release
// and its clock. The error is one line for the user.
func (o *Origin) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, checkWithin, &fetch.TransferError{URL: o.base, Tries: 1,
		Err: fmt.Errorf("no answer within %v", checkWithin)})
	defer cancel()
	_, err := o.known(ctx)
	return err
}

// Clock is the server's, as far as it is known: else ours.
func (o *Origin) Clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.now()
	if o.server != nil {
		now = now.Add(o.server.skew)
	}
	return now
}

// known asks what has to be known of the server, once.
func (o *Origin) known(ctx context.Context) (server, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.server == nil {
		asked, err := o.ask(ctx)
		if err != nil {
			return server{}, err
		}
		o.server = &asked
	}
	return *o.server, nil
}

func (o *Origin) ask(ctx context.Context) (server, error) {
	res, err := o.get(ctx, "system/version/", fetch.Request{Tries: checkTries})
	if err != nil {
		return server{}, o.noAPI(err)
	}
	s := server{version: gjson.GetBytes(res.Body, "version").Str, release: release{9999, 12}}
	if !gjson.ValidBytes(res.Body) || s.version == "" {
		return server{}, o.stop("does not answer as LAVA's API does; " +
			"is LAVA_URL a LAVA server, with the prefix of its path?")
	}
	if m := releaseForm.FindStringSubmatch(s.version); m != nil {
		s.release.year, _ = strconv.Atoi(m[1])
		s.release.month, _ = strconv.Atoi(m[2])
	} else {
		o.log.Warn("LAVA's release cannot be read; it is taken for a new one", "url", o.base,
			"version", fmt.Sprintf("%.40q", s.version))
	}
	if at, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		// The header has whole seconds: what is less is no difference.
		if skew := at.Sub(o.now()); skew.Abs() > 2*time.Second {
			s.skew = skew
		}
	}
	if !o.token && s.release.before(2023, 3) {
		return s, nil // a server that wants a login would have said so
	}
	return s, o.heard(ctx)
}

// heard makes sure that we are let in, and that the token arrives: without it
// LAVA takes us for anybody, and says nothing.
func (o *Origin) heard(ctx context.Context) error {
	res, err := o.get(ctx, "system/whoami/", fetch.Request{Tries: checkTries})
	switch {
	case errors.Is(err, fetch.ErrGone): // a release that has no such question
		return nil
	case err != nil:
		return err
	case o.token && gjson.GetBytes(res.Body, "user").Str == "":
		return o.stop("does not hear the token: " +
			"something before it, such as a proxy, takes the Authorization header away")
	}
	return nil
}

// get asks for a path below the API. A redirect, a page and a refusal end the
// crawl: the error wraps [crawl.ErrStop]. Others: [fetch.Client.Do]'s.
func (o *Origin) get(ctx context.Context, path string, r fetch.Request) (fetch.Response, error) {
	r.URL, r.Header = o.base+api+path, o.header
	res, err := o.client.Do(ctx, r)
	if err != nil {
		return res, o.explain(err)
	}
	if isPage(res) {
		return res, o.stop("answers with a web page instead of data: a login or some portal stands before it, " +
			"or LAVA_URL is not the address of a LAVA server")
	}
	return res, nil
}

// isPage tells a web page from data.
func isPage(res fetch.Response) bool {
	kind := strings.ToLower(res.Header.Get("Content-Type"))
	begin := strings.TrimSpace(string(res.Body[:min(len(res.Body), 100)]))
	return strings.HasPrefix(kind, "text/html") || strings.HasPrefix(begin, "<")
}

// refusal is an error after which no other request can succeed.
type refusal struct{ text string }

// Error is one line for the user.
func (r *refusal) Error() string { return r.text }

// Is makes it end the crawl.
func (r *refusal) Is(target error) bool { return target == crawl.ErrStop }

func (o *Origin) stop(format string, args ...any) error {
	return &refusal{o.base + " " + fmt.Sprintf(format, args...)}
}

const checkHint = "check --lava-token (LAVA_TOKEN), or the lab's line in --lava-tokens"

// explain says what a status means, coming from LAVA or from what stands before
// it.
func (o *Origin) explain(err error) error {
	var s *fetch.StatusError
	if !errors.As(err, &s) {
		return err
	}
	switch s.Status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return o.redirected(s)
	case http.StatusForbidden:
		if o.token {
			return o.stop("refuses the token (403%s); "+checkHint, after(s.Detail))
		}
		return o.stop("refuses access (403%s); it may want a token: see --lava-token (LAVA_TOKEN)", after(s.Detail))
	case http.StatusUnauthorized:
		return o.stop("is behind something that wants a login of its own (401%s); "+
			"LAVA itself takes its API token as `Authorization: Token …` only", after(s.Detail))
	case http.StatusProxyAuthRequired:
		return o.stop("is behind a proxy that wants a login (407); put it into HTTPS_PROXY")
	case http.StatusBadRequest:
		if !strings.HasPrefix(s.Detail, "{") {
			return o.stop("does not know that name of itself (400, Django's ALLOWED_HOSTS); " +
				"give the one by which people reach it in LAVA_URL")
		}
		return o.stop("does not understand the question: %s", s.Detail)
	}
	return err
}

// redirected says where to: to a login, or to another address of the same server.
func (o *Origin) redirected(s *fetch.StatusError) error {
	if strings.Contains(s.Location, "/accounts/login") || strings.Contains(s.Location, "/login") {
		if o.token {
			return o.stop("asks for a login, so it does not take the token; " + checkHint)
		}
		return o.stop("shows its jobs only after a login (REQUIRE_LOGIN); " +
			"give the API token of one of its users: --lava-token (LAVA_TOKEN)")
	}
	to, _, found := strings.Cut(s.Location, api)
	if !found {
		to = s.Location
	}
	return o.stop("redirects to %s (%d), and redirects are not followed; "+
		"if that is the LAVA server, give it in LAVA_URL",
		to, s.Status)
}

// noAPI says of a server that has no API where it was looked for what that may
// mean.
func (o *Origin) noAPI(err error) error {
	var s *fetch.StatusError
	if errors.As(err, &s) && s.Status == http.StatusNotFound {
		return o.stop("has no LAVA API at %s (404); LAVA_URL lacks the prefix of its path, or it is no LAVA server",
			api)
	}
	return err
}

func after(detail string) string {
	if detail == "" {
		return ""
	}
	if said := gjson.Get(detail, "detail").Str; said != "" {
		detail = said
	}
	return ": " + detail
}
