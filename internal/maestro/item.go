package maestro

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/crawl"
)

// Kinds implements [crawl.Origin].
func (c *Client) Kinds() []string { return []string{"build", "lava"} }

// Item implements [crawl.Origin]. ErrGone: the node is not there any more, or is no
// build and no LAVA job.
func (c *Client) Item(ctx context.Context, was crawl.Item) (crawl.Item, error) {
	node, err := c.recordNode(ctx, was.Key)
	if err != nil {
		return crawl.Item{}, stopping(err)
	}
	it, _ := c.item(node)
	return it, nil
}

// recordNode asks for a node that becomes a record.
func (c *Client) recordNode(ctx context.Context, id string) (gjson.Result, error) {
	raw, err := c.Node(ctx, id)
	if err != nil {
		return gjson.Result{}, err
	}
	node := gjson.ParseBytes(raw)
	if recordKind(node) == "" {
		return gjson.Result{}, fmt.Errorf("%w: %s is no build and no job of a LAVA lab", ErrGone, c.nodeURL(id))
	}
	return node, nil
}

// item reads a node; false when it is none that becomes a record. The lab is left to
// the record, which names it itself.
func (c *Client) item(node gjson.Result) (crawl.Item, bool) {
	kind := recordKind(node)
	if kind == "" {
		return crawl.Item{}, false
	}
	node = gjson.Parse(strings.Clone(node.Raw)) // not the whole page
	it := crawl.Item{Key: idOf(node), Kind: kind, Form: "maestro", Version: version(node),
		Fetch: func(ctx context.Context) ([]byte, error) {
			record, err := c.record(ctx, node)
			return record, stopping(err)
		}}
	it.ID, it.Name = it.Key, c.nodeURL(it.Key)
	it.Time, _ = timeOf(node, "updated")
	return it, true
}

// stopping makes refused credentials end the crawl.
func stopping(err error) error {
	if errors.Is(err, ErrDenied) {
		return fmt.Errorf("%w: %w", crawl.ErrStop, err)
	}
	return err
}

// timeOf reads one of a node's times, which are UTC and do not say so.
func timeOf(node gjson.Result, name string) (time.Time, bool) {
	t, err := time.Parse("2006-01-02T15:04:05", node.Get(name).String())
	return t, err == nil
}

// idOf is a node's `id`, or `_id` as older servers have it.
func idOf(node gjson.Result) string {
	for _, path := range [...]string{"id", "_id", "_id.$oid"} {
		if v := node.Get(path); v.Type == gjson.String && v.Str != "" {
			return v.Str
		}
	}
	return ""
}

// logArtifacts are what only a job of LAVA leaves behind, the best first.
var logArtifacts = [...]string{"callback_data", "lava_logs", "lava_log"}

// recordKind is "build" for a kbuild, "lava" for the job of a LAVA lab, and empty
// for all else: checkouts, tests, jobs that ran elsewhere, and the nodes of kind
// job that only group the tests of one.
func recordKind(node gjson.Result) string {
	switch node.Get("kind").Str {
	case "kbuild":
		if state := node.Get("state").Str; state != "" && state != "done" && node.Get("result").Type == gjson.Null {
			return "" // under way
		}
		return "build"
	case "job", "test", "node": // the latter two are what a job was in 2023
	default:
		return ""
	}
	for _, name := range logArtifacts {
		if node.Get("artifacts."+name).Type == gjson.String {
			return "lava"
		}
	}
	if !strings.HasPrefix(node.Get("data.runtime").String(), "lava") {
		return ""
	}
	if id := node.Get("data.job_id"); id.Exists() && id.Type != gjson.Null {
		return "lava"
	}
	// Not submitted, or lost. What groups tests looks the same, but for its path,
	// which goes on behind the name of the job that it belongs to.
	if node.Get("kind").Str == "job" && isTop(node) {
		return "lava"
	}
	return ""
}

// isTop tells a job from what is below one: the group is the job's name.
func isTop(node gjson.Result) bool {
	var path []string
	node.Get("path").ForEach(func(_, name gjson.Result) bool {
		path = append(path, name.String())
		return true
	})
	group := node.Get("group").String()
	return group != "" && slices.Index(path, group) == len(path)-1
}

// version is a digest of what the record is made of, however it is spelled. It stays
// when the KCIDB bridge notes that it has sent the node, which moves `updated`.
func version(node gjson.Result) string {
	parts := map[string]any{}
	for _, name := range [...]string{"kind", "name", "path", "group", "parent", "result", "artifacts", "data"} {
		if v := settled(node.Get(name).Value()); v != nil {
			parts[name] = v
		}
	}
	canonical, err := json.Marshal(parts)
	if err != nil { // what came from JSON is JSON
		canonical = []byte(node.Raw)
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:12])
}

// settled is a value without nulls and what is empty: the API adds and drops
// those as its models please.
func settled(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if member = settled(member); member == nil {
				delete(v, name)
			} else {
				v[name] = member
			}
		}
		if len(v) == 0 {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}
