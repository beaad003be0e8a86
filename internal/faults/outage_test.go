package faults

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// TestGivesUp: an outage longer than ES_RETRY_FOR ends the run after that time,
// and not after that time for each batch that waits. What is not delivered is
// counted and pending; a second run completes it.
func TestGivesUp(t *testing.T) {
	const (
		budget = 2 * time.Second
		// Were the batches given up one after the other, the 130 of them, two at
		// a time, would take 130 s.
		atMost = 90 * time.Second
	)
	f := func(name string, outage func(p *proxy) func(call) fault) {
		t.Run(name, func(t *testing.T) {
			server := elasticsearch(t)
			c := usual(t)
			p := newProxy(t, server.URL(), proxyOptions{})
			p.set(outage(p))
			w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "20", "ES_BULK_REQUESTS", "2",
				"ES_RETRY_FOR", budget.String())
			run := w.command("feed", c.dir, "--json")
			began := time.Now()
			out, stderr := w.wait(run.start(), exitFailed)
			took := time.Since(began)
			if took < budget || took > atMost {
				t.Errorf("it gave up after %v, ES_RETRY_FOR is %v", took, budget)
			}
			line := w.closing(stderr)
			if !strings.HasPrefix(line, "kcing: not finished: nothing was taken by Elasticsearch for ") {
				t.Errorf("it says %q", line)
			}
			finished, rejects := w.state()
			r := w.report(out)
			if pending := w.pendingIn(line); rejects != 0 || pending != c.records-finished ||
				int(r.Get("finished").Int()) != finished {
				t.Errorf("%d of %d records finished, %d rejects; it says that %d are pending: %s", finished, c.records,
					rejects, pending, out)
			}
			stored := r.Get("bulk.stored").Int()
			if n := len(c.documents); r.Get("bulk.undelivered").Int() != r.Get("bulk.added").Int()-stored ||
				stored > int64(n)/2 {
				t.Errorf("undelivered are not all but the stored: %s", out)
			}
			w.onlyFinished(finished, stored)
			p.set(nil)
			w.run(exitOK, "feed", c.dir)
			w.complete(c)
		})
	}
	f("connections break", func(*proxy) func(call) fault { return afterBulk(12, resetBefore) })
	f("one late answer", lateAnswer)
}

// onlyFinished wants no more records finished than the documents in
// Elasticsearch allow, each having one at least, and no fewer documents than are
// reported as stored. More there may be: on a slow machine the end of the run
// cancels requests that Elasticsearch carries out.
func (w *workplace) onlyFinished(finished int, stored int64) {
	w.t.Helper()
	if n := w.es.count(w.prefix); int64(n) < stored || finished > n {
		w.t.Errorf("%d documents, %d reported as stored, %d records finished", n, stored, finished)
	}
}

// afterBulk lets n bulk requests pass and no further ones.
func afterBulk(n int64, f fault) func(call) fault {
	return func(c call) fault {
		if c.bulk > n {
			return f
		}
		return none
	}
}

// lateAnswer breaks all connections after some requests, but a request that was
// sent before gets a good answer when the others have already failed: the outage
// begins for each sender at another time.
func lateAnswer(p *proxy) func(call) fault {
	var once sync.Once
	late := make(chan struct{})
	return func(c call) fault {
		switch {
		case c.bulk < 12:
			return none
		case c.bulk == 12: // waits for the first failure, and a moment
			select {
			case <-late:
			case <-p.closed:
			}
			return none
		}
		once.Do(func() {
			time.AfterFunc(500*time.Millisecond, func() { close(late) })
		})
		return resetBefore
	}
}
