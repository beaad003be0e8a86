package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/synthetic"
	"github.com/kcing/kcing/state"
)

// corpus is what the benchmarks feed: the folder that KCING_CORPUS names,
// else some real-size synthetic records.
func corpus(b *testing.B) (records []source.Record, size int64) {
	b.Helper()
	if dir := os.Getenv("KCING_CORPUS"); dir != "" {
		names, err := filepath.Glob(filepath.Join(dir, "*.json"))
		if err != nil || len(names) == 0 {
			b.Fatalf("no records in %s: %v", dir, err)
		}
		for _, name := range names {
			payload, err := os.ReadFile(name)
			if err != nil {
				b.Fatal(err)
			}
			records = append(records, source.Record{Name: name, Payload: payload, Size: int64(len(payload))})
		}
	} else {
		o := synthetic.Options{Size: 120, Seed: 1, Now: time.Date(2025, 11, 20, 0, 0, 0, 0, time.UTC),
			Profile: synthetic.Real}
		for r := range synthetic.Records(o) {
			records = append(records, source.Record{Name: r.Name, Payload: r.Payload, Size: int64(len(r.Payload))})
		}
	}
	for _, r := range records {
		size += r.Size
	}
	return records, size
}

// acceptAll answers 201 to everything at next to no cost.
type acceptAll struct{}

func (t *acceptAll) Perform(r *http.Request) (*http.Response, error) {
	lines := 0
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Body.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	items := strings.Repeat(`,{"create":{"status":201}}`, lines/2)
	answer := `{"took":1,"errors":false,"items":[` + items[1:] + `]}`
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

// forgetful is a ledger that knows nothing and keeps nothing.
type forgetful struct{}

func (forgetful) Lookup(_ context.Context, keys []state.Key) ([]state.Entry, error) {
	return make([]state.Entry, len(keys)), nil
}
func (forgetful) Begin(_ context.Context, rs []state.Begun) ([]state.Begun, error) {
	return make([]state.Begun, len(rs)), nil
}
func (forgetful) KeysOfNodes(_ context.Context, nodes []string) ([]state.Key, error) {
	return make([]state.Key, len(nodes)), nil
}
func (forgetful) ReceivedAll(context.Context, []state.Receipt) error { return nil }
func (forgetful) Commit(context.Context, state.Batch) error          { return nil }

func BenchmarkRun(b *testing.B) {
	records, size := corpus(b)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			var docs int64
			began := cpuTime()
			for b.Loop() {
				report, err := Run(b.Context(), slice(records),
					Config{ES: Elasticsearch{Transport: &acceptAll{}}, OtherLab: "lab",
						Ledger: forgetful{}, Workers: workers})
				if err != nil || report.Finished != report.Records {
					b.Fatal(report, err)
				}
				docs = report.Bulk.Stored
			}
			cpu := float64(cpuTime()-began) / float64(b.N)
			b.ReportMetric(cpu/1e6, "cpu-ms/op")
			b.ReportMetric(cpu/float64(docs), "cpu-ns/doc")
		})
	}
}

func BenchmarkDryRun(b *testing.B) {
	records, size := corpus(b)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			began := cpuTime()
			for b.Loop() {
				report, err := DryRun(b.Context(), slice(records), io.Discard,
					Config{OtherLab: "lab", Workers: workers})
				if err != nil || report.Pending != 0 {
					b.Fatal(report, err)
				}
			}
			b.ReportMetric(float64(cpuTime()-began)/float64(b.N)/1e6, "cpu-ms/op")
		})
	}
}
