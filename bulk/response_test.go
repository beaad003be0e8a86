package bulk

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// TestDecisionTable: what each answer to a request means for its documents.
func TestDecisionTable(t *testing.T) {
	f := func(status int, typ, reason string, wantRequest, wantItem verdict) {
		t.Helper()
		e := &Error{Status: status, Type: typ, Reason: reason}
		if got := classifyRequest(e); got != wantRequest {
			t.Errorf("request %d %s: verdict %d, want %d", status, typ, got, wantRequest)
		}
		if got := classifyItem(e); got != wantItem {
			t.Errorf("item %d %s: verdict %d, want %d", status, typ, got, wantItem)
		}
	}
	f(200, "", "", vStored, vStored)
	f(201, "", "", vStored, vStored)
	f(409, "", "", vFatal, vDuplicate)
	for _, busy := range []int{429, 502, 503, 504} {
		f(busy, "", "", vThrottle, vThrottle)
	}
	f(500, "", "", vRetry, vRetry)
	f(413, "", "", vSplit, vRejected)
	f(400, "document_parsing_exception", "", vIsolate, vRejected)
	f(404, "index_not_found_exception", "", vFatal, vRejected)
	f(401, "security_exception", "", vFatal, vFatal)
	f(403, "security_exception", "", vFatal, vFatal)
	// Left open by the table.
	f(408, "", "", vRetry, vRetry)
	f(507, "", "", vRetry, vRetry)
	f(302, "", "", vRetry, vRetry)
	f(415, "", "", vFatal, vRejected)
	// An operator's state is no document's fault.
	f(403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/5/index read-only (api)];", vThrottle, vRetry)
	f(429, "cluster_block_exception", "disk usage exceeded flood-stage watermark", vThrottle, vThrottle)
	f(400, "index_closed_exception", "closed", vThrottle, vRetry)
	f(400, "validation_exception", "Validation Failed: 1: this action would add [2] shards, but this cluster "+
		"currently has [1000]/[1000] maximum normal shards open;", vThrottle, vRetry)
	f(400, "validation_exception", "Validation Failed: 1: type is missing;", vIsolate, vRejected)
}

func TestDecodeItems(t *testing.T) {
	f := func(body string, want ...item) {
		t.Helper()
		items := make([]item, len(want))
		for i := range want {
			items[i].op = want[i].op
		}
		if err := decodeItems([]byte(body), items); err != nil {
			t.Errorf("%s: %v", body, err)
			return
		}
		for i, it := range items {
			w := want[i]
			if it.status != w.status || (it.fault == nil) != (w.fault == nil) ||
				it.fault != nil && *it.fault != *w.fault {
				t.Errorf("%s: item %d is %+v %+v, want %+v %+v", body, i, it, it.fault, w, w.fault)
			}
		}
	}
	f(`{"items":[]}`)
	f(`{"took":1,"errors":false,"items":[{"create":{"status":201}},{"index":{"status":200}}]}`,
		item{op: OpCreate, status: 201}, item{op: OpIndex, status: 200})
	f(" {\n\"items\" : [ { \"create\" : { \"x\" : [1,{\"status\":7}], \"status\" : 400 ,\n"+
		`"error":{"type":"t\u0041","reason":"say \"}]\" \ud83d\ude00","caused_by":{"type":"no"}} } } ] , "took" : 1.5e3 } `,
		item{op: OpCreate, status: 400, fault: &Error{400, "tA", `say "}]" 😀`}})
	f(`{"items":[{"create":{"error":"old form","status":500}}]}`, item{status: 500, fault: &Error{500, "", "old form"}})
	f(`{"items":[{"create":{"status":409,"error":{"type":"version_conflict_engine_exception"}}}]}`, item{status: 409})
	f(`{"items":[{"create":{"status":400,"error":{"reason":"`+strings.Repeat("ä", 2000)+`"}}}]}`,
		item{status: 400, fault: &Error{400, "", strings.Repeat("ä", 1024)}})
}

func TestDecodeItemsRefuses(t *testing.T) {
	f := func(body string, sent int) {
		t.Helper()
		if err := decodeItems([]byte(body), make([]item, sent)); !errors.Is(err, errAnswer) {
			t.Errorf("%q for %d documents: %v, want errAnswer", body, sent, err)
		}
	}
	f(``, 0)
	f(`[]`, 0)
	f(`{}`, 0)
	f(`{"items":{}}`, 0)
	f(`{"items":[],"items":[]}`, 0)
	f(`{"items":[{"create":{"status":201}}`, 1)
	f(`{"items":[{"create":{"status":201}}]}`, 2)
	f(`{"items":[{"create":{"status":201}}]}`, 0)
	f(`{"items":[{"index":{"status":201}}]}`, 1)
	f(`{"items":[{"create":{"status":201},"create":{"status":201}}]}`, 1)
	f(`{"items":[{}]}`, 1)
	f(`{"items":[{"create":{}}]}`, 1)
	f(`{"items":[{"create":null}]}`, 1)
	f(`{"items":[null]}`, 1)
	for _, status := range []string{`"201"`, `2010`, `20`, `0`, `-1`, `99`, `600`, `2e2`, `null`} {
		f(`{"items":[{"create":{"status":`+status+`}}]}`, 1)
	}
	f(`{"items":`+strings.Repeat("[", 1<<20)+strings.Repeat("]", 1<<20)+`}`, 1) // nests too deep for recursion
}

func TestDecodeError(t *testing.T) {
	f := func(body string, want Error) {
		t.Helper()
		want.Status = 400
		if got := *decodeError(400, []byte(body)); got != want {
			t.Errorf("%q: %+v, want %+v", body, got, want)
		}
	}
	f(`{"error":{"root_cause":[{"type":"no"}],"type":"parse_exception","reason":"bad"},"status":400}`,
		Error{Type: "parse_exception", Reason: "bad"})
	f(`{"error":"short","status":400}`, Error{Reason: "short"})
	f(`<html>Authorization: ApiKey c2VjcmV0</html>`, Error{}) // a proxy may echo a secret
	f(``, Error{})
	f(`{"error":`, Error{})
}

// FuzzDecodeItems: no panic, no hang, and what is accepted is what encoding/json
// reads.
func FuzzDecodeItems(f *testing.F) {
	for _, seed := range []string{
		`{"took":1,"errors":false,"items":[{"create":{"status":201}}]}`,
		`{"items":[{"create":{"status":429,"error":{"type":"a","reason":"b\"}"}}},{"create":{"status":201}}]}`,
		`{"items":[{"create":{"x":[{}],"status":201}}]} `, `{"items":[]}`, `{}`, `{"it\u0065ms":[]}`, `nul`,
		`{"items":[{"create":{"status":201}`,
	} {
		f.Add([]byte(seed), 1)
	}
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		if n < 0 || n > 100 {
			return
		}
		items := make([]item, n)
		if decodeItems(body, items) != nil {
			return
		}
		var want struct {
			Items []map[string]struct{ Status json.Number }
		}
		if err := json.Unmarshal(body, &want); err != nil {
			// Members that we skip may have types that this struct has not.
			if !json.Valid(body) {
				t.Fatalf("accepted invalid JSON %q", body)
			}
			return
		}
		if len(want.Items) != n {
			t.Fatalf("%q: %d items, want %d", body, n, len(want.Items))
		}
		for i, it := range items {
			if it.status < 100 || it.status > 599 {
				t.Fatalf("%q: item %d has status %d", body, i, it.status)
			}
		}
	})
}
