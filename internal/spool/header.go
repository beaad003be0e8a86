package spool

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Meta is what is kept with a record's bytes. All strings may be anything;
// bytes that are no UTF-8 become U+FFFD.
type Meta struct {
	// Kind is "build", "boot" or "lava", empty when not known.
	Kind string
	// Key names the record within its kind; what Find looks for.
	Key string
	// Name says where the record came from, for people.
	Name string
	// Lab is the lab_name given from outside, empty when the callback's own counts.
	Lab string
	// NodeID is the Maestro node that it belongs to, empty when not given.
	NodeID string
	// Version is what its origin said of it before the bytes were fetched; the
	// writer's own business.
	Version string
	// Received is when it was accepted; zero in Put means now. Kept to the
	// nanosecond, in UTC.
	Received time.Time
	// Digest is the SHA-256 of the payload. Put computes it.
	Digest [sha256.Size]byte
}

// headerVersion is the layout of the files that this kcing writes.
const headerVersion = 1

const (
	// maxHeader bounds the header line in bytes.
	maxHeader = 64 << 10
	// maxPayload bounds a record, so that a damaged length asks for no memory.
	maxPayload = 1 << 30
)

// header is the first line of a file.
type header struct {
	Version  int       `json:"v"`
	Kind     string    `json:"kind,omitempty"`
	Key      string    `json:"key"`
	Name     string    `json:"name,omitempty"`
	Lab      string    `json:"lab,omitempty"`
	NodeID   string    `json:"node_id,omitempty"`
	Origin   string    `json:"origin_version,omitempty"`
	Received time.Time `json:"received"`
	Size     int64     `json:"size"`
	SHA256   string    `json:"sha256"`
}

// clean replaces invalid UTF-8 as JSON does.
func clean(s string) string { return string([]rune(s)) }

// normalized is the Meta as it will be read back.
func (m Meta) normalized(payload []byte, now func() time.Time) Meta {
	for _, s := range []*string{&m.Kind, &m.Key, &m.Name, &m.Lab, &m.NodeID, &m.Version} {
		*s = clean(*s)
	}
	if m.Received.IsZero() {
		m.Received = now()
	}
	m.Received = time.Unix(0, clampTime(m.Received)).UTC()
	m.Digest = sha256.Sum256(payload)
	return m
}

// encode is the header line.
func (m Meta) encode(size int) ([]byte, error) {
	line, err := json.Marshal(header{Version: headerVersion, Kind: m.Kind, Key: m.Key, Name: m.Name, Lab: m.Lab,
		NodeID: m.NodeID,
		Origin: m.Version, Received: m.Received, Size: int64(size), SHA256: hex.EncodeToString(m.Digest[:])})
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	case len(line) >= maxHeader:
		return nil, fmt.Errorf("%w: its key, name and lab take %d bytes, the limit is %d", ErrInvalid, len(line),
			maxHeader)
	case size > maxPayload:
		return nil, fmt.Errorf("%w: it has %d bytes, the limit is %d", ErrInvalid, size, maxPayload)
	}
	return append(line, '\n'), nil
}

// damage is why a file is no whole record.
type damage string

func (d damage) Error() string { return string(d) }

// decode reads a file of this length: its header and, unless only that is asked
// for, its payload. What is wrong with the bytes is a damage; other errors are
// the file system's.
func decode(r io.Reader, length int64, payloadToo bool) (Meta, []byte, error) {
	buffered := bufio.NewReaderSize(r, 4<<10)
	line, err := readLine(buffered)
	if err != nil {
		return Meta{}, nil, err
	}
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return Meta{}, nil, damage("its first line is not a header of ours")
	}
	digest, err := hex.DecodeString(h.SHA256)
	switch {
	case h.Version > headerVersion:
		return Meta{}, nil, damage(fmt.Sprintf("it was written by a newer kcing (layout %d)", h.Version))
	case h.Version != headerVersion || err != nil || len(digest) != sha256.Size || h.Size < 0 || h.Size > maxPayload:
		return Meta{}, nil, damage("its first line is not a header of ours")
	case length != int64(len(line))+1+h.Size:
		return Meta{}, nil, damage(fmt.Sprintf("it has %d bytes, its header promises %d", length,
			int64(len(line))+1+h.Size))
	}
	m := Meta{Kind: h.Kind, Key: h.Key, Name: h.Name, Lab: h.Lab, NodeID: h.NodeID, Version: h.Origin,
		Received: h.Received.UTC()}
	copy(m.Digest[:], digest)
	if !payloadToo {
		return m, nil, nil
	}
	payload := make([]byte, h.Size)
	if _, err := io.ReadFull(buffered, payload); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return Meta{}, nil, damage("it ends too early")
		}
		return Meta{}, nil, err
	}
	if sha256.Sum256(payload) != m.Digest {
		return Meta{}, nil, damage("its checksum is wrong")
	}
	return m, payload, nil
}

// readLine reads up to a newline, without it.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(line, []byte("\n")), nil
		case errors.Is(err, io.EOF):
			return nil, damage("it has no header line")
		case len(line) > maxHeader:
			return nil, damage("its first line is not a header of ours")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
