package synthetic

import (
	"testing"
	"time"
)

func BenchmarkRecords(b *testing.B) {
	for _, c := range []struct {
		profile Profile
		size    int
	}{{Demo, 2500}, {Real, 400}} {
		b.Run(string(c.profile), func(b *testing.B) {
			b.ReportAllocs()
			o := Options{Size: c.size, Seed: 1, Now: time.Date(2025, 7, 4, 0, 0, 0, 0, time.UTC), Profile: c.profile}
			for b.Loop() {
				bytes := 0
				for r := range Records(o) {
					bytes += len(r.Payload)
				}
				b.SetBytes(int64(bytes))
			}
		})
	}
}
