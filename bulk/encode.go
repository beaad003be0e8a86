package bulk

import (
	"encoding/json"
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

// docOverhead is charged for each pending document beside its bytes: its entry
// here, its place in the map of pending ids, its action line, and the batch if
// it is alone in one (TestMemoryUnderStalledServer found 256 too little).
const docOverhead = 384

// charge is what d counts against MaxPendingBytes. It must not depend on how d
// was encoded: it is computed again when the document is settled.
func (d *Doc) charge() int64 {
	return int64(len(d.Index) + len(d.ID) + len(d.Body) + docOverhead)
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
