package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// memoryBound is what kcing promises to stay below, whatever the number of
// records and whatever Elasticsearch does.
const memoryBound = 128 << 20

// TestStalledServerMemory: a server that accepts and never answers makes kcing
// wait, not grow.
func TestStalledServerMemory(t *testing.T) {
	server := elasticsearch(t)
	dir := filepath.Join(equipment.dir, "many")
	makeRecords(t, dir, 200, "real") // 140 MB of documents: more than the bound
	f := func(name string, env ...string) {
		t.Run(name, func(t *testing.T) {
			p := newProxy(t, server.URL(), proxyOptions{})
			p.set(afterBulk(2, hang))
			w := newWorkplace(t, server.URL(), p.url).with(env...)
			w.program = plainProgram(t)
			run := w.command("feed", dir).start()
			until(t, "both requests hang", func() bool { return p.stats().faults == 2 || !run.running() })
			// All that may be under way is 32 MiB.
			until(t, "kcing fills up", func() bool { return w.memory(run, "VmHWM") > 40<<20 })
			w.stalls(run)
			peak := w.memory(run, "VmHWM")
			t.Logf("%d MiB at most", peak>>20)
			if peak > memoryBound {
				t.Errorf("kcing took %d bytes, the bound is %d", peak, memoryBound)
			}
		})
	}
	f("plain")
	f("compressed", "ES_COMPRESS", "true")
}

// stalls waits until the process has had nothing to do for a second: what it
// can take in, it has.
func (w *workplace) stalls(p *process) {
	w.t.Helper()
	last, since := int64(-1), time.Now()
	until(w.t, "kcing stalls", func() bool {
		if !p.running() {
			w.t.Fatalf("it has ended: %s", p.err.String())
		}
		if now := w.ticks(p); now > last+1 { // the runtime looks around now and then
			last, since = now, time.Now()
		}
		return time.Since(since) > time.Second
	})
}

// ticks is the processor time that a process has had, in clock ticks.
func (w *workplace) ticks(p *process) int64 {
	w.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	if err != nil {
		w.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	total := int64(0)
	for _, field := range fields[11:13] { // utime and stime, see proc(5)
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		total += n
	}
	return total
}

// memory reads a line such as VmHWM of /proc/PID/status, in bytes.
func (w *workplace) memory(p *process, name string) int {
	w.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		w.t.Fatal(err)
	}
	m := regexp.MustCompile(name + `:\s*(\d+) kB`).FindSubmatch(status)
	if m == nil {
		w.t.Fatalf("no %s in %s", name, status)
	}
	return w.number(string(m[1])) << 10
}
