package faults

import (
	"testing"
)

// TestFlakyServer: of all requests, the first ones included, 30 % meet a 429, a
// 503 or a broken connection, before or after they were carried out.
func TestFlakyServer(t *testing.T) {
	f := func(name string, share float64, seed uint64, which ...fault) {
		t.Run(name, func(t *testing.T) {
			server := elasticsearch(t)
			c := usual(t)
			p := newProxy(t, server.URL(), proxyOptions{decide: sometimes(share, seed, which...)})
			w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "80")
			out, stderr := w.run(exitOK, "feed", c.dir, "--json")
			s := p.stats()
			if s.faults < 5 {
				t.Errorf("only %d of %d requests met a fault", s.faults, s.requests)
			}
			t.Logf("%d of %d requests met a fault; %s", s.faults, s.requests, out)
			if r := w.report(out); r.Get("bulk.retried_docs").Int() == 0 || r.Get("bulk.undelivered").Int() != 0 {
				t.Errorf("report %s\n%s", out, stderr)
			}
			p.set(nil)
			w.complete(c)
		})
	}
	f("429, 503, reset", 0.3, 34, tooMany, unavailable, resetBefore)
	f("answers lost", 0.3, 34, resetAfter, truncated, resetBefore)
}
