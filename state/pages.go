package state

import (
	"encoding/binary"
	"fmt"
	"io"
)

// pageWalk follows every page from the root and wants it, and what its elements
// point to, to be inside the file. bbolt's own check, which sees much more,
// trusts that: it would end the process, or not end at all.
type pageWalk struct {
	file    io.ReaderAt
	meta    meta
	seen    []bool
	problem func(format string, args ...any)
}

func walkPages(file io.ReaderAt, m meta, problem func(string, ...any)) error {
	w := &pageWalk{file: file, meta: m, seen: make([]bool, m.pages), problem: problem}
	// No recursion from page to page: a damaged file may form long chains.
	for todo := []uint64{m.root}; len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		data, err := w.read(id)
		if err != nil {
			return err
		}
		if data != nil {
			todo = append(todo, w.below(data, fmt.Sprintf("page %d", id), 0)...)
		}
	}
	return nil
}

// read returns a page, or nil when the number or the header cannot be right.
func (w *pageWalk) read(id uint64) ([]byte, error) {
	switch {
	case id < 2 || id >= w.meta.pages:
		w.problem("page %d: outside the file's %d pages", id, w.meta.pages)
		return nil, nil
	case w.seen[id]:
		w.problem("page %d: used twice", id)
		return nil, nil
	}
	w.seen[id] = true
	header := make([]byte, pageHeaderSize)
	at := int64(id) * int64(w.meta.pageSize)
	if _, err := w.file.ReadAt(header, at); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	o := binary.NativeEndian
	self, overflow := o.Uint64(header), uint64(o.Uint32(header[12:]))
	size := (overflow + 1) * uint64(w.meta.pageSize)
	switch {
	case self != id:
		w.problem("page %d: names itself page %d", id, self)
		return nil, nil
	case overflow >= w.meta.pages-id || size > largestPage:
		w.problem("page %d: reaches beyond the end of the file", id)
		return nil, nil
	}
	data := make([]byte, size)
	if _, err := w.file.ReadAt(data, at); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return data, nil
}

// below returns the pages that this one points to. Behind the header is a table
// of elements, each of them with its position from there on: of a branch
// position, key size, page; of a leaf flags, position, key size, value size.
func (w *pageWalk) below(data []byte, name string, depth int) (pages []uint64) {
	o := binary.NativeEndian
	kind, count := o.Uint16(data[8:]), int(o.Uint16(data[10:]))
	switch {
	case kind != pageBranch && kind != pageLeaf:
		w.problem("%s: unexpected type %#x", name, kind)
		return nil
	case pageHeaderSize+count*elementSize > len(data):
		w.problem("%s: %d elements do not fit", name, count)
		return nil
	case kind == pageBranch && count == 0:
		w.problem("%s: branch without elements", name)
	}
	for i := range count {
		e := data[pageHeaderSize+i*elementSize:]
		var flags uint32
		var value, end uint64
		if kind == pageBranch {
			end = uint64(o.Uint32(e)) + uint64(o.Uint32(e[4:]))
		} else {
			flags = o.Uint32(e)
			value = uint64(o.Uint32(e[4:])) + uint64(o.Uint32(e[8:]))
			end = value + uint64(o.Uint32(e[12:]))
		}
		switch {
		case end > uint64(len(e)):
			w.problem("%s: element %d reaches outside", name, i)
		case kind == pageBranch:
			pages = append(pages, o.Uint64(e[8:]))
		case flags&elementBucket != 0:
			pages = append(pages, w.bucket(e[value:end], fmt.Sprintf("%s, bucket %d", name, i), depth+1)...)
		}
	}
	return pages
}

// bucket is the value of a leaf's element: the root page, or 0 and the bucket's
// only page after it.
func (w *pageWalk) bucket(value []byte, name string, depth int) []uint64 {
	if len(value) >= bucketSize {
		if root := binary.NativeEndian.Uint64(value); root != 0 {
			return []uint64{root}
		}
	}
	if len(value) < bucketSize+pageHeaderSize || depth > 1 { // ours have no buckets in them
		w.problem("%s: is none", name)
		return nil
	}
	return w.below(value[bucketSize:], name, depth)
}
