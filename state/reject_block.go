package state

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"
)

// A block holds the bodies of rejects that one record got for one type of reason,
// packed together: the documents of a record say mostly the same, and hundreds of
// them may be refused for one fault. A body's entry then says where in which
// block it is. The block goes with the last of its rejects.
type block struct {
	bodies []byte // one behind the other, before they are packed
	packed []byte
	users  int
}

// maxBlock is how long the bodies of a block are: to read one, all are unpacked.
const maxBlock = 256 << 10

// takes reports whether the body of r goes into the block of the reject before it.
func (b *block) takes(before, r *Reject) bool {
	return before.Kind == r.Kind && before.Key == r.Key && before.Type == r.Type && r.Key != "" &&
		len(b.bodies)+len(r.Body) <= maxBlock
}

// bodyInBlock is the encoding of a body's entry that says where the body is:
// id of the block, offset, length.
const bodyInBlock = 2

func blockEntry(id []byte, offset, length int) []byte {
	b := append([]byte{bodyInBlock}, id...)
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(offset)), uint64(length))
}

// splitBlockEntry is the inverse of blockEntry; ok is false for a body that
// stands in its entry, and for one that cannot be read.
func splitBlockEntry(entry []byte) (id []byte, offset, length uint64, ok bool) {
	if len(entry) < 1+8 || entry[0] != bodyInBlock {
		return nil, 0, 0, false
	}
	r := varints{b: entry[9:]}
	offset, length = r.unsigned(), r.unsigned()
	return entry[1:9], offset, length, !r.bad && len(r.b) == 0
}

// The bucket has two entries a block: its packed bodies, and below the same id
// and a byte more the number of rejects that use it.
func usersKey(id []byte) []byte { return append(id[:len(id):len(id)], 'n') }

// putBlock writes a block and returns its id.
func putBlock(tx *bbolt.Tx, b *block, counts tally) (id []byte, err error) {
	blocks := tx.Bucket(bucketBlocks)
	n, err := blocks.NextSequence()
	if err != nil {
		return nil, err
	}
	id = binary.BigEndian.AppendUint64(nil, n)
	counts[rejectBytes] += int64(len(b.packed))
	if err := blocks.Put(id, b.packed); err != nil {
		return nil, err
	}
	return id, blocks.Put(usersKey(id), binary.BigEndian.AppendUint64(nil, uint64(b.users)))
}

// leaveBlock takes a user from a block, and the block away with its last one.
func leaveBlock(tx *bbolt.Tx, id []byte, counts tally) error {
	blocks := tx.Bucket(bucketBlocks)
	left := decodeCount(blocks.Get(usersKey(id))) - 1
	if left > 0 {
		return blocks.Put(usersKey(id), binary.BigEndian.AppendUint64(nil, uint64(left)))
	}
	counts[rejectBytes] -= int64(len(blocks.Get(id)))
	if err := blocks.Delete(id); err != nil {
		return err
	}
	return blocks.Delete(usersKey(id))
}

// bodyEntry is a body's entry and, when its body is in a block, that one's bytes.
// They live as long as the transaction.
func bodyEntry(tx *bbolt.Tx, id []byte) (entry, packed []byte) {
	entry = tx.Bucket(bucketBodies).Get(id)
	if in, _, _, ok := splitBlockEntry(entry); ok {
		if blocks := tx.Bucket(bucketBlocks); blocks != nil {
			packed = blocks.Get(in)
		}
	}
	return entry, packed
}

// unpackEntry reads what bodyEntry found.
func unpackEntry(entry, packed []byte) ([]byte, error) {
	_, offset, length, ok := splitBlockEntry(entry)
	if !ok {
		return unpackBody(entry)
	}
	bodies, err := unpackBody(packed)
	if err != nil {
		return nil, fmt.Errorf("block: %w", err)
	}
	if offset > uint64(len(bodies)) || length > uint64(len(bodies))-offset {
		return nil, fmt.Errorf("%w: body: %d bytes at %d of a block of %d", errDecode, length, offset, len(bodies))
	}
	return bodies[offset : offset+length : offset+length], nil
}
