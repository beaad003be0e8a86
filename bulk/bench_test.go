package bulk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// storesAll answers 201 for every document at the least cost: it counts lines
// and sends a prepared answer.
type storesAll struct{ delay time.Duration }

func (s storesAll) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	buf := make([]byte, 256<<10)
	lines := 0
	for {
		n, err := r.Body.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if err != nil {
			break
		}
	}
	if s.delay > 0 {
		time.Sleep(s.delay)
	}
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	const item = `{"create":{"status":201}},`
	out := append([]byte(`{"took":1,"errors":false,"items":[`), bytes.Repeat([]byte(item), lines/2)...)
	out = append(bytes.TrimSuffix(out, []byte(",")), "]}"...)
	_, _ = w.Write(out)
}

// discard answers like storesAll without HTTP, so that what is measured is this
// package and the client.
type discard struct{}

func (discard) RoundTrip(r *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 0))
	if err != nil || len(raw) > 0 {
		return nil, err
	}
	lines := 2 * int(r.ContentLength) / benchDocBytes
	const item = `{"create":{"status":201}},`
	out := append([]byte(`{"took":1,"errors":false,"items":[`), bytes.Repeat([]byte(item), lines/2)...)
	out = append(bytes.TrimSuffix(out, []byte(",")), "]}"...)
	return &http.Response{
		StatusCode: 200, Header: http.Header{"X-Elastic-Product": {"Elasticsearch"}},
		Body: io.NopCloser(bytes.NewReader(out)), Request: r,
	}, nil
}

// benchDoc is a document of the size of the corpus: 389,100 documents, 293 MB of
// bulk body. Both lines together have benchDocBytes.
const benchDocBytes = 753

func benchDoc(i int) Doc {
	return Doc{Index: "log-2026.01.02", ID: "lab-collabora/" + strconv.Itoa(10_000_000+i)}
}

func benchBody(b *testing.B) []byte {
	d := benchDoc(0)
	d.Body = []byte(`{"msg":""}`)
	line, _ := appendDoc(nil, &d)
	body := []byte(`{"msg":"` + string(bytes.Repeat([]byte("x"), benchDocBytes-len(line))) + `"}`)
	d.Body = body
	if line, _ = appendDoc(nil, &d); len(line) != benchDocBytes {
		b.Fatalf("document of %d bytes", len(line))
	}
	return body
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func benchmarkIndexer(b *testing.B, tr Transport, o Options) {
	body := benchBody(b)
	ids := make([]string, 1<<16)
	for i := range ids {
		ids[i] = benchDoc(i).ID
	}
	stored := 0
	ix, err := New(tr, func(r Result) {
		if r.Outcome == Stored {
			stored++
		}
	}, o)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchDocBytes)
	b.ReportAllocs()
	before := cpuTime()
	b.ResetTimer()
	for i := range b.N {
		if err := ix.Add(context.Background(), Doc{Index: "log-2026.01.02", ID: ids[i%len(ids)],
			Body: body}); err != nil {
			b.Fatal(err)
		}
	}
	if err := ix.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/doc")
	if stored != b.N {
		b.Fatalf("%d of %d stored", stored, b.N)
	}
}

// BenchmarkIndexer: one iteration is one document. "alone" is this package and
// the client without HTTP; "server" is over loopback, the server's cost included.
func BenchmarkIndexer(b *testing.B) {
	for _, trust := range []bool{true, false} {
		for _, actions := range []int{1000, 5000} {
			b.Run(fmt.Sprintf("alone/trust=%v/actions=%d", trust, actions), func(b *testing.B) {
				benchmarkIndexer(b, client(b, discard{}), Options{TrustBodies: trust, FlushActions: actions})
			})
		}
	}
	for _, compress := range []bool{false, true} {
		b.Run(fmt.Sprintf("server/compress=%v", compress), func(b *testing.B) {
			h := http.Handler(storesAll{})
			if compress {
				h = gunzip{h}
			}
			srv := httptest.NewServer(h)
			defer srv.Close()
			tr := &http.Transport{MaxIdleConnsPerHost: 8, WriteBufferSize: 64 << 10}
			defer tr.CloseIdleConnections()
			benchmarkIndexer(b, client(b, tr, srv.URL), Options{TrustBodies: true, Compress: compress})
		})
	}
}
