package bulk

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/jsontext"
	"github.com/kcing/kcing/internal/retry"
)

// verdict is what an answer means for the documents it is about.
type verdict uint8

const (
	vStored verdict = iota // of an item; of a request: look at its items
	vDuplicate
	vRejected
	vRetry    // may be sent again, after a pause of its own
	vThrottle // the same, and all senders pause
	vSplit    // send in halves
	vIsolate  // send in halves to find the document that is wrong
	vFatal
)

// classifyRequest and classifyItem are the decision table. What the table
// leaves open goes to the side that loses nothing: retry.
//
// An operator's state (see blocked) is never a reason to reject a document, and
// never Fatal either: the operator who made an index read-only for a snapshot or
// a shrink makes it writable again. It is retried within the time budget.
func classifyRequest(e *Error) verdict {
	switch s := e.Status; {
	case s >= 200 && s < 300:
		return vStored
	case blocked(e):
		return vThrottle // The whole cluster is blocked, as after a restart.
	case retry.Busy(s):
		return vThrottle
	case s == http.StatusRequestEntityTooLarge:
		return vSplit
	case s == http.StatusBadRequest:
		return vIsolate
	case s == http.StatusRequestTimeout:
		return vRetry
	case s >= 400 && s < 500: // 401, 403, 404; and 405, 406, 415…, which no document causes.
		return vFatal
	}
	return vRetry
}

func classifyItem(e *Error) verdict {
	switch s := e.Status; {
	case s == http.StatusOK || s == http.StatusCreated:
		return vStored
	case s == http.StatusConflict:
		return vDuplicate
	case blocked(e):
		// Not vThrottle: one blocked index must not slow the others down.
		return vRetry
	case retry.Busy(s):
		return vThrottle
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return vFatal
	case s == http.StatusRequestTimeout:
		return vRetry
	case s >= 400 && s < 500:
		return vRejected
	}
	return vRetry
}

// blocked reports an error that describes the state in which an operator, or the
// disk, has put an index or the cluster, not the document:
//   - cluster_block_exception, 403: index.blocks.write or .read_only,
//     cluster.blocks.read_only (flood stage comes as 429 and needs no help here)
//   - index_closed_exception, 400
//   - validation_exception, 400: no room for the shards of a new index
//     (cluster.max_shards_per_node; ShardLimitValidator)
func blocked(e *Error) bool {
	switch e.Type {
	case "cluster_block_exception":
		return e.Status == http.StatusForbidden
	case "index_closed_exception":
		return true
	case "validation_exception", "illegal_argument_exception":
		return strings.Contains(e.Reason, "this action would add [") && strings.Contains(e.Reason, "shards")
	}
	return false
}

// item is one element of "items". The caller sets op, decodeItems the rest.
type item struct {
	op     Op
	status int
	fault  *Error // nil unless the item has an error
}

// errAnswer marks an answer from which the outcomes cannot be read, although its
// status says success: cut short, filtered, or not from Elasticsearch. What it
// was about may or may not be stored.
var errAnswer = errors.New("unusable answer")

// decodeItems reads the answer to a bulk request into items. It fails unless
// there is exactly one element for each, with the action that was sent and a
// status. Other members are ignored.
func decodeItems(body []byte, items []item) error {
	if !validJSON(body) {
		return fmt.Errorf("%w: not valid JSON (%d bytes)", errAnswer, len(body))
	}
	w := jsontext.Walker{B: body}
	if w.Space() != '{' {
		return fmt.Errorf("%w: not an object", errAnswer)
	}
	found := false
	for more := w.Open(); more; more = w.Next() {
		if string(w.Key()) != "items" {
			w.Skip()
			continue
		}
		if found {
			return fmt.Errorf("%w: items twice", errAnswer)
		}
		found = true
		if err := decodeList(&w, items); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%w: no items", errAnswer)
	}
	return nil
}

// decodeList reads the list of items at w.
func decodeList(w *jsontext.Walker, items []item) error {
	if w.Space() != '[' {
		return fmt.Errorf("%w: items is not a list", errAnswer)
	}
	n := 0
	for more := w.Open(); more; more = w.Next() {
		if n == len(items) {
			return fmt.Errorf("%w: more than the %d items sent", errAnswer, n)
		}
		if err := decodeItem(w, &items[n]); err != nil {
			return fmt.Errorf("item %d: %w", n, err)
		}
		n++
	}
	if n < len(items) {
		return fmt.Errorf("%w: %d items for %d sent", errAnswer, n, len(items))
	}
	return nil
}

// statusOf reads a status of three digits; 0: it is none.
func statusOf(b []byte) (status int) {
	if len(b) != 3 || b[0] < '1' || b[0] > '5' {
		return 0
	}
	for _, digit := range b {
		if digit < '0' || digit > '9' {
			return 0
		}
		status = 10*status + int(digit-'0')
	}
	return status
}

// decodeItem reads {"create":{"status":429,"error":{"type":…,"reason":…}}}.
func decodeItem(w *jsontext.Walker, it *item) error {
	if w.Space() != '{' {
		return fmt.Errorf("%w: not an object", errAnswer)
	}
	it.status, it.fault = 0, nil
	actions := 0
	var failure []byte
	for more := w.Open(); more; more = w.Next() {
		if key := w.Key(); string(key) != it.op.String() {
			return fmt.Errorf("%w: action %q for %q", errAnswer, clip(string(key), 20), it.op)
		}
		if actions++; actions > 1 || w.Space() != '{' {
			return fmt.Errorf("%w: not one action", errAnswer)
		}
		for more := w.Open(); more; more = w.Next() {
			switch string(w.Key()) {
			case "status":
				it.status = statusOf(w.Skip())
			case "error":
				failure = w.Skip()
			default:
				w.Skip()
			}
		}
	}
	if it.status == 0 {
		return fmt.Errorf("%w: no status", errAnswer)
	}
	// What a duplicate conflicts with is of no use, and on a second run every
	// document is one.
	if failure != nil && it.status != http.StatusConflict {
		it.fault = faultOf(it.status, gjson.ParseBytes(failure))
	}
	return nil
}

// decodeError reads the body of a refused request. Proxies answer anything, so
// whatever is not Elasticsearch's form gives the status alone.
func decodeError(status int, body []byte) *Error {
	e := &Error{Status: status}
	if validJSON(body) {
		e = faultOf(status, gjson.GetBytes(body, "error"))
	}
	return e
}

// faultOf copies what it keeps: the answer's buffer is used again.
func faultOf(status int, v gjson.Result) *Error {
	e := &Error{Status: status}
	if v.IsObject() {
		e.Type, e.Reason = v.Get("type").String(), v.Get("reason").String()
	} else {
		e.Reason = v.String()
	}
	e.Type = strings.Clone(clip(e.Type, 200))
	e.Reason = strings.ToValidUTF8(strings.Clone(clip(e.Reason, 2<<10)), "\uFFFD")
	return e
}
