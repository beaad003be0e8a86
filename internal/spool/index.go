package spool

import (
	"cmp"
	"container/heap"
	"slices"
)

// index is what this process holds, in memory: under 100 bytes a record. Not
// for concurrent use.
type index struct {
	byHash map[uint64]*entry
	oldest byReceipt
	bytes  int64
}

// entry is one record; those of one hash are a list.
type entry struct {
	Item
	next *entry
	at   int // in the heap
}

func newIndex() index { return index{byHash: map[uint64]*entry{}} }

func (x *index) len() int { return len(x.oldest) }

func (x *index) add(it Item) {
	e := &entry{Item: it, next: x.byHash[it.hash]}
	x.byHash[it.hash] = e
	heap.Push(&x.oldest, e)
	x.bytes += it.size
}

func (x *index) find(it Item) *entry {
	e := x.byHash[it.hash]
	for e != nil && e.Item != it {
		e = e.next
	}
	return e
}

// remove reports whether the item was there.
func (x *index) remove(it Item) bool {
	var before *entry
	for e := x.byHash[it.hash]; e != nil; before, e = e, e.next {
		if e.Item != it {
			continue
		}
		switch {
		case before != nil:
			before.next = e.next
		case e.next != nil:
			x.byHash[it.hash] = e.next
		default:
			delete(x.byHash, it.hash)
		}
		heap.Remove(&x.oldest, e.at)
		x.bytes -= it.size
		return true
	}
	return false
}

// of returns the items of one hash, oldest first.
func (x *index) of(hash uint64) []Item {
	var items []Item
	for e := x.byHash[hash]; e != nil; e = e.next {
		items = append(items, e.Item)
	}
	slices.SortFunc(items, compare)
	return items
}

// all returns every item, oldest first.
func (x *index) all() []Item {
	items := make([]Item, 0, len(x.oldest))
	for _, e := range x.oldest {
		items = append(items, e.Item)
	}
	slices.SortFunc(items, compare)
	return items
}

// compare orders items as their names: by time of receipt.
func compare(a, b Item) int {
	return cmp.Or(cmp.Compare(a.received, b.received), cmp.Compare(a.hash, b.hash), cmp.Compare(a.nonce, b.nonce))
}

// byReceipt is a heap.
type byReceipt []*entry

func (h byReceipt) Len() int           { return len(h) }
func (h byReceipt) Less(i, j int) bool { return h[i].received < h[j].received }
func (h byReceipt) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push implements [heap.Interface].
func (h *byReceipt) Push(v any) {
	e := v.(*entry) //nolint:forcetypeassert // add pushes nothing else
	e.at = len(*h)
	*h = append(*h, e)
}

// Pop implements [heap.Interface].
func (h *byReceipt) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
