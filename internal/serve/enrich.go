package serve

import (
	"context"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/transform"
)

// enrichAtOnce is how many records wait for Maestro at once, in memory.
const enrichAtOnce = 4

// Enricher completes LAVA callbacks with what Maestro knows of their node. A
// callback whose node cannot be had now is delivered as it came, with a tag, and
// completed later by `kcing feed --source maestro`.
type Enricher struct {
	// Complete returns the composite record of a callback and its node. It is
	// called by several goroutines at once. Required.
	Complete func(ctx context.Context, id string, callback []byte) ([]byte, error)
	// Away reports whether an error means that Maestro is away, rather than that it
	// does not know this node: then it is left alone for a while. Required.
	Away func(error) bool
	// Logger gets a line for each node that could not be had. Required.
	Logger *slog.Logger

	mu    sync.Mutex
	until time.Time // Maestro is left alone until then
}

// lookUpFor is how long a callback waits for its node.
const lookUpFor = 5 * time.Second

// leaveAlone is for how long Maestro is not asked after it was away.
const leaveAlone = 30 * time.Second

// record completes a record in place, or tags it.
func (e *Enricher) record(ctx context.Context, m spool.Meta, rec *source.Record) {
	if rec.Err != nil || m.Kind != string(transform.KindLAVA) {
		return
	}
	id := m.NodeID
	if id == "" {
		id = nodeOf(rec.Payload)
	}
	if id == "" {
		return
	}
	if e.isAway() {
		rec.Tags = append(rec.Tags, noMaestro)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpFor)
	defer cancel()
	composite, err := e.Complete(ctx, id, rec.Payload)
	if err != nil {
		rec.Tags = append(rec.Tags, noMaestro)
		e.failed(ctx, id, err)
		return
	}
	rec.Payload, rec.Size, rec.Kind = composite, int64(len(composite)), string(transform.FormatMaestro)
}

var (
	nodeIDLine = regexp.MustCompile(`(?m)^\s+["']?node_id["']?\s*:\s*["']?([0-9a-fA-F]{24})\b`)
	kernelLine = regexp.MustCompile(`(?m)^\s+["']?(?:kernel|git)\.[a-z_]+["']?\s*:`)
)

// nodeOf is the node that a callback's job names in its metadata, when that does
// not describe the kernel itself; empty: none. The definition is YAML in block
// style, as LAVA writes it.
func nodeOf(callback []byte) string {
	definition := gjson.GetBytes(callback, "definition").String()
	found := nodeIDLine.FindStringSubmatch(definition)
	if found == nil || kernelLine.MatchString(definition) {
		return ""
	}
	return found[1]
}

// noMaestro is the tag of a callback without its node.
const noMaestro = "_nomaestro"

func (e *Enricher) isAway() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return time.Now().Before(e.until)
}

// failed notes a look-up in vain.
func (e *Enricher) failed(ctx context.Context, id string, err error) {
	if ctx.Err() == nil && !e.Away(err) {
		e.Logger.Warn("callback stored without its Maestro node", "node_id", id, "reason", err)
		return
	}
	e.mu.Lock()
	now := time.Now()
	first := !now.Before(e.until)
	if first {
		e.until = now.Add(leaveAlone)
	}
	e.mu.Unlock()
	if first {
		e.Logger.Warn("Maestro does not answer; callbacks are stored without their nodes for a while, "+
			"kcing feed --source maestro completes them", "reason", err)
	}
}
