package faults

import (
	"net/http"
	"testing"

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

// consistent wants all fields of the report, and sums that are right.
func (n numbers) consistent(s seen) {
	n.t.Helper()
	n.equal("records", n.get("records"), n.get("finished")+n.get("skipped")+n.get("blank")+n.sum("refused")+n.get("pending"))
	n.equal("documents with an outcome", n.get("bulk.added"),
		n.get("bulk.stored")+n.get("bulk.duplicate")+n.get("bulk.rejected")+n.get("bulk.undelivered")+n.get("bulk.pending_docs"))
	n.equal("pending at the end", n.get("bulk.pending_docs")+n.get("bulk.pending_bytes"), 0)
	if n.get("bulk.rejected") > 0 {
		n.equal("rejected by reason", n.get("bulk.rejected"), n.sum("bulk.rejected_by"))
	}
	n.equal("rejected and in the state file", n.get("bulk.rejected"), n.sum("rejected_documents"))
	n.equal("requests by class", n.sum("bulk.requests"), n.get("bulk.request_seconds.count"))
	n.equal("requests that arrived", n.sum("bulk.requests"), float64(s.bulk))
	n.equal("bytes that arrived", n.get("bulk.bytes_wire"), float64(s.bulkBytes))
	if raw, wire := n.get("bulk.bytes_raw"), n.get("bulk.bytes_wire"); wire <= 0 || wire > raw {
		n.t.Errorf("%v bytes on the wire of %v", wire, raw)
	}
	p50, p99, top := n.get("bulk.request_seconds.p50"), n.get("bulk.request_seconds.p99"), n.get("bulk.request_seconds.max")
	if p50 <= 0 || p50 > p99 || p99 > top || top > n.get("bulk.request_seconds.sum") {
		n.t.Errorf("latencies %v, %v, %v of %v s", p50, p99, top, n.get("seconds"))
	}
	n.get("bulk.retried_docs")
	n.get("bulk.paused_seconds")
	n.get("bulk.add_blocked_seconds")
	n.get("unreadable")
}

// TestReport: the numbers of feed --json are there and add up, with each kind of
// outcome in one of the runs.
func TestReport(t *testing.T) {
	server := elasticsearch(t)
	c := usual(t)
	p := newProxy(t, server.URL(), proxyOptions{})
	w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "400", "ES_COMPRESS", "true")
	w.run(exitOK, "setup-es")
	index := c.index(t, "build") // whose documents are rejected
	w.es.do(http.MethodPut, "/"+w.prefix+index, `{"mappings":{"properties":{"arch":{"type":"long","ignore_malformed":false}}}}`)
	refused := float64(len(c.documents.of(index)))

	// Some answers are lost, some requests are too many.
	p.set(func(call call) fault {
		switch call.bulk {
		case 5, 9:
			return resetAfter
		case 7, 11:
			return tooMany
		}
		return none
	})
	out, _ := w.run(exitRejects, "feed", c.dir, "--json")
	n := numbers{t, w.report(out)}
	n.consistent(p.stats())
	n.equal("documents", n.get("bulk.added"), float64(len(c.documents)))
	n.equal("documents by kind", n.sum("documents"), float64(len(c.documents)))
	n.equal("rejected", n.get("bulk.rejected_by.document_parsing_exception"), refused)
	n.equal("429", n.get("bulk.requests.429"), 2)
	n.equal("lost", n.get("bulk.requests.network"), 2)
	n.equal("finished", n.get("finished"), float64(c.records))
	n.equal("undelivered", n.get("bulk.undelivered"), 0)
	for _, path := range []string{"bulk.stored", "bulk.duplicate", "bulk.retried_docs", "bulk.paused_seconds", "bulk.requests.200"} {
		if n.get(path) <= 0 {
			t.Errorf("%s is not counted: %s", path, out)
		}
	}

	// All again, and Elasticsearch goes away: some are undelivered.
	before := p.stats()
	p.set(afterBulk(before.bulk+4, unavailable))
	w.with("KCING_DB", "second.db", "ES_RETRY_FOR", "1s")
	out, _ = w.run(exitFailed, "feed", c.dir, "--json")
	n = numbers{t, w.report(out)}
	after := p.stats()
	n.consistent(seen{bulk: after.bulk - before.bulk, bulkBytes: after.bulkBytes - before.bulkBytes})
	if n.get("bulk.undelivered") == 0 || n.get("pending") == 0 || n.get("bulk.requests.503") == 0 {
		t.Errorf("a run that failed reports %s", out)
	}
}
