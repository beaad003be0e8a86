package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// The parts of bbolt's file format that are needed to know a damaged or
// foreign file before bbolt maps it: internal/common/{page,meta}.go of
// go.etcd.io/bbolt v1.5.0. Numbers are in the machine's own byte order.
const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	pageHeaderSize = 16
	metaSize       = 64
	noFreelist     = ^uint64(0)
)

// meta is a bbolt meta page. Fields in units of pages, but pageSize in bytes.
type meta struct {
	pageSize uint32
	root     uint64
	freelist uint64
	pages    uint64 // the file's used pages
	txid     uint64
}

// parseMeta decodes the page in b. magic says that it is a meta page, whole or not.
func parseMeta(b []byte) (m meta, magic, ok bool) {
	if len(b) < pageHeaderSize+metaSize {
		return m, false, false
	}
	b = b[pageHeaderSize : pageHeaderSize+metaSize]
	o := binary.NativeEndian
	magic = o.Uint32(b) == boltMagic
	m = meta{
		pageSize: o.Uint32(b[8:]), root: o.Uint64(b[16:]), freelist: o.Uint64(b[32:]),
		pages: o.Uint64(b[40:]), txid: o.Uint64(b[48:]),
	}
	h := fnv.New64a()
	_, _ = h.Write(b[:56])
	ok = magic && o.Uint32(b[4:]) == boltVersion && o.Uint64(b[56:]) == h.Sum64() &&
		m.pageSize >= 1024 && m.pageSize <= 1<<24 && m.pageSize&(m.pageSize-1) == 0
	return m, magic, ok
}

// examine refuses files that are not of bbolt, and those that were cut short.
// With create, a file that a crash left half made is emptied, to be made again.
func examine(path string, f *os.File, create bool) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() { // a directory or a device
		return &FormatError{Path: path, Reason: "not a regular file"}
	}
	if st.Size() == 0 {
		if create {
			return nil
		}
		return &FormatError{Path: path, Reason: "empty file"}
	}
	m, err := readMeta(path, f)
	if err != nil {
		return err
	}
	// bbolt writes the first four pages at once, with transactions 0 and 1.
	// Less than that holds nothing yet.
	if create && m.txid <= 1 && st.Size() < 4*int64(os.Getpagesize()) {
		return f.Truncate(0)
	}
	if m.pages > uint64(st.Size())/uint64(m.pageSize) {
		want := m.pages * uint64(m.pageSize)
		return &CorruptError{Path: path, Err: fmt.Errorf("cut short: %d bytes of at least %d", st.Size(), want)}
	}
	if err := examineFreelist(f, m); err != nil {
		return &CorruptError{Path: path, Err: err}
	}
	return nil
}

// examineFreelist looks at the one page that bbolt reads at once and believes:
// a wrong count would have it allocate any amount of memory.
func examineFreelist(f io.ReaderAt, m meta) error {
	if m.freelist == noFreelist {
		return nil
	}
	var b [pageHeaderSize + 8]byte
	if m.freelist >= m.pages {
		return fmt.Errorf("freelist page %d is outside the file", m.freelist)
	}
	if _, err := f.ReadAt(b[:], int64(m.freelist*uint64(m.pageSize))); err != nil {
		return fmt.Errorf("freelist page %d: %w", m.freelist, err)
	}
	o := binary.NativeEndian
	flags, count, overflow := o.Uint16(b[8:]), uint64(o.Uint16(b[10:])), uint64(o.Uint32(b[12:]))
	room := ((overflow+1)*uint64(m.pageSize) - pageHeaderSize) / 8
	if count == freelistLarge {
		count, room = o.Uint64(b[pageHeaderSize:]), room-1
	}
	if flags != pageFreelist || overflow >= m.pages-m.freelist || count > room {
		return fmt.Errorf("freelist page %d makes no sense", m.freelist)
	}
	return nil
}

// readMeta returns the newest valid meta page of the file.
func readMeta(path string, f *os.File) (meta, error) {
	var head [4096]byte
	n, err := f.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return meta{}, err
	}
	if bytes.HasPrefix(head[:n], []byte("SQLite format 3\x00")) {
		return meta{}, &FormatError{Path: path, Reason: "SQLite", Err: ErrSQLite}
	}
	first, magic, ok := parseMeta(head[:n])
	best, found := first, ok
	// The second meta page begins at the page size, which is not known when
	// the first one is damaged.
	for at := int64(1024); at <= 1<<24; at *= 2 {
		if ok && at != int64(first.pageSize) {
			continue
		}
		var page [pageHeaderSize + metaSize]byte
		if _, err := f.ReadAt(page[:], at); err != nil {
			break
		}
		m, isMeta, valid := parseMeta(page[:])
		magic = magic || isMeta
		if valid && int64(m.pageSize) == at && (!found || m.txid > best.txid) {
			best, found = m, true
		}
	}
	switch {
	case found:
		return best, nil
	case magic:
		return meta{}, &CorruptError{Path: path, Err: errors.New("both meta pages are invalid")}
	}
	return meta{}, &FormatError{Path: path, Reason: "not a bbolt file"}
}

// Flags of a page and of a leaf's element, as in format.go.
const (
	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageFreelist = 0x10

	elementSize   = 16
	elementBucket = 0x01
	bucketSize    = 16 // root page and sequence, before an inline page
	freelistLarge = 0xFFFF

	// largestPage is much more than any entry needs, all of which is read at once.
	largestPage = 256 << 20
)
