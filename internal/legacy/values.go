package legacy

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
)

// objectID is a MongoDB id: {"$oid": "…"} or the text alone.
type objectID string

// UnmarshalJSON implements [json.Unmarshaler]. What is no id becomes empty.
func (id *objectID) UnmarshalJSON(b []byte) error {
	var wrapped struct {
		OID string `json:"$oid"`
	}
	*id = ""
	if json.Unmarshal(b, &wrapped) == nil {
		*id = objectID(wrapped.OID)
		return nil
	}
	var text string
	if json.Unmarshal(b, &text) == nil {
		*id = objectID(text)
	}
	return nil
}

// timestamp is a MongoDB date: {"$date": milliseconds or text}, or text alone.
type timestamp time.Time

// UnmarshalJSON implements [json.Unmarshaler]. What is no date becomes zero.
func (t *timestamp) UnmarshalJSON(b []byte) error {
	*t = timestamp{}
	var wrapped struct {
		Date json.RawMessage `json:"$date"`
	}
	if json.Unmarshal(b, &wrapped) == nil && len(wrapped.Date) > 0 {
		b = wrapped.Date
	}
	var ms int64
	if json.Unmarshal(bytes.TrimSpace(b), &ms) == nil && ms > 0 {
		*t = timestamp(time.UnixMilli(ms).UTC())
		return nil
	}
	var text string
	if json.Unmarshal(b, &text) != nil {
		return nil
	}
	text = strings.Replace(text, " ", "T", 1)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			*t = timestamp(at.UTC())
			return nil
		}
	}
	return nil
}
