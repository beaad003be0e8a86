package transform

import (
	"slices"
	"time"

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

// Rank says how much a record knows of what its key names. Of two records of one
// key the documents of the higher rank stay.
type Rank struct {
	// Level of a callback: LevelBoot for its boot alone, more with results or log,
	// LevelWhole with both, and 1 more with the facts of a Maestro node. 0: a record
	// whose kind knows no more and no less.
	Level uint8
	// Updated is when a record that may change was last changed: a Maestro node.
	Updated time.Time
}

// Levels of callbacks, see [Rank]: the boot alone, and one with results and log.
const (
	LevelBoot  = 2
	levelPart  = 2 // more for each part
	LevelWhole = LevelBoot + 2*levelPart
)

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

// part is one of a callback's results, log and definition; nil when it is not
// there or empty.
func (r *Record) part(name string) []byte {
	raw := r.value(name)
	switch string(raw) {
	case `""`, "{}", "[]":
		return nil
	}
	return raw
}

// setValue puts in a field that is absent or null.
func (r *Record) setValue(name string, raw []byte) {
	if i, ok := r.values[name]; ok {
		r.fields[i].Raw = raw
		return
	}
	r.values[name] = len(r.fields)
	r.fields = append(r.fields, jsontext.Field{Name: []byte(name), Raw: raw})
}

// hasAny reports whether there is one of the fields, be it null.
func (r *Record) hasAny(names ...string) bool {
	for _, n := range names {
		if _, ok := r.values[n]; ok {
			return true
		}
	}
	return false
}

// hasValue reports whether one of the fields is there, and not null.
func (r *Record) hasValue(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return r.value(name) != nil })
}

func (r *Record) hasList(names ...string) bool {
	for _, n := range names {
		if v := r.value(n); len(v) > 0 && v[0] == '[' {
			return true
		}
	}
	return false
}

// firstTime is the first of the named fields that holds a time.
func (r *Record) firstTime(names ...string) time.Time {
	for _, n := range names {
		if t, ok := parseTime(r.value(n)); ok {
			return t
		}
	}
	return time.Time{}
}
