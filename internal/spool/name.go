package spool

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Item is a record of this process's spool. It is small and comparable; the
// zero value is no record.
type Item struct {
	received int64  // ns since 1970
	hash     uint64 // of kind and key
	nonce    uint32 // keeps two records of one key and one moment apart
	size     int64  // of the file
}

// Received is when the record was accepted, to the nanosecond, in UTC.
func (it Item) Received() time.Time { return time.Unix(0, it.received).UTC() }

// Size is the length of the record's file in bytes: header and payload.
func (it Item) Size() int64 { return it.size }

// Names of files. Record keys come from outside, so only their hash is in a name:
// <ns since 1970, 19 digits>-<hash>-<nonce>-<owner>.record, whose order is that
// of receipt.
const (
	recordSuffix = ".record"
	tmpSuffix    = ".tmp"
	lockSuffix   = ".lock"
	corruptDir   = "corrupt"
)

func (it Item) name(owner string) string {
	return fmt.Sprintf("%019d-%016x-%08x-%s%s", it.received, it.hash, it.nonce, owner, recordSuffix)
}

// parseName reads the name of a record; the item has no size yet.
func parseName(name string) (it Item, owner string, ok bool) {
	stem, ok := strings.CutSuffix(name, recordSuffix)
	if !ok || len(stem) != 19+1+16+1+8+1+ownerLen {
		return Item{}, "", false
	}
	owner = stem[len(stem)-ownerLen:]
	received, err := strconv.ParseInt(stem[:19], 10, 64)
	if err != nil {
		return Item{}, "", false
	}
	hash, err := strconv.ParseUint(stem[20:36], 16, 64)
	if err != nil {
		return Item{}, "", false
	}
	nonce, err := strconv.ParseUint(stem[37:45], 16, 32)
	if err != nil {
		return Item{}, "", false
	}
	it = Item{received: received, hash: hash, nonce: uint32(nonce)}
	return it, owner, isOwner(owner) && it.name(owner) == name // only as we write it
}

// ownerLen is the length of an owner id: hex digits.
const ownerLen = 12

func newOwner() string {
	var b [ownerLen / 2]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func isOwner(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == ownerLen && s == strings.ToLower(s)
}

// ownerOf is whose lock or unfinished file this is.
func ownerOf(name, suffix string) (owner string, ok bool) {
	stem, ok := strings.CutSuffix(name, suffix)
	if !ok || len(stem) < ownerLen {
		return "", false
	}
	owner = stem[len(stem)-ownerLen:]
	return owner, isOwner(owner)
}

func newNonce() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint32(b[:])
}

// hashOf is the part of a name that stands for kind and key.
func hashOf(kind, key string) uint64 {
	sum := sha256.Sum256([]byte(kind + "\x00" + key))
	return binary.BigEndian.Uint64(sum[:])
}

// clampTime is the receipt time as a name can hold it.
func clampTime(t time.Time) int64 {
	if t.Year() < 1970 {
		return 0
	}
	if t.Year() > 2200 {
		return time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	}
	return t.UnixNano()
}
