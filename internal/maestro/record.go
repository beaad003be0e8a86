package maestro

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/retry"
)

// composite is a record as package transform takes it.
type composite struct {
	Node     json.RawMessage   `json:"node"`
	Tests    []json.RawMessage `json:"tests"`
	Callback json.RawMessage   `json:"callback,omitempty"`
	LavaLogs string            `json:"lava_logs,omitempty"`
	Log      string            `json:"log,omitempty"`
}

// record makes the record of a node: a build is its node; a job is its node, the
// nodes below it, and the LAVA callback or else the log that Maestro has stored.
// Files that have expired are left out; what else cannot be downloaded is an
// error, and may be there later. Errors: ErrGone, ErrDenied, fetch's.
func (c *Client) record(ctx context.Context, node gjson.Result) ([]byte, error) {
	if recordKind(node) == "build" {
		return []byte(node.Raw), nil
	}
	at := c.nodeURL(idOf(node))
	node, tests, err := c.below(ctx, node)
	if err != nil {
		return nil, fmt.Errorf("the tests of %s: %w", at, err)
	}
	r := composite{Node: json.RawMessage(node.Raw), Tests: tests}
	if err := c.artifacts(ctx, &r); err != nil {
		return nil, fmt.Errorf("of %s: %w", at, err)
	}
	return r.encode()
}

// Complete joins a callback, as LAVA posted it, and the node that it belongs to.
// Errors: ErrGone, ErrDenied, fetch's; the callback can be fed without then.
func (c *Client) Complete(ctx context.Context, id string, callback []byte) ([]byte, error) {
	node, err := c.Node(ctx, id)
	if err != nil {
		return nil, err
	}
	callback = bytes.TrimSpace(callback)
	if !json.Valid(callback) || callback[0] != '{' {
		return nil, errors.New("the callback is no JSON object")
	}
	record := make([]byte, 0, len(node)+len(callback)+32)
	record = append(append(record, `{"node":`...), node...)
	record = append(append(record, `,"callback":`...), callback...)
	return append(record, '}'), nil
}

func (r *composite) encode() ([]byte, error) {
	if r.Tests == nil {
		r.Tests = []json.RawMessage{}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // log lines are full of < and >
	if err := enc.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// artifacts downloads the best there is of a job's callback and logs.
func (c *Client) artifacts(ctx context.Context, r *composite) error {
	node := gjson.ParseBytes(r.Node)
	for _, name := range logArtifacts {
		address := node.Get("artifacts." + name).Str
		if !strings.HasPrefix(address, "http://") && !strings.HasPrefix(address, "https://") {
			continue
		}
		body, err := c.o.Fetch.Get(ctx, address, nil)
		switch {
		case errors.Is(err, fetch.ErrGone):
			continue
		case err != nil:
			return err
		case len(bytes.TrimSpace(body)) == 0:
			continue
		}
		switch name {
		case "callback_data":
			if body = bytes.TrimSpace(body); !json.Valid(body) || body[0] != '{' {
				c.o.Logger.Warn("a stored callback is no JSON object; using the log instead",
					"url", fetch.Redact(address))
				continue
			}
			r.Callback = body
		case "lava_logs":
			r.LavaLogs = string(body)
		default:
			r.Log = string(body)
		}
		return nil
	}
	return nil
}

// descend gathers the nodes below one.
func descend(root gjson.Result,
	childrenOf func(parent gjson.Result) ([]gjson.Result, error),
) (found []json.RawMessage, err error) {
	visited := map[string]bool{idOf(root): true}
	for parents := []gjson.Result{root}; len(parents) > 0; {
		parent := parents[0]
		parents = parents[1:]
		children, err := childrenOf(parent)
		if err != nil {
			return nil, err
		}
		for _, node := range children {
			id := idOf(node)
			if visited[id] {
				continue
			}
			visited[id] = true
			if len(found) == mostBelow {
				return nil, fmt.Errorf("more than %d nodes", mostBelow)
			}
			found = append(found, json.RawMessage(node.Raw))
			parents = append(parents, node)
		}
	}
	return found, nil
}

// gather is what a query finds, each node once, and whether that is the whole;
// where there is more than most, 0: however much there is, it is nothing.
func (c *Client) gather(ctx context.Context, query url.Values, limit, most int) ([]gjson.Result, passEnd, error) {
	for try := 1; ; try++ {
		var nodes []gjson.Result
		ids := map[string]bool{}
		end, err := c.pages(ctx, query, limit, most, func(node gjson.Result) error {
			if id := idOf(node); !ids[id] {
				ids[id] = true
				nodes = append(nodes, node)
			}
			return nil
		})
		switch {
		case err != nil:
			return nil, end, err
		case end != changed:
			return nodes, end, nil
		case try == mostPasses:
			return nil, end, fmt.Errorf("their number changed each of %d times; the next crawl tries again", try)
		}
		if err := retry.Sleep(ctx, relistPause); err != nil {
			return nil, end, err
		}
	}
}
