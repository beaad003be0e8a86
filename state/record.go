package state

import (
	"cmp"
	"time"
)

// Key names a record.
type Key struct {
	Kind string // "build", "boot" or "lava"
	ID   string // the record key, such as lab/jobid
}

func (k Key) String() string { return k.Kind + " " + k.ID }

// Digest identifies a record's bytes. The zero Digest means not known.
type Digest = [16]byte

// Finished is a record each of whose documents is stored, was already there,
// or is among the rejects.
type Finished struct {
	Key       Key
	Digest    Digest    // zero (imported records): matches any bytes
	Time      time.Time // the record's time: Prune goes by it
	Documents int
	Rejected  int       // of Documents
	At        time.Time // when it was finished; zero in Commit means now
	Known     Known     // zero: finished by a kcing that did not keep it
	Over      Known     // what Lookup had, when it was decided to store this one; not kept
}

// Known is what a finished record's documents held, so that another record of
// the same key can be held against it.
type Known struct {
	Digest  Digest    // of the documents
	Version uint8     // of the program that made them: others make other documents of the same bytes
	Level   uint8     // how much the record knew; of two the higher one stays
	Updated time.Time // and of two of the same level the later one; zero: it does not change
}

// Compare is negative when the record knew less than o's, positive when it knew
// more.
func (k Known) Compare(o Known) int {
	return cmp.Or(cmp.Compare(k.Level, o.Level), k.Updated.Compare(o.Updated))
}

// Matches reports whether d may be the digest of the bytes that were finished.
func (f Finished) Matches(d Digest) bool { return f.Digest == Digest{} || f.Digest == d }

// Entry is the answer of Lookup for one key.
type Entry struct {
	Found       bool
	Finished    Finished // the zero value but for Key when not Found
	OpenRejects bool     // the record itself or a document of it is listed among the rejects
}

// Batch is what one Commit stores.
type Batch struct {
	Finished []Finished
	Rejects  []Reject
	// Nodes are the Maestro nodes of finished records' jobs: see [Store.KeysOfNodes].
	Nodes []NodeKey
	// Replaced are keys that jobs of finished records had before their lab or
	// number was known: they are forgotten.
	Replaced []Key
}

// NodeKey says that the record of this key holds the job of a Maestro node.
type NodeKey struct {
	Node string
	Key  Key
}

// Reject is something that was refused: a document, or, when Index is empty, a
// whole record. Its JSON is what `kcing rejects list --json` prints.
type Reject struct {
	// ID is short and the same for the same bad input, such as 12 hex digits
	// of a digest over its kind, key, source, index and document id.
	ID string `json:"id"`
	// Received is the time of receipt of the record; zero in Commit means now. The
	// list is in its order.
	Received time.Time `json:"received"`
	Kind     string    `json:"kind,omitempty"`
	Key      string    `json:"key,omitempty"`
	Lab      string    `json:"lab_name,omitempty"`
	Source   string    `json:"source"`

	Type       string `json:"type"` // one word to count by, such as Elasticsearch's error type
	Reason     string `json:"reason"`
	Index      string `json:"index,omitempty"`       // empty for a whole record
	DocumentID string `json:"document_id,omitempty"` // empty for a whole record
	Status     int    `json:"status,omitempty"`      // HTTP status of the refusal, or 0

	// Attempts is how often it was refused. In Commit 0 means 1, and the
	// number is added to that of the entry with the same ID.
	Attempts int `json:"attempts"`

	Size      int64  `json:"size"`                // bytes of the whole body; 0 in Commit means len(Body)
	Truncated bool   `json:"truncated,omitempty"` // Body is only the beginning
	Body      []byte `json:"-"`                   // the document or the record's bytes; nil from Rejects

	NodeID     string    `json:"-"` // Maestro node that the record was posted for, if any
	Time       time.Time `json:"-"` // the record's time; zero when there is none
	Overwrites bool      `json:"-"` // the document was to take the place of one that is there
}
