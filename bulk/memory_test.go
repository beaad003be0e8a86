package bulk

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// stalled is a transport whose server never answers.
type stalled struct{ entered chan struct{} }

func (s stalled) Perform(r *http.Request) (*http.Response, error) {
	select {
	case s.entered <- struct{}{}:
	default:
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestMemoryUnderStalledServer: the heap that a full Indexer holds is at most
// MaxPendingBytes and a fifth, whatever the size of the documents.
func TestMemoryUnderStalledServer(t *testing.T) {
	const bound = 32 << 20 // as the program has it: one batch that fills may be empty yet
	f := func(name string, bodyBytes int, o Options) {
		t.Helper()
		o.MaxPendingBytes = bound
		o.RequestTimeout = -1
		before := heap()
		s := stalled{entered: make(chan struct{}, 1)}
		ix := mustNew(t, s, func(Result) {}, o)
		body := []byte(fmt.Sprintf(`{"msg":%q}`, strings.Repeat("x", bodyBytes)))
		n := 0
		for ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second); ; n++ {
			id := fmt.Sprintf("lab/7/l/%d", n)
			if o.FlushActions == 999 && n > 999 {
				id = "same" // so each goes alone into a batch, which expects as many as before
			}
			if !ix.mem.TryAcquire(2 * int64(len(body)+300)) { // as good as full: the next Add would block
				cancel()
				break
			}
			ix.mem.Release(2 * int64(len(body)+300))
			if err := ix.Add(ctx, Doc{Index: "log-2026.01.02", ID: id, Body: body}); err != nil {
				t.Fatal(err)
			}
		}
		<-s.entered
		held := max(heap(), before) - before
		if held > bound*6/5 {
			t.Errorf("%s: %d documents hold %d bytes of heap, the bound is %d", name, n, held, bound)
		}
		if held < bound/4 {
			t.Errorf("%s: only %d bytes of heap: the test does not fill the Indexer", name, held)
		}
		t.Logf("%s: %d documents, %d %% of the bound", name, n, held*100/bound)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := ix.Close(ctx); err == nil {
			t.Error("Close says that all was delivered")
		}
	}
	f("log lines", 700, Options{})
	f("tiny", 1, Options{})
	f("1 MB", 1<<20, Options{})
	f("5000 actions", 700, Options{FlushActions: 5000})
	f("one document a request", 700, Options{FlushActions: 1})
	f("small batches after large ones", 700, Options{FlushActions: 999})
	f("compressed", 700, Options{Compress: true})
}

// TestNoGoroutineAfterClose: bubbles check this in every other test; this one
// does it on the real scheduler, with requests hanging.
func TestNoGoroutineAfterClose(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		ix := mustNew(t, stalled{make(chan struct{}, 1)}, func(Result) {}, Options{FlushActions: 10})
		mustAdd(t, ix, docs(95)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_ = ix.Close(ctx) // its error is tested elsewhere
		cancel()
	}
	// The last of them closes the channel that Close waits for, and then ends.
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if runtime.NumGoroutine() <= before {
			return
		}
	}
	var stacks bytes.Buffer
	buf := make([]byte, 1<<20)
	stacks.Write(buf[:runtime.Stack(buf, true)])
	t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks.String())
}
