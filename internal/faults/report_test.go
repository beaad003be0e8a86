package faults

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
)

// numbers reads a report; a field that is missing fails the test.
type numbers struct {
	t *testing.T
	r gjson.Result
}

func (n numbers) get(path string) float64 {
	n.t.Helper()
	v := n.r.Get(path)
	if v.Type != gjson.Number {
		n.t.Errorf("no number %s in the report", path)
	}
	return v.Float()
}

// sum adds up the values of an object.
func (n numbers) sum(path string) (total float64) {
	n.t.Helper()
	v := n.r.Get(path)
	if !v.IsObject() {
		n.t.Errorf("no object %s in the report", path)
	}
	v.ForEach(func(_, value gjson.Result) bool {
		total += value.Float()
		return true
	})
	return total
}

func (n numbers) equal(what string, a, b float64) {
	n.t.Helper()
	if a != b {
		n.t.Errorf("%s: %v and %v\n%s", what, a, b, n.r.Raw)
	}
}

// object reads one whose values are numbers.
func (n numbers) object(path string) map[string]int64 {
	n.t.Helper()
	out := map[string]int64{}
	n.sum(path) // it is there
	n.r.Get(path).ForEach(func(key, value gjson.Result) bool {
		out[key.String()] = value.Int()
		return true
	})
	return out
}

// consistent wants all fields of the report, and sums that are right.
func (n numbers) consistent() {
	n.t.Helper()
	n.equal("records", n.get("records"), n.get("finished")+n.get("skipped")+n.get("blank")+n.sum("refused")+n.get("pending"))
	n.equal("documents with an outcome", n.get("bulk.added"),
		n.get("bulk.stored")+n.get("bulk.duplicate")+n.get("bulk.rejected")+n.get("bulk.undelivered")+n.get("bulk.pending_docs"))
	n.equal("pending at the end", n.get("bulk.pending_docs")+n.get("bulk.pending_bytes"), 0)
	n.equal("rejected and in the state file", n.get("bulk.rejected"), n.sum("rejected_documents"))
	n.equal("requests by class", n.sum("bulk.requests"), n.get("bulk.request_seconds.count"))
	if top := n.get("bulk.request_seconds.max"); top <= 0 || top > n.get("bulk.request_seconds.sum") ||
		top > n.get("seconds") {
		n.t.Errorf("the longest request took %v s of %v s", top, n.get("seconds"))
	}
	if paused := n.get("bulk.paused_seconds"); paused < 0 || paused > n.get("seconds") {
		n.t.Errorf("paused %v of %v s", paused, n.get("seconds"))
	}
	n.get("bulk.add_blocked_seconds")
	n.get("unreadable")
}

// same wants the numbers that the server has counted. It is for runs in which
// each request got an answer or a broken connection.
func (n numbers) same(seen *counts) {
	n.t.Helper()
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if got := n.object("bulk.requests"); !maps.Equal(got, seen.requests) {
		n.t.Errorf("requests %v, the server counted %v", got, seen.requests)
	}
	// A document that is refused before its index took anything is sent again.
	for reason, got := range n.object("bulk.rejected_by") {
		if seen.rejected[reason] < got {
			n.t.Errorf("%d documents rejected for %s, the server counted %d", got, reason, seen.rejected[reason])
		}
	}
	n.equal("stored", n.get("bulk.stored"), float64(seen.stored))
	n.equal("duplicate", n.get("bulk.duplicate"), float64(seen.duplicate))
	n.equal("documents sent, the first time and again", n.get("bulk.added")+n.get("bulk.retried_docs"),
		float64(seen.documents))
	n.equal("bytes_raw", n.get("bulk.bytes_raw"), float64(seen.raw))
	n.equal("bytes_wire", n.get("bulk.bytes_wire"), float64(seen.wire))
	// kcing's clock runs longer for each request.
	if got, least := n.get("bulk.request_seconds.max"), seen.longest.Seconds(); got < least {
		n.t.Errorf("the longest request took %v s, on the server %v s", got, least)
	}
}

// TestReport: the numbers of feed --json are those that the server counts, with
// each kind of outcome in one of the runs.
func TestReport(t *testing.T) {
	server := elasticsearch(t)
	c := usual(t)
	seen := newCounts(t)
	p := newProxy(t, server.URL(), proxyOptions{counts: seen})
	w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "100", "ES_COMPRESS", "true")
	w.run(exitOK, "setup-es")
	index := c.index(t, "build") // whose documents are rejected
	w.es.do(http.MethodPut, "/"+w.prefix+index,
		`{"mappings":{"properties":{"arch":{"type":"long","ignore_malformed":false}}}}`)
	refused := float64(len(c.documents.of(index)))
	// One gets in: an index that takes nothing at all would be waited for.
	day := strings.ReplaceAll(strings.TrimPrefix(index, "build-"), ".", "-")
	w.writeFile("fellow.json", `{"id":"fellow","build_result":"PASS","created_on":"`+day+` 01:02:03+00:00"}`)

	// Some answers are lost, some requests are too many, one takes its time.
	p.set(func(call call) fault {
		switch call.bulk {
		case 5, 9:
			return resetAfter
		case 7, 11:
			return tooMany
		case 13:
			<-time.After(400 * time.Millisecond)
		}
		return none
	})
	out, _ := w.run(exitRejects, "feed", "fellow.json", c.dir, "--json")
	n := numbers{t, w.report(out)}
	n.consistent()
	n.same(seen)
	n.equal("documents", n.get("bulk.added"), float64(len(c.documents)+1))
	n.equal("documents by kind", n.sum("documents"), float64(len(c.documents)+1))
	n.equal("rejected", n.get("bulk.rejected_by.document_parsing_exception"), refused)
	n.equal("429", n.get("bulk.requests.429"), 2)
	n.equal("lost", n.get("bulk.requests.network"), 2)
	n.equal("finished", n.get("finished"), float64(c.records+1))
	n.equal("undelivered", n.get("bulk.undelivered"), 0)
	for _, path := range []string{"bulk.stored", "bulk.duplicate", "bulk.retried_docs"} {
		if n.get(path) <= 0 {
			t.Errorf("%s is not counted: %s", path, out)
		}
	}
	if raw, wire := n.get("bulk.bytes_raw"), n.get("bulk.bytes_wire"); wire >= raw/5 {
		t.Errorf("%v bytes on the wire of %v", wire, raw)
	}
	// A 429 says to come again in a second.
	if paused := n.get("bulk.paused_seconds"); paused < 1 {
		t.Errorf("paused %v s, want 1 at least", paused)
	}
	if top := n.get("bulk.request_seconds.max"); top < 0.4 {
		t.Errorf("the longest request took %v s, want 0.4 at least", top)
	}
}

// TestReportOfFailure: the same when Elasticsearch goes away.
func TestReportOfFailure(t *testing.T) {
	server := elasticsearch(t)
	c := usual(t)
	seen := newCounts(t)
	p := newProxy(t, server.URL(), proxyOptions{counts: seen})
	p.set(afterBulk(10, unavailable))
	w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "100", "ES_RETRY_FOR", "1s")
	out, _ := w.run(exitFailed, "feed", c.dir, "--json")
	n := numbers{t, w.report(out)}
	n.consistent()
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if n.get("pending") == 0 || n.get("bulk.undelivered") == 0 {
		t.Errorf("a run that failed reports %s", out)
	}
	// A request may have been cancelled when it was on its way, or answered.
	got, cancelled := n.object("bulk.requests"), n.r.Get("bulk.requests.cancelled").Int()
	if stored := n.get("bulk.stored"); stored > float64(seen.stored) ||
		cancelled == 0 && stored < float64(seen.stored) {
		t.Errorf("%v documents stored, the server counted %d", stored, seen.stored)
	}
	for _, class := range []string{"200", "503"} {
		if got[class] == 0 || got[class] > seen.requests[class] || got[class]+cancelled < seen.requests[class] {
			t.Errorf("%d requests answered %s, %d cancelled; the server counted %v", got[class], class, cancelled,
				seen.requests)
		}
	}
	if n.get("bulk.bytes_raw") < float64(seen.raw) || n.get("bulk.bytes_raw") != n.get("bulk.bytes_wire") {
		t.Errorf("%v bytes raw, %v on the wire; the server counted %d", n.get("bulk.bytes_raw"),
			n.get("bulk.bytes_wire"), seen.raw)
	}
	if paused := n.get("bulk.paused_seconds"); paused < 1 {
		t.Errorf("paused %v s, want 1 at least", paused)
	}
}
