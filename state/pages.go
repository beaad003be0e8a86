package state

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Flags of a page and of a leaf element, as in format.go.
const (
	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageFreelist = 0x10

	elementSize    = 16
	elementBucket  = 0x01
	bucketSize     = 16 // root page and sequence, before an inline page
	freelistLarge  = 0xFFFF
	maxBucketDepth = 8
)

// pageWalk follows every page from the root and checks that it lies inside the
// file and its elements inside it. bbolt's own check, which sees much more,
// trusts that: on a page number outside the file it would end the process.
type pageWalk struct {
	file    io.ReaderAt
	meta    meta
	seen    []bool
	problem func(format string, args ...any)
}

// page is a page's header and where it is in the file.
type page struct {
	at, size     int64 // bytes
	flags, count uint16
	name         string // for messages
}

func walkPages(file io.ReaderAt, m meta, problem func(string, ...any)) error {
	w := &pageWalk{file: file, meta: m, seen: make([]bool, m.pages), problem: problem}
	if m.freelist != noFreelist {
		if err := w.freelist(m.freelist); err != nil {
			return err
		}
	}
	return w.tree(m.root, 0)
}

// tree walks the pages of one bucket. It does not recurse from page to page:
// a damaged file may form long chains.
func (w *pageWalk) tree(root uint64, depth int) error {
	todo := []uint64{root}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		p, ok, err := w.header(id)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		var children []uint64
		switch p.flags {
		case pageBranch:
			children, err = w.branch(p)
		case pageLeaf:
			err = w.leaf(p, depth)
		default:
			w.problem("%s: unexpected type %#x", p.name, p.flags)
		}
		if err != nil {
			return err
		}
		todo = append(todo, children...)
	}
	return nil
}

// header reads a page's header; false when there is no walking into it.
func (w *pageWalk) header(id uint64) (page, bool, error) {
	if id < 2 || id >= w.meta.pages {
		w.problem("page %d: outside the file's %d pages", id, w.meta.pages)
		return page{}, false, nil
	}
	if w.seen[id] {
		w.problem("page %d: used twice", id)
		return page{}, false, nil
	}
	w.seen[id] = true
	at := int64(id) * int64(w.meta.pageSize)
	b, err := w.read(at, pageHeaderSize)
	if err != nil {
		return page{}, false, err
	}
	o := binary.NativeEndian
	overflow := uint64(o.Uint32(b[12:]))
	if self := o.Uint64(b); self != id {
		w.problem("page %d: names itself page %d", id, self)
		return page{}, false, nil
	}
	if overflow >= w.meta.pages-id {
		w.problem("page %d: reaches beyond the end of the file", id)
		return page{}, false, nil
	}
	return page{
		at: at, size: int64(overflow+1) * int64(w.meta.pageSize),
		flags: o.Uint16(b[8:]), count: o.Uint16(b[10:]), name: fmt.Sprintf("page %d", id),
	}, true, nil
}

// elements reads the table of elements behind the header.
func (w *pageWalk) elements(p page) ([]byte, error) {
	n := int64(p.count) * elementSize
	if pageHeaderSize+n > p.size {
		w.problem("%s: %d elements do not fit", p.name, p.count)
		return nil, nil
	}
	return w.read(p.at+pageHeaderSize, n)
}

// branch: each element is position, key size, page.
func (w *pageWalk) branch(p page) (children []uint64, err error) {
	table, err := w.elements(p)
	o := binary.NativeEndian
	for i := 0; i < len(table); i += elementSize {
		e := table[i:]
		if !inside(p, i, o.Uint32(e), o.Uint32(e[4:]), 0) {
			w.problem("%s: element %d reaches outside", p.name, i/elementSize)
			continue
		}
		children = append(children, o.Uint64(e[8:]))
	}
	if p.count == 0 {
		w.problem("%s: branch without elements", p.name)
	}
	return children, err
}

// leaf: each element is flags, position, key size, value size. The value of a
// bucket is its root page and sequence; root page 0 means that the bucket's
// only page follows, inside the value.
func (w *pageWalk) leaf(p page, depth int) error {
	table, err := w.elements(p)
	if err != nil {
		return err
	}
	o := binary.NativeEndian
	for i := 0; i < len(table); i += elementSize {
		e := table[i:]
		flags, pos, ksize, vsize := o.Uint32(e), o.Uint32(e[4:]), o.Uint32(e[8:]), o.Uint32(e[12:])
		if !inside(p, i, pos, ksize, vsize) {
			w.problem("%s: element %d reaches outside", p.name, i/elementSize)
			continue
		}
		if flags&elementBucket == 0 {
			continue
		}
		if vsize < bucketSize || depth >= maxBucketDepth {
			w.problem("%s: element %d is no bucket", p.name, i/elementSize)
			continue
		}
		at := p.at + pageHeaderSize + int64(i) + int64(pos) + int64(ksize)
		if err := w.bucket(at, int64(vsize), depth, p.name); err != nil {
			return err
		}
	}
	return nil
}

func (w *pageWalk) bucket(at, size int64, depth int, name string) error {
	b, err := w.read(at, bucketSize)
	if err != nil {
		return err
	}
	root := binary.NativeEndian.Uint64(b)
	if root != 0 {
		return w.tree(root, depth+1)
	}
	name += ", inline bucket"
	if size < bucketSize+pageHeaderSize {
		w.problem("%s: too short", name)
		return nil
	}
	b, err = w.read(at+bucketSize, pageHeaderSize)
	if err != nil {
		return err
	}
	p := page{at: at + bucketSize, size: size - bucketSize, flags: binary.NativeEndian.Uint16(b[8:]), count: binary.NativeEndian.Uint16(b[10:]), name: name}
	if p.flags != pageLeaf {
		w.problem("%s: unexpected type %#x", name, p.flags)
		return nil
	}
	return w.leaf(p, depth+1)
}

// freelist: a count, in the header or, when that is too small, in front; then
// the numbers of the free pages.
func (w *pageWalk) freelist(id uint64) error {
	p, ok, err := w.header(id)
	if err != nil || !ok {
		return err
	}
	if p.flags != pageFreelist {
		w.problem("%s: unexpected type %#x for the freelist", p.name, p.flags)
		return nil
	}
	b, err := w.read(p.at+pageHeaderSize, p.size-pageHeaderSize)
	if err != nil {
		return err
	}
	o := binary.NativeEndian
	n := uint64(p.count)
	if n == freelistLarge {
		n, b = o.Uint64(b), b[8:]
	}
	if n > uint64(len(b)/8) {
		w.problem("%s: %d free pages do not fit", p.name, n)
		return nil
	}
	for i := range n {
		if free := o.Uint64(b[8*i:]); free < 2 || free >= w.meta.pages {
			w.problem("%s: free page %d is outside the file", p.name, free)
		}
	}
	return nil
}

// inside reports whether the key and value of the element at offset i of the
// table, which begin pos bytes after it, end before the page does.
func inside(p page, i int, pos, ksize, vsize uint32) bool {
	return pageHeaderSize+int64(i)+int64(pos)+int64(ksize)+int64(vsize) <= p.size
}

func (w *pageWalk) read(at, n int64) ([]byte, error) {
	b := make([]byte, n)
	if _, err := w.file.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("read %d bytes at %d: %w", n, at, err)
	}
	return b, nil
}
