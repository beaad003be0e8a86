package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

const (
	maxIDBytes   = 64
	maxTypeBytes = 200 // Type and Kind are cut to it: they are part of a count's key
)

// rejectMeta is the stored form of a Reject without its body. Times are
// milliseconds since 1970.
type rejectMeta struct {
	ID         string `json:"id"`
	Kind       string `json:"kind,omitempty"`
	Key        string `json:"key,omitempty"`
	Source     string `json:"source,omitempty"`
	Lab        string `json:"lab,omitempty"`
	NodeID     string `json:"node,omitempty"`
	Received   int64  `json:"received"`
	Time       *int64 `json:"time,omitempty"`
	Type       string `json:"type,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Index      string `json:"index,omitempty"`
	DocumentID string `json:"document,omitempty"`
	Status     int    `json:"status,omitempty"`
	Attempts   int    `json:"attempts"`
	Truncated  bool   `json:"truncated,omitempty"`
	Overwrites bool   `json:"overwrites,omitempty"`
	Size       int64  `json:"size"`
}

// packedReject is a reject ready to be written. Its body is packed by itself or,
// at an offset, in a block with others.
type packedReject struct {
	meta   rejectMeta
	body   []byte
	in     *block
	offset int
	length int
}

// packRejects does the slow part, compressing, before the file is taken.
func packRejects(rs []Reject, now time.Time) ([]packedReject, error) {
	out := make([]packedReject, 0, len(rs))
	current := new(block)
	for i, r := range rs {
		if r.ID == "" || len(r.ID) > maxIDBytes {
			return nil, fmt.Errorf("%w: %.80q (%d bytes) of record %.80q", ErrID, r.ID, len(r.ID), r.Key)
		}
		if r.Received.IsZero() {
			r.Received = now
		}
		if r.Size == 0 {
			r.Size = int64(len(r.Body))
		}
		if i == 0 || !current.takes(&rs[i-1], &r) {
			current = new(block)
		}
		out = append(out, packedReject{meta: metaOf(r), in: current, offset: len(current.bodies), length: len(r.Body)})
		current.bodies = append(current.bodies, r.Body...)
		current.users++
	}
	return out, pack(out)
}

// pack compresses the blocks; one of a single body is that one's entry.
func pack(rs []packedReject) (err error) {
	var p packer
	for i := range rs {
		r := &rs[i]
		if r.in.packed == nil {
			if r.in.packed, err = p.pack(r.in.bodies); err != nil {
				return fmt.Errorf("reject %s: compress: %w", r.meta.ID, err)
			}
			r.in.bodies = nil
		}
		if r.in.users == 1 {
			r.body, r.in = r.in.packed, nil
		}
	}
	return nil
}

func metaOf(r Reject) rejectMeta {
	m := rejectMeta{
		ID: valid(r.ID), Kind: cut(noNUL(valid(r.Kind))), Key: valid(r.Key), Source: valid(r.Source),
		Lab: valid(r.Lab), NodeID: valid(r.NodeID),
		Received: r.Received.UnixMilli(), Type: cut(valid(r.Type)), Reason: valid(r.Reason),
		Index: valid(r.Index), DocumentID: valid(r.DocumentID), Status: r.Status, Attempts: max(r.Attempts, 1),
		Truncated: r.Truncated, Overwrites: r.Overwrites, Size: r.Size,
	}
	if !r.Time.IsZero() {
		ms := r.Time.UnixMilli()
		m.Time = &ms
	}
	return m
}

func (m rejectMeta) reject() Reject {
	r := Reject{
		ID: m.ID, Kind: m.Kind, Key: m.Key, Source: m.Source, Lab: m.Lab, NodeID: m.NodeID,
		Received: fromMillis(m.Received),
		Type:     m.Type, Reason: m.Reason, Index: m.Index, DocumentID: m.DocumentID, Status: m.Status,
		Attempts: m.Attempts, Truncated: m.Truncated, Overwrites: m.Overwrites, Size: m.Size,
	}
	if m.Time != nil {
		r.Time = fromMillis(*m.Time)
	}
	return r
}

// valid replaces invalid UTF-8 as JSON does, so that stored strings compare equal.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
func noNUL(s string) string { return strings.ReplaceAll(s, "\x00", "_") }
func cut(s string) string   { return strings.ToValidUTF8(s[:min(len(s), maxTypeBytes)], "") }

func decodeRejectMeta(b []byte) (rejectMeta, error) {
	m, err := decodeJSON[rejectMeta](b)
	if err == nil && m.ID == "" {
		err = fmt.Errorf("%w: no id", errDecode)
	}
	return m, err
}

// timeKey is the entry in the index by time of receipt.
func timeKey(m rejectMeta) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(m.Received)^1<<63), m.ID...)
}

func splitTimeKey(b []byte) (id []byte, err error) {
	if len(b) < 9 {
		return nil, fmt.Errorf("%w: index of rejects by time: %x", errDecode, b)
	}
	return b[8:], nil
}

// rejectKeyPrefix begins the entries, in the index by record, of all rejects
// of one record. A hash, as a record key may be longer than bbolt's keys.
func rejectKeyPrefix(kind, key string) []byte {
	h := sha256.Sum256([]byte(kind + "\x00" + key))
	return h[:16:16]
}

func recordKey(m rejectMeta) []byte {
	return append(rejectKeyPrefix(m.Kind, m.Key), m.ID...)
}

// rejecter writes the rejects of one transaction.
type rejecter struct {
	tx     *bbolt.Tx
	counts tally
	blocks map[*block][]byte // the ids of those that are written
	added  int               // rejects that there were none of the same id of
}

// put adds r, or replaces the entry of the same id.
func (w *rejecter) put(r packedReject) error {
	m := r.meta
	if old := w.tx.Bucket(bucketRejects).Get([]byte(m.ID)); old == nil {
		w.added++
	} else {
		was, err := decodeRejectMeta(old)
		if err != nil {
			return err
		}
		m.Attempts += was.Attempts
		if _, err := removeReject(w.tx, []byte(m.ID), w.counts); err != nil {
			return err
		}
	}
	value, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := w.tx.Bucket(bucketRejects).Put([]byte(m.ID), value); err != nil {
		return err
	}
	if err := w.putBody(r); err != nil {
		return err
	}
	if err := w.tx.Bucket(bucketRejTime).Put(timeKey(m), present); err != nil {
		return err
	}
	w.counts[rejectCount(m.Kind, m.Type)]++
	w.counts[rejectBytes] += int64(len(value))
	if m.Key == "" {
		return nil
	}
	return w.tx.Bucket(bucketRejKey).Put(recordKey(m), present)
}

func (w *rejecter) putBody(r packedReject) error {
	entry := r.body
	if r.in != nil {
		id, written := w.blocks[r.in]
		if !written {
			var err error
			if id, err = putBlock(w.tx, r.in, w.counts); err != nil {
				return err
			}
			w.blocks[r.in] = id
		}
		entry = blockEntry(id, r.offset, r.length)
	}
	w.counts[rejectBytes] += int64(len(entry))
	return w.tx.Bucket(bucketBodies).Put([]byte(r.meta.ID), entry)
}

func removeReject(tx *bbolt.Tx, id []byte, counts tally) (bool, error) {
	rejects := tx.Bucket(bucketRejects)
	v := rejects.Get(id)
	if v == nil {
		return false, nil
	}
	m, err := decodeRejectMeta(v)
	if err != nil {
		return false, err
	}
	entry, _ := bodyEntry(tx, id)
	counts[rejectCount(m.Kind, m.Type)]--
	counts[rejectBytes] -= int64(len(v) + len(entry))
	if in, _, _, ok := splitBlockEntry(entry); ok {
		if err := leaveBlock(tx, bytes.Clone(in), counts); err != nil {
			return false, err
		}
	}
	if err := tx.Bucket(bucketRejTime).Delete(timeKey(m)); err != nil {
		return false, err
	}
	if err := tx.Bucket(bucketRejKey).Delete(recordKey(m)); err != nil {
		return false, err
	}
	if err := tx.Bucket(bucketBodies).Delete(id); err != nil {
		return false, err
	}
	return true, rejects.Delete(id)
}

// rejectFinder answers whether a record has rejects.
type rejectFinder struct{ c *bbolt.Cursor }

func newRejectFinder(tx *bbolt.Tx) rejectFinder {
	c := tx.Bucket(bucketRejKey).Cursor()
	if k, _ := c.First(); k == nil {
		return rejectFinder{} // the usual case: no rejects, no searching
	}
	return rejectFinder{c}
}

func (f rejectFinder) has(k Key) bool {
	if f.c == nil {
		return false
	}
	prefix := rejectKeyPrefix(cut(noNUL(valid(k.Kind))), valid(k.ID))
	found, _ := f.c.Seek(prefix)
	return bytes.HasPrefix(found, prefix)
}
