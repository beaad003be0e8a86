package transform

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/kinds"
)

// Document is one Elasticsearch document.
type Document struct {
	// Kind is DocBuild, DocBoot, DocTest, DocLog or DocIncident.
	Kind string
	// ID is unique within its index and the same for the same record: at most
	// 512 bytes of [A-Za-z0-9._:/@+=%-].
	ID []byte
	// Source is one line of valid JSON without a line break.
	Source []byte
}

// Documents holds what one record became. The zero value is ready; it is meant
// to be used again, since its buffers are what costs. It is not safe for
// concurrent use.
type Documents struct {
	// Time is the time of all documents, in UTC; its day names their index.
	Time time.Time
	// Tags name the damaged parts, such as "_yamlerror:results.1_dmesg"; empty
	// for a record without damage. They are in the record's build or boot
	// document as well, and in no other: one document a record says what it
	// lacks, and counting them counts records.
	Tags []string

	key  string // what each id begins with
	head []byte // what each source begins with
	// jobHead is head and the job's Maestro node; documents that name a node
	// themselves begin with head.
	jobHead []byte
	buf     []byte // of each document what is its own
	spans   []span
	size    int // of all sources, in bytes

	receiptLogged string // member of test documents whose value is the time of receipt; "": none is
	receiptTime   bool   // Time is the time of receipt

	id, source []byte // of the document that All yields
	work       scratch
	job        job
}

// span locates in Documents.buf what one document has of its own: the rest of
// its id in [id, source), the rest of its source in [source, end).
type span struct {
	kind            docKind
	id, source, end int
}

// docKind is a place in docKinds. A span holds no pointers: there are many, and
// the garbage collector need not look at them.
type docKind uint8

const (
	buildDoc docKind = iota
	bootDoc
	testDoc
	logDoc
	suspectDoc     // a log line in which a kernel's report may begin
	matchedTestDoc // a test with a node of its own
	nodeTestDoc    // a test that is a node and no more
	incidentDoc
)

var docKinds = [...]struct {
	kind    string
	ownNode bool // it names a node itself, and begins with head instead of jobHead
	wholeID bool // its id is all in the span
}{
	buildDoc:       {kind: DocBuild},
	bootDoc:        {kind: DocBoot, ownNode: true},
	testDoc:        {kind: DocTest},
	logDoc:         {kind: DocLog},
	suspectDoc:     {kind: DocLog},
	matchedTestDoc: {kind: DocTest, ownNode: true},
	nodeTestDoc:    {kind: DocTest, ownNode: true, wholeID: true},
	incidentDoc:    {kind: DocIncident},
}

// Reset empties d and keeps its buffers unless they have grown past what a
// large record needs, so that one very large record does not keep memory for good.
func (d *Documents) Reset() {
	d.Time, d.Tags, d.key, d.size = time.Time{}, nil, "", 0
	d.receiptLogged, d.receiptTime = "", false
	d.head, d.jobHead = emptied(d.head, keepBytes), emptied(d.jobHead, keepBytes)
	d.buf = emptied(d.buf, keepBytes)
	d.id, d.source = emptied(d.id, keepBytes), emptied(d.source, keepBytes)
	d.spans = emptied(d.spans, keepItems)
	d.work.reset()
	d.job.reset()
}

// Len is the number of documents.
func (d *Documents) Len() int { return len(d.spans) }

// All yields the documents in order: a callback's boot, its tests, its log, its incidents.
// What it yields is valid until the next one is asked for, so at most one loop
// may run at a time.
func (d *Documents) All() iter.Seq[Document] {
	return func(yield func(Document) bool) {
		kind, head := docKind(len(docKinds)), 0
		d.id = append(d.id[:0], d.key...)
		for _, s := range d.spans {
			if s.kind != kind {
				kind = s.kind
				d.source = append(d.source[:0], d.headOf(kind)...)
				head = len(d.source)
			}
			d.id = append(d.id[:len(d.key)], d.buf[s.id:s.source]...)
			id := d.id
			if docKinds[kind].wholeID {
				id = id[len(d.key):]
			}
			d.source = append(d.source[:head], d.buf[s.source:s.end]...)
			if !yield(Document{Kind: docKinds[kind].kind, ID: id, Source: d.source}) {
				return
			}
		}
	}
}

func (d *Documents) headOf(kind docKind) []byte {
	if docKinds[kind].ownNode {
		return d.head
	}
	return d.jobHead
}

// start names the ids' beginning and opens the sources' common beginning.
func (d *Documents) start(key string) {
	d.key = key
	d.head = append(d.head[:0], `{"@timestamp":"`...)
	d.head = d.Time.AppendFormat(d.head, stamp)
	d.head = append(d.head, '"')
	d.endHead("")
}

// endHead ends what the sources begin with. node is the job's Maestro node, if known.
func (d *Documents) endHead(node string) {
	d.jobHead = append(d.jobHead[:0], d.head...)
	if node != "" {
		d.jobHead = appendMember(d.jobHead, "node_id", d.clip("node_id", node))
	}
}

// begin starts a document. The rest of its id follows in buf and, behind a call
// of open, its members, each with a comma in front.
func (d *Documents) begin(kind docKind) {
	d.spans = append(d.spans, span{kind: kind, id: len(d.buf)})
}

func (d *Documents) open() { d.spans[len(d.spans)-1].source = len(d.buf) }

// end closes the document begun last.
func (d *Documents) end() {
	d.buf = append(d.buf, '}')
	s := &d.spans[len(d.spans)-1]
	s.end = len(d.buf)
	d.size += len(d.headOf(s.kind)) + s.end - s.source
}

// mark is a state to which rewind goes back.
type mark struct{ spans, buf, size int }

func (d *Documents) mark() mark { return mark{len(d.spans), len(d.buf), d.size} }

func (d *Documents) rewind(m mark) {
	d.spans, d.buf, d.size = d.spans[:m.spans], d.buf[:m.buf], m.size
}

// tag notes damage, each kind of it once. A name too long is cut: it may hold
// one from the record.
func (d *Documents) tag(name string) {
	const (
		most    = 32 // more would say nothing new and make the document grow with the damage
		longest = 100
	)
	name = strings.ToValidUTF8(name[:min(len(name), longest)], "\uFFFD")
	if len(d.Tags) < most && !slices.Contains(d.Tags, name) {
		d.Tags = append(d.Tags, name)
	}
}

// tagLimit notes that something was left out for want of budget, whatever other
// damage there is: it may be sound.
func (d *Documents) tagLimit() {
	if d.work.yaml.limited {
		d.Tags = append(d.Tags, "_yamllimit")
	}
}

// clip is a text that is not too long to be repeated in each document.
func (d *Documents) clip(name, text string) string {
	if len(text) <= maxCommonText {
		return text
	}
	d.tag("_truncated:" + name)
	return strings.ToValidUTF8(text[:maxCommonText], "")
}

// maxCommonText bounds what is repeated in each test and log document; longer
// texts are cut. Otherwise one field of 1 MB in a callback of 1,000 lines became
// 1 GB.
const maxCommonText = 1 << 10

// The kinds of documents that records become.
const (
	DocBuild    = kinds.Build
	DocBoot     = kinds.Boot
	DocTest     = kinds.Test
	DocLog      = kinds.Log
	DocIncident = kinds.Incident // a report of the kernel's in the log, or the job's error
)
