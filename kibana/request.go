package kibana

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/oneline"
	"github.com/kcing/kcing/internal/retry"
)

const (
	// statusTimeout is for one question to a Kibana that may hang.
	statusTimeout = 8 * time.Second
	// requestTimeout is for one import or export; Kibana itself ends a request
	// after two minutes of silence.
	requestTimeout = 5 * time.Minute
	// busyFor is how long do goes on when Kibana is busy or not ready.
	busyFor      = 30 * time.Second
	firstPause   = 250 * time.Millisecond
	longestPause = 3 * time.Second
	// maxAnswer bounds memory. Kibana exports 10,000 objects at most, unless
	// savedObjects.maxImportExportSize is raised.
	maxAnswer = 256 << 20
)

// call is one request to Kibana's API. It may be sent again.
type call struct {
	op          string // in words, for errors
	method      string
	path        string // after the base path and the space, with its query
	anySpace    bool   // the path does not depend on the space
	contentType string
	body        []byte
}

// answer is one with a status of 2xx.
type answer struct {
	status      int
	contentType string
	body        []byte
}

// ResponseError is a refusal of Kibana, or of a proxy before it, as one line.
// It holds no secrets.
type ResponseError struct {
	Op     string // what was tried, e.g. "import 50 objects"
	URL    string // Kibana's address
	Status int    // HTTP status
	Reason string // in Kibana's words or ours
	Hint   string // what to do next; may be empty
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("%s: Kibana at %s answered %d", e.Op, e.URL, e.Status)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap makes errors.Is(err, ErrCredentials) work.
func (e *ResponseError) Unwrap() error {
	if e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden || e.Status/100 == 3 &&
		strings.Contains(e.Reason, loginPage) {
		return ErrCredentials
	}
	return nil
}

// NotReadyError is a Kibana that is starting or in trouble.
type NotReadyError struct {
	URL    string
	Status int // HTTP status
	Reason string

	retryAfter time.Duration
}

func (e *NotReadyError) Error() string {
	return fmt.Sprintf("the Kibana at %s is not ready: %s (status %d)", e.URL, e.Reason, e.Status)
}

// do sends the request until Kibana is ready to take it, for busyFor at most.
func (c *Client) do(ctx context.Context, r call) (answer, error) {
	started := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		a, err := c.once(ctx, r)
		var starting *NotReadyError
		if !errors.As(err, &starting) {
			return a, err
		}
		left := busyFor - time.Since(started)
		if left <= starting.retryAfter {
			return a, fmt.Errorf("%s: %w, for %v by now; try again later", r.op, err, time.Since(started).
				Round(time.Second))
		}
		if retry.Sleep(ctx, max(starting.retryAfter, min(pause, left))) != nil {
			return a, ctx.Err()
		}
	}
}

// once sends the request and reads the whole answer. Only an answer of 2xx that
// is not a web page comes without an error.
func (c *Client) once(parent context.Context, r call) (answer, error) {
	ctx, cancel := context.WithTimeout(parent, requestTimeout)
	defer cancel()
	target := c.address.String()
	if c.space != "" && !r.anySpace {
		target += "/s/" + c.space
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target+r.path, bytes.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("kbn-xsrf", "kcing") // Kibana refuses a POST without it
	if c.authorization != "" {
		req.Header.Set("Authorization", c.authorization)
	}
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	res, err := c.http.Do(req)
	switch {
	case err != nil && parent.Err() != nil && errors.Is(parent.Err(), context.Canceled):
		return answer{}, parent.Err()
	case err != nil:
		return answer{}, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	a := answer{status: res.StatusCode}
	a.contentType, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type"))
	a.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case res.StatusCode/100 != 2:
		return answer{}, c.refusal(r, res, a)
	case err != nil:
		return answer{}, &url.Error{Op: r.method, URL: c.address.String(),
			Err: fmt.Errorf("the answer broke off: %w", err)}
	case len(a.body) > maxAnswer:
		return answer{}, fmt.Errorf("%s: the answer of Kibana at %s is over %d MiB", r.op, c.address, maxAnswer>>20)
	case a.contentType == "text/html":
		return answer{}, c.notKibana(a)
	}
	return a, nil
}

// notKibana is the error for an answer that Kibana would not give.
func (c *Client) notKibana(a answer) error {
	what := "an answer that is not Kibana's"
	if a.contentType == "text/html" {
		what = "a web page"
		if bytes.Contains(bytes.ToLower(a.body), []byte("login")) {
			what = "a web page, perhaps to log in"
		}
	}
	return fmt.Errorf("what answers at %s is not Kibana's API: %s (status %d); check KB_URL, its base path and what "+
		"is in front of Kibana", c.address, what, a.status)
}

const loginPage = "login page"

// refusal explains a status that is not 2xx.
func (c *Client) refusal(r call, res *http.Response, a answer) error {
	e := &ResponseError{Op: r.op, URL: c.address.String(), Status: a.status, Reason: c.reason(a)}
	switch {
	case retry.Busy(a.status):
		reason := e.Reason
		if reason == "" {
			reason = strings.ToLower(http.StatusText(a.status))
		}
		return &NotReadyError{URL: e.URL, Status: a.status, Reason: reason,
			retryAfter: retry.After(res.Header, time.Now())}
	case a.status/100 == 3:
		c.redirected(e, res)
	case a.status == http.StatusUnauthorized:
		e.Hint = "check KB_API_KEY, or KB_USERNAME and KB_PASSWORD"
		if c.authorization == "" {
			e.Hint = "it wants credentials: set KB_API_KEY, or KB_USERNAME and KB_PASSWORD (those for Elasticsearch " +
				"are not sent to Kibana)"
		}
	case a.status == http.StatusForbidden:
		e.Hint = fmt.Sprintf("the user needs Kibana's privilege Saved Objects Management: All in the space %s",
			c.Space())
	case a.status == http.StatusNotFound:
		e.Hint = "check KB_URL and its base path"
	case a.status == http.StatusRequestEntityTooLarge:
		e.Hint = fmt.Sprintf("the request has %d KiB: raise the limit on bodies of the proxy in front of Kibana, or "+
			"Kibana's savedObjects.maxImportPayloadBytes", len(r.body)>>10)
	case a.status == http.StatusUnprocessableEntity:
		e.Hint = "the objects come from a later Kibana than this one: upgrade it, or import a file made for it"
	case a.status >= 500:
		e.Hint = "Kibana's log has more"
	}
	return e
}

// redirected explains a redirect, which an API does not give.
func (c *Client) redirected(e *ResponseError, res *http.Response) {
	location, err := res.Location()
	if err != nil {
		e.Reason, e.Hint = "a redirect to nowhere", "check KB_URL"
		return
	}
	to := url.URL{Scheme: location.Scheme, Host: location.Host, Path: location.Path}
	if strings.Contains(location.Path, "login") || strings.Contains(location.Path, "/auth") ||
		strings.Contains(location.Path, "oauth") {
		e.Reason = "a redirect to the " + loginPage + " " + to.String()
		e.Hint = "set KB_API_KEY, or KB_USERNAME and KB_PASSWORD; when a proxy asks for the login, go around it"
		return
	}
	e.Reason, e.Hint = "a redirect to "+to.String(), "set KB_URL to the address that it leads to, with its base path"
}

// reason is Kibana's message, one line without secrets. A proxy's page gives
// none.
func (c *Client) reason(a answer) string {
	var body struct {
		Error      string `json:"error"`
		Message    string `json:"message"`
		Attributes struct {
			Objects []Reference `json:"objects"`
		} `json:"attributes"`
	}
	text := ""
	switch {
	case json.Unmarshal(a.body, &body) == nil:
		text = body.Message
		if text == "" {
			text = body.Error
		}
		if len(body.Attributes.Objects) > 0 {
			text += " (" + names(body.Attributes.Objects) + ")"
		}
	case a.contentType == "text/html":
		return "a web page, so perhaps not Kibana but a proxy"
	default:
		text = string(a.body)
	}
	return c.scrub(oneline.Of(text))
}

// scrub takes our secrets out of somebody else's words.
func (c *Client) scrub(text string) string {
	for _, s := range c.secrets {
		if len(s) > 2 {
			text = strings.ReplaceAll(text, s, "********")
		}
	}
	return text
}
