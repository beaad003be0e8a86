package bulkbench

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/elastic/go-docappender/v2"
	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esutil"
	"github.com/kcing/kcing/bulk"
)

const (
	docBytes   = 753 // both lines of a document
	actions    = 1000
	inFlight   = 4
	flushBytes = docBytes * actions
	index      = "log-2026.01.02"
)

var body = []byte(`{"msg":"` + strings.Repeat("x", 668) + `"}`)

// peer is one indexer: add is called b.N times, from one goroutine.
type peer struct {
	name  string
	start func(tb testing.TB, c *elasticsearch.Client, stored *atomic.Int64) (add func(ctx context.Context, id string) error, end func(context.Context))
}

var peers = []peer{{"bulk", startBulk}, {"esutil", startEsutil}, {"docappender", startDocappender}}

func startBulk(tb testing.TB, c *elasticsearch.Client, stored *atomic.Int64) (func(context.Context, string) error, func(context.Context)) {
	ix, err := bulk.New(c, func(r bulk.Result) {
		if r.Outcome == bulk.Stored {
			stored.Add(1)
		}
	}, bulk.Options{FlushBytes: flushBytes + docBytes, FlushActions: actions, Requests: inFlight, TrustBodies: true, MaxPendingBytes: 16 << 20, FlushInterval: 30 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	return func(ctx context.Context, id string) error {
		return ix.Add(ctx, bulk.Doc{Index: index, ID: id, Body: body})
	}, func(ctx context.Context) { _ = ix.Close(ctx) }
}

func startEsutil(tb testing.TB, c *elasticsearch.Client, stored *atomic.Int64) (func(context.Context, string) error, func(context.Context)) {
	ix, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{
		Client: c, NumWorkers: inFlight, FlushBytes: flushBytes, FlushInterval: 30 * time.Second,
	})
	if err != nil {
		tb.Fatal(err)
	}
	onSuccess := func(context.Context, esutil.BulkIndexerItem, esutil.BulkIndexerResponseItem) { stored.Add(1) }
	return func(ctx context.Context, id string) error {
		return ix.Add(ctx, esutil.BulkIndexerItem{Index: index, Action: "create", DocumentID: id, Body: bytes.NewReader(body), OnSuccess: onSuccess})
	}, func(ctx context.Context) { _ = ix.Close(ctx) }
}

func startDocappender(tb testing.TB, c *elasticsearch.Client, stored *atomic.Int64) (func(context.Context, string) error, func(context.Context)) {
	n := int64(0)
	a, err := docappender.New(c, docappender.Config{
		MaxRequests: inFlight, FlushBytes: flushBytes, FlushInterval: 30 * time.Second,
		Scaling: docappender.ScalingConfig{Disabled: true},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return func(ctx context.Context, _ string) error {
			n++
			return a.Add(ctx, index, bytes.NewReader(body))
		}, func(ctx context.Context) {
			if a.Close(ctx) == nil {
				stored.Add(n)
			}
		}
}

// server counts lines and answers that all were created, as Elasticsearch does
// when the client filters, or does not filter, the answer.
func server(w http.ResponseWriter, r *http.Request) {
	buf := make([]byte, 256<<10)
	lines := 0
	for {
		n, err := r.Body.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if err != nil {
			break
		}
	}
	item := []byte(`{"create":{"_index":"log-2026.01.02","_id":"lab-collabora/10000000","_version":1,"result":"created","_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1,"status":201}},`)
	switch p := r.URL.Query().Get("filter_path"); {
	case strings.Contains(p, "items.*._index"):
		item = []byte(`{"create":{"_index":"log-2026.01.02","status":201}},`)
	case p != "":
		item = []byte(`{"create":{"status":201}},`)
	}
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	out := append([]byte(`{"took":1,"errors":false,"items":[`), bytes.Repeat(item, lines/2)...)
	_, _ = w.Write(append(bytes.TrimSuffix(out, []byte(",")), "]}"...))
}

func newClient(tb testing.TB, url string, tr http.RoundTripper) *elasticsearch.Client {
	c, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{url}, Transport: tr, DisableRetry: true})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkPeers: one iteration is one document; cpu-ns/doc includes the server
// when it is in this process. ELASTICSEARCH_URL uses a real one instead.
func BenchmarkPeers(b *testing.B) {
	url := os.Getenv("ELASTICSEARCH_URL")
	if url == "" {
		srv := httptest.NewServer(http.HandlerFunc(server))
		defer srv.Close()
		url = srv.URL
	}
	for _, p := range peers {
		b.Run(p.name, func(b *testing.B) {
			tr := &http.Transport{MaxIdleConnsPerHost: 2 * inFlight, WriteBufferSize: 64 << 10}
			defer tr.CloseIdleConnections()
			var stored atomic.Int64
			add, end := p.start(b, newClient(b, url, tr), &stored)
			run := strconv.FormatInt(time.Now().UnixNano(), 36)
			b.SetBytes(docBytes)
			b.ReportAllocs()
			before := cpuTime()
			b.ResetTimer()
			for i := range b.N {
				if err := add(context.Background(), run+"/"+strconv.Itoa(i)); err != nil {
					b.Fatal(err)
				}
			}
			end(context.Background())
			b.StopTimer()
			b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/doc")
			if stored.Load() != int64(b.N) {
				b.Fatalf("%d of %d stored", stored.Load(), b.N)
			}
		})
	}
}

type stalled struct{}

func (stalled) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// TestPeersStalled prints the heap that each holds when the server answers
// nothing and Add has blocked for a second.
func TestPeersStalled(t *testing.T) {
	for _, p := range peers {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		before := m.HeapAlloc
		var stored atomic.Int64
		add, end := p.start(t, newClient(t, "http://es:9200", stalled{}), &stored)
		n := 0
		for ; ; n++ {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			err := add(ctx, strconv.Itoa(n))
			cancel()
			if err != nil {
				break
			}
		}
		runtime.GC()
		runtime.ReadMemStats(&m)
		t.Logf("%s: %d documents accepted, %.1f MB of heap", p.name, n, float64(m.HeapAlloc-before)/1e6)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
		end(ctx)
		cancel()
	}
}
