package state

import (
	"encoding/binary"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// SchemaVersion is the layout that this kcing writes: see the package comment.
const SchemaVersion = 1

var (
	bucketMeta     = []byte("meta")
	bucketFinished = []byte("finished")
	bucketReceipts = []byte("receipts")
	bucketDays     = []byte("days")
	bucketRejects  = []byte("rejects")
	bucketBodies   = []byte("bodies")
	bucketRejTime  = []byte("rejtime")
	bucketRejKey   = []byte("rejkey")
	bucketCounts   = []byte("counts")
	bucketCursors  = []byte("cursors")
	bucketRuns     = []byte("runs")
	bucketCrawled  = []byte("crawled")
	bucketUnfetch  = []byte("unfetched")
	bucketBegun    = []byte("begun")
	bucketBlocks   = []byte("blocks")
	bucketNodes    = []byte("nodes")

	buckets = [][]byte{
		bucketMeta, bucketFinished, bucketReceipts, bucketDays, bucketRejects, bucketBodies,
		bucketRejTime, bucketRejKey, bucketCounts, bucketCursors, bucketRuns,
	}
	// addedBuckets came after schema 1 was first written: a file of an earlier
	// kcing is without them until this one takes it, and works without them.
	addedBuckets = [][]byte{bucketCrawled, bucketUnfetch, bucketBegun, bucketBlocks, bucketNodes}

	keySchema = []byte("schema")

	// present is the value of an index entry. It is not nil: to bbolt a nil
	// value is a bucket.
	present = []byte{}
)

// fillPercent packs pages closer than bbolt's 50 %: each lab's job ids grow,
// so the upper half of a page that was split is mostly the one that fills.
const fillPercent = 0.85

// errEmpty says that the file has no bucket at all: just made.
var errEmpty = errors.New("empty state file")

// checkSchema returns errEmpty, a *FormatError, ErrNewer or a *CorruptError.
func checkSchema(path string, tx *bbolt.Tx) error {
	b := tx.Bucket(bucketMeta)
	if b == nil {
		if k, _ := tx.Cursor().First(); k != nil {
			return &FormatError{Path: path, Reason: "another program's bbolt file"}
		}
		return errEmpty
	}
	v := b.Get(keySchema)
	if len(v) != 4 {
		return &FormatError{Path: path, Reason: "another program's bbolt file, without a schema version"}
	}
	if got := binary.BigEndian.Uint32(v); got > SchemaVersion {
		return fmt.Errorf("state file %s: %w (schema %d, this kcing knows %d): nothing was changed; "+
			"update kcing, or set KCING_DB to another path",
			path, ErrNewer, got, SchemaVersion)
	}
	for _, name := range buckets {
		if tx.Bucket(name) == nil {
			return &CorruptError{Path: path, Err: fmt.Errorf("bucket %q is missing", name)}
		}
	}
	return nil
}

// tally collects, during one transaction, by how much each count changes.
type tally map[string]int64

func finishedCount(kind string) string      { return "f\x00" + kind }
func rejectCount(kind, class string) string { return "r\x00" + kind + "\x00" + class }

const (
	receiptCount = "t"
	rejectBytes  = "b" // what the rejects take, packed and without their indexes
)

func (t tally) apply(tx *bbolt.Tx) error {
	b := tx.Bucket(bucketCounts)
	for name, delta := range t {
		n := decodeCount(b.Get([]byte(name))) + delta
		var err error
		if n == 0 {
			err = b.Delete([]byte(name))
		} else {
			err = b.Put([]byte(name), binary.BigEndian.AppendUint64(nil, uint64(n)))
		}
		if err != nil {
			return fmt.Errorf("count %q: %w", name, err)
		}
	}
	return nil
}

// decodeCount returns 0 for what is not a count: Check reports those.
func decodeCount(v []byte) int64 {
	if len(v) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(v))
}
