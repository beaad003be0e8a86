package bulk

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// realES returns the URL of a running Elasticsearch and a fresh index prefix,
// whose indices are deleted at the end.
func realES(t *testing.T) (url, prefix string) {
	t.Helper()
	url = os.Getenv("ELASTICSEARCH_URL")
	if url == "" {
		t.Skip("ELASTICSEARCH_URL is not set")
	}
	prefix = fmt.Sprintf("bulk-test-%d-", time.Now().UnixNano())
	return url, prefix
}

// es sends one request.
func es(t *testing.T, method, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	out, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode > 299 {
		t.Fatalf("%s %s: %d %s %v", method, url, res.StatusCode, out, err)
	}
}

// TestRealElasticsearch checks against the real thing what the decision table
// takes for granted: which status and type each state of an index gives.
func TestRealElasticsearch(t *testing.T) {
	url, prefix := realES(t)
	index := func(name string, settings string) string {
		es(t, "PUT", url+"/"+prefix+name,
			`{"mappings":{"properties":{"n":{"type":"long"}}},"settings":{"number_of_replicas":0`+settings+`}}`)
		t.Cleanup(func() { es(t, "DELETE", url+"/"+prefix+name, "") })
		return prefix + name
	}
	open, readOnly, noWrite, closed := index("open", ""), index("readonly", ""), index("nowrite", ""),
		index("closed", "")
	es(t, "PUT", url+"/"+readOnly+"/_settings", `{"index.blocks.read_only":true}`)
	es(t, "PUT", url+"/"+noWrite+"/_settings", `{"index.blocks.write":true}`)
	es(t, "POST", url+"/"+closed+"/_close", "")
	t.Cleanup(func() { es(t, "PUT", url+"/"+readOnly+"/_settings", `{"index.blocks.read_only":null}`) })

	var got results
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	ix := mustNew(t, client(t, tr, url), got.add, Options{RetryFor: time.Second, BackoffBase: 50 * time.Millisecond,
		Compress: true})
	odd := "\a\x7f\"\\<>&\u2028ü\n"
	mustAdd(t, ix,
		Doc{Index: open, ID: odd, Body: []byte(`{"n":1}`), Tag: "stored"},
		Doc{Index: open, ID: strings.Repeat("x", MaxIDBytes), Body: []byte(`{"n":1}`), Tag: "stored"},
		Doc{Index: open, ID: "conflict", Body: []byte(`{"n":"no number"}`), Tag: "rejected"},
		Doc{Index: open, ID: "replaced", Op: OpIndex, Body: []byte(`{"n":1}`), Tag: "stored"},
		Doc{Index: prefix + "Upper", ID: "1", Body: []byte(`{"n":1}`), Tag: "undelivered"},
		Doc{Index: readOnly, ID: "1", Body: []byte(`{"n":1}`), Tag: "undelivered"},
		Doc{Index: noWrite, ID: "1", Body: []byte(`{"n":1}`), Tag: "undelivered"},
		Doc{Index: closed, ID: "1", Body: []byte(`{"n":1}`), Tag: "undelivered"},
		Doc{Index: open, ID: odd, Body: []byte(`{"n":2}`), Tag: "duplicate"},
		Doc{Index: open, ID: "replaced", Op: OpIndex, Body: []byte(`{"n":2}`), Tag: "stored"},
	)
	err := ix.Close(t.Context())
	t.Logf("Close: %v", err)
	if s := ix.Stats(); s.Added != int64(len(got.all)) || s.PendingDocs != 0 {
		t.Errorf("%d outcomes, stats %+v", len(got.all), s)
	}
	for _, r := range got.all {
		t.Logf("%s %q: %v %d %s %s", r.Doc.Index, clip(r.Doc.ID, 20), r.Outcome, r.Status, r.Type, clip(r.Reason, 120))
		if r.Outcome.String() != r.Doc.Tag {
			t.Errorf("%s %q is %v, want %v: %v", r.Doc.Index, r.Doc.ID, r.Outcome, r.Doc.Tag, r.Err)
		}
	}
}
