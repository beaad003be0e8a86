package state

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	bodyRaw  = 0
	bodyGzip = 1
)

// packer compresses bodies one after another. A new gzip.Writer for each would
// cost over a megabyte of garbage.
type packer struct{ w *gzip.Writer }

// pack returns encoding, length, bytes; the bytes compressed when that helps.
func (p *packer) pack(body []byte) ([]byte, error) {
	var b bytes.Buffer
	b.Write(binary.AppendUvarint([]byte{bodyGzip}, uint64(len(body))))
	if p.w == nil {
		w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		p.w = w
	} else {
		p.w.Reset(&b)
	}
	if _, err := p.w.Write(body); err != nil {
		return nil, err
	}
	if err := p.w.Close(); err != nil {
		return nil, err
	}
	if b.Len() < len(body) {
		return b.Bytes(), nil
	}
	return append(binary.AppendUvarint([]byte{bodyRaw}, uint64(len(body))), body...), nil
}

func unpackBody(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, fmt.Errorf("%w: body: empty", errDecode)
	}
	size, n := binary.Uvarint(b[1:])
	if n <= 0 {
		return nil, fmt.Errorf("%w: body: length", errDecode)
	}
	data := b[1+n:]
	if b[0] == bodyGzip {
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, fmt.Errorf("%w: body: %w", errDecode, err)
		}
		// One byte more than it should be, to see that it is not longer.
		data, err = io.ReadAll(io.LimitReader(r, int64(min(size, 1<<40))+1))
		if err != nil {
			return nil, fmt.Errorf("%w: body: %w", errDecode, err)
		}
	} else if b[0] != bodyRaw {
		return nil, fmt.Errorf("%w: body: encoding %d", errDecode, b[0])
	}
	if uint64(len(data)) != size {
		return nil, fmt.Errorf("%w: body: %d bytes instead of %d", errDecode, len(data), size)
	}
	return data, nil
}
