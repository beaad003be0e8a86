package transform

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/jsontext"
	"github.com/kcing/kcing/internal/kinds"
)

// Kind says what a record is.
type Kind string

// The kinds of records that kcing takes.
const (
	KindBuild Kind = kinds.Build
	KindBoot  Kind = kinds.Boot
	KindLAVA  Kind = kinds.LAVA
)

// Format is a form in which records come. Each is known by its content; one that is
// said beforehand is refused when it is another.
type Format string

// FormatMaestro is the format of Maestro's records: a KindBuild (a kbuild node) or a
// KindLAVA (a job's node and what belongs to it). See docs/maestro.md.
const FormatMaestro Format = "maestro"

// Named is what [Options] say for records that are known by the name of their kind or,
// where that tells more, of their format.
func Named(name string) (Kind, Format) {
	if f := Format(name); f == FormatMaestro {
		return "", f
	}
	return Kind(name), ""
}

// The kinds of documents that records become. A build record becomes one
// DocBuild, a boot record one DocBoot, a LAVA callback one DocBoot, a DocTest
// for each result, a DocLog for each log line and a DocIncident for each failure
// that has a name.
const (
	DocBuild    = kinds.Build
	DocBoot     = kinds.Boot
	DocTest     = kinds.Test
	DocLog      = kinds.Log
	DocIncident = kinds.Incident // a report of the kernel's in the log, or the job's error
)

// Limits on one record. A record that exceeds one is refused with a reason that
// names the limit; none of them depends on the machine.
const (
	// MaxDepth is how deep objects and arrays may nest. Elasticsearch's own
	// parser stops at 1,000; a real record stays below 10.
	MaxDepth = 100
	// MaxFields is how many members all objects of one record may have together.
	MaxFields = 200_000
	// MaxDocuments is how many documents of one kind one record may become: log
	// lines, and rows of results.
	MaxDocuments = 200_000
	// MaxOutput is how many bytes all documents of one record may have together.
	MaxOutput = 256 << 20
	// MaxYAMLBytes is how much text is handed to the YAML library at once
	// (a suite, a definition, or a log whose lines cannot be told apart).
	MaxYAMLBytes = 4 << 20
	// MaxYAMLNodes is how many YAML nodes are visited for one record, aliases
	// followed. It is what stops alias expansion ("billion laughs").
	MaxYAMLNodes = 2_000_000
)

// Options say how a record is read. The zero value detects the kind, takes the
// lab from the body and files documents under the time of the event.
type Options struct {
	// Kind of the record; empty: detected from its content (see [Detect]).
	Kind Kind
	// Format of the record; empty: detected from its content.
	Format Format
	// Lab, when set, is the lab_name of a LAVA callback, whatever its body says.
	Lab string
	// OtherLab is the lab_name of a callback whose body, and whose Maestro node,
	// name none.
	OtherLab string
	// NodeID is the Maestro node that a callback was posted for; empty: the one
	// that its definition names, if any.
	NodeID string
	// IngestTime files documents under the time of receipt instead of the time
	// of the event, as the first kcing did.
	IngestTime bool
	// Tags are put among the tags of the record's build or boot document, such as
	// "_nomaestro" on a callback that could not be completed from Maestro.
	Tags []string
}

// Record is one parsed record: known to be a JSON object of a known kind, with
// its key, and not yet turned into documents. The zero value is ready for Parse
// and may be used again. It is not safe for concurrent use.
type Record struct {
	// Kind is never empty after a successful Parse.
	Kind Kind
	// Key is the record's identity: "lab/jobid" for a LAVA callback, "node/id" for
	// one of which only the Maestro node is known; the record's own id, or
	// "sha256:" and 32 hex digits of the digest of its bytes without white space
	// around them, for builds and boots.
	Key string
	// Lab is the callback's lab_name, empty when unknown or not a callback.
	Lab string
	// Time is the record's own time in UTC, zero when it names none.
	Time time.Time
	// TimeMoves says that Time may be another one when the same record comes
	// again: Maestro's `updated` moves once more when a finished node is passed on
	// to KCIDB. The caller has to keep the first and put it into Time again, or
	// the record's documents go to two indices.
	TimeMoves bool
	// Overwrites says that the record knows more, or later, than what may be in
	// its documents' place: a node, or a callback completed by its node.
	Overwrites bool
	// Rank is how much the record knows.
	Rank Rank

	ingest  bool
	invalid bool // the payload held invalid UTF-8 or a lone surrogate
	fields  []jsontext.Field
	values  map[string]int // name → index into fields of the last one of that name
	jobID   string
	nodeID  string // of the Maestro node, or Options.NodeID
	tags    []string
	maestro *composite // of a Maestro record; else nil
}

// Parse reads a record's outside: its form is checked, kind, key and time are
// found. How large a record may be is the caller's to decide. It returns [ErrBlank] for a payload of white space and a
// [*RefusedError] for one that can never become documents. The record refers to
// payload until the next Parse.
func (r *Record) Parse(payload []byte, o Options) error {
	err := r.parse(payload, o)
	if err == nil {
		r.Rank = r.rank()
	}
	return err
}

func (r *Record) parse(payload []byte, o Options) error {
	r.Kind, r.Key, r.Lab, r.Time = o.Kind, "", "", time.Time{}
	r.ingest, r.invalid, r.jobID, r.tags = o.IngestTime, false, "", o.Tags
	r.TimeMoves, r.Overwrites, r.Rank, r.maestro, r.nodeID = false, false, Rank{}, nil, o.NodeID
	r.forget()

	body := trim(payload)
	if len(body) == 0 {
		return ErrBlank
	}
	var err error
	if r.fields, err = scanJSON(body, r.fields); err != nil {
		return err // before anything is copied
	}
	if !utf8.Valid(body) { // only in strings, or it were no JSON
		r.invalid = true
		if r.fields, err = scanJSON(bytes.ToValidUTF8(body, []byte("\uFFFD")), r.fields[:0]); err != nil {
			return err
		}
	}
	r.settleFields()
	r.renameFields()
	if m := r.findComposite(o); m != nil {
		return r.identifyNode(m, o)
	}
	if o.Format == FormatMaestro {
		return refuse("not_a_node", "", `no Maestro node, and no {"node": …}: see docs/maestro.md`)
	}
	if err := r.refuseForeign(); err != nil {
		return err
	}
	if r.Kind == "" {
		kind, err := r.detect()
		if err != nil {
			return err
		}
		r.Kind = kind
	}
	if r.Kind == KindLAVA {
		return r.identifyCallback(o)
	}
	r.Time = r.firstTime("created_on")
	r.Key = r.ownID()
	if r.Key == "" {
		sum := sha256.Sum256(trim(payload))
		r.Key = "sha256:" + hex.EncodeToString(sum[:16])
	}
	return nil
}

// trim takes a byte order mark and the white space around a record away.
func trim(payload []byte) []byte {
	return bytes.Trim(bytes.TrimPrefix(payload, []byte("\xef\xbb\xbf")), " \t\r\n")
}

// forget empties what Parse fills; what a very large record has made it grow to is freed.
func (r *Record) forget() {
	const keep = 4 << 10
	if cap(r.fields) > keep || r.values == nil {
		r.fields, r.values = nil, make(map[string]int)
	}
	r.fields = r.fields[:0]
	clear(r.values)
}

// settleFields keeps of fields with the same name the last one and mends what
// Elasticsearch would refuse a line for. The log of a callback, which is long,
// is mended when it is read.
func (r *Record) settleFields() {
	r.fields = lastOfEach(r.fields, r.values)
	for i := range r.fields {
		f := &r.fields[i]
		if string(f.Name) == "log" && f.Raw[0] == '"' {
			continue
		}
		if fixed, ok := jsontext.ReplaceLoneSurrogates(f.Raw); ok {
			f.Raw, r.invalid = fixed, true
		}
	}
}

// lastOfEach keeps of fields with the same name the last one, as every JSON
// library the labs use does, in the place of the first. index becomes the place
// of each name.
func lastOfEach(fields []jsontext.Field, index map[string]int) []jsontext.Field {
	kept := fields[:0]
	for _, f := range fields {
		if i, ok := index[string(f.Name)]; ok {
			kept[i].Raw = f.Raw
			continue
		}
		index[string(f.Name)] = len(kept)
		kept = append(kept, f)
	}
	return kept
}

// renameFields finds the names under which Elasticsearch takes the fields. Where
// two would have the same, one that has it from the beginning stays.
func (r *Record) renameFields() {
	for i := range r.fields {
		f := &r.fields[i]
		name := topName(string(f.Name), f.Raw)
		if name == string(f.Name) {
			continue
		}
		if _, taken := r.values[name]; taken {
			f.Raw = []byte("null")
			continue
		}
		f.Name, r.values[name] = []byte(name), i
	}
}

// value returns the JSON text of a top-level field, nil when it is absent or null.
func (r *Record) value(name string) []byte {
	i, ok := r.values[name]
	if !ok || string(r.fields[i].Raw) == "null" {
		return nil
	}
	return r.fields[i].Raw
}

// isASCII reports whether a top-level field is known to be a string of printable
// ASCII.
func (r *Record) isASCII(name string) bool {
	i, ok := r.values[name]
	return ok && r.fields[i].ASCII
}

// text returns a top-level field as text: a string's content, a number's or a
// boolean's source text, "" for anything else.
func (r *Record) text(name string) string { return jsontext.ScalarText(r.value(name)) }

// ownID is the id that a build or boot brings along.
func (r *Record) ownID() string {
	if raw := r.value("_id"); raw != nil {
		if oid := gjson.GetBytes(raw, "$oid"); oid.Type == gjson.String && oid.Str != "" {
			return escapeID(oid.Str)
		}
		if s := jsontext.ScalarText(raw); s != "" {
			return escapeID(s)
		}
	}
	if id := r.text("id"); id != "" {
		return escapeID(id)
	}
	return ""
}

// HasTime reports whether the record's documents are filed under a time of its
// own. Where it is false the time of receipt decides the index, so the caller
// has to keep that time for retries.
func (r *Record) HasTime(received time.Time) bool {
	return !r.ingest && plausible(r.Time, received)
}

// Documents makes the record's documents, replacing what d held, which is empty
// after an error. received is the time at which kcing accepted the record. The
// error is a [*RefusedError].
func (r *Record) Documents(d *Documents, received time.Time) error {
	d.Reset()
	received = received.UTC()
	d.Time, d.receiptTime = received, true
	if r.HasTime(received) {
		d.Time, d.receiptTime = r.Time, false
	}
	d.start(r.Key)
	if r.invalid {
		d.tag("_invalidutf8")
	}
	for _, tag := range r.tags {
		d.tag(tag)
	}
	var err error
	switch {
	case r.Kind == KindBuild && r.maestro != nil:
		r.maestro.build(d)
	case r.Kind == KindBuild:
		r.build(d)
	case r.Kind == KindBoot:
		r.boot(d)
	case r.Kind == KindLAVA:
		if err = r.readJob(d); err == nil {
			err = d.writeJob(received)
		}
	default:
		err = refuse(typeUnknownKind, "", "kind "+string(r.Kind)+" is not "+kinds.AnyRecord())
	}
	if err != nil {
		d.Reset()
	}
	return err
}
