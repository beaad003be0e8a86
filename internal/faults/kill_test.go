package faults

import (
	"context"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

// chance decides when processes are killed. The seed is in the test's log;
// KCING_FAULTS_SEED=N repeats its choices, as far as the machine does.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv("KCING_FAULTS_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("KCING_FAULTS_SEED: %v", err)
		}
	}
	t.Logf("KCING_FAULTS_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestKcingKilled: kcing dies at random moments of many runs. The runs after
// them finish what they have begun.
func TestKcingKilled(t *testing.T) {
	times := 5
	if long {
		times = 50
	}
	server := elasticsearch(t)
	c := usual(t)
	random := chance(t)
	for died := 0; died < times; {
		p := newProxy(t, server.URL(), proxyOptions{})
		w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", "50", "ES_BULK_REQUESTS", "2")
		for range min(10, times-died) { // more often, and the last ones have nothing left to do
			// Half of them with requests under way, the others some time later.
			at, delay := 1+random.Int64N(16), time.Duration(random.Int64N(int64(200*time.Millisecond)))
			if random.IntN(2) == 0 {
				delay = 0
			}
			if killOnce(w, p, c, at, delay) {
				died++
			}
		}
		w.run(exitOK, "feed", c.dir)
		w.complete(c)
		t.Logf("%d kills", died)
	}
}

// killOnce runs kcing and kills it while its n-th bulk request is on the way to
// Elasticsearch, or some time after. It reports whether that was in time.
func killOnce(w *workplace, p *proxy, c *corpus, n int64, delay time.Duration) bool {
	w.t.Helper()
	at := p.stats().bulk + n
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
	p.set(nil)
	if code != killed && code != exitOK {
		w.t.Fatalf("a run ended by itself with %d: %s", code, run.err.String())
	}
	return code == killed
}

// TestKillsOfBoth: five kills of kcing and three of Elasticsearch before all is
// in. At first one of them dies, or both; in the last run only Elasticsearch
// does, twice, and that run waits for it, goes on, and ends well.
func TestKillsOfBoth(t *testing.T) {
	server := elasticsearch(t)
	c, actions := usual(t), "40"
	if long {
		c, actions = synthetic(t, 400, "demo"), "800"
	}
	random := chance(t)
	p := newProxy(t, server.URL(), proxyOptions{})
	w := newWorkplace(t, server.URL(), p.url).with("ES_BULK_ACTIONS", actions, "ES_BULK_REQUESTS", "2")
	// Each run sends some requests only, so that half of all are left for the last.
	for range 4 {
		if !killOnce(w, p, c, 1+random.Int64N(6), 0) {
			t.Fatal("kcing came to its end before the kill")
		}
	}
	killBoth(w, p, c, 1+random.Int64N(3))
	surviveKills(w, p, c, 2)
	w.complete(c)
}

// killBoth kills Elasticsearch while it works on the n-th bulk request, then
// kcing, which waits for it, and starts Elasticsearch again.
func killBoth(w *workplace, p *proxy, c *corpus, n int64) {
	w.t.Helper()
	at := p.stats().bulk + n
	dead := killServer(p, func(s seen) bool { return s.bulk >= at })
	run := w.command("feed", c.dir).start()
	await(w.t, dead, run)
	failed := p.stats().bulk
	until(w.t, "kcing tries again", func() bool { return p.stats().bulk > failed || !run.running() })
	run.kill()
	if code := run.code(); code != killed {
		w.t.Fatalf("a run without Elasticsearch ended with %d: %s", code, run.err.String())
	}
	restart(w.t)
}

// surviveKills is one run of kcing during which Elasticsearch dies so often and
// comes back on the same data.
func surviveKills(w *workplace, p *proxy, c *corpus, times int) {
	w.t.Helper()
	run := w.command("feed", c.dir, "--json")
	for i := range times {
		enough := p.stats().answered + 3 // it has stored something since the last time
		dead := killServer(p, func(s seen) bool { return s.answered >= enough })
		if i == 0 {
			run.start()
		} else {
			restart(w.t)
		}
		await(w.t, dead, run)
	}
	restart(w.t)
	out, _ := w.wait(run, exitOK)
	if r := w.report(out); r.Get("bulk.requests.network").Int() < int64(times) ||
		r.Get("bulk.paused_seconds").Float() == 0 ||
		r.Get("bulk.rejected").Int() != 0 || r.Get("bulk.undelivered").Int() != 0 {
		w.t.Errorf("report of a run with %d outages: %s", times, out)
	}
}

// killServer kills Elasticsearch during a bulk request, the first one that comes
// when it is time; dead is closed then.
func killServer(p *proxy, when func(seen) bool) (dead <-chan struct{}) {
	done := make(chan struct{})
	var once sync.Once
	p.set(func(call call) fault {
		if call.bulk > 0 && when(p.stats()) {
			once.Do(func() {
				go func() { // meanwhile the request goes on to Elasticsearch
					defer close(done)
					equipment.server.Kill()
				}()
			})
		}
		return none
	})
	return done
}

// await waits for a death of Elasticsearch while kcing runs.
func await(t *testing.T, dead <-chan struct{}, run *process) {
	t.Helper()
	select {
	case <-dead:
	case <-run.ended:
		t.Fatalf("the run has ended too early: %s", run.err.String())
	case <-time.After(patience):
		t.Fatal("kcing sends nothing")
	}
}

// restart starts Elasticsearch again.
func restart(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := equipment.server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
}
