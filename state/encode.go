package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// The encodings of entries. All are pure functions; decoding takes any bytes,
// as a damaged file may hold anything.

const (
	maxKeyBytes = 1024
	dayMillis   = 24 * 60 * 60 * 1000

	flagDigest = 1 << 0 // the 16 bytes of the digest follow
	flagKnown  = 1 << 1 // Known stands at the end

	tagFinished = 'f'
	tagReceipt  = 'r'
)

var errDecode = errors.New("entry cannot be decoded")

// bytes returns the database key of k.
func (k Key) bytes() ([]byte, error) {
	if k.Kind == "" || k.ID == "" || strings.IndexByte(k.Kind, 0) >= 0 || len(k.Kind)+1+len(k.ID) > maxKeyBytes {
		return nil, fmt.Errorf("%w: kind %.40q, id %.80q (%d bytes)", ErrKey, k.Kind, k.ID, len(k.ID))
	}
	b := make([]byte, 0, len(k.Kind)+1+len(k.ID))
	return append(append(append(b, k.Kind...), 0), k.ID...), nil
}

// encodeKeys returns the database key of each of the records.
func encodeKeys[T any](records []T, key func(T) Key) ([][]byte, error) {
	encoded := make([][]byte, len(records))
	for i, r := range records {
		b, err := key(r).bytes()
		if err != nil {
			return nil, err
		}
		encoded[i] = b
	}
	return encoded, nil
}

func itself(k Key) Key { return k }

func decodeJSON[T any](b []byte) (v T, err error) {
	if err := json.Unmarshal(b, &v); err != nil {
		return v, fmt.Errorf("%w: %w", errDecode, err)
	}
	return v, nil
}

func decodeKey(b []byte) (Key, error) {
	i := bytes.IndexByte(b, 0)
	if i < 1 || i+1 == len(b) {
		return Key{}, fmt.Errorf("%w: record key %.80q", errDecode, b)
	}
	return Key{Kind: string(b[:i]), ID: string(b[i+1:])}, nil
}

// encodeFinished: flags, digest, record time, time from that to finishing,
// documents, rejected; of Known the digest, version, level and, unless it is
// zero, the time. About 50 bytes. The numbers are varints.
func encodeFinished(f Finished) []byte {
	b := make([]byte, 1, 48)
	if f.Digest != [16]byte{} {
		b[0] |= flagDigest
		b = append(b, f.Digest[:]...)
	}
	at, t := f.At.UnixMilli(), f.Time.UnixMilli()
	b = binary.AppendVarint(b, t)
	b = binary.AppendVarint(b, at-t)
	b = binary.AppendUvarint(b, clampCount(f.Documents))
	b = binary.AppendUvarint(b, clampCount(f.Rejected))
	if f.Known == (Known{}) {
		return b
	}
	b[0] |= flagKnown
	b = append(append(b, f.Known.Digest[:]...), f.Known.Version, f.Known.Level)
	if !f.Known.Updated.IsZero() {
		b = binary.AppendVarint(b, f.Known.Updated.UnixMilli())
	}
	return b
}

// decodeKnown reads what stands behind a finished record's numbers.
func decodeKnown(b []byte) (k Known, ok bool) {
	n := copy(k.Digest[:], b)
	if len(b) < n+2 || n < len(k.Digest) {
		return Known{}, false
	}
	k.Version, k.Level = b[n], b[n+1]
	if b = b[n+2:]; len(b) == 0 {
		return k, true
	}
	r := varints{b: b}
	k.Updated = fromMillis(r.signed())
	return k, !r.bad && len(r.b) == 0
}

func clampCount(n int) uint64 { return uint64(min(max(n, 0), math.MaxInt32)) }

// decodeFinished leaves Key empty.
func decodeFinished(b []byte) (Finished, error) {
	var f Finished
	if len(b) == 0 || b[0]&^(flagDigest|flagKnown) != 0 {
		return f, fmt.Errorf("%w: finished record: flags", errDecode)
	}
	rest := b[1:]
	if b[0]&flagDigest != 0 {
		if len(rest) < len(f.Digest) {
			return f, fmt.Errorf("%w: finished record: digest", errDecode)
		}
		copy(f.Digest[:], rest)
		rest = rest[len(f.Digest):]
	}
	r := varints{b: rest}
	t, delta := r.signed(), r.signed()
	docs, rejected := r.unsigned(), r.unsigned()
	known := true
	if b[0]&flagKnown != 0 {
		f.Known, known = decodeKnown(r.b)
		r.b = nil
	}
	if r.bad || !known || len(r.b) != 0 || docs > math.MaxInt32 || rejected > math.MaxInt32 {
		return Finished{}, fmt.Errorf("%w: finished record: numbers", errDecode)
	}
	f.Time, f.At = fromMillis(t), fromMillis(t+delta)
	f.Documents, f.Rejected = int(docs), int(rejected)
	return f, nil
}

func encodeReceipt(t time.Time) []byte { return binary.AppendVarint(nil, t.UnixMilli()) }

func decodeReceipt(b []byte) (time.Time, error) {
	r := varints{b: b}
	ms := r.signed()
	if r.bad || len(r.b) != 0 {
		return time.Time{}, fmt.Errorf("%w: receipt", errDecode)
	}
	return fromMillis(ms), nil
}

// varints reads numbers from the front of b; bad is set by the first that is not one.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) signed() int64 {
	v, n := binary.Varint(r.b)
	r.advance(n)
	return v
}

func (r *varints) unsigned() uint64 {
	v, n := binary.Uvarint(r.b)
	r.advance(n)
	return v
}

func (r *varints) advance(n int) {
	if n <= 0 || r.bad {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}

// dayOf returns the UTC day of t, counted from 1970, within 32 bits.
func dayOf(t time.Time) int64 {
	ms := t.UnixMilli()
	day := ms / dayMillis
	if ms%dayMillis < 0 {
		day--
	}
	return min(max(day, math.MinInt32), math.MaxInt32)
}

// dayKey is the entry in the index by day: day, tag, record key. Days sort as
// bytes in the order of time.
func dayKey(t time.Time, tag byte, key []byte) []byte {
	return appendDayKey(make([]byte, 0, 5+len(key)), t, tag, key)
}

func appendDayKey(b []byte, t time.Time, tag byte, key []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(int32(dayOf(t)))^1<<31)
	return append(append(b, tag), key...)
}

// splitDayKey is the inverse of dayKey. key points into b.
func splitDayKey(b []byte) (day int64, tag byte, key []byte, err error) {
	if len(b) < 6 || (b[4] != tagFinished && b[4] != tagReceipt) {
		return 0, 0, nil, fmt.Errorf("%w: index by day: %.80q", errDecode, b)
	}
	return int64(int32(binary.BigEndian.Uint32(b) ^ 1<<31)), b[4], b[5:], nil
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// toMillis cuts t to milliseconds in UTC, as the file keeps it.
func toMillis(t time.Time) time.Time { return fromMillis(t.UnixMilli()) }
