package spool

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

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

// Await is Next that waits for a record where there is none, until done is closed or
// ctx ends.
func (q *Queue) Await(ctx context.Context, done <-chan struct{}) (Item, bool) {
	for {
		changed := q.Changed()
		if it, ok := q.Next(); ok {
			return it, true
		}
		select {
		case <-changed:
		case <-done:
			return q.Next() // what came before done
		case <-ctx.Done():
			return Item{}, false
		}
	}
}

// load reads a record that is under way; its Ack takes it out of queue and spool.
func (q *Queue) load(it Item) (Meta, source.Record, error) {
	m, payload, err := q.spool.Read(it)
	if err != nil {
		return Meta{}, source.Record{}, err
	}
	rec := source.Record{Name: m.Name, Kind: m.Kind, Payload: payload, Size: int64(len(payload)), Lab: m.Lab,
		NodeID: m.NodeID, Received: m.Received, Ack: func(source.Settled) { q.settle(it) }}
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

// Consumer is how a command takes the records of a queue. The zero value takes those
// that wait, one after the other, until none does.
type Consumer struct {
	// Next takes a record for the queue's Run; false ends it. Nil: [Queue.Next].
	Next func(ctx context.Context) (Item, bool)
	// AtOnce is how many records are prepared at once, in memory; 0: one.
	AtOnce int
	// Prepare may change a record before it is emitted; false puts it off. It is called
	// by AtOnce goroutines. Nil: records are emitted as they are.
	Prepare func(ctx context.Context, it Item, m Meta, rec *source.Record) bool
	// Lost is called for a record whose file turned out to be damaged or gone; the
	// spool has logged why. Nil: not called.
	Lost func(Item)
}

// Run emits records until there are none for the consumer. One that cannot be read
// now is put off and does not hold up the others; the error says so when Run ends.
func (q *Queue) Run(ctx context.Context, c Consumer, emit source.Emit) error {
	if c.Next == nil {
		c.Next = func(context.Context) (Item, bool) { return q.Next() }
	}
	var consumers errgroup.Group
	for range max(c.AtOnce, 1) {
		consumers.Go(func() error { return q.consume(ctx, c, emit) })
	}
	return consumers.Wait()
}

func (q *Queue) consume(ctx context.Context, c Consumer, emit source.Emit) error {
	var unread error
	for ctx.Err() == nil {
		it, ok := c.Next(ctx)
		if !ok {
			break
		}
		m, rec, err := q.load(it)
		switch {
		case Lost(err):
			q.drop(it)
			if c.Lost != nil {
				c.Lost(it)
			}
			continue
		case err != nil:
			unread = cmp.Or(unread, err)
			q.PutOff(it)
			continue
		case c.Prepare != nil && !c.Prepare(ctx, it, m, &rec):
			q.PutOff(it)
			continue
		}
		if err := emit(ctx, rec); err != nil {
			return err
		}
	}
	return cmp.Or(context.Cause(ctx), unread)
}

// drop forgets a record that is under way.
func (q *Queue) drop(it Item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.underWay, it)
}
