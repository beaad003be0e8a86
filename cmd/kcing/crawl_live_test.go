package main

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/maestro/maestrotest"
)

// liveKernelCI is a Maestro whose nodes change while they are read: with each
// request it goes on by some steps.
type liveKernelCI struct {
	*maestrotest.Server
	mu    sync.Mutex
	steps []func(at time.Time) // still to come, in order
	clock time.Time            // of the last one
	kill  int                  // requests until kcing is to be killed
	now   chan struct{}        // it is to be killed now
}

// newLiveKernelCI starts one with builds that are available, closing and at last
// done, and with jobs that time out, are tried again by nobody and are called late.
func newLiveKernelCI(t *testing.T, w *workplace, builds, jobs int) *liveKernelCI {
	k := &liveKernelCI{Server: maestrotest.New(maestrotest.Options{}), now: make(chan struct{}, 1),
		clock: time.Now().Add(-10 * time.Minute)} // within what each crawl lists again
	w.env = append(w.env, "KCI_API="+k.Start(t))
	var all [][]func(time.Time)
	for n := range builds {
		all = append(all, k.build(n))
	}
	for n := range jobs {
		all = append(all, k.job(n))
	}
	for len(all) > 0 { // mixed, each one's own in their order
		i := rand.IntN(len(all))
		k.steps = append(k.steps, all[i][0])
		if all[i] = all[i][1:]; len(all[i]) == 0 {
			all[i] = all[len(all)-1]
			all = all[:len(all)-1]
		}
	}
	k.SetFault(func(_ http.ResponseWriter, _ *http.Request) bool {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.goOn(3)
		if k.kill--; k.kill == 0 {
			k.now <- struct{}{}
		}
		if k.kill == 3 {
			panic(http.ErrAbortHandler) // a restart: no answer, once in a run
		}
		return false
	})
	return k
}

// goOn takes some steps.
func (k *liveKernelCI) goOn(n int) {
	for ; n > 0 && len(k.steps) > 0; n-- {
		k.clock = k.clock.Add(time.Millisecond)
		k.steps[0](k.clock)
		k.steps = k.steps[1:]
	}
}

func (k *liveKernelCI) build(n int) []func(time.Time) {
	var id string
	to := func(state string) func(time.Time) {
		return func(at time.Time) {
			k.Touch(id, at, maestrotest.Node{"state": state,
				"artifacts": map[string]any{"build_log": "https://files.example.org/" + state}})
		}
	}
	begin := func(at time.Time) {
		node := maestrotest.Build(n, at)
		node["state"], node["result"] = "available", "pass"
		id = k.Add(node)[0]
	}
	return []func(time.Time){begin, to("closing"), to("done"), func(at time.Time) {
		k.Touch(id, at, maestrotest.Node{"processed_by_kcidb_bridge": true})
	}}
}

func (k *liveKernelCI) job(n int) []func(time.Time) {
	const tests = 3
	var id string
	var whole maestrotest.Node
	lose := func(at time.Time) {
		id = k.AddJob(maestrotest.Job{N: n, Updated: at, Tests: tests, Lines: 4})
		whole = k.Node(id)
		data := maps.Clone(whole["data"].(map[string]any))
		data["error_code"], data["error_msg"] = "node_timeout", "Node timed-out"
		k.Touch(id, at, maestrotest.Node{"result": "incomplete", "retry_counter": 3, "artifacts": map[string]any{},
			"data": data})
	}
	call := func(at time.Time) {
		k.Touch(id, at, maestrotest.Node{"result": "pass", "artifacts": whole["artifacts"], "data": whole["data"]})
	}
	return []func(time.Time){lose, call, func(at time.Time) {
		k.Touch(id, at, maestrotest.Node{"processed_by_kcidb_bridge": true})
	}}
}

// TestCrawlOfLiveServer: kcing is killed again and again while it crawls a Maestro
// whose nodes change all the time. After the last crawl each build, boot and test
// is there once, as it was in the end, and nothing is left of what it was before.
func TestCrawlOfLiveServer(t *testing.T) {
	t.Parallel()
	const builds, jobs = 25, 40
	w := newWorkplace(t)
	k := newLiveKernelCI(t, w, builds, jobs)
	kills := 8
	if os.Getenv("KCING_FAULTS") == "long" {
		kills = 20
	}
	for n := range kills {
		k.mu.Lock()
		k.kill = 4 + rand.IntN(10+4*n)
		k.mu.Unlock()
		p := w.start("feed", "--es-bulk-actions", "40")
		select {
		case <-k.now:
		case <-p.ended:
		}
		_ = p.Process.Kill()
		w.code(p)
		select {
		case <-k.now:
		default:
		}
	}
	k.mu.Lock()
	k.kill = 0
	k.goOn(len(k.steps))
	k.mu.Unlock()
	out, _ := w.run(exitOK, "feed", "--json")
	if gjson.Get(out, "pending").Int() != 0 {
		t.Errorf("the last run reports %s", out)
	}
	const tests = jobs * (3 + 2) // and two of LAVA's own
	for kind, want := range map[string]int64{"build": builds, "boot": jobs, "test": tests, "log": jobs * 4,
		"incident": 0} {
		if n := countDocuments(w.host, w.prefix, kind); n != want {
			t.Errorf("%d %s documents, want %d", n, kind, want)
		}
	}
	for query, want := range map[string]int64{"boot-*/_count?q=boot_result:pass": jobs,
		"build-*/_count?q=build_log:%22https://files.example.org/done%22": builds,
		"test-*/_count?q=boot_result:pass":                                tests} {
		if n := w.ask(query).Get("count").Int(); n != want {
			t.Errorf("%d documents of %s, want %d", n, query, want)
		}
	}
	w.run(exitOK, "state", "check")
	if out, _ := w.run(exitOK, "feed", "--json"); gjson.Get(out, "bulk.added").Int() != 0 {
		t.Errorf("once more: %s", out)
	}
}

// ask is an answer of Elasticsearch about the indices of the workplace.
func (w *workplace) ask(path string) gjson.Result {
	w.t.Helper()
	res, err := http.Get(fmt.Sprintf("%s/%s%s", w.host, w.prefix, path))
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return gjson.ParseBytes(answer)
}
