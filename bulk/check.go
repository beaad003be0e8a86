package bulk

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// MaxIDBytes is the longest _id that Elasticsearch takes
// (IndexRequest.MAX_DOCUMENT_ID_LENGTH_IN_BYTES). It refuses the whole
// request for one longer id, so Add refuses it first.
const MaxIDBytes = 512

// check returns an error that wraps ErrInvalid or ErrTooLarge when d cannot be
// sent. It looks at d alone.
func (d *Doc) check(o *Options) error {
	switch {
	case d.Op > OpIndex:
		return d.invalid("unknown operation %d", d.Op)
	case d.Index == "":
		return d.invalid("no index")
	case d.ID == "":
		return d.invalid("no id; ids must be given, or a retry would store the document twice")
	case len(d.ID) > MaxIDBytes:
		return d.invalid("id has %d bytes, Elasticsearch takes %d", len(d.ID), MaxIDBytes)
	case !utf8.ValidString(d.ID):
		// Replacing the bytes could make two ids one, and lose a document as a
		// supposed duplicate.
		return d.invalid("id is not valid UTF-8")
	case !utf8.ValidString(d.Index):
		return d.invalid("index is not valid UTF-8")
	case len(d.Body) > o.MaxDocBytes || d.charge() > o.MaxPendingBytes:
		return fmt.Errorf("%w: %s: body has %d bytes, the limit is %d",
			ErrTooLarge, d.name(), len(d.Body), min(int64(o.MaxDocBytes), o.MaxPendingBytes-docOverhead))
	}
	if i := bytes.IndexByte(d.Body, '\n'); i >= 0 {
		return d.invalid("newline in the body at byte %d; a bulk body must be one line", i)
	}
	if b := bytes.TrimSpace(d.Body); len(b) < 2 || b[0] != '{' || b[len(b)-1] != '}' {
		return d.invalid("body is not a JSON object")
	}
	if !o.TrustBodies && !validJSON(d.Body) {
		return d.invalid("body is not valid JSON")
	}
	return nil
}

func (d *Doc) invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", ErrInvalid, d.name(), fmt.Sprintf(format, args...))
}

// name is the document's coordinates for an error; quoted, as they may be odd.
func (d *Doc) name() string {
	return fmt.Sprintf("index %q id %q", clip(d.Index, 100), clip(d.ID, 100))
}
