package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"github.com/kcing/kcing/internal/retry"
)

// Supported are the versions that kcing works with: the tests run against 8.19,
// and 9.x takes the same requests.
const Supported = "8.14 and later, 9.x (tested with 8.19)"

// ReachWithin is how long Elasticsearch may take to say who it is, all nodes
// together.
const ReachWithin = 8 * time.Second

// Info is what Elasticsearch says of itself.
type Info struct {
	Cluster string `json:"cluster_name"`
	UUID    string `json:"cluster_uuid"`
	Version struct {
		Number string `json:"number"`
		Flavor string `json:"build_flavor"`
	} `json:"version"`
}

// Check makes sure that Elasticsearch is there, lets us in, and is one that
// kcing can use.
func (c *Client) Check(ctx context.Context) error {
	info, err := c.Info(ctx)
	if err != nil {
		return err
	}
	if info.Version.Flavor == "serverless" { // it says 8.11 for ever, and is current
		return nil
	}
	if tooOld(info.Version.Number) {
		return fmt.Errorf("the Elasticsearch at %s is version %s; kcing needs %s",
			c.hosts, info.Version.Number, Supported)
	}
	return nil
}

// CheckWithin is [Client.Check], which asks again for so long while nothing that
// could be Elasticsearch answers. Each time that it waits it tells why.
func (c *Client) CheckWithin(ctx context.Context, most time.Duration, waiting func(because error)) error {
	const pause = 500 * time.Millisecond
	for began := time.Now(); ; {
		err := c.Check(ctx)
		if !errors.Is(err, ErrNotThere) {
			return err
		}
		if time.Since(began)+pause > most {
			return err
		}
		waiting(err)
		if err := retry.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// CheckToRead makes sure that Elasticsearch is there. Who may read indices need
// not be allowed to ask who it is; the first search tells then.
func (c *Client) CheckToRead(ctx context.Context) error {
	_, err := c.Info(ctx)
	if refused := new(refusedError); errors.As(err, &refused) && refused.status == http.StatusForbidden {
		return nil
	}
	return err
}

// tooOld: 8.14 brought index.mapping.total_fields.ignore_dynamic_beyond_limit,
// which the templates need.
func tooOld(version string) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	return err1 == nil && err2 == nil && (major < 8 || major == 8 && minor < 14)
}

// ErrNotThere is in the chain of a failure that another node may not have, or
// this one after a while.
var ErrNotThere = errors.New("not there")

// notThereError is such a failure in words for the user.
type notThereError struct{ text string }

func (e *notThereError) Error() string        { return e.text }
func (e *notThereError) Is(target error) bool { return target == ErrNotThere }

func notThere(format string, args ...any) error {
	return &notThereError{fmt.Sprintf(format, args...)}
}

// refusedError is an answer 401 or 403.
type refusedError struct {
	hosts  string
	status int
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("the Elasticsearch at %s refused the credentials (%d): "+
		"check ES_API_KEY, or ES_USERNAME and ES_PASSWORD",
		e.hosts, e.status)
}

// Info asks Elasticsearch who it is, node by node until one answers.
func (c *Client) Info(ctx context.Context) (Info, error) {
	var info Info
	var err error
	for range c.nodes { // the client takes the next node after a failure
		info, err = c.ask(ctx, ReachWithin/time.Duration(c.nodes))
		if !errors.Is(err, ErrNotThere) {
			break
		}
	}
	return info, err
}

func (c *Client) ask(parent context.Context, within time.Duration) (Info, error) {
	ctx, cancel := context.WithTimeout(parent, within)
	defer cancel()
	var info Info
	res, err := esapi.InfoRequest{}.Do(ctx, patient{c, 1})
	switch {
	case parent.Err() != nil:
		return info, context.Cause(parent)
	case err != nil && strings.Contains(err.Error(), "server is not Elasticsearch"): // the client's product check
		return info, fmt.Errorf("what answers at %s is not Elasticsearch (ES_HOST)", c.hosts)
	case err != nil:
		return info, notThere("cannot reach Elasticsearch at %s: %s (ES_HOST)", c.hosts,
			ConnectionProblem(err, within, "ES_CA_CERT"))
	}
	defer res.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return info, &refusedError{c.hosts, res.StatusCode}
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode >= 500:
		return info, notThere("the Elasticsearch at %s is not ready: it answered %d", c.hosts, res.StatusCode)
	case err != nil:
		return info, notThere("cannot read the answer of Elasticsearch at %s: %s (ES_HOST)",
			c.hosts, ConnectionProblem(err, within, "ES_CA_CERT"))
	case res.StatusCode != http.StatusOK, json.Unmarshal(body, &info) != nil:
		return info, fmt.Errorf("what answers at %s is not Elasticsearch: status %d (ES_HOST)", c.hosts, res.StatusCode)
	}
	c.uuid.Store(&info.UUID)
	return info, nil
}

// Health is the cluster's colour, empty when we may not ask.
func (c *Client) Health(ctx context.Context) string {
	body, err := Do(ctx, c, "ask for the cluster's health", esapi.ClusterHealthRequest{})
	var health struct {
		Status string `json:"status"`
	}
	if err != nil || json.Unmarshal(body, &health) != nil {
		return ""
	}
	return health.Status
}

// Refresh makes what was stored in the indices visible to searches now instead
// of within the refresh interval. That is a privilege of its own.
func (c *Client) Refresh(ctx context.Context, indices []string) error {
	ctx, cancel := context.WithTimeout(ctx, ReachWithin)
	defer cancel()
	_, err := Do(ctx, c, "refresh", esapi.IndicesRefreshRequest{Index: indices})
	return err
}
