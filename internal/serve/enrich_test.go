package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/kinds"
	"github.com/kcing/kcing/internal/spool"
)

var errNoNode = errors.New("no such node")

// maestro is the API, in memory.
type maestro struct {
	node  json.RawMessage
	err   atomic.Value // of type answerError
	hang  atomic.Bool
	asked atomic.Int64
}

type answerError struct{ error }

func (m *maestro) complete(ctx context.Context, id string, callback []byte) ([]byte, error) {
	m.asked.Add(1)
	if m.hang.Load() {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	if err, ok := m.err.Load().(answerError); ok && err.error != nil {
		return nil, err
	}
	if !strings.Contains(string(m.node), id) {
		return nil, errNoNode
	}
	return fmt.Appendf(nil, `{"node":%s,"callback":%s}`, m.node, callback), nil
}

// completed are the halves of a record of testdata: a callback that names only
// its node, and the node.
func completed(t *testing.T) (node, callback json.RawMessage) {
	t.Helper()
	data, err := os.ReadFile("../../testdata/maestro/completed-callback.json")
	if err != nil {
		t.Fatal(err)
	}
	var record struct{ Node, Callback json.RawMessage }
	if err := json.Unmarshal(data, &record); err != nil {
		t.Fatal(err)
	}
	return record.Node, record.Callback
}

// A callback that names only its node is completed; when the node cannot be had
// it is stored without, and tagged, and Maestro is left alone for a while.
func TestCompletesCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, callback := completed(t)
		api := &maestro{node: node}
		r := newRig(t, func(c *Config, _ *spool.Options) {
			c.Enrich = &Enricher{Complete: api.complete,
				Away:   func(err error) bool { return !errors.Is(err, errNoNode) },
				Logger: slog.New(slog.DiscardHandler)}
		})
		r.start()
		n := 0
		// deliver posts the callback as another job, and returns its boot document.
		deliver := func(nodeID string) string {
			t.Helper()
			n++
			lab := fmt.Sprintf("lab-%d", n)
			p := &intake.Post{Kind: kinds.LAVA, Payload: callback, Lab: lab, NodeID: nodeID, Received: time.Now()}
			if err := r.Accept(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Second)
			for key, body := range r.es.docs() {
				if strings.HasPrefix(key, "boot-") && strings.Contains(key, lab+"/") {
					return body
				}
			}
			t.Fatalf("not stored: %s", lab)
			return ""
		}
		const tree, tag = `"job":"mainline"`, `"_nomaestro"`
		if doc := deliver(""); !strings.Contains(doc, tree) || strings.Contains(doc, tag) {
			t.Errorf("not completed: %s", doc)
		}
		if doc := deliver("6b00989341dcea75e5d60010"); !strings.Contains(doc, tree) {
			t.Errorf("not completed from the path's node: %s", doc)
		}
		if doc := deliver("000000000000000000000000"); strings.Contains(doc, tree) || !strings.Contains(doc, tag) {
			t.Errorf("a node that is not there: %s", doc)
		}
		asked := api.asked.Load()
		if asked != 3 {
			t.Errorf("asked %d times", asked)
		}
		api.hang.Store(true)
		if doc := deliver(""); strings.Contains(doc, tree) || !strings.Contains(doc, tag) {
			t.Errorf("Maestro hangs: %s", doc)
		}
		api.hang.Store(false)
		if doc := deliver(""); !strings.Contains(doc, tag) || api.asked.Load() != asked+1 {
			t.Errorf("asked again at once: %s", doc)
		}
		time.Sleep(leaveAlone)
		if doc := deliver(""); !strings.Contains(doc, tree) {
			t.Errorf("not asked again: %s", doc)
		}
		api.err.Store(answerError{errors.New("refused")})
		if doc := deliver(""); !strings.Contains(doc, tag) {
			t.Errorf("Maestro refuses: %s", doc)
		}
		if st := r.spool.Stats(); st.Records != 0 {
			t.Errorf("left: %+v", st)
		}
		r.end()
	})
}

// A callback whose lab only Maestro knows waits until Maestro can be asked: its
// ids begin with the lab.
func TestWaitsForTheLab(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node, callback := completed(t)
		api := &maestro{node: node}
		api.err.Store(answerError{errors.New("refused")})
		r := newRig(t, func(c *Config, _ *spool.Options) {
			c.Enrich = &Enricher{Complete: api.complete,
				Away:   func(err error) bool { return !errors.Is(err, errNoNode) },
				Logger: slog.New(slog.DiscardHandler)}
		})
		r.start()
		if err := r.Accept(t.Context(), &intake.Post{Kind: kinds.LAVA, Payload: callback,
			Received: time.Now()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if docs, left := r.es.docs(), r.spool.Stats(); len(docs) != 0 || left.Records != 1 {
			t.Errorf("while Maestro is away: %v, %+v", docs, left)
		}
		api.err.Store(answerError{})
		time.Sleep(2*leaveAlone + time.Minute)
		if left := r.spool.Stats(); left.Records != 0 || len(r.es.docs()) == 0 {
			t.Errorf("when it is back: %v, %+v", r.es.docs(), left)
		}
		for key := range r.es.docs() {
			if strings.Contains(key, "-/") && !strings.Contains(key, "lab-") && !strings.Contains(key, "lava-") {
				t.Errorf("stored without its lab: %s", key)
			}
		}
		r.end()
	})
}

// Posts without a node are not asked about, and many are asked about at once.
func TestCompletesManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var atOnce, most int
		r := newRig(t, func(c *Config, _ *spool.Options) {
			c.Enrich = &Enricher{Away: func(error) bool { return false }, Logger: slog.New(slog.DiscardHandler),
				Complete: func(_ context.Context, _ string, _ []byte) ([]byte, error) {
					mu.Lock()
					atOnce++
					most = max(most, atOnce)
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					atOnce--
					mu.Unlock()
					return nil, errNoNode
				}}
		})
		var ids []int
		for i := range 12 {
			p := post(i)
			p.NodeID = "6b00989341dcea75e5d60010"
			if err := r.Accept(t.Context(), p); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, i)
		}
		r.start()
		r.accept(100)
		time.Sleep(30 * time.Second)
		r.wantDelivered(append(ids, 100)...)
		r.end()
		if most != enrichAtOnce {
			t.Errorf("%d at once", most)
		}
	})
}

func TestNodeOf(t *testing.T) {
	f := func(definition, want string) {
		t.Helper()
		body, err := json.Marshal(map[string]string{"definition": definition})
		if err != nil {
			t.Fatal(err)
		}
		if got := nodeOf(body); got != want {
			t.Errorf("%q: %q, want %q", definition, got, want)
		}
	}
	const id = "6b00989341dcea75e5d60010"
	f("metadata:\n  node_id: "+id+"\n", id)
	f("metadata:\n  \"node_id\": '"+id+"'\n  x: y\n", id)
	f("metadata:\n  node_id: "+id+"\n  kernel.tree: next\n", "")
	f("metadata:\n  node_id: "+id+"abc\n", "")
	f("metadata:\n  node_id: None\n", "")
	f("node_id: "+id, "")
	f("", "")
	if got := nodeOf([]byte(`{"definition":7}`)); got != "" {
		t.Error(got)
	}
}
