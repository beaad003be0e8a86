package serve

import (
	"container/heap"
	"sync"

	"github.com/kcing/kcing/internal/spool"
)

// queue is the order of delivery: what waits, oldest first, and what is under
// way. It holds no payloads, some 50 bytes a record.
type queue struct {
	mu       sync.Mutex
	waiting  byReceipt
	underWay map[spool.Item]struct{}
	changed  chan struct{} // closed and renewed when something comes to wait
}

func newQueue() *queue {
	return &queue{underWay: map[spool.Item]struct{}{}, changed: make(chan struct{})}
}

// add puts records in line.
func (q *queue) add(items ...spool.Item) {
	if len(items) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range items {
		heap.Push(&q.waiting, it)
	}
	q.wake()
}

func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// take gives the oldest record that waits, which is then under way. Without one
// it returns a channel that is closed when one comes.
func (q *queue) take() (it spool.Item, ok bool, changed <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return spool.Item{}, false, q.changed
	}
	it, _ = heap.Pop(&q.waiting).(spool.Item)
	q.underWay[it] = struct{}{}
	return it, true, nil
}

// some reports whether any record waits; if not, the channel is closed when one
// comes.
func (q *queue) some() (bool, <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting) > 0, q.changed
}

// settle takes a record out for good.
func (q *queue) settle(it spool.Item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.underWay, it)
}

// putBack makes all that is under way wait again, at its old place.
func (q *queue) putBack() {
	q.mu.Lock()
	defer q.mu.Unlock()
	some := len(q.underWay) > 0
	for it := range q.underWay {
		heap.Push(&q.waiting, it)
	}
	clear(q.underWay)
	if some {
		q.wake()
	}
}

// lens are the numbers of those that wait and those under way.
func (q *queue) lens() (waiting, underWay int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting), len(q.underWay)
}

// byReceipt is a heap.
type byReceipt []spool.Item

func (h byReceipt) Len() int           { return len(h) }
func (h byReceipt) Less(i, j int) bool { return h[i].Before(h[j]) }
func (h byReceipt) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push implements [heap.Interface].
func (h *byReceipt) Push(v any) {
	it, _ := v.(spool.Item)
	*h = append(*h, it)
}

// Pop implements [heap.Interface].
func (h *byReceipt) Pop() any {
	last := len(*h) - 1
	it := (*h)[last]
	*h = (*h)[:last]
	return it
}
