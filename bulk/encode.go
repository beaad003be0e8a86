package bulk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/jsontext"
)

// appendDoc appends the two lines of d: action and body. start of the body is
// returned so that the caller can find it again.
func appendDoc(dst []byte, d *Doc) (out []byte, body int) {
	dst = append(dst, actionPrefix[d.Op]...)
	dst = jsontext.AppendString(dst, d.Index)
	dst = append(dst, `,"_id":`...)
	dst = jsontext.AppendString(dst, d.ID)
	dst = append(dst, "}}\n"...)
	body = len(dst)
	dst = append(dst, d.Body...)
	return append(dst, '\n'), body
}

var actionPrefix = [...]string{
	OpCreate: `{"create":{"_index":`,
	OpIndex:  `{"index":{"_index":`,
}

// size is what appendDoc appends for d, leaving out escapes (they are rare, and
// the payload grows when needed).
func (d *Doc) size() int {
	return len(`{"create":{"_index":"","_id":""}}`) + 2 + len(d.Index) + len(d.ID) + len(d.Body)
}

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

// validJSON reports whether b is one JSON value. gjson is three times faster but
// recurses without limit, and a goroutine stack of 1 GB is a crash that nothing
// can recover from; so it gets only what cannot nest that deep.
func validJSON(b []byte) bool {
	if len(b) > 64<<10 {
		return json.Valid(b)
	}
	return gjson.ValidBytes(b)
}

// clip cuts s to at most n bytes, between runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
