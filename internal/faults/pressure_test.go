package faults

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestWriteQueueOfOne: a server with one writing thread and a queue of one
// refuses documents with 429, item by item. All get in.
func TestWriteQueueOfOne(t *testing.T) {
	server := strictElasticsearch(t)
	c := usual(t)
	p := newProxy(t, server.URL(), proxyOptions{})
	// The first requests arrive all at once.
	const atOnce = 6
	all := make(chan struct{})
	p.set(func(call call) fault {
		if call.bulk == atOnce {
			close(all)
		}
		if call.bulk > 0 {
			select {
			case <-all:
			case <-p.closed:
			}
		}
		return none
	})
	w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "200", "ES_BULK_REQUESTS", strconv.Itoa(atOnce))
	out, _ := w.run(exitOK, "feed", c.dir, "--json")
	r := w.report(out)
	if p.stats().answers["es_rejected_execution_exception"] == 0 || r.Get("bulk.retried_docs").Int() == 0 {
		t.Errorf("the queue was never full: %s", out)
	}
	if r.Get("bulk.rejected").Int() != 0 || r.Get("bulk.paused_seconds").Float() == 0 {
		t.Errorf("report %s", out)
	}
	w.complete(c)
}

// TestContentLengthLimit: a server that takes 1 MB a request answers 413 to the
// usual ones. They are cut until they fit; only a document that is larger by
// itself is rejected.
func TestContentLengthLimit(t *testing.T) {
	server := strictElasticsearch(t)
	c := usual(t)
	// All documents, 3 MB, go into one request.
	w := newWorkplace(t, server.URL(), server.URL()).with("ES_BULK_ACTIONS", "10000", "ES_BULK_INTERVAL", "5m")
	out, _ := w.run(exitOK, "feed", c.dir, "--json")
	if r := w.report(out).Get("bulk.requests"); r.Get("413").Int() < 2 || r.Get("200").Int() < 3 {
		t.Errorf("no 413: %s", out)
	}
	w.complete(c)

	boot := fmt.Sprintf(`{"id":"huge","board":"a","lab_name":"l","boot_result":"PASS","created_on":"2021-03-04 05:06:07+00:00","note":%q}`,
		strings.Repeat("x", 1<<20))
	w.writeFile("boot.json", boot)
	_, stderr := w.run(exitRejects, "feed", "boot.json", c.dir)
	if line := w.closing(stderr); !strings.Contains(line, "1 document rejected (request_entity_too_large 1)") {
		t.Errorf("it says %q", line)
	}
	w.holds(c.documents)
	if finished, rejects := w.state(); finished != c.records+1 || rejects != 1 {
		t.Errorf("%d finished, %d rejects", finished, rejects)
	}
}

// TestConflictingMapping: where an index can take none of its documents the
// index is at fault: its records are pending, nothing is rejected, and all other
// documents get in. Once the index is mended the next feed stores the rest.
func TestConflictingMapping(t *testing.T) {
	server := elasticsearch(t)
	c := usual(t)
	w := newWorkplace(t, server.URL(), server.URL())
	w.env["ES_RETRY_FOR"] = "5s"
	w.run(exitOK, "setup-es")
	index := c.index(t, "boot")
	w.es.do(http.MethodPut, "/"+w.prefix+index,
		`{"mappings":{"properties":{"board":{"type":"long","ignore_malformed":false}}}}`)
	boots := c.documents.of(index)

	_, stderr := w.run(exitFailed, "feed", c.dir, "--json")
	if line, want := w.closing(stderr), "index "+w.prefix+index+" takes no documents"; !strings.Contains(line, want) {
		t.Errorf("it says %q, want %q", line, want)
	}
	rest := documents{}
	for key, sum := range c.documents {
		if _, boot := boots[key]; !boot {
			rest[key] = sum
		}
	}
	w.holds(rest)
	if list, _ := w.run(exitOK, "rejects", "list", "--json"); list != "" {
		t.Errorf("rejects: %s", list)
	}

	w.es.do(http.MethodDelete, "/"+w.prefix+index, "")
	w.run(exitOK, "feed", c.dir)
	w.complete(c)
}

// TestBlockedForAWhile: an operator makes an index or the cluster read-only
// during a run. Elasticsearch answers 403 to each document then, as it does to
// wrong credentials and as 400 to a wrong document, but we neither stop nor
// reject: a block says nothing about the document and nothing about who sends
// it, and it ends, be it by hand or, on a full disk, by Elasticsearch itself. As
// rejects, an hour of a full disk would be a million documents to retry by hand.
// So the run waits, and goes on when the block is lifted; when that takes longer
// than ES_RETRY_FOR the records are pending.
func TestBlockedForAWhile(t *testing.T) {
	f := func(name string, block, lift func(w *workplace, c *corpus)) {
		t.Run(name, func(t *testing.T) {
			server := elasticsearch(t)
			c := usual(t)
			p := newProxy(t, server.URL(), proxyOptions{})
			w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "100")
			// Blocked once the indices are there.
			ready := make(chan struct{})
			t.Cleanup(func() { lift(w, c) })
			p.set(func(call call) fault {
				if call.bulk == 8 {
					block(w, c)
					close(ready)
				}
				return none
			})
			run := w.command("feed", c.dir, "--json").start()
			<-ready
			until(t, "it meets the block again and again", func() bool {
				if !run.running() {
					t.Fatalf("it has ended: %s", run.err.String())
				}
				return p.stats().answers["cluster_block_exception"] >= 2
			})
			lift(w, c)
			out, _ := w.wait(run, exitOK)
			if r := w.report(out); r.Get("bulk.rejected").Int() != 0 || r.Get("bulk.retried_docs").Int() == 0 {
				t.Errorf("report %s", out)
			}
			w.complete(c)
		})
	}
	index := func(value string) func(*workplace, *corpus) {
		return func(w *workplace, c *corpus) {
			w.es.try(http.MethodPut, "/"+w.prefix+c.index(w.t, "log")+"/_settings", `{"index.blocks.write":`+value+`}`)
		}
	}
	f("index", index("true"), index("null"))
	cluster := func(value string) func(*workplace, *corpus) {
		return func(w *workplace, _ *corpus) {
			w.es.try(http.MethodPut, "/_cluster/settings", `{"persistent":{"cluster.blocks.read_only":`+value+`}}`)
		}
	}
	f("cluster", cluster("true"), cluster("null"))
}

// writeFile is for records that tests make themselves.
func (w *workplace) writeFile(name, content string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
}
