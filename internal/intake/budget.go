package intake

import "sync/atomic"

// budget counts the bytes of memory that bodies take, all listeners together.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take reserves n bytes, or nothing and says false. It never waits: a client
// that waits inside would hold what it has while it hopes for more.
func (b *budget) take(n int64) bool {
	for {
		used := b.used.Load()
		if used+n > b.limit {
			return false
		}
		if b.used.CompareAndSwap(used, used+n) {
			return true
		}
	}
}

func (b *budget) give(n int64) { b.used.Add(-n) }
