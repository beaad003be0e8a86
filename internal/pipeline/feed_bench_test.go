package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"
	"golang.org/x/sync/errgroup"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/estest"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
)

// TestMain ends the Elasticsearch of the benchmarks; the tests start none.
func TestMain(m *testing.M) { os.Exit(estest.Main(m)) }

// feedBench feeds a folder into a real Elasticsearch, and sends the same _bulk
// bodies made beforehand: the yardstick, since no client can do with less.
type feedBench struct {
	url    string
	client *elasticsearch.BaseClient
	dir    string
	size   int64 // of the records
}

const feedConnections = 4

func newFeedBench(b *testing.B) *feedBench {
	b.Helper()
	f := &feedBench{url: estest.Shared(b), dir: os.Getenv("KCING_CORPUS")}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2 * feedConnections
	var err error
	f.client, err = elasticsearch.NewBaseClient(elasticsearch.Config{Addresses: []string{f.url}, Transport: transport,
		DisableRetry: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(transport.CloseIdleConnections)
	records, size := corpus(b)
	f.size = size
	if f.dir == "" {
		f.dir = b.TempDir()
		for i, r := range records {
			if err := os.WriteFile(filepath.Join(f.dir, fmt.Sprintf("%06d.json", i)), r.Payload, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	return f
}

// prefix has templates and no indices.
func (f *feedBench) prefix(b *testing.B) string {
	b.Helper()
	prefix := estest.Prefix(b, f.url)
	if _, err := mappings.Install(b.Context(), f.client, mappings.InstallOptions{Prefix: prefix}); err != nil {
		b.Fatal(err)
	}
	return prefix
}

func (f *feedBench) source() Source { return &source.Files{Paths: []source.Path{{Name: f.dir}}} }

// round is what one way of sending all records cost.
type round struct {
	wall, cpu time.Duration
	docs      int64
}

func (r *round) add(o round) { r.wall, r.cpu, r.docs = r.wall+o.wall, r.cpu+o.cpu, o.docs }

// measured is called with the benchmark's timer stopped, which runs meanwhile if
// timed is true.
func measured(b *testing.B, timed bool, work func() (docs int64, err error)) round {
	b.Helper()
	runtime.GC() // what the other way has left is not this one's
	began, cpu := time.Now(), cpuTime()
	if timed {
		b.StartTimer()
	}
	docs, err := work()
	if timed {
		b.StopTimer()
	}
	if err != nil {
		b.Fatal(err)
	}
	return round{wall: time.Since(began), cpu: cpuTime() - cpu, docs: docs}
}

// feed is files to documents in Elasticsearch, with a state file of its own. All
// documents are of one day: an index costs Elasticsearch more than what it holds
// here, and the synthetic records are of many days.
func (f *feedBench) feed(b *testing.B) round {
	prefix := f.prefix(b)
	store, err := state.Open(filepath.Join(b.TempDir(), "kcing.db"), state.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close() //nolint:errcheck // every write was committed and checked
	defer debug.SetGCPercent(debug.SetGCPercent(CollectAt))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(HeapLimit))
	return measured(b, true, func() (int64, error) {
		report, err := Run(b.Context(), f.source(),
			Config{Ledger: store, IngestTime: true, ES: Elasticsearch{Transport: f.client, Prefix: prefix,
				Bulk: bulk.Options{MaxPendingBytes: 32 << 20, Requests: feedConnections}}})
		if err == nil && report.Finished != report.Records {
			err = fmt.Errorf("%d of %d records finished", report.Finished, report.Records)
		}
		return report.Bulk.Stored, err
	})
}

// prebuilt sends the same bodies over as many connections.
func (f *feedBench) prebuilt(b *testing.B, timed bool) round {
	prefix := f.prefix(b)
	var all bytes.Buffer
	if _, err := DryRun(b.Context(), f.source(), &all, Config{ES: Elasticsearch{Prefix: prefix},
		IngestTime: true}); err != nil {
		b.Fatal(err)
	}
	bodies := cutBodies(all.Bytes(), bulk.DefaultOptions())
	return measured(b, timed, func() (int64, error) {
		var g errgroup.Group
		g.SetLimit(feedConnections)
		for _, body := range bodies {
			g.Go(func() error { return f.post(b.Context(), body) })
		}
		return int64(bytes.Count(all.Bytes(), []byte("\n")) / 2), g.Wait()
	})
}

// cutBodies cuts a _bulk body into requests as large as the indexer's.
func cutBodies(all []byte, o bulk.Options) (bodies [][]byte) {
	start, docs := 0, 0
	for i := 0; i < len(all); {
		n := bytes.IndexByte(all[i:], '\n') + 1
		n += bytes.IndexByte(all[i+n:], '\n') + 1
		if docs > 0 && (docs == o.FlushActions || i+n-start > o.FlushBytes) {
			bodies = append(bodies, all[start:i])
			start, docs = i, 0
		}
		i, docs = i+n, docs+1
	}
	return append(bodies, all[start:])
}

// post sends one body, again and again while Elasticsearch has too much to do.
func (f *feedBench) post(ctx context.Context, body []byte) error {
	for {
		status, err := f.postOnce(ctx, body)
		if status != http.StatusTooManyRequests {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (f *feedBench) postOnce(ctx context.Context, body []byte) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/_bulk?filter_path=errors", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	res, err := f.client.Perform(r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	answer, err := io.ReadAll(res.Body)
	if err == nil && !bytes.Equal(bytes.TrimSpace(answer), []byte(`{"errors":false}`)) {
		err = fmt.Errorf("status %d: %.500s", res.StatusCode, answer)
	}
	return res.StatusCode, err
}

// BenchmarkFeed is the whole way, from files to documents in Elasticsearch.
// feed/prebuilt is its time, and cpu/prebuilt its client's CPU time, as a
// multiple of what the same bodies take when they are there already, sent in
// turn with it; the times alone say little on a machine that Elasticsearch and
// others use too. KCING_CORPUS names a folder of
// records to take instead of synthetic ones.
func BenchmarkFeed(b *testing.B) {
	f := newFeedBench(b)
	f.prebuilt(b, false) // warms Elasticsearch up
	var feed, prebuilt round
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		if i%2 == 1 {
			prebuilt.add(f.prebuilt(b, false))
		}
		feed.add(f.feed(b))
		if i%2 == 0 {
			prebuilt.add(f.prebuilt(b, false))
		}
		b.StartTimer()
	}
	if feed.docs != prebuilt.docs {
		b.Fatalf("%d documents fed, %d sent prebuilt", feed.docs, prebuilt.docs)
	}
	f.report(b, feed)
	b.ReportMetric(float64(feed.wall)/float64(prebuilt.wall), "feed/prebuilt")
	b.ReportMetric(float64(feed.cpu)/float64(prebuilt.cpu), "cpu/prebuilt")
}

// BenchmarkPrebuilt is the yardstick by itself.
func BenchmarkPrebuilt(b *testing.B) {
	f := newFeedBench(b)
	f.prebuilt(b, false)
	var prebuilt round
	for b.Loop() {
		b.StopTimer()
		prebuilt.add(f.prebuilt(b, true))
		b.StartTimer()
	}
	f.report(b, prebuilt)
}

// report gives the metrics of all rounds together.
func (f *feedBench) report(b *testing.B, all round) {
	b.SetBytes(f.size)
	b.ReportAllocs()
	b.ReportMetric(float64(all.cpu.Microseconds())/1e3/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(all.docs)/all.wall.Seconds(), "docs/s")
}
