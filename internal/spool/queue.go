package spool

import (
	"container/heap"
	"context"
	"errors"
	"sync"

	"github.com/kcing/kcing/internal/source"
)

// Queue is the order in which records of a [Spool] are delivered: oldest first. It
// knows which of them wait and which are under way, takes those that are settled
// out of the spool, and holds no payloads. It is for use by many goroutines.
type Queue struct {
	spool    *Spool
	maxBytes int64
	failed   func(error)

	mu       sync.Mutex
	waiting  byReceipt
	underWay map[Item]struct{} // given by Next, and not settled
	putOff   []Item
	settled  []Item         // and still in the spool
	removing bool           // whether the remover runs
	remover  sync.WaitGroup // of settled
	changed  chan struct{}  // see Changed
}

// NewQueue makes an empty queue for records of s. Records over maxRecordBytes are to
// be refused. failed is called when settled records cannot be removed from the
// spool; nil: not. They are finished all the same, and the next process that adopts
// them finds that.
func NewQueue(s *Spool, maxRecordBytes int64, failed func(error)) *Queue {
	if failed == nil {
		failed = func(error) {}
	}
	return &Queue{spool: s, maxBytes: maxRecordBytes, failed: failed,
		underWay: map[Item]struct{}{}, changed: make(chan struct{})}
}

// Add puts records of the spool in line.
func (q *Queue) Add(items ...Item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(items...)
}

func (q *Queue) add(items ...Item) {
	for _, it := range items {
		heap.Push(&q.waiting, &entry{Item: it})
	}
	if len(items) > 0 {
		q.change()
	}
}

func (q *Queue) change() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// Changed returns a channel that is closed when a record comes to wait, is taken, or
// is removed from the spool.
func (q *Queue) Changed() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.changed
}

// Len is how many records wait, and how many are under way.
func (q *Queue) Len() (waiting, underWay int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting), len(q.underWay)
}

// Next takes the oldest record that waits; false: none does.
func (q *Queue) Next() (Item, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return Item{}, false
	}
	e := heap.Pop(&q.waiting).(*entry) //nolint:forcetypeassert // add pushes nothing else
	q.underWay[e.Item] = struct{}{}
	q.change()
	return e.Item, true
}

// Load reads a record that Next has given; its Ack takes it out of queue and spool.
// After an error for which [Lost] is true it is in neither any more. After others it
// is still under way: see PutOff and PutBack.
func (q *Queue) Load(it Item) (Meta, source.Record, error) {
	m, payload, err := q.spool.Read(it)
	if err != nil {
		if Lost(err) {
			q.mu.Lock()
			delete(q.underWay, it)
			q.mu.Unlock()
		}
		return Meta{}, source.Record{}, err
	}
	rec := source.Record{Name: m.Name, Kind: m.Kind, Payload: payload, Size: int64(len(payload)), Lab: m.Lab,
		NodeID:   m.NodeID,
		Received: m.Received, Ack: func(source.Settled) { q.settle(it) }}
	return m, rec.Limited(q.maxBytes), nil
}

// Lost reports whether an error of reading a record means that there is none any
// more. The spool has logged why.
func Lost(err error) bool {
	var damaged *CorruptError
	return errors.As(err, &damaged) || errors.Is(err, ErrNotMine)
}

// PutOff leaves a record that is under way aside until Retry.
func (q *Queue) PutOff(it Item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.underWay, it)
	q.putOff = append(q.putOff, it)
}

// Retry makes the records that were put off wait again.
func (q *Queue) Retry() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.add(q.putOff...)
	q.putOff = nil
}

// PutBack makes all that is under way wait again, at its old place: the run that
// took it has ended.
func (q *Queue) PutBack() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for it := range q.underWay {
		q.add(it)
	}
	clear(q.underWay)
}

// settle has a record removed, by a goroutine of the queue's: the pipeline, which
// calls it, need not wait for the disk.
func (q *Queue) settle(it Item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.underWay, it)
	q.settled = append(q.settled, it)
	if !q.removing {
		q.removing = true
		q.remover.Go(q.remove)
	}
}

func (q *Queue) remove() {
	for {
		q.mu.Lock()
		items := q.settled
		q.settled, q.removing = nil, len(items) > 0
		q.mu.Unlock()
		if len(items) == 0 {
			return
		}
		if err := q.spool.Remove(items...); err != nil {
			q.failed(err)
		}
		q.mu.Lock()
		q.change()
		q.mu.Unlock()
	}
}

// Flush returns when all that is settled is removed. Nothing may be settled
// meanwhile.
func (q *Queue) Flush() { q.remover.Wait() }

// Run emits the records that wait, until none does. It makes a queue a source for
// the pipeline.
func (q *Queue) Run(ctx context.Context, emit source.Emit) error {
	for ctx.Err() == nil {
		it, ok := q.Next()
		if !ok {
			return nil
		}
		_, rec, err := q.Load(it)
		switch {
		case err == nil:
			err = emit(ctx, rec)
		case Lost(err):
			continue
		}
		if err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}
