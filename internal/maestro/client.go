package maestro

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/retry"
)

// Defaults of Options.
const (
	DefaultBaseURL  = "https://api.kernelci.org"
	DefaultHoldBack = 30 * time.Second
	DefaultPage     = 200
	DefaultSplit    = 2000
)

// ErrGone says that there is no node of that id (any more): the API purges nodes
// after half a year.
var ErrGone = errors.New("no such Maestro node")

// ErrDenied says that the API refused the token, or the lack of one. Asking
// again is of no use.
var ErrDenied = errors.New("the Maestro API refuses access")

// Options of New. The zero value asks the public instance.
type Options struct {
	// BaseURL is the API's; empty: DefaultBaseURL. When its path names no version,
	// /latest is added.
	BaseURL string
	// Token is sent to the API, and to nobody else; empty: none, which is enough
	// for the public instance.
	Token string
	// Fetch makes all requests. Required.
	Fetch *fetch.Client
	// HoldBack is how far before now the listing ends, so that what is being
	// written is there; 0: DefaultHoldBack.
	HoldBack time.Duration
	// Page is how many nodes are asked for at once, 2 KB each, at least 2, since pages
	// overlap by one; 0: DefaultPage.
	Page int
	// Split is how many nodes a window may have before it is read in halves; the
	// ids of one window are in memory. 0: DefaultSplit.
	Split int
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Logger gets a line for what had to be asked again; nil: none.
	Logger *slog.Logger
}

// Client asks one instance of the API. It is for use by many goroutines at once.
type Client struct {
	o     Options
	base  string // without a slash at its end
	slots slots  // of what is below the jobs that are listed
}

// New checks the address; the error names it without secrets.
func New(o Options) (*Client, error) {
	base, err := baseURL(o.BaseURL)
	if err != nil {
		return nil, err
	}
	o.HoldBack = cmp.Or(o.HoldBack, DefaultHoldBack)
	o.Page = cmp.Or(o.Page, DefaultPage)
	o.Split = cmp.Or(o.Split, DefaultSplit)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Client{o: o, base: base}, nil
}

// Base is the API's address with its version, without userinfo.
func (c *Client) Base() string { return fetch.Redact(c.base) }

var versionPath = regexp.MustCompile(`^(?:latest|v[0-9]+(?:\.[0-9]+)*)$`)

// baseURL completes the address that the user gave.
func baseURL(text string) (string, error) {
	if strings.TrimSpace(text) == "" {
		text = DefaultBaseURL
	}
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return "", errors.New("KCI_API is not a URL: give it as https://host")
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return "", fmt.Errorf("KCI_API %s: give it as https://host", fetch.Redact(text))
	case u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("KCI_API %s: it has a query or a fragment; give the API's address alone",
			fetch.Redact(text))
	}
	path := strings.TrimRight(u.Path, "/")
	if !versionPath.MatchString(path[strings.LastIndexByte(path, '/')+1:]) {
		path += "/latest"
	}
	u.Path, u.RawPath = path, ""
	return u.String(), nil
}

// badAnswer is a 200 that is not what was asked for: cut JSON, null, a proxy's page.
type badAnswer struct{ what string }

func (e *badAnswer) Error() string { return e.what }

// answerTries is how often a question is asked whose answers make no sense.
const answerTries = 4

// ask makes a request and hands the answer, which is valid JSON, to read, which
// may find that it makes no sense.
func (c *Client) ask(ctx context.Context, path string, query url.Values, read func(gjson.Result) error) error {
	address := c.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	var header http.Header
	if c.o.Token != "" {
		header = http.Header{"Authorization": {"Bearer " + c.o.Token}}
	}
	pauses := retry.Backoff{First: 2 * time.Second, Longest: 16 * time.Second}
	for try := 1; ; try++ {
		body, err := c.o.Fetch.Get(ctx, address, header)
		if err != nil {
			return explain(err, query)
		}
		err = &badAnswer{what: "an answer that is no JSON"}
		if body = bytes.TrimSpace(body); gjson.ValidBytes(body) {
			err = read(gjson.ParseBytes(body))
		}
		var bad *badAnswer
		if !errors.As(err, &bad) {
			return err
		}
		if try == answerTries {
			return fmt.Errorf("%s gave %w, %d times; is KCI_API a Maestro API?", fetch.Redact(address), err, try)
		}
		c.o.Logger.Debug("asking Maestro again", "url", fetch.Redact(address), "try", try, "reason", err)
		if err := retry.Sleep(ctx, pauses.Next()); err != nil {
			return err
		}
	}
}

// explain says of an error what it means coming from the API, and what was asked
// when that may be the cause. What the API answers 400 and 422 to is no file
// that has expired, so the error of fetch, which would say so, is not wrapped.
func explain(err error, query url.Values) error {
	var status *fetch.StatusError
	if !errors.As(err, &status) {
		return err
	}
	switch status.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %s; see KCI_API_TOKEN", ErrDenied, status.Error())
	case http.StatusNotFound:
		return fmt.Errorf("%s; is KCI_API a Maestro API?", status.Error())
	}
	if asked := query.Encode(); asked != "" {
		return fmt.Errorf("%s (asked for ?%s)", status.Error(), asked)
	}
	return errors.New(status.Error())
}

var nodeID = regexp.MustCompile(`^[0-9a-fA-F]{24}$`)

// Node is one node's JSON. Errors: ErrGone when there is none, or the id is none
// that a node could have; ErrDenied; fetch's.
func (c *Client) Node(ctx context.Context, id string) (node []byte, err error) {
	if !nodeID.MatchString(id) {
		return nil, fmt.Errorf("%w: %.40q is not a node's id", ErrGone, id)
	}
	err = c.ask(ctx, "/node/"+id, nil, func(v gjson.Result) error {
		if v.Type == gjson.Null {
			return fmt.Errorf("%w: %s", ErrGone, c.nodeURL(id))
		}
		if !v.IsObject() || idOf(v) == "" {
			return &badAnswer{what: "an answer that is no node"}
		}
		node = []byte(v.Raw)
		return nil
	})
	return node, err
}

// nodeURL is a node's address, for people.
func (c *Client) nodeURL(id string) string { return c.Base() + "/node/" + id }
