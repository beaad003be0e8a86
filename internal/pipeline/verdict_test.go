package pipeline

import (
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

// Three callbacks of one job: its boot alone, all of it, and all of it in other words.
const (
	bootAlone = `{"id":7,"lab_name":"lab","status":3,"status_string":"incomplete","start_time":"2025-11-18 23:59:00","definition":"device_type: qemu\n"}`
	whole     = `{"id":7,"lab_name":"lab","status":2,"status_string":"complete","start_time":"2025-11-18 23:59:00","end_time":"2025-11-19 00:10:00",` +
		`"definition":"device_type: qemu\n","results":{"lava":"- {name: job, result: pass, id: '5'}\n"},"log":"- {dt: '2025-11-19T00:00:00', lvl: target, msg: one}\n"}`
)

var inOtherWords = strings.Replace(whole, "one", "two", 1)

// What is kept of a refused record includes the node that it was posted for,
// without which it would be another record.
func TestRetryKeepsNode(t *testing.T) {
	e, l := &elastic{}, newLedger()
	post := func(payload string) source.Record {
		r := record("post", strings.Replace(payload, `"lab_name":"lab",`, "", 1))
		r.NodeID = "6b00989341dcea75e5d60010"
		return r
	}
	mustFeed(t, slice{post(whole)}, config(e, l))
	r := mustFeed(t, slice{post(inOtherWords)}, config(e, l))
	equal(t, "in conflict", r.Refused[TypeConflict], 1)
	c := config(e, l)
	c.Force = true
	accepted, err := Retry(t.Context(), l, l.ids(), 1<<20, c)
	if err != nil || accepted != 1 {
		t.Errorf("%d accepted, %v: %+v", accepted, err, l.listed())
	}
	if _, ok := l.finished[state.Key{Kind: "lava", ID: "node/6b00989341dcea75e5d60010"}]; !ok || e.count() != 3 {
		t.Errorf("%v", e.docs())
	}
}
