package state

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// entryCheck checks what the pages hold: our entries against each other.
type entryCheck struct {
	ended  func() error // why to stop, or nil
	tx     *bbolt.Tx
	report *CheckReport
	counts map[string]int64 // as they should be in the bucket of counts
	users  map[string]int64 // by block, likewise
	read   int

	// The index by day, as it should be and as it is.
	wantDays, haveDays setSum
	key                []byte // scratch
}

// setSum tells two sets of distinct keys apart without holding them, in
// whatever order they come: looking up each of 10⁷ entries in the index would
// take ten times as long as reading both through.
type setSum struct {
	n, sum uint64
}

var sumSeed = maphash.MakeSeed()

func (s *setSum) add(key []byte) {
	s.n++
	s.sum += maphash.Bytes(sumSeed, key)
}

func (c *entryCheck) run() error {
	for _, step := range []func() error{
		c.finished, c.receipts, c.days, c.rejects, c.blocks, c.rejectIndexes, c.countsAreRight, c.rest,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// each calls fn for each entry of a bucket, and ends when the check is to.
func (c *entryCheck) each(bucket []byte, fn func(k, v []byte)) error {
	b := c.tx.Bucket(bucket)
	if b == nil { // one of addedBuckets: checkSchema wants the others
		return nil
	}
	return b.ForEach(func(k, v []byte) error {
		if c.read++; c.read%1024 == 0 {
			if err := c.ended(); err != nil {
				return err
			}
		}
		fn(k, v)
		return nil
	})
}

func (c *entryCheck) has(bucket, key []byte) bool { return c.tx.Bucket(bucket).Get(key) != nil }

func (c *entryCheck) finished() error {
	kinds := map[string]int64{}
	var kind []byte // of the previous record: they come sorted
	var n int64
	err := c.each(bucketFinished, func(k, v []byte) {
		c.report.Finished++
		i := bytes.IndexByte(k, 0)
		if i < 1 || i+1 == len(k) {
			c.report.problem("finished: record key %.80q cannot be decoded", k)
			return
		}
		if !bytes.Equal(k[:i], kind) {
			kinds[string(kind)] += n
			kind, n = k[:i], 0
		}
		n++
		f, err := decodeFinished(v)
		if err != nil {
			c.report.problem("record %.80q: %v", k, err)
			return
		}
		c.want(f.Time, tagFinished, k)
	})
	kinds[string(kind)] += n
	delete(kinds, "")
	for kind, n := range kinds {
		c.counts[finishedCount(kind)] = n
	}
	return err
}

func (c *entryCheck) receipts() error {
	return c.each(bucketReceipts, func(k, v []byte) {
		c.report.Receipts++
		c.counts[receiptCount]++
		t, err := decodeReceipt(v)
		if err != nil {
			c.report.problem("receipt of %.80q: %v", k, err)
			return
		}
		c.want(t, tagReceipt, k)
	})
}

func (c *entryCheck) want(t time.Time, tag byte, key []byte) {
	c.key = appendDayKey(c.key[:0], t, tag, key)
	c.wantDays.add(c.key)
}

func (c *entryCheck) days() error {
	err := c.each(bucketDays, func(k, _ []byte) {
		c.haveDays.add(k)
		if _, _, _, err := splitDayKey(k); err != nil {
			c.report.problem("%v", err)
		}
	})
	if err != nil || c.haveDays == c.wantDays {
		return err
	}
	return c.nameDays()
}

// nameDays says which entries and index entries do not belong together.
func (c *entryCheck) nameDays() error {
	finished, receipts, days := c.tx.Bucket(bucketFinished), c.tx.Bucket(bucketReceipts), c.tx.Bucket(bucketDays)
	err := c.each(bucketDays, func(k, _ []byte) {
		_, tag, key, err := splitDayKey(k)
		if err != nil {
			return // reported above
		}
		bucket := finished
		if tag == tagReceipt {
			bucket = receipts
		}
		if !c.points(k, tag, bucket.Get(key)) {
			c.report.problem("index by day: %.80q points to nothing", k)
		}
	})
	if err != nil {
		return err
	}
	err = c.each(bucketFinished, func(k, v []byte) {
		if f, err := decodeFinished(v); err == nil && days.Get(dayKey(f.Time, tagFinished, k)) == nil {
			c.report.problem("record %.80q: not in the index by day", k)
		}
	})
	if err != nil {
		return err
	}
	return c.each(bucketReceipts, func(k, v []byte) {
		if t, err := decodeReceipt(v); err == nil && days.Get(dayKey(t, tagReceipt, k)) == nil {
			c.report.problem("receipt of %.80q: not in the index by day", k)
		}
	})
}

// points reports whether v, the entry of an index key, has the day of that key.
func (c *entryCheck) points(index []byte, tag byte, v []byte) bool {
	if v == nil {
		return false
	}
	if tag == tagReceipt {
		t, err := decodeReceipt(v)
		return err == nil && bytes.Equal(index, dayKey(t, tag, index[5:]))
	}
	f, err := decodeFinished(v)
	return err == nil && bytes.Equal(index, dayKey(f.Time, tag, index[5:]))
}

func (c *entryCheck) rejects() error {
	return c.each(bucketRejects, func(k, v []byte) {
		c.report.Rejects++
		m, err := decodeRejectMeta(v)
		if err != nil {
			c.report.problem("reject %.64q: %v", k, err)
			return
		}
		c.counts[rejectCount(m.Kind, m.Type)]++
		if m.ID != string(k) {
			c.report.problem("reject %.64q: says it is %.64q", k, m.ID)
		}
		entry, packed := bodyEntry(c.tx, k)
		if _, err := unpackEntry(entry, packed); err != nil {
			c.report.problem("reject %.64q: %v", k, err)
		}
		c.counts[rejectBytes] += int64(len(v) + len(entry))
		if in, _, _, ok := splitBlockEntry(entry); ok {
			c.users[string(in)]++
		}
		if !c.has(bucketRejTime, timeKey(m)) {
			c.report.problem("reject %.64q: not in the index by time", k)
		}
		if m.Key != "" && !c.has(bucketRejKey, recordKey(m)) {
			c.report.problem("reject %.64q: not in the index by record", k)
		}
	})
}

// blocks: each is used by as many rejects as it says.
func (c *entryCheck) blocks() error {
	return c.each(bucketBlocks, func(k, v []byte) {
		switch len(k) {
		case 8:
			c.counts[rejectBytes] += int64(len(v))
		case 9:
			if got, want := decodeCount(v), c.users[string(k[:8])]; got != want || want == 0 {
				c.report.problem("block %x has %d users, should have %d", k[:8], got, want)
			}
		default:
			c.report.problem("block %.80q: no id", k)
		}
	})
}

// rejectIndexes: nothing in them, and no body, is without its reject.
func (c *entryCheck) rejectIndexes() error {
	for _, index := range []struct {
		bucket []byte
		skip   int
	}{{bucketBodies, 0}, {bucketRejTime, 8}, {bucketRejKey, 16}} {
		err := c.each(index.bucket, func(k, _ []byte) {
			v := c.tx.Bucket(bucketRejects).Get(k[min(index.skip, len(k)):])
			m, err := decodeRejectMeta(v)
			if v != nil && err != nil {
				return // reported above
			}
			want := map[int][]byte{0: []byte(m.ID), 8: timeKey(m), 16: recordKey(m)}[index.skip]
			if v == nil || !bytes.Equal(k, want) {
				c.report.problem("%s: %.80q points to no reject", index.bucket, k)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *entryCheck) countsAreRight() error {
	err := c.each(bucketCounts, func(k, v []byte) {
		got, want := decodeCount(v), c.counts[string(k)]
		if len(v) != 8 || got != want {
			c.report.problem("count %.80q is %d, should be %d", k, got, want)
		}
		delete(c.counts, string(k))
	})
	for _, name := range slices.Sorted(maps.Keys(c.counts)) {
		c.report.problem("count %.80q is missing, should be %d", name, c.counts[name])
	}
	return err
}

// rest: what nothing else in the file points to can be decoded.
func (c *entryCheck) rest() error {
	var other int64
	for _, of := range []struct {
		bucket []byte
		name   string // what an entry is
		count  *int64
		decode func(k, v []byte) error
	}{
		{bucketRuns, "run", &other, func(_, v []byte) error { _, err := decodeJSON[Run](v); return err }},
		{bucketBegun, "begun record", &other, func(_, v []byte) error { _, err := decodeBegun(v); return err }},
		{bucketNodes, "node", &other, func(_, v []byte) error { _, err := decodeKey(v); return err }},
		{bucketCrawled, "crawled item", &c.report.Crawled, func(k, v []byte) error {
			_, err := decodeCrawled(k, v)
			return err
		}},
		{bucketUnfetch, "unfetched item", &c.report.Unfetched, func(k, v []byte) error {
			_, err := decodeUnfetched(k, v)
			return err
		}},
	} {
		err := c.each(of.bucket, func(k, v []byte) {
			*of.count++
			if err := of.decode(k, v); err != nil {
				c.report.problem("%s %.80q: %v", of.name, k, err)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// maxProblems is how many problems a CheckReport lists; the rest is only counted.
const maxProblems = 50

// CheckReport is the result of Check.
type CheckReport struct {
	Path      string
	Schema    int
	FileBytes int64
	Finished  int64
	Receipts  int64
	Rejects   int64
	Crawled   int64    // items at an origin that are done with
	Unfetched int64    // items that could not be downloaded
	Problems  []string // the first 50
	More      int      // problems beyond those
}

// OK reports whether the file is whole.
func (r CheckReport) OK() bool { return len(r.Problems) == 0 }

func (r *CheckReport) problem(format string, args ...any) {
	if len(r.Problems) == maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}
