package transform

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// Version of the documents that this package makes. Raise it with every change
// after which a record becomes other documents than before, or a record that
// comes again looks like another one of the same key.
const Version = 11

// rank of a record whose parts and node are known.
func (r *Record) rank() (rank Rank) {
	if r.Kind == KindLAVA {
		rank.Level = LevelBoot
		for _, part := range [...]string{"results", "log"} {
			if r.part(part) != nil {
				rank.Level += levelPart
			}
		}
	}
	m := r.maestro
	if m == nil {
		return rank
	}
	if !m.called && m.log.raw != nil {
		rank.Level += levelPart
	}
	rank.Level++
	rank.Updated = m.updated
	return rank
}

// Digest is of all documents, their ids and sources in their order, without times of
// receipt, which differ when the same record comes again. It is not cryptographic.
func (d *Documents) Digest() [16]byte {
	h := xxh3.New()
	_, _ = h.WriteString(d.key)
	head := d.jobHead
	if d.receiptTime {
		head = head[min(len(head), len(`{"@timestamp":"`)+len(stamp)):]
	}
	_, _ = h.Write(head)
	for _, s := range d.spans { // in the order of the documents
		_, _ = h.Write([]byte{byte(s.kind)})
		own := d.buf[s.id:s.end]
		if d.receiptLogged != "" {
			if i := bytes.Index(own, []byte(d.receiptLogged)); i >= 0 {
				_, _ = h.Write(own[:i])
				own = own[i+len(d.receiptLogged):]
			}
		}
		_, _ = h.Write(own)
	}
	return h.Sum128().Bytes()
}
