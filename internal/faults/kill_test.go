//go:build faults

package faults

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestElasticsearchKilled: Elasticsearch dies three times during one run, and
// comes back on the same data. The run waits, goes on, and ends well.
func TestElasticsearchKilled(t *testing.T) {
	server := elasticsearch(t)
	c := synthetic(t, 60, "demo")
	w := newWorkplace(t, server.URL(), server.URL()).with("ES_BULK_ACTIONS", "50", "ES_BULK_REQUESTS", "1")
	p := w.command("feed", c.dir, "--json").start()
	for i := range 3 {
		killWhileRunning(w, p, len(c.documents)*(1+2*i)/8)
		outage := time.Duration(0)
		if long && i == 0 {
			outage = 20 * time.Second
		}
		restart(t, outage)
	}
	out, _ := w.wait(p, exitOK)
	if r := w.report(out); r.Get("bulk.requests.network").Int() < 3 || r.Get("bulk.paused_seconds").Float() == 0 || r.Get("bulk.rejected").Int() != 0 {
		t.Errorf("report of a run with three outages: %s", out)
	}
	w.complete(c)
}

// killWhileRunning kills Elasticsearch when it has at least n documents, while
// kcing is busy.
func killWhileRunning(w *workplace, p *process, n int) {
	w.t.Helper()
	until(w.t, "documents arrive", func() bool {
		if !p.running() {
			w.t.Fatalf("the run has ended too early: %s", p.err.String())
		}
		return w.es.count(w.prefix) >= n
	})
	equipment.server.Kill()
}

// restart starts Elasticsearch again, at the earliest after the outage.
func restart(t *testing.T, outage time.Duration) {
	t.Helper()
	if outage > 0 {
		<-time.After(outage)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := equipment.server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
}

// TestKcingKilled: kcing dies at random moments of many runs. The runs after
// them finish what they have begun.
func TestKcingKilled(t *testing.T) {
	times := 8
	if long {
		times = 50
	}
	server := elasticsearch(t)
	c := synthetic(t, 60, "demo")
	for died := 0; died < times; {
		p := newProxy(t, server.URL(), proxyOptions{})
		w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "150", "ES_BULK_REQUESTS", "2")
		for range min(10, times) { // more often, and the last ones have nothing left to do
			if killOnce(w, p, c) {
				died++
			}
		}
		p.set(nil)
		w.run(exitOK, "feed", c.dir)
		w.complete(c)
		t.Logf("%d kills", died)
	}
}

// killOnce runs kcing and kills it while its n-th bulk request is on the way to
// Elasticsearch, or some time after.
func killOnce(w *workplace, p *proxy, c *corpus) bool {
	w.t.Helper()
	requests := int64(len(c.documents) / 150)
	begun := p.stats().bulk
	at, delay := begun+1+rand.Int64N(requests/3), time.Duration(rand.Int64N(int64(400*time.Millisecond)))
	if rand.IntN(3) == 0 {
		delay = 0
	}
	var once sync.Once
	run := w.command("feed", c.dir)
	ready := make(chan struct{})
	p.set(func(call call) fault {
		if call.bulk >= at {
			once.Do(func() {
				<-ready
				if delay == 0 {
					run.kill()
				} else {
					time.AfterFunc(delay, run.kill)
				}
			})
		}
		return none
	})
	run.start()
	close(ready)
	code := run.code()
	if code != killed && code != exitOK {
		w.t.Fatalf("a run ended by itself with %d: %s", code, run.err.String())
	}
	return code == killed
}

// TestKillsOfBoth: kills of kcing and of Elasticsearch, now one, now both, on
// the way to the end.
func TestKillsOfBoth(t *testing.T) {
	records, ofServer := 60, 1
	if long {
		records, ofServer = 400, 3
	}
	server := elasticsearch(t)
	c := synthetic(t, records, "demo")
	p := newProxy(t, server.URL(), proxyOptions{})
	w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "250", "ES_BULK_REQUESTS", "2")
	for range ofServer {
		killOnce(w, p, c)
		killBoth(w, p, c)
	}
	for range 2 {
		killOnce(w, p, c)
	}
	p.set(nil)
	w.run(exitOK, "feed", c.dir)
	w.complete(c)
}

// killBoth kills Elasticsearch while it works on a bulk request, then kcing,
// which waits for it.
func killBoth(w *workplace, p *proxy, c *corpus) {
	w.t.Helper()
	dead := make(chan struct{})
	var once sync.Once
	p.set(func(call call) fault {
		if call.bulk > 0 {
			once.Do(func() {
				go func() { // meanwhile the request goes on to Elasticsearch
					defer close(dead)
					equipment.server.Kill()
				}()
			})
		}
		return none
	})
	run := w.command("feed", c.dir).start()
	select {
	case <-dead:
	case <-run.ended:
		w.t.Fatalf("the run has ended too early: %s", run.err.String())
	case <-time.After(patience):
		w.t.Fatal("kcing sends nothing")
	}
	failed := p.stats().bulk
	until(w.t, "kcing tries again", func() bool { return p.stats().bulk > failed || !run.running() })
	run.kill()
	if code := run.code(); code != killed {
		w.t.Fatalf("a run without Elasticsearch ended with %d: %s", code, run.err.String())
	}
	restart(w.t, 0)
}
