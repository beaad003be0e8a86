package bulkbench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
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
)

var body = []byte(`{"msg":"` + strings.Repeat("usb 1-1: new high-speed device ", 21) + `and so on, always"}`)

// peer is one indexer: add is called b.N times, from one goroutine.
type peer struct {
	name  string
	start func(tb testing.TB, c *elasticsearch.Client, index string,
		stored *atomic.Int64) (add func(ctx context.Context, id string) error, end func(context.Context))
}

var peers = []peer{{"bulk", startBulk}, {"esutil", startEsutil}, {"docappender", startDocappender}}

func startBulk(tb testing.TB, c *elasticsearch.Client, index string,
	stored *atomic.Int64) (func(context.Context, string) error, func(context.Context)) {
	ix, err := bulk.New(c, func(r bulk.Result) {
		if r.Outcome == bulk.Stored {
			stored.Add(1)
		}
	}, bulk.Options{FlushBytes: flushBytes + docBytes, FlushActions: actions, Requests: inFlight, TrustBodies: true,
		MaxPendingBytes: 16 << 20, FlushInterval: 30 * time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	return func(ctx context.Context, id string) error {
		return ix.Add(ctx, bulk.Doc{Index: index, ID: id, Body: body})
	}, func(ctx context.Context) { _ = ix.Close(ctx) }
}

func startEsutil(tb testing.TB, c *elasticsearch.Client, index string,
	stored *atomic.Int64) (func(context.Context, string) error, func(context.Context)) {
	ix, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{
		Client: c, NumWorkers: inFlight, FlushBytes: flushBytes, FlushInterval: 30 * time.Second,
	})
	if err != nil {
		tb.Fatal(err)
	}
	onSuccess := func(context.Context, esutil.BulkIndexerItem, esutil.BulkIndexerResponseItem) { stored.Add(1) }
	return func(ctx context.Context, id string) error {
		return ix.Add(ctx, esutil.BulkIndexerItem{Index: index, Action: "create", DocumentID: id,
			Body: bytes.NewReader(body), OnSuccess: onSuccess})
	}, func(ctx context.Context) { _ = ix.Close(ctx) }
}

func startDocappender(tb testing.TB, c *elasticsearch.Client, index string,
	stored *atomic.Int64) (func(context.Context, string) error, func(context.Context)) {
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

// BenchmarkPeers: one iteration is one document. The server is one in this
// process, then the real one of ELASTICSEARCH_URL if that is set. cpu-ns/doc is
// this process's, so it includes the former; es-cpu-ns/doc is the real one's.
func BenchmarkPeers(b *testing.B) {
	b.Run("in-process", func(b *testing.B) {
		srv := httptest.NewServer(http.HandlerFunc(server))
		defer srv.Close()
		for _, p := range peers {
			b.Run(p.name, func(b *testing.B) { measure(b, p, srv.URL, "log-2026.01.02") })
		}
	})
	url := strings.TrimRight(os.Getenv("ELASTICSEARCH_URL"), "/")
	if url == "" {
		b.Log("ELASTICSEARCH_URL is not set: no comparison over a real Elasticsearch")
		return
	}
	b.Run("elasticsearch", func(b *testing.B) {
		for _, p := range peers {
			b.Run(p.name, func(b *testing.B) {
				index := "bulkbench-" + strconv.FormatInt(time.Now().UnixNano(), 36)
				ask(b, http.MethodPut, url+"/"+index,
					`{"settings":{"number_of_replicas":0,"refresh_interval":"30s"},"mappings":{"properties":{"msg":{"type":"text"}}}}`)
				defer ask(b, http.MethodDelete, url+"/"+index, "")
				before := esCPU(b, url)
				measure(b, p, url, index)
				b.ReportMetric(float64(esCPU(b, url)-before)/float64(b.N), "es-cpu-ns/doc")
				ask(b, http.MethodPost, url+"/"+index+"/_refresh", "")
				var n struct{ Count int }
				if err := json.Unmarshal(ask(b, http.MethodGet, url+"/"+index+"/_count", ""), &n); err != nil {
					b.Fatal(err)
				}
				p.lost(b, b.N-n.Count)
			})
		}
	})
}

// measure adds b.N documents.
func measure(b *testing.B, p peer, url, index string) {
	tr := &http.Transport{MaxIdleConnsPerHost: 2 * inFlight, WriteBufferSize: 64 << 10}
	defer tr.CloseIdleConnections()
	var stored atomic.Int64
	add, end := p.start(b, newClient(b, url, tr), index, &stored)
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
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
	p.lost(b, b.N-int(stored.Load()))
}

// lost reports how many documents were accepted and did not arrive. Of bulk none
// may; esutil's Close now and then leaves the last ones of a worker behind and
// returns nil (v8.19.7: 25 to 258 of 60,000 in three runs of eight on a busy
// machine; its NumAdded is then more than NumFlushed, and NumFailed 0).
func (p peer) lost(b *testing.B, n int) {
	if n != 0 && p.name == "bulk" {
		b.Fatalf("%d of %d documents are lost", n, b.N)
	}
	b.ReportMetric(float64(n), "lost-docs")
}

// ask wants a good answer of Elasticsearch.
func ask(tb testing.TB, method, url, body string) []byte {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		tb.Fatalf("%s %s: %s %s %v", method, req.URL.Redacted(), res.Status, answer, err)
	}
	return answer
}

// esCPU is the processor time that the nodes have had.
func esCPU(tb testing.TB, url string) (total time.Duration) {
	var stats struct {
		Nodes map[string]struct {
			Process struct {
				CPU struct {
					Total int64 `json:"total_in_millis"`
				} `json:"cpu"`
			} `json:"process"`
		} `json:"nodes"`
	}
	if err := json.Unmarshal(ask(tb, http.MethodGet, url+"/_nodes/stats/process", ""), &stats); err != nil {
		tb.Fatal(err)
	}
	for _, n := range stats.Nodes {
		total += time.Duration(n.Process.CPU.Total) * time.Millisecond
	}
	return total
}

type stalled struct{}

func (stalled) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// stalledPeer names the peer that a child of TestPeersStalled is about.
const stalledPeer = "BULKBENCH_STALLED"

// TestPeersStalled prints what each takes when the server answers nothing and
// Add has blocked for a second. Each has a process of its own, since the peak of
// a process says nothing of its parts.
func TestPeersStalled(t *testing.T) {
	if name := os.Getenv(stalledPeer); name != "" {
		for _, p := range peers {
			if p.name == name {
				fillStalled(t, p)
			}
		}
		return
	}
	for _, p := range peers {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPeersStalled$", "-test.v")
		cmd.Env = append(os.Environ(), stalledPeer+"="+p.name)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", p.name, err, out)
		}
		for line := range strings.Lines(string(out)) {
			if _, text, found := strings.Cut(line, "stalled: "); found {
				t.Logf("%s: %s", p.name, strings.TrimSpace(text))
			}
		}
	}
}

func fillStalled(t *testing.T, p peer) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var stored atomic.Int64
	add, end := p.start(t, newClient(t, "http://es:9200", stalled{}), "log-2026.01.02", &stored)
	n := 0
	for ; ; n++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := add(ctx, strconv.Itoa(n))
		cancel()
		if err != nil {
			break
		}
	}
	peak := peakMemory()
	runtime.GC()
	runtime.ReadMemStats(&m)
	t.Logf("stalled: %d documents (%.1f MB) accepted, %.1f MB of live heap, peak of the process %s",
		n, float64(n)*docBytes/1e6, float64(m.HeapAlloc-before)/1e6, peak)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	end(ctx)
}

// peakMemory is the largest resident set so far, where the system tells.
func peakMemory() string {
	status, _ := os.ReadFile("/proc/self/status")
	_, rest, found := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(rest, "\n")
	kib, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(line, "kB")))
	if !found || err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.1f MB", float64(kib)*1024/1e6)
}
