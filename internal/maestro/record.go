package maestro

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/fetch"
)

// composite is a record as package transform takes it.
type composite struct {
	Node     json.RawMessage   `json:"node"`
	Tests    []json.RawMessage `json:"tests"`
	Callback json.RawMessage   `json:"callback,omitempty"`
	LavaLogs string            `json:"lava_logs,omitempty"`
	Log      string            `json:"log,omitempty"`
}

// Record makes the record of an item: a build is its node; a job is its node, the
// nodes below it, and the LAVA callback or else the log that Maestro has stored.
// Files that have expired are left out; what else cannot be downloaded is an
// error, and may be there later. Errors: ErrGone, ErrDenied, fetch's.
func (c *Client) Record(ctx context.Context, it Item) ([]byte, error) {
	if it.Node == nil {
		fresh, err := c.Item(ctx, it.ID)
		if err != nil {
			return nil, err
		}
		it = fresh
	}
	if it.Kind == "build" {
		return it.Node, nil
	}
	tests, err := c.below(ctx, gjson.ParseBytes(it.Node))
	if err != nil {
		return nil, fmt.Errorf("the tests of %s: %w", it.URL, err)
	}
	r := composite{Node: it.Node, Tests: tests}
	if err := c.artifacts(ctx, &r); err != nil {
		return nil, fmt.Errorf("of %s: %w", it.URL, err)
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
				c.o.Logger.Warn("a stored callback is no JSON object; using the log instead", "url", fetch.Redact(address))
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

// mostBelow is how many nodes below one job are taken. The largest jobs of 2024
// have about 10,000.
const mostBelow = 100_000

// below are the nodes below a job, whatever their depth. They are asked for at
// once, by what they inherit; where a node lacks that, level by level.
func (c *Client) below(ctx context.Context, job gjson.Result) ([]json.RawMessage, error) {
	if query := inherited(job); query != nil {
		all, err := c.all(ctx, query)
		if err != nil {
			return nil, err
		}
		children := map[string][]gjson.Result{}
		for _, node := range all {
			parent := node.Get("parent").String()
			children[parent] = append(children[parent], node)
		}
		found, err := descend(job, func(parent gjson.Result) ([]gjson.Result, error) { return children[idOf(parent)], nil })
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	groups := job.Get("kind").Str == "job" // today's, where a test has nothing below
	return descend(job, func(parent gjson.Result) ([]gjson.Result, error) {
		if kind := parent.Get("kind").Str; groups && kind == "test" || kind == "regression" {
			return nil, nil
		}
		return c.all(ctx, url.Values{"parent": {idOf(parent)}})
	})
}

// inherited is a query for the nodes that share what a job hands down to its
// tests: those of the job, and of a few others like it. Nil when the job lacks
// some of it.
func inherited(job gjson.Result) url.Values {
	query := url.Values{}
	for _, name := range [...]string{"treeid", "group", "data.runtime", "data.platform"} {
		v := job.Get(name)
		if v.Type != gjson.String || v.Str == "" || v.Str == "null" {
			return nil
		}
		query.Set(name, v.Str)
	}
	path := job.Get("path").Array()
	if len(path) < 2 || path[len(path)-2].String() == "" {
		return nil
	}
	query.Set("path."+strconv.Itoa(len(path)-2), path[len(path)-2].String()) // the build
	return query
}

// descend gathers the nodes below one.
func descend(root gjson.Result, childrenOf func(parent gjson.Result) ([]gjson.Result, error)) (found []json.RawMessage, err error) {
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

// all reads all pages of a query until their totals agree.
func (c *Client) all(ctx context.Context, query url.Values) ([]gjson.Result, error) {
	for try := 1; ; try++ {
		var nodes []gjson.Result
		ids := map[string]bool{}
		for offset, want := 0, -1; ; {
			page, total, err := c.page(ctx, query, c.o.Page, offset)
			if err != nil {
				return nil, err
			}
			if want < 0 {
				want = total
			}
			for _, node := range page {
				if id := idOf(node); !ids[id] {
					ids[id] = true
					nodes = append(nodes, node)
				}
			}
			offset += len(page)
			if total == want && offset >= total && len(ids) == want {
				return nodes, nil
			}
			if total != want || offset >= total || len(page) == 0 {
				break
			}
		}
		if try == mostPasses {
			return nil, fmt.Errorf("their number changed each of %d times; the next crawl tries again", try)
		}
		if err := pause(ctx, 0); err != nil {
			return nil, err
		}
	}
}
