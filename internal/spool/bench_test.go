package spool

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkPut: records of 150 kB, as many callers at once as its name says.
func BenchmarkPut(b *testing.B) {
	payload := make([]byte, 150_000)
	for i := range payload {
		payload[i] = byte(i * i >> 4)
	}
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			s := open(b, b.TempDir(), Options{})
			var syncs atomic.Int64
			fsync := s.sync.fsync
			s.sync.fsync = func() error { syncs.Add(1); return fsync() }
			b.SetBytes(int64(len(payload)))
			b.SetParallelism(callers) // times GOMAXPROCS; -cpu 1 for the number itself
			started := time.Now()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Put(b.Context(), Meta{Kind: "lava", Key: "lab/1"}, payload); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/time.Since(started).Seconds(), "records/s")
			b.ReportMetric(float64(syncs.Load())/float64(b.N), "dirsyncs/record")
		})
	}
}

// BenchmarkIndex: what the index costs a record.
func BenchmarkIndex(b *testing.B) {
	b.ReportAllocs()
	x := newIndex()
	for i := range b.N {
		x.add(Item{received: int64(i), hash: uint64(i) * 0x9e3779b97f4a7c15, size: 150_000})
	}
}
