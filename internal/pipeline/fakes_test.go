package pipeline

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// now is the time of receipt in these tests.
var now = time.Date(2025, 11, 20, 12, 0, 0, 0, time.UTC)

// sent is one document of a bulk request.
type sent struct{ op, index, id, body string }

// elastic acts as Elasticsearch's bulk API, in memory.
type elastic struct {
	// request, when it returns a status other than 0 or an error, decides the
	// whole request. It may block. n counts from 1.
	request func(ctx context.Context, n int, docs []sent) (status int, err error)
	// item, when it returns a status other than 0, decides a document.
	item func(d sent) (status int, kind string)

	mu       sync.Mutex
	requests int
	all      []sent            // the documents of all requests that were answered 200
	stored   map[string]string // index/id → body
}

func (e *elastic) Perform(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, "/_bulk") {
		return response(200, `{}`), nil // what is left of earlier records: nothing; a real one is asked in cmd/kcing
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	docs, err := parseBulk(body)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	e.requests++
	n := e.requests
	e.mu.Unlock()
	if e.request != nil {
		status, err := e.request(r.Context(), n, docs)
		if err != nil {
			return nil, err
		}
		if status != 0 {
			return response(status, fmt.Sprintf(`{"error":{"type":"test_%d","reason":"test"},"status":%d}`, status,
				status)), nil
		}
	}
	return response(200, e.store(docs)), nil
}

func (e *elastic) store(docs []sent) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stored == nil {
		e.stored = map[string]string{}
	}
	var items []string
	for _, d := range docs {
		status, kind := 0, ""
		if e.item != nil {
			status, kind = e.item(d)
		}
		key := d.index + "/" + d.id
		if _, there := e.stored[key]; status == 0 {
			switch {
			case there && d.op == "create":
				status, kind = 409, "version_conflict_engine_exception"
			case there:
				status = 200
			default:
				status = 201
			}
		}
		if status < 300 {
			e.stored[key] = d.body
			items = append(items, fmt.Sprintf(`{%q:{"status":%d}}`, d.op, status))
		} else {
			items = append(items, fmt.Sprintf(`{%q:{"status":%d,"error":{"type":%q,"reason":"test"}}}`, d.op, status,
				kind))
		}
	}
	e.all = append(e.all, docs...)
	return `{"took":1,"errors":true,"items":[` + strings.Join(items, ",") + `]}`
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func parseBulk(body []byte) (docs []sent, err error) {
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	if len(lines)%2 != 0 {
		return nil, fmt.Errorf("%d lines in a bulk body", len(lines))
	}
	for i := 0; i < len(lines); i += 2 {
		var action map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		if err := json.Unmarshal(lines[i], &action); err != nil {
			return nil, fmt.Errorf("%w: %s", err, lines[i])
		}
		for op, a := range action {
			docs = append(docs, sent{op, a.Index, a.ID, string(lines[i+1])})
		}
	}
	return docs, nil
}

func (e *elastic) docs() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.stored)
}

func (e *elastic) count() int { return len(e.docs()) }

// ledger is a state.Store in memory.
type ledger struct {
	lookup   func(n int) error // may fail or block a call; n counts from 1
	receipts func() error
	commit   func(n int) error

	mu       sync.Mutex
	lookups  int
	commits  int
	finished map[state.Key]state.Finished
	received map[state.Key]time.Time
	begun    map[state.Key]state.Begun
	rejects  map[string]state.Reject
	nodes    map[string]state.Key
}

func newLedger() *ledger {
	return &ledger{finished: map[state.Key]state.Finished{}, received: map[state.Key]time.Time{},
		begun: map[state.Key]state.Begun{}, rejects: map[string]state.Reject{}, nodes: map[string]state.Key{}}
}

func (l *ledger) Lookup(_ context.Context, keys []state.Key) ([]state.Entry, error) {
	l.mu.Lock()
	l.lookups++
	n := l.lookups
	l.mu.Unlock()
	if l.lookup != nil {
		if err := l.lookup(n); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]state.Entry, len(keys))
	for i, k := range keys {
		f, ok := l.finished[k]
		out[i] = state.Entry{Found: ok, Finished: f}
		for _, r := range l.rejects {
			out[i].OpenRejects = out[i].OpenRejects || r.Kind == k.Kind && r.Key == k.ID
		}
	}
	return out, nil
}

func (l *ledger) KeysOfNodes(_ context.Context, nodes []string) ([]state.Key, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := make([]state.Key, len(nodes))
	for i, node := range nodes {
		keys[i] = l.nodes[node]
	}
	return keys, nil
}

func (l *ledger) ReceivedAll(_ context.Context, rs []state.Receipt) error {
	if l.receipts != nil {
		if err := l.receipts(); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range rs {
		if t, ok := l.received[rs[i].Key]; ok {
			rs[i].Time = t
		}
		l.received[rs[i].Key] = rs[i].Time
	}
	return nil
}

func (l *ledger) Begin(_ context.Context, rs []state.Begun) ([]state.Begun, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	earlier := make([]state.Begun, len(rs))
	for i, r := range rs {
		if was, ok := l.begun[r.Key]; ok {
			earlier[i] = was
			r.Time, r.Level = was.Time, max(r.Level, was.Level)
			if was.Digest != r.Digest {
				r.Digest = state.Digest{}
			}
		}
		l.begun[r.Key] = r
	}
	return earlier, nil
}

func (l *ledger) Commit(_ context.Context, b state.Batch) error {
	l.mu.Lock()
	l.commits++
	n := l.commits
	l.mu.Unlock()
	if l.commit != nil {
		if err := l.commit(n); err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range b.Finished {
		l.finished[f.Key] = f
		delete(l.begun, f.Key)
	}
	for _, n := range b.Nodes {
		l.nodes[n.Node] = n.Key
	}
	for _, k := range b.Replaced {
		delete(l.finished, k)
	}
	for _, r := range b.Rejects {
		r.Attempts += l.rejects[r.ID].Attempts
		l.rejects[r.ID] = r
	}
	return nil
}

func (l *ledger) Reject(_ context.Context, id string) (state.Reject, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.rejects[id]
	if !ok {
		return r, state.ErrNotFound
	}
	r.Body = bytes.Clone(r.Body)
	return r, nil
}

func (l *ledger) DropRejects(_ context.Context, ids ...string) (n int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if _, ok := l.rejects[id]; ok {
			n++
			delete(l.rejects, id)
		}
	}
	return n, nil
}

func (l *ledger) finishedCount() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.finished))
}

// listed are the rejects, in a fixed order.
func (l *ledger) listed() []state.Reject {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.rejects),
		func(a, b state.Reject) int { return cmp.Compare(a.Source+a.DocumentID, b.Source+b.DocumentID) })
}

func (l *ledger) ids() (ids []string) {
	for _, r := range l.listed() {
		ids = append(ids, r.ID)
	}
	return ids
}

// sourceFunc is a Source.
type sourceFunc func(ctx context.Context, emit source.Emit) error

func (f sourceFunc) Run(ctx context.Context, emit source.Emit) error { return f(ctx, emit) }

type slice []source.Record

func (s slice) Run(ctx context.Context, emit source.Emit) error {
	for _, r := range s {
		if err := emit(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

func record(name, payload string) source.Record {
	return source.Record{Name: name, Payload: []byte(payload), Size: int64(len(payload))}
}

// build is a record that becomes one document.
func build(id int) source.Record {
	return record(fmt.Sprintf("build%d", id),
		fmt.Sprintf(`{"_id":{"$oid":"b%d"},"created_on":"2025-11-19T10:00:00Z","build_result":"PASS","job":"mainline"}`,
			id))
}

// callback is a record that becomes a boot, one test and n log lines.
func callback(id, n int) source.Record {
	var log strings.Builder
	for i := range n {
		fmt.Fprintf(&log, `- {dt: '2025-11-19T10:00:00', lvl: target, msg: line %d}\n`, i)
	}
	return record(fmt.Sprintf("lava%d", id),
		fmt.Sprintf(`{"id":%d,"status":2,"status_string":"complete","lab_name":"lab","token":"secret%d",`+
			`"end_time":"2025-11-19 10:00:00+00:00","definition":"job_name: x\n",`+
			`"results":{"lava":"- {name: job, result: pass, suite: lava, id: '%d', logged: '2025-11-19 10:00:00.000000+00:00'}\n"},"log":"%s"}`, id, id, 1000+id, log.String()))
}

func builds(n int) (all slice) {
	for i := range n {
		all = append(all, build(i))
	}
	return all
}

func callbacks(n, lines int) (all slice) {
	for i := range n {
		all = append(all, callback(i, lines))
	}
	return all
}

// config is one of a test: two workers, small requests.
func config(e *elastic, l Ledger) Config {
	return Config{Ledger: l, Workers: 2, Now: func() time.Time { return now },
		ES: Elasticsearch{Transport: e, Bulk: bulk.Options{FlushActions: 10, Requests: 4, RetryFor: time.Minute}}}
}

// feed runs a source and checks what always holds.
func feed(ctx context.Context, t *testing.T, src Source, c Config) (Report, error) {
	t.Helper()
	report, err := Run(ctx, src, c)
	checkReport(t, report, err)
	if l, ok := c.Ledger.(*ledger); ok && report.Finished > 0 && l.finishedCount() == 0 {
		t.Errorf("%d reported as finished, none in the ledger", report.Finished)
	}
	return report, err
}

func checkReport(t *testing.T, r Report, err error) {
	t.Helper()
	sum := r.Finished + r.Skipped + r.Superseded + r.Blank + r.NotFinished + r.Pending
	for _, n := range r.Refused {
		sum += n
	}
	if sum != r.Records || r.Pending < 0 {
		t.Errorf("the report does not add up: %+v", r)
	}
	if err == nil && r.Pending != 0 {
		t.Errorf("no error, and %d records pending", r.Pending)
	}
	if b := r.Bulk; b.PendingDocs != 0 || b.Added != b.Stored+b.Duplicate+b.Rejected+b.Undelivered {
		t.Errorf("documents do not add up: %+v", b)
	}
}

func mustFeed(t *testing.T, src Source, c Config) Report {
	t.Helper()
	report, err := feed(t.Context(), t, src, c)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

var errTest = errors.New("test fault")
