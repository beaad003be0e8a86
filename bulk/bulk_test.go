package bulk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
)

// inMemory is an http.RoundTripper that calls a handler: no sockets, so it works
// in a synctest bubble. Like a socket, it fails when the request's context ends.
type inMemory struct{ http.Handler }

func (t inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	var failure error
	func() {
		defer func() {
			if v := recover(); v != nil {
				failure = fmt.Errorf("connection broken: %v", v) // handlers panic to break it
			}
		}()
		t.ServeHTTP(w, r)
	}()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), failure
}

// client is the real client over t, set up as the package documentation says.
func client(tb testing.TB, t http.RoundTripper, addresses ...string) Transport {
	tb.Helper()
	if len(addresses) == 0 {
		addresses = []string{"http://es:9200"}
	}
	c, err := elasticsearch.NewBaseClient(elasticsearch.Config{
		Addresses: addresses, Transport: t, DisableRetry: true,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close(context.Background()) }) // ends its wait for dead nodes
	return c
}

// sentDoc is a document as the server sees it.
type sentDoc struct {
	Op, Index, ID string
	Body          string
}

// readBulk parses a request as strictly as Elasticsearch does.
func readBulk(r *http.Request) ([]sentDoc, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if len(raw) == 0 || raw[len(raw)-1] != '\n' {
		return nil, errors.New("body does not end in a newline")
	}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	var docs []sentDoc
	for i := 0; i < len(lines); i += 2 {
		var action map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		if err := json.Unmarshal([]byte(lines[i]), &action); err != nil || len(action) != 1 {
			return nil, fmt.Errorf("malformed action/metadata line [%d]: %w", i+1, err)
		}
		if i+1 == len(lines) {
			return nil, errors.New("an action without a document")
		}
		for op, m := range action {
			docs = append(docs, sentDoc{op, m.Index, m.ID, lines[i+1]})
		}
	}
	return docs, nil
}

// answer writes one item for each document, with the status that status gives.
func answer(w http.ResponseWriter, docs []sentDoc, status func(i int, d sentDoc) int) {
	var b bytes.Buffer
	b.WriteString(`{"took":3,"errors":true,"items":[`)
	for i, d := range docs {
		if i > 0 {
			b.WriteByte(',')
		}
		s := status(i, d)
		fmt.Fprintf(&b, `{"%s":{"status":%d`, d.Op, s)
		if s >= 300 {
			fmt.Fprintf(&b, `,"error":{"type":%q,"reason":"because of %d"}`, faultType(s), s)
		}
		b.WriteString("}}")
	}
	b.WriteString("]}")
	_, _ = w.Write(b.Bytes())
}

func faultType(status int) string {
	switch status {
	case 403:
		return "security_exception"
	case 429:
		return "es_rejected_execution_exception"
	case 409:
		return "version_conflict_engine_exception"
	}
	return "document_parsing_exception"
}

// serve is a handler over parsed requests. n counts them from 1.
func serve(t testing.TB, f func(w http.ResponseWriter, n int, docs []sentDoc)) http.Handler {
	var mu sync.Mutex
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		docs, err := readBulk(r)
		if err != nil {
			t.Errorf("the server cannot read the request: %v", err)
			w.WriteHeader(400)
			return
		}
		mu.Lock()
		n++
		i := n
		mu.Unlock()
		f(w, i, docs)
	})
}

func created(int, sentDoc) int { return 201 }

// results collects callbacks.
type results struct {
	mu  sync.Mutex
	all []Result
}

func (r *results) add(x Result) {
	x.Doc.Body = bytes.Clone(x.Doc.Body)
	r.mu.Lock()
	r.all = append(r.all, x)
	r.mu.Unlock()
}

func (r *results) byOutcome() map[Outcome]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := map[Outcome]int{}
	for _, x := range r.all {
		m[x.Outcome]++
	}
	return m
}

func mustNew(t testing.TB, tr Transport, onResult func(Result), o Options) *Indexer {
	t.Helper()
	ix, err := New(tr, onResult, o)
	if err != nil {
		t.Fatal(err)
	}
	return ix
}

func doc(i int) Doc {
	return Doc{Index: "log-2026.01.02", ID: fmt.Sprintf("lab/7/l/%d", i), Body: fmt.Appendf(nil, `{"lineno":%d}`, i),
		Tag: i}
}

func mustAdd(t testing.TB, ix *Indexer, docs ...Doc) {
	t.Helper()
	for _, d := range docs {
		if err := ix.Add(context.Background(), d); err != nil {
			t.Fatalf("Add %s: %v", d.ID, err)
		}
	}
}

func docs(n int) (all []Doc) {
	for i := range n {
		all = append(all, doc(i))
	}
	return all
}

// run feeds n documents to a handler in a bubble, closes, and checks the books.
func run(t *testing.T, h http.Handler, o Options, n int) (*results, Stats, error) {
	t.Helper()
	var got results
	ix := mustNew(t, client(t, inMemory{h}), got.add, o)
	mustAdd(t, ix, docs(n)...)
	err := ix.Close(context.Background())
	s := ix.Stats()
	checkBooks(t, s, &got, n)
	return &got, s, err
}

// checkBooks checks R1 after Close.
func checkBooks(t testing.TB, s Stats, got *results, added int) {
	t.Helper()
	if s.Added != int64(added) || s.PendingDocs != 0 || s.PendingBytes != 0 ||
		s.Added != s.Stored+s.Duplicate+s.Rejected+s.Undelivered {
		t.Errorf("books do not balance: %+v", s)
	}
	seen := map[any]int{}
	for _, r := range got.all {
		seen[r.Doc.Tag]++
		if (r.Err == nil) != (r.Outcome == Stored || r.Outcome == Duplicate) {
			t.Errorf("%s: outcome %v with error %v", r.Doc.ID, r.Outcome, r.Err)
		}
	}
	for tag, n := range seen {
		if n != 1 {
			t.Errorf("document %v has %d outcomes", tag, n)
		}
	}
	if len(seen) != added {
		t.Errorf("%d documents added, %d have an outcome", added, len(seen))
	}
}

func TestStoresDocumentsAsGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []sentDoc
		h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
			seen = append(seen, docs...)
			answer(w, docs, created)
		})
		var got results
		ix := mustNew(t, client(t, inMemory{h}), got.add, Options{Requests: 1})
		body := []byte(`{"a":1}`)
		mustAdd(t, ix, Doc{Index: "boot-2026.01.02", ID: "lab/1", Body: body})
		copy(body, `{"b":2}`) // Add has copied it.
		mustAdd(t, ix, Doc{Index: "boot-2026.01.02", ID: "lab/2", Op: OpIndex, Body: body, Tag: "x"})
		if err := ix.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []sentDoc{
			{"create", "boot-2026.01.02", "lab/1", `{"a":1}`},
			{"index", "boot-2026.01.02", "lab/2", `{"b":2}`},
		}
		if fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Errorf("server saw %v, want %v", seen, want)
		}
		if len(got.all) != 2 || string(got.all[1].Doc.Body) != `{"b":2}` || got.all[1].Doc.Tag != "x" ||
			got.all[1].Outcome != Stored || got.all[1].Status != 201 || got.all[1].Attempts != 1 {
			t.Errorf("results %+v", got.all)
		}
	})
}

func TestFlushThresholds(t *testing.T) {
	f := func(o Options, n int, wantRequests []int, wantReason string) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			var sizes []int
			h := serve(t, func(w http.ResponseWriter, _ int, docs []sentDoc) {
				sizes = append(sizes, len(docs))
				answer(w, docs, created)
			})
			o.Requests = 1
			var got results
			ix := mustNew(t, client(t, inMemory{h}), got.add, o)
			mustAdd(t, ix, docs(n)...)
			time.Sleep(10 * time.Second) // the bubble's clock
			synctest.Wait()
			if fmt.Sprint(sizes) != fmt.Sprint(wantRequests) || ix.Stats().Flushes[wantReason] == 0 {
				t.Errorf("requests of %v documents, want %v; flushes %v", sizes, wantRequests, ix.Stats().Flushes)
			}
			if err := ix.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	f(Options{FlushActions: 4}, 9, []int{4, 4, 1}, "count")
	f(Options{FlushBytes: 200}, 3, []int{2, 1}, "size") // two lines are some 75 bytes
	f(Options{}, 3, []int{3}, "time")
	// Add blocked: nobody can fill it further
	f(Options{FlushInterval: time.Hour, MaxPendingBytes: 4096}, 40, []int{9, 9, 9, 9}, "time")
}

// TestOrderOfOneID: two documents with one id are never under way together, so
// the server carries them out, and callbacks come, in the order of Add.
func TestOrderOfOneID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var stored []string
		h := serve(t, func(w http.ResponseWriter, n int, docs []sentDoc) {
			time.Sleep(time.Duration(20-n) * time.Second)
			if n == 1 {
				w.WriteHeader(503)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, d := range docs {
				if d.ID == "same" {
					stored = append(stored, d.Body)
				}
			}
			answer(w, docs, created)
		})
		var got results
		ix := mustNew(t, client(t, inMemory{h}), got.add, Options{FlushActions: 2})
		for i := range 6 {
			same := doc(i)
			same.ID, same.Op = "same", OpIndex
			mustAdd(t, ix, same, doc(100+i))
		}
		if err := ix.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, r := range got.all {
			if r.Doc.ID == "same" {
				order = append(order, string(r.Doc.Body))
			}
		}
		want := `[{"lineno":0} {"lineno":1} {"lineno":2} {"lineno":3} {"lineno":4} {"lineno":5}]`
		if fmt.Sprint(stored) != want || fmt.Sprint(order) != want {
			t.Errorf("stored in order %v, reported in order %v", stored, order)
		}
	})
}

func TestNewRefusesBadOptions(t *testing.T) {
	tr := client(t, inMemory{})
	f := func(tr Transport, on func(Result), o Options) {
		t.Helper()
		if ix, err := New(tr, on, o); err == nil {
			t.Error("New took it")
			_ = ix.Close(t.Context())
		}
	}
	on := func(Result) {}
	f(nil, on, Options{})
	f(tr, nil, Options{})
	f(tr, on, Options{FlushBytes: -1})
	f(tr, on, Options{MaxPendingBytes: 100})
	f(tr, on, Options{BackoffBase: time.Minute})
	if d := DefaultOptions(); d.MaxPendingBytes != 64<<20 || d.Requests != 2 || d.RetryFor != 5*time.Minute {
		t.Errorf("defaults %+v", d)
	}
}
