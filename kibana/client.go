package kibana

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/oneline"
	"github.com/kcing/kcing/internal/retry"
)

// ErrCredentials is in the chain of every error that comes from Kibana refusing
// who we are (401, a login page) or what we may do (403). Trying again is
// useless.
var ErrCredentials = errors.New("credentials refused")

// Options say which Kibana, and as whom. The zero value of all but Address is
// fine.
type Options struct {
	Address Address
	// Space is the identifier of a space; empty: that of Address, else the
	// default space.
	Space string
	// APIKey is the base64 form that Kibana shows; or Username and Password.
	// Without any of them those within the URL count.
	APIKey, Username, Password string
	// CACert is PEM text with an authority to trust besides the system's.
	CACert []byte
	// UserAgent is sent as it is; empty: "kcing".
	UserAgent string
	// Log is told about waiting; nil: nobody is.
	Log *slog.Logger
}

// Client imports into and exports from one space of one Kibana. It is safe for
// use by several goroutines.
type Client struct {
	address       Address
	space         string
	authorization string
	secrets       []string // what must not appear in an error
	userAgent     string
	http          *http.Client
	log           *slog.Logger
}

// New makes a client; it does not connect. The errors are those of wrong
// settings.
func New(o Options) (*Client, error) {
	if o.Address.Base == nil {
		return nil, errors.New("no address of Kibana")
	}
	if err := ValidateSpace(o.Space); err != nil {
		return nil, err
	}
	c := &Client{address: o.Address, space: o.Space, userAgent: o.UserAgent, log: o.Log}
	switch {
	case o.Space == "":
		c.space = o.Address.Space
	case o.Address.Space != "" && o.Address.Space != o.Space:
		return nil, fmt.Errorf("the URL names the space %q, and the space %q was asked for", o.Address.Space, o.Space)
	}
	if c.space == "default" { // its URL has no /s/default
		c.space = ""
	}
	if c.userAgent == "" {
		c.userAgent = "kcing"
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if err := c.authorize(o); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	if len(o.CACert) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(o.CACert) {
			return nil, errors.New("there is no certificate in the CA file: it wants PEM text (-----BEGIN " +
				"CERTIFICATE-----)")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	c.http = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

func (c *Client) authorize(o Options) error {
	password, _ := o.Address.Base.User.Password()
	username := o.Address.Base.User.Username()
	switch {
	case o.APIKey != "" && o.Username != "":
		return errors.New("an API key and a user name exclude each other")
	case o.Password != "" && o.Username == "":
		return errors.New("there is a password without a user name")
	case o.APIKey != "":
		c.authorization = "ApiKey " + o.APIKey
		c.secrets = append(c.secrets, o.APIKey)
		if id, err := base64.StdEncoding.DecodeString(o.APIKey); err == nil {
			if _, key, ok := strings.Cut(string(id), ":"); ok {
				c.secrets = append(c.secrets, key)
			}
		}
	case o.Username != "":
		username, password = o.Username, o.Password
		fallthrough
	case username != "":
		basic := base64.StdEncoding.EncodeToString([]byte(username + ":" + password))
		c.authorization = "Basic " + basic
		c.secrets = append(c.secrets, basic, password, url.QueryEscape(password), url.PathEscape(password))
	}
	return nil
}

// Address is where Kibana is; String of it has no secrets.
func (c *Client) Address() Address { return c.address }

// Space is the identifier of the space, "default" for the default one.
func (c *Client) Space() string {
	if c.space == "" {
		return "default"
	}
	return c.space
}

// Status is what Kibana says of itself.
type Status struct {
	// Level is available, degraded, unavailable or critical.
	Level string
	// Version is like 8.19.21; empty for somebody who is not logged in.
	Version string
}

// Ready reports whether saved objects can be imported now.
func (s Status) Ready() bool { return s.Level == "available" || s.Level == "degraded" }

// Status asks once. A Kibana that is starting gives a *NotReadyError, one that
// cannot be reached a *url.Error.
func (c *Client) Status(ctx context.Context) (Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	answer, err := c.once(ctx, call{op: "ask Kibana how it is", method: http.MethodGet, path: "/api/status",
		anySpace: true})
	if err != nil {
		return Status{}, err
	}
	var body struct {
		Version struct {
			Number string `json:"number"`
		} `json:"version"`
		Status struct {
			Overall struct {
				Level string `json:"level"`
				State string `json:"state"` // before 8.0
			} `json:"overall"`
		} `json:"status"`
	}
	if json.Unmarshal(answer.body, &body) != nil || body.Status.Overall.Level == "" && body.Status.Overall.State == "" {
		return Status{}, c.notKibana(answer)
	}
	s := Status{Level: body.Status.Overall.Level, Version: body.Version.Number}
	if err := oldKibana(s.Version, c.address.String()); err != nil {
		return s, err
	}
	if !s.Ready() {
		return s, &NotReadyError{URL: c.address.String(), Status: answer.status, Reason: "it is " + oneline.Of(s.Level)}
	}
	return s, nil
}

// firstVersion is the oldest Kibana that has all types of our objects as they
// are now: links became generally available with 8.14.
const firstVersion = "8.14"

// oldKibana is an error when the objects need a later Kibana. A version that is
// missing or not understood passes.
func oldKibana(version, address string) error {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	x, err1 := strconv.Atoi(major)
	y, err2 := strconv.Atoi(minor)
	if err1 != nil || err2 != nil || x > 8 || x == 8 && y >= 14 {
		return nil
	}
	return fmt.Errorf("the Kibana at %s is version %s; the dashboards need %s or later", address, oneline.Of(version),
		firstVersion)
}

// CheckSpace makes sure that the space is there. Somebody who may not look is
// let pass: the import will tell.
func (c *Client) CheckSpace(ctx context.Context) error {
	if c.space == "" {
		return nil
	}
	_, err := c.do(ctx, call{op: "look for the space " + c.space, method: http.MethodGet, path: "/api/spaces/space/" +
		c.space, anySpace: true})
	var refused *ResponseError
	if errors.As(err, &refused) {
		switch refused.Status {
		case http.StatusNotFound:
			return fmt.Errorf("the Kibana at %s has no space %q: make it in Stack Management → Spaces, or see its "+
				"identifier there (KB_SPACE)", c.address, c.space)
		case http.StatusForbidden:
			return nil
		}
	}
	return err
}

// Patience says how long Wait goes on asking. The zero value asks once.
type Patience struct {
	// Starting is for a Kibana that answers and is not ready.
	Starting time.Duration
	// Unreachable is for one that does not answer.
	Unreachable time.Duration
}

// Wait asks for the status until Kibana is ready. Refused credentials, an answer
// that is not Kibana's and a version that is too old end it at once. The last
// error says what was wrong.
func (c *Client) Wait(ctx context.Context, p Patience) (Status, error) {
	started, logged := time.Now(), false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		s, err := c.Status(ctx)
		var starting *NotReadyError
		var lost *url.Error
		budget := time.Duration(0)
		switch {
		case err == nil:
			return s, nil
		case ctx.Err() != nil:
			return s, ctx.Err()
		case errors.As(err, &starting):
			budget = p.Starting
		case errors.As(err, &lost) && !foreverLost(err):
			budget = p.Unreachable
		}
		if budget > 0 && !logged {
			logged = true
			c.log.Info("waiting for Kibana", "at most", budget, "because", err)
		}
		left := budget - time.Since(started)
		if left <= 0 {
			return s, waited(err, budget)
		}
		if retry.Sleep(ctx, min(pause, left)) != nil {
			return s, ctx.Err()
		}
	}
}

func waited(err error, budget time.Duration) error {
	if budget <= 0 {
		return err
	}
	return fmt.Errorf("%w (after waiting %v; --wait TIME waits longer)", err, budget)
}

// foreverLost are failures to connect that waiting does not mend.
func foreverLost(err error) bool {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	return errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid)
}
