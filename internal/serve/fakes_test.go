package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/kinds"
	"github.com/kcing/kcing/internal/pipeline"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
)

// elastic acts as Elasticsearch, in memory.
type elastic struct {
	mu       sync.Mutex
	away     bool // connections are refused
	hang     bool // requests get no answer
	status   int  // of every request, when not 0
	refuse   func(id string) bool
	asked    func() // called at each request; not under the lock
	requests int
	stored   map[string]string // index/id → body
}

func (e *elastic) set(f func(*elastic)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(e)
}

func (e *elastic) docs() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.stored)
}

// sent is the number of requests so far.
func (e *elastic) sent() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.requests
}

func (e *elastic) err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.away {
		return &net{syscall.ECONNREFUSED}
	}
	return nil
}

// net is an error of a connection.
type net struct{ error }

func (e *net) Unwrap() error { return e.error }

func (e *elastic) Perform(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err := errors.Join(err, e.err()); err != nil {
		return nil, err
	}
	e.mu.Lock()
	hang, asked := e.hang, e.asked
	e.requests++
	e.mu.Unlock()
	if asked != nil {
		asked()
	}
	if hang {
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.status != 0 {
		return answer(e.status, fmt.Sprintf(`{"error":{"type":"test","reason":"test"},"status":%d}`, e.status)), nil
	}
	var items []string
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	for i := 0; i < len(lines); i += 2 {
		var action map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		if err := json.Unmarshal(lines[i], &action); err != nil {
			return nil, err
		}
		for op, a := range action {
			status := e.store(op, a.Index+"/"+a.ID, a.ID, string(lines[i+1]))
			items = append(items, fmt.Sprintf(`{%q:{"status":%d,"error":{"type":"test","reason":"because"}}}`, op,
				status))
		}
	}
	return answer(200, `{"took":1,"errors":true,"items":[`+strings.Join(items, ",")+`]}`), nil
}

// store is one document's fate; the lock is held.
func (e *elastic) store(op, key, id, body string) (status int) {
	_, there := e.stored[key]
	switch {
	case e.refuse != nil && e.refuse(id):
		return 400
	case there && op == "create":
		return 409
	}
	e.stored[key] = body
	return 201
}

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// ids are those of the boot documents: one a callback.
func (e *elastic) boots() []string {
	var ids []string
	for key := range e.docs() {
		if index, id, _ := strings.Cut(key, "/"); strings.HasPrefix(index, "boot-") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// store is a state.Store in memory.
type store struct {
	mu       sync.Mutex
	fail     error // of every call; a *state.LockedError after a second
	finished map[state.Key]state.Finished
	order    []string // keys, as they were finished
	rejects  map[string]state.Reject
}

func newStore() *store {
	return &store{finished: map[state.Key]state.Finished{}, rejects: map[string]state.Reject{}}
}

func (s *store) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// check fails, as a locked state does after a while, or when ctx ends.
func (s *store) check(ctx context.Context) error {
	s.mu.Lock()
	err := s.fail
	s.mu.Unlock()
	var locked *state.LockedError
	if errors.As(err, &locked) {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

func (s *store) Lookup(ctx context.Context, keys []state.Key) ([]state.Entry, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]state.Entry, len(keys))
	for i, k := range keys {
		f, ok := s.finished[k]
		out[i] = state.Entry{Found: ok, Finished: f}
	}
	return out, nil
}

func (s *store) KeysOfNodes(ctx context.Context, nodes []string) ([]state.Key, error) {
	return make([]state.Key, len(nodes)), s.check(ctx)
}

func (s *store) Begin(ctx context.Context, rs []state.Begun) ([]state.Begun, error) {
	return make([]state.Begun, len(rs)), s.check(ctx)
}

func (s *store) ReceivedAll(ctx context.Context, _ []state.Receipt) error { return s.check(ctx) }

func (s *store) Commit(ctx context.Context, b state.Batch) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range b.Finished {
		s.order = append(s.order, f.Key.ID)
		s.finished[f.Key] = f
	}
	for _, r := range b.Rejects {
		s.rejects[r.ID] = r
	}
	return nil
}

func (s *store) Counts(ctx context.Context) (state.Counts, error) {
	if err := s.check(ctx); err != nil {
		return state.Counts{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return state.Counts{Rejects: []state.RejectCount{{Count: int64(len(s.rejects))}}}, nil
}

func (s *store) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.finished)
}

func (s *store) rejected() []state.Reject {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.rejects))
}

// counts are the metrics.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what] += n
}

func (c *counts) of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[what]
}

func (c *counts) Count(what intake.Event, kind, lab string) {
	c.add(string(what)+" "+kind+" "+lab, 1)
}
func (c *counts) Rejected(kind, lab, key, reason string) {
	c.add(strings.Join([]string{"rejected", kind, lab, key, reason}, " "), 1)
}
func (c *counts) Documents(outcome string, n int) { c.add("documents "+outcome, n) }

// rig is a server among fakes, on a real spool. It belongs into a synctest bubble.
type rig struct {
	*Server
	t      *testing.T
	es     *elastic
	store  *store
	counts *counts
	log    *lockedBuffer
	dir    string
	spool  *spool.Spool
	stop   context.CancelFunc
	ended  chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// newRig makes a server that does not run yet.
func newRig(t *testing.T, change func(*Config, *spool.Options)) *rig {
	t.Helper()
	r := &rig{t: t, es: &elastic{stored: map[string]string{}}, store: newStore(), counts: new(counts),
		log: new(lockedBuffer),
		dir: filepath.Join(t.TempDir(), "spool"), ended: make(chan error, 1)}
	c := Config{
		OpenStore: func() (Store, error) {
			if err := r.store.check(context.Background()); err != nil {
				return nil, err
			}
			return r.store, nil
		},
		Pipeline: pipeline.Config{ES: pipeline.Elasticsearch{Transport: r.es}, Workers: 2},
		Ping:     func(context.Context) (string, error) { return "8.19.0", r.es.err() },
		URL:      "http://es:9200", Metrics: r.counts, Logger: slog.New(slog.NewTextHandler(r.log, nil)),
	}
	var o spool.Options
	if change != nil {
		change(&c, &o)
	}
	var err error
	if r.spool, err = spool.Open(r.dir, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.spool.Close() })
	c.Spool = r.spool
	r.Server = New(c)
	return r
}

// drainFor is --drain.
const drainFor = time.Minute

// start runs the server until end, or the end of the test.
func (r *rig) start() {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.ended <- r.Run(ctx, drainFor)
	}()
	r.t.Cleanup(func() { // also after a failure; the bubble waits for its goroutines
		r.store.set(nil)
		stop()
		<-done
	})
}

// end stops the server and waits for it.
func (r *rig) end() {
	r.t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		r.t.Error(err)
	}
}

// callback is a LAVA callback of one test.
func callback(id int, lab string) []byte {
	return fmt.Appendf(nil, `{"id": %d, "lab_name": %q, "status_string": "complete", "token": "s3cret-token", "end_time": "2025-11-20 11:00:00+00:00",
"results": {"lava": "- {id: '%d', name: job, result: pass, suite: lava}\n"}, "log": "- {dt: '2025-11-20T10:00:00', lvl: info, msg: hello}\n",
"definition": "job_name: x\n"}`, id, lab, id*10)
}

func post(id int) *intake.Post {
	return &intake.Post{Kind: kinds.LAVA, Payload: callback(id, "lab-a"), Remote: "10.0.0.1", RequestID: "r1",
		Received: time.Now()}
}

// accept posts, and wants 200.
func (r *rig) accept(ids ...int) {
	r.t.Helper()
	for _, id := range ids {
		if err := r.Accept(r.t.Context(), post(id)); err != nil {
			r.t.Fatalf("post %d: %v", id, err)
		}
	}
}

// wantDelivered checks that these callbacks, and no others, are stored, each
// once, and that nothing is left.
func (r *rig) wantDelivered(ids ...int) {
	r.t.Helper()
	want := []string{}
	for _, id := range ids {
		want = append(want, fmt.Sprintf("lab-a/%d", id))
	}
	slices.Sort(want)
	if got := r.es.boots(); !slices.Equal(got, want) {
		r.t.Errorf("stored %v, want %v", got, want)
	}
	if st := r.spool.Stats(); st.Records != 0 {
		r.t.Errorf("left in the spool: %+v", st)
	}
	if n := r.store.count(); n != len(ids) {
		r.t.Errorf("%d finished, want %d", n, len(ids))
	}
}
