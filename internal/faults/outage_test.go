//go:build faults

package faults

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// TestGivesUp: an outage longer than ES_RETRY_FOR ends the run after about that
// time, not after that time for each batch. What is not delivered is counted
// and pending; a second run completes it.
func TestGivesUp(t *testing.T) {
	const patience = 4 * time.Second
	f := func(name string, outage func(p *proxy) func(call) fault) {
		t.Run(name, func(t *testing.T) {
			server := elasticsearch(t)
			c := synthetic(t, 60, "demo")
			p := newProxy(t, server.URL(), proxyOptions{})
			p.set(outage(p))
			w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "100", "ES_RETRY_FOR", patience.String())
			run := w.command("feed", c.dir, "--json")
			began := time.Now()
			out, stderr := w.wait(run.start(), exitFailed)
			took := time.Since(began)
			t.Logf("%v: %s", took, stderr)
			if took < patience || took > patience+slack {
				t.Errorf("it gave up after %v, ES_RETRY_FOR is %v", took, patience)
			}
			line := w.closing(stderr)
			if !strings.HasPrefix(line, "kcing: not finished: ") {
				t.Errorf("it says %q", line)
			}
			finished, rejects := w.state()
			r := w.report(out)
			if pending := w.pendingIn(line); rejects != 0 || pending != c.records-finished || int(r.Get("finished").Int()) != finished {
				t.Errorf("%d of %d records finished, %d rejects; it says that %d are pending: %s", finished, c.records, rejects, pending, out)
			}
			if r.Get("bulk.undelivered").Int() == 0 {
				t.Errorf("nothing undelivered: %s", out)
			}
			p.set(nil)
			w.run(exitOK, "feed", c.dir)
			w.complete(c)
		})
	}
	f("connections break", func(*proxy) func(call) fault { return afterBulk(12, resetBefore) })
	f("answers 503", func(*proxy) func(call) fault { return afterBulk(12, unavailable) })
	f("one late answer", lateAnswer)
}

// slack is for a loaded machine, and for the time before the outage.
const slack = 5 * time.Second

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
// sent before gets a good answer a moment after the first one broke: the outage
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
