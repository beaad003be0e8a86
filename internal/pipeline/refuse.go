package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// refuse puts a whole record among the rejects. key is zero for one that could not
// be parsed.
func (r *run) refuse(it *item, key state.Key, why error) {
	src := it.source
	src.Received = it.received
	reject := Refusal(src, it.record, why)
	if src.RejectID != "" {
		reject.ID = src.RejectID
	}
	r.notices.write(slog.LevelWarn, "record refused", "source", src.Name, "kind", reject.Kind, "reason", reject.Reason)
	settled := source.Settled{
		Outcome: source.Refused, Kind: key.Kind, Key: key.ID, Type: reject.Type, Reason: reject.Reason,
	}
	if r.committer == nil {
		r.settled(src.Ack, settled)
		return
	}
	r.committer.add(commit{rejects: []state.Reject{reject}, ack: src.Ack, settled: &settled})
}

// isNotFinished tells the refusal of a job that is still running. Its record is left
// out and not among the rejects: nothing is lost.
func isNotFinished(err error) bool {
	var refused *transform.RefusedError
	return errors.As(err, &refused) && refused.Type == transform.TypeNotFinished
}

// Refusal is what is kept of a whole record that is refused because of why: its
// bytes without secrets, and the reason. rec is what could be parsed of it; its
// Kind and Key may be empty.
func Refusal(src source.Record, rec *transform.Record, why error) state.Reject {
	kind, key := recordKind(src, rec), ""
	if src.Err == nil {
		key = rec.Key
	}
	class, reason := Reason(why)
	body := transform.Redact(src.Payload)
	return state.Reject{
		ID: rejectID(body, kind,
			src.Name), Kind: kind, Key: key, Source: src.Name, Lab: src.Lab, NodeID: src.NodeID, Received: src.Received,
		Type: class, Reason: reason, Attempts: 1, Body: body,
		Truncated: src.Size > int64(len(src.Payload)) || src.Size < 0, Size: max(src.Size, int64(len(body))),
	}
}

// recordKind is what a refused record is, as far as that is known.
func recordKind(src source.Record, rec *transform.Record) string {
	if src.Err == nil && rec.Kind != "" {
		return string(rec.Kind)
	}
	return src.Kind
}

// Reason gives a refusal's short type, to count by, and its sentence.
func Reason(err error) (class, sentence string) {
	var refused *transform.RefusedError
	var damaged *source.GzipError
	var lost *lostError
	var conflict conflictError
	switch {
	case errors.As(err, &conflict):
		return TypeConflict, conflict.Error()
	case errors.As(err, &lost):
		return lost.class, lost.Error()
	case errors.As(err, &refused):
		return refused.Type, refused.Error()
	case errors.Is(err, source.ErrTooLarge):
		return "too_large", err.Error()
	case errors.As(err, &damaged):
		return "bad_gzip", err.Error()
	case isPanic(err):
		return "internal_error", err.Error()
	}
	return "unreadable", err.Error()
}

// rejectID is short enough to type and the same for the same refusal, so that
// it is listed once however often the record comes.
func rejectID(body []byte, parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		_, _ = io.WriteString(h, p)
		_, _ = h.Write([]byte{0})
	}
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil)[:6])
}

// panicError is a fault of kcing's that a record has brought to light.
type panicError struct{ value any }

func (e *panicError) Error() string {
	return fmt.Sprintf("kcing cannot read this record because of a fault of its own (%v); please report it", e.value)
}

func isPanic(err error) bool {
	var p *panicError
	return errors.As(err, &p)
}

// guard turns a panic of fn into an error. It is the last resort: without it one
// odd record would end each run at the same place, and the records behind it
// would never be fed.
func guard(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v}
		}
	}()
	return fn()
}
