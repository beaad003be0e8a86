package transform

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/jsontext"
	"github.com/kcing/kcing/internal/kinds"
)

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
	if err := r.settleKind(); err != nil {
		return err
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

// readJob fills d's job from the record.
func (r *Record) readJob(d *Documents) error {
	j := &d.job
	j.lab, j.id = r.Lab, r.jobID
	if r.maestro == nil || r.maestro.called {
		if err := r.readCallback(d); err != nil {
			return err
		}
	}
	if r.maestro != nil {
		return d.readNode(r.maestro)
	}
	j.more = append(j.more, pair{"node_id", cmp.Or(r.nodeID, j.facts.nodeID)})
	return nil
}
