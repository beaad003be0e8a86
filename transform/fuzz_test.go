package transform_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/kcing/kcing/transform"
)

// FuzzDocuments asserts what holds for all bytes: no panic; refused with a
// reason, blank, or documents that Elasticsearch can take, the same each time.
func FuzzDocuments(f *testing.F) {
	kinds := []transform.Kind{"", transform.KindBuild, transform.KindBoot, transform.KindLAVA}
	const maestro = 0x40 // a bit of kind
	for _, c := range goldenCases(f) {
		if c.options.Format == transform.FormatMaestro {
			f.Add(c.payload, uint8(maestro), c.options.Lab)
			continue
		}
		for i, k := range kinds {
			if k == c.options.Kind {
				f.Add(c.payload, uint8(i), c.options.Lab)
			}
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte, kind uint8, lab string) {
		o := transform.Options{Kind: kinds[int(kind)%len(kinds)], Lab: lab, IngestTime: kind&0x80 != 0}
		if kind&maestro != 0 {
			o.Kind, o.Format = "", transform.FormatMaestro
		}
		var rec transform.Record
		var docs transform.Documents
		first := documentsOf(t, &rec, &docs, payload, o)
		if again := documentsOf(t, &rec, &docs, payload, o); first != again {
			t.Fatalf("another result on a second run:\n%s\n%s", first, again)
		}
		if detected, err := transform.Detect(payload); err == nil && o.Kind == "" && o.Format == "" &&
			rec.Kind != detected {
			t.Fatalf("detected %q, read as %q", detected, rec.Kind)
		}
	})
}

// documentsOf is all that a record becomes, as text.
func documentsOf(t *testing.T, rec *transform.Record, docs *transform.Documents, payload []byte,
	o transform.Options) string {
	t.Helper()
	err := rec.Parse(payload, o)
	if err == nil {
		if !idForm.MatchString(rec.Key) {
			t.Fatalf("key %q", rec.Key)
		}
		if err = rec.Documents(docs, received); err != nil && docs.Len() > 0 {
			t.Fatalf("%v, but %d documents", err, docs.Len())
		}
	}
	if err != nil {
		var refused *transform.RefusedError
		if !errors.Is(err, transform.ErrBlank) && (!errors.As(err, &refused) || refused.Type == "" ||
			refused.Detail == "") {
			t.Fatalf("neither blank nor refused: %v", err)
		}
		return err.Error()
	}
	var all strings.Builder
	seen := map[string]bool{}
	size := 0
	for doc := range docs.All() {
		if id := doc.Kind + " " + string(doc.ID); !idForm.Match(doc.ID) || seen[id] {
			t.Fatalf("id %q, twice: %v", id, seen[id])
		} else {
			seen[id] = true
		}
		if !json.Valid(doc.Source) || bytes.ContainsAny(doc.Source, "\n\r") {
			t.Fatalf("not one line of JSON: %q", doc.Source)
		}
		if name := duplicateName(doc.Source); name != "" {
			t.Fatalf("%q twice: %s", name, doc.Source)
		}
		size += len(doc.Source)
		all.WriteString(doc.Kind + " " + string(doc.ID) + " " + string(doc.Source) + "\n")
	}
	// Common fields are repeated, but bounded; an alias brings its text again.
	const common = 150 << 10
	if most := docs.Len()*common + 20*len(payload) + 64<<20; size > most {
		t.Fatalf("%d bytes of documents for %d bytes", size, len(payload))
	}
	if docs.Time.IsZero() || docs.Len() == 0 || !strings.Contains(all.String(), rec.Key) {
		t.Fatalf("time %v, %d documents", docs.Time, docs.Len())
	}
	return all.String()
}
