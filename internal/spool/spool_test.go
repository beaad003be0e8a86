package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var at = time.Date(2026, 3, 4, 5, 6, 7, 89, time.UTC)

func open(t testing.TB, dir string, o Options) *Spool {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func put(t testing.TB, s *Spool, m Meta, payload string) Item {
	t.Helper()
	it, err := s.Put(t.Context(), m, []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func adopt(t testing.TB, s *Spool) []Item {
	t.Helper()
	items, err := s.Adopt(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// files are the names in the directory itself that end so.
func files(t testing.TB, dir, suffix string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPutReadRemove(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data", "spool")
	s := open(t, dir, Options{})
	m := Meta{Kind: "lava", Key: "lab-a/17", Name: "10.0.0.1", Lab: "lab-a", NodeID: "n1", Version: "v9", Received: at}
	it := put(t, s, m, "payload\nwith lines\x00")
	got, payload, err := s.Read(it)
	if err != nil || string(payload) != "payload\nwith lines\x00" {
		t.Fatalf("%q, %v", payload, err)
	}
	m.Digest = got.Digest
	if got != m || m.Digest == [32]byte{} {
		t.Errorf("got %+v, want %+v", got, m)
	}
	if !it.Received().Equal(at) {
		t.Errorf("received %v", it.Received())
	}
	st := s.Stats()
	if st.Records != 1 || st.Bytes != it.Size() || !st.Oldest.Equal(at) || st.Corrupt != 0 {
		t.Errorf("%+v", st)
	}
	info, err := os.Stat(s.path(it))
	if err != nil || info.Size() != it.Size() || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if inspected, err := Inspect(dir); err != nil || inspected != st {
		t.Errorf("Inspect: %+v, %v", inspected, err)
	}
	if err := s.Remove(it, it); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Read(it); !errors.Is(err, ErrNotMine) {
		t.Errorf("after Remove: %v", err)
	}
	if st := s.Stats(); st != (Stats{}) {
		t.Errorf("after Remove: %+v", st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left := files(t, dir, ""); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := s.Put(t.Context(), m, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Put after Close: %v", err)
	}
	if err := s.Remove(it); !errors.Is(err, ErrClosed) {
		t.Errorf("Remove after Close: %v", err)
	}
}

func TestInspectWithoutDirectory(t *testing.T) {
	if st, err := Inspect(filepath.Join(t.TempDir(), "none")); err != nil || st != (Stats{}) {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestPutCancelled(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, Meta{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Keys come from outside; none of them leaves the directory or is mixed up.
var hostileKeys = []string{
	"", ".", "..", "../../etc/passwd", "/etc/passwd", "a/b/../../c", "lab\x00/1", "lab\n1", "lab\xff\xfe/1", "\u202e",
	"con", "x.lock", "x.record",
	strings.Repeat("k", 5000), "-rf", "~", "$(id)", `a\b`, "CON:", "é", "e\u0301", "\xed\xa0\x80",
}

func TestHostileKeys(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "spool")
	s := open(t, dir, Options{})
	items := map[string]Item{}
	for _, key := range hostileKeys {
		items[key] = put(t, s, Meta{Kind: key, Key: key, Name: key, Lab: key}, "of "+key)
	}
	if all := files(t, root, ""); len(all) != 1 {
		t.Errorf("outside the spool: %v", all)
	}
	if n := len(files(t, dir, recordSuffix)); n != len(hostileKeys) {
		t.Errorf("%d files for %d records", n, len(hostileKeys))
	}
	for key, it := range items {
		m, payload, err := s.Read(it)
		if err != nil || string(payload) != "of "+key || m.Key != clean(key) || m.Kind != clean(key) {
			t.Errorf("%q: %+v, %q, %v", key, m, payload, err)
		}
		if found, err := s.Find(key, key); err != nil || !slices.Contains(found, it) {
			t.Errorf("%q is not found: %v, %v", key, found, err)
		}
	}
	if _, err := s.Put(t.Context(), Meta{Key: strings.Repeat("k", maxHeader)}, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("a header without end: %v", err)
	}
}

func TestFind(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	second := put(t, s, Meta{Kind: "lava", Key: "a/1", Received: at.Add(time.Hour)}, "2")
	first := put(t, s, Meta{Kind: "lava", Key: "a/1", Received: at}, "1")
	put(t, s, Meta{Kind: "boot", Key: "a/1", Received: at}, "other kind")
	found, err := s.Find("lava", "a/1")
	if err != nil || !slices.Equal(found, []Item{first, second}) {
		t.Errorf("%v, %v", found, err)
	}
	if found, err := s.Find("lava", "a/2"); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	if all := s.Items(); len(all) != 3 || all[2] != second {
		t.Errorf("%v", all)
	}
	// A hash that is another key's is told apart by the header.
	it := put(t, s, Meta{Kind: "lava", Key: "a/9", Received: at}, "9")
	s.index.remove(it)
	if err := os.Rename(s.path(it), s.path(Item{received: it.received, hash: hashOf("lava", "a/8"),
		nonce: it.nonce})); err != nil {
		t.Fatal(err)
	}
	it.hash = hashOf("lava", "a/8")
	s.index.add(it)
	if found, err := s.Find("lava", "a/8"); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestConcurrentPut(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	const workers, each = 16, 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	items := map[Item]string{}
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				payload := strings.Repeat(fmt.Sprintf("%d-%d ", w, i), 1000)
				// All of one key and moment: the worst for names.
				it, err := s.Put(t.Context(), Meta{Kind: "lava", Key: "k", Received: at}, []byte(payload))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				items[it] = payload
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(items) != workers*each || s.Stats().Records != workers*each {
		t.Fatalf("%d items, %+v", len(items), s.Stats())
	}
	for it, want := range items {
		if _, got, err := s.Read(it); err != nil || string(got) != want {
			t.Fatalf("%v", err)
		}
	}
	if err := s.Remove(s.Items()...); err != nil || s.Stats() != (Stats{}) {
		t.Errorf("%v, %+v", err, s.Stats())
	}
	if left := files(t, dir, recordSuffix); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Callers that come while an fsync runs share the next one, and none of them
// returns from one that had begun before.
func TestDirectorySyncIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan error)
		begun := 0
		d := dirSync{fsync: func() error { begun++; return <-gate }}
		errs := make(chan error, 100)
		call := func() { errs <- d.wait() }
		go call()
		synctest.Wait()
		for range 50 {
			go call()
		}
		synctest.Wait()
		if begun != 1 || len(errs) != 0 {
			t.Fatalf("%d fsyncs begun, %d returned", begun, len(errs))
		}
		gate <- nil
		synctest.Wait()
		if begun != 2 || len(errs) != 1 || <-errs != nil {
			t.Fatalf("%d fsyncs begun, %d returned", begun, len(errs))
		}
		broken := errors.New("broken")
		gate <- broken
		synctest.Wait()
		if len(errs) != 50 {
			t.Fatalf("%d returned", len(errs))
		}
		for range 50 {
			if err := <-errs; !errors.Is(err, broken) {
				t.Fatal(err)
			}
		}
		if d.running || begun != 2 {
			t.Error("the loop goes on without callers")
		}
		go call()
		gate <- nil
		synctest.Wait()
		if len(errs) != 1 || <-errs != nil {
			t.Error("not used again after an error")
		}
	})
}

func TestPutFailsWhenTheDirectoryCannotBeSynced(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	broken := errors.New("broken")
	s.sync.fsync = func() error { return broken }
	if _, err := s.Put(t.Context(), Meta{}, []byte("x")); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if left := files(t, dir, recordSuffix); len(left) > 0 || s.Stats() != (Stats{}) || s.reserved != 0 ||
		s.writing != 0 {
		t.Errorf("left: %v, %+v", left, s.Stats())
	}
}

// What Put returns for was synced after its rename.
func TestPutWaitsForTheDirectory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir, Options{})
		gate := make(chan struct{})
		s.sync.fsync = func() error {
			if n := len(files(t, dir, recordSuffix)); n != 1 {
				t.Errorf("%d files when the directory is synced", n)
			}
			<-gate
			return nil
		}
		done := make(chan error, 1)
		go func() {
			_, err := s.Put(t.Context(), Meta{}, []byte("x"))
			done <- err
		}()
		synctest.Wait()
		if len(done) > 0 || s.Stats().Records != 0 {
			t.Error("Put returned before the fsync")
		}
		close(gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestLimits(t *testing.T) {
	now := at
	s := open(t, t.TempDir(),
		Options{MaxRecords: 3, MaxBytes: 5000, MaxAge: time.Hour, Now: func() time.Time { return now }})
	full := func(limit, sentence string) {
		t.Helper()
		_, err := s.Put(t.Context(), Meta{Kind: "lava"}, make([]byte, 2000))
		var e *FullError
		if !errors.Is(err, ErrFull) || !errors.As(err, &e) || e.Limit != limit ||
			!strings.Contains(err.Error(), sentence) {
			t.Errorf("want %s, got %v", limit, err)
		}
	}
	a := put(t, s, Meta{}, strings.Repeat("a", 2000))
	put(t, s, Meta{}, strings.Repeat("b", 2000))
	full("bytes", "at its limit of 4.9 KiB (bytes); it holds 2 records, 4.2 KiB, the oldest 0s old")
	if err := s.Room(); err != nil {
		t.Errorf("room for a small one: %v", err)
	}
	now = now.Add(time.Hour)
	put(t, s, Meta{}, "c")
	if err := s.Remove(a); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	full("age", "at its limit of 1h0m0s (age)")
	if err := s.Room(); !errors.Is(err, ErrFull) {
		t.Errorf("Room: %v", err)
	}
	s.options.MaxAge = 0
	put(t, s, Meta{}, "d")
	full("records", "at its limit of 3 (records)")
	if n := len(files(t, s.dir, "")); n != 4 { // three and the lock
		t.Errorf("%d files", n)
	}
	if s.reserved != 0 || s.writing != 0 {
		t.Errorf("%d bytes, %d files reserved", s.reserved, s.writing)
	}
}

// The bound holds for Puts at once too: what is being written counts.
func TestLimitWithManyAtOnce(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxRecords: 5})
	var wg sync.WaitGroup
	var mu sync.Mutex
	stored := 0
	for range 40 {
		wg.Go(func() {
			_, err := s.Put(t.Context(), Meta{}, []byte("x"))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				stored++
			} else if !errors.Is(err, ErrFull) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if stored != 5 || s.Stats().Records != 5 {
		t.Errorf("%d stored, %+v", stored, s.Stats())
	}
}

func TestCorrupt(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	s := open(t, dir, Options{Logger: textLogger(&log)})
	f := func(spoil func(whole []byte) []byte, reason string) {
		t.Helper()
		before := s.Stats().Corrupt
		it := put(t, s, Meta{Kind: "lava", Key: "a/1", Received: at}, "some payload")
		whole, err := os.ReadFile(s.path(it))
		if err != nil {
			t.Fatal(err)
		}
		if spoiled := spoil(whole); spoiled == nil {
			err = os.Remove(s.path(it))
		} else {
			err = os.WriteFile(s.path(it), spoiled, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = s.Read(it)
		var e *CorruptError
		if !errors.As(err, &e) || !strings.Contains(e.Reason, reason) {
			t.Fatalf("want %q, got %v", reason, err)
		}
		if st := s.Stats(); st.Records != 0 {
			t.Errorf("still counted: %+v", st)
		}
		if _, _, err := s.Read(it); !errors.Is(err, ErrNotMine) {
			t.Errorf("read again: %v", err)
		}
		if e.Moved == "" {
			return
		}
		if moved, err := os.ReadFile(e.Moved); err != nil || !bytes.Equal(moved, spoil(whole)) {
			t.Errorf("the file was changed: %v", err)
		}
		if s.Stats().Corrupt != before+1 || !strings.Contains(log.String(), filepath.Base(e.Moved)) {
			t.Errorf("%+v, log %s", s.Stats(), log.String())
		}
	}
	f(func(w []byte) []byte { return w[:len(w)-1] }, "its header promises")
	f(func(w []byte) []byte { return append(slices.Clone(w), 'x') }, "its header promises")
	f(func(w []byte) []byte { return append(slices.Clone(w[:len(w)-1]), 'X') }, "checksum")
	f(func(w []byte) []byte { return w[:20] }, "no header line")
	f(func([]byte) []byte { return []byte{} }, "no header line")
	f(func(w []byte) []byte { return append([]byte("{}\n"), w...) }, "not a header of ours")
	f(func([]byte) []byte { return bytes.Repeat([]byte("x"), 3*maxHeader) }, "not a header of ours")
	f(func([]byte) []byte { return []byte("hello\nworld") }, "not a header of ours")
	f(func(w []byte) []byte { return bytes.Replace(w, []byte(`"v":1`), []byte(`"v":2`), 1) }, "newer kcing")
	f(func(w []byte) []byte { return bytes.Replace(w, []byte(`a/1`), []byte(`a/2`), 1) }, "another record's")
	f(func(w []byte) []byte { return bytes.Replace(w, []byte(`"size":12`), []byte(`"size":99999999999`), 1) },
		"not a header of ours")
	f(func([]byte) []byte { return nil }, "gone")
	if inspected, err := Inspect(dir); err != nil || inspected.Corrupt != s.Stats().Corrupt {
		t.Errorf("Inspect: %+v, %v", inspected, err)
	}
	again := open(t, dir, Options{})
	if again.Stats().Corrupt != s.Stats().Corrupt {
		t.Errorf("opened again: %+v", again.Stats())
	}
}

func TestIndexAgainstMap(t *testing.T) {
	x := newIndex()
	model := map[Item]bool{}
	next := uint64(1)
	random := func(n uint64) uint64 { // xorshift: the same in every run
		next ^= next << 13
		next ^= next >> 7
		next ^= next << 17
		return next % n
	}
	for range 20_000 { // few of them, so that the oldest is often another
		it := Item{received: int64(random(30)), hash: random(2), size: 7}
		if model[it] {
			if !x.remove(it) || x.remove(it) {
				t.Fatal("remove")
			}
			delete(model, it)
		} else {
			if x.remove(it) || x.find(it) != nil {
				t.Fatal("found what is not there")
			}
			x.add(it)
			model[it] = true
		}
		if x.len() != len(model) || x.bytes != int64(7*len(model)) {
			t.Fatalf("%d of %d", x.len(), len(model))
		}
		oldest := int64(1 << 40)
		for it := range model {
			oldest = min(oldest, it.received)
		}
		if len(model) > 0 && x.oldest[0].received != oldest {
			t.Fatalf("oldest %d, want %d", x.oldest[0].received, oldest)
		}
	}
	for it := range model {
		if x.find(it) == nil || !slices.Contains(x.of(it.hash), it) {
			t.Fatal("not found")
		}
	}
	if all := x.all(); len(all) != len(model) || !slices.IsSortedFunc(all, compare) {
		t.Error("all")
	}
}
