package transform_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/synthetic"
	"github.com/kcing/kcing/transform"
)

var received = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// payloads are synthetic records of one kind with logs as long as in production.
func payloads(tb testing.TB, kind string, n int) [][]byte {
	tb.Helper()
	var out [][]byte
	for r := range synthetic.Records(synthetic.Options{Size: 40 * n, Seed: 1, Now: received, Profile: synthetic.Real}) {
		if r.Kind == kind {
			if out = append(out, r.Payload); len(out) == n {
				break
			}
		}
	}
	return out
}

// shared are the real callbacks beside the project, where they are there.
func shared(tb testing.TB) [][]byte {
	tb.Helper()
	dir := os.Getenv("KCING_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "data", "callbacks", "*.json"))
	var out [][]byte
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func benchmark(b *testing.B, kind transform.Kind, records [][]byte) {
	if len(records) == 0 {
		b.Skip("no such records here")
	}
	size := 0
	for _, r := range records {
		size += len(r)
	}
	var rec transform.Record
	var docs transform.Documents
	var bulk []byte // a document's line; what joins them is the delivery's business
	b.SetBytes(int64(size / len(records)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := rec.Parse(records[i%len(records)], transform.Options{Kind: kind, Lab: "lab"}); err != nil {
			b.Fatal(err)
		}
		if err := rec.Documents(&docs, received); err != nil {
			b.Fatal(err)
		}
		for doc := range docs.All() {
			bulk = append(append(bulk[:0], doc.ID...), doc.Source...)
		}
	}
}

func BenchmarkTransform(b *testing.B) {
	b.Run("lava", func(b *testing.B) { benchmark(b, transform.KindLAVA, payloads(b, "lava", 8)) })
	b.Run("lava-shared", func(b *testing.B) { benchmark(b, transform.KindLAVA, shared(b)) })
	b.Run("build", func(b *testing.B) { benchmark(b, transform.KindBuild, payloads(b, "build", 8)) })
	b.Run("boot", func(b *testing.B) { benchmark(b, transform.KindBoot, payloads(b, "boot", 8)) })
}
