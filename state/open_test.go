package state_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

func writeFile(t *testing.T, content []byte) string {
	t.Helper()
	path := filepath.Join(fastDir(t), "kcing.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// boltFile makes another program's bbolt file, or changes one of ours.
func boltFile(t *testing.T, path string, fn func(tx *bbolt.Tx) error) {
	t.Helper()
	db := must(bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second}))(t)
	if err := errors.Join(db.Update(fn), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	f := func(name string, content []byte, want string) {
		t.Helper()
		path := writeFile(t, content)
		for what, use := range map[string]func() error{
			"Open":    func() error { _, err := state.Open(path, state.Options{}); return err },
			"Check":   func() error { _, err := state.Check(ctx, path); return err },
			"Compact": func() error { _, _, err := state.Compact(ctx, path); return err },
		} {
			err := use()
			var format *state.FormatError
			if !errors.As(err, &format) || !strings.Contains(err.Error(), want) ||
				strings.Count(err.Error(), path) != 1 {
				t.Errorf("%s: %s: got %v", name, what, err)
			}
		}
		if after := must(os.ReadFile(path))(t); !bytes.Equal(after, content) {
			t.Errorf("%s: was changed", name)
		}
	}
	sqlite := append([]byte("SQLite format 3\x00"), make([]byte, 8176)...)
	f("sqlite", sqlite, "import it with `kcing state import`")
	f("short sqlite", sqlite[:100], "first kcing's SQLite database")
	f("text", []byte("KEY=value\n"), "set KCING_DB to another path")
	f("zeros", make([]byte, 100_000), "not a bbolt file")

	path := filepath.Join(t.TempDir(), "other.db")
	boltFile(t, path, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("users")); return err })
	f("another program's", must(os.ReadFile(path))(t), "another program's bbolt file")
	boltFile(t, path, func(tx *bbolt.Tx) error { _, err := tx.CreateBucket([]byte("meta")); return err })
	f("another program's with meta", must(os.ReadFile(path))(t), "another program's bbolt file")
}

func TestSQLiteSentinel(t *testing.T) {
	_, err := state.Open(writeFile(t, []byte("SQLite format 3\x00")), state.Options{})
	if !errors.Is(err, state.ErrSQLite) {
		t.Errorf("got %v", err)
	}
	if _, err := state.Open(t.TempDir(), state.Options{Wait: time.Second}); err == nil {
		t.Error("opened a directory")
	}
}

func TestNewerSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	s := must(state.Open(path, state.Options{}))(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	boltFile(t, path, func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("meta")).Put([]byte("schema"),
			binary.BigEndian.AppendUint32(nil, state.SchemaVersion+1))
	})
	f := func(err error) {
		t.Helper()
		if !errors.Is(err, state.ErrNewer) || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v", err)
		}
	}
	_, err := state.Open(path, state.Options{})
	f(err)
	_, err = state.Check(ctx, path)
	f(err)
	_, _, err = state.Compact(ctx, path)
	f(err)
}

func TestCreatedPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	statetest.OpenPath(t, path, state.Options{})
	if st := must(os.Stat(path))(t); st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", st.Mode())
	}
}

// A crash in the first moments leaves an empty or a half made file.
func TestHalfMadeFileIsMadeAgain(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "fresh.db")
	db := must(bbolt.Open(fresh, 0o600, nil))(t)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole := must(os.ReadFile(fresh))(t)
	for _, size := range []int{0, os.Getpagesize(), 2 * os.Getpagesize(), 3*os.Getpagesize() + 7, len(whole)} {
		s := statetest.OpenPath(t, writeFile(t, whole[:size]), state.Options{})
		commit(t, s, state.Finished{Key: lava("1")})
	}
}

// sample is a file with several levels of pages, free pages and rejects.
func sample(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(fastDir(t), "sample.db")
	s := must(state.Open(path, state.Options{}))(t)
	for i := range 20 {
		var b state.Batch
		for j := range 300 {
			b.Finished = append(b.Finished, state.Finished{Key: lava(fmt.Sprintf("lab-%d/%d", j%7, i*1000+j)),
				Time: day.AddDate(0, 0, i/4)})
		}
		for j := range 3 {
			b.Rejects = append(b.Rejects, state.Reject{ID: fmt.Sprintf("%d-%d", i, j), Kind: "lava",
				Key: fmt.Sprintf("lab/%d", i), Body: make([]byte, 2000*j)})
		}
		if err := s.Commit(ctx, b); err != nil {
			t.Fatal(err)
		}
		if _, err := received(ctx, s, lava(fmt.Sprintf("r/%d", i)), day); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Prune(ctx, day.AddDate(0, 0, 1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	statetest.Check(t, path)
	return must(os.ReadFile(path))(t)
}

// exercise uses a file in every way. It returns the errors. What has no end
// ends after a minute, with context.DeadlineExceeded.
func exercise(path string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := state.Open(path, state.Options{Wait: time.Second})
	if err != nil {
		return err
	}
	var errs []error
	add := func(err error) { errs = append(errs, err) }
	var keys []state.Key
	for i := range 300 {
		keys = append(keys, lava(fmt.Sprintf("lab-%d/%d", i%7, 19_000+i)), lava(fmt.Sprintf("lab-%d/%d", i%7, i*19)))
	}
	_, err = s.Lookup(ctx, keys)
	add(err)
	for r, err := range s.Rejects(ctx, state.Filter{}) {
		add(err)
		if err == nil {
			_, err = s.Reject(ctx, r.ID)
			add(err)
		}
	}
	_, err = s.Counts(ctx)
	add(err)
	add(s.Commit(ctx, fillSmall()))
	_, err = s.Prune(ctx, day.AddDate(0, 0, 3))
	add(err)
	_, err = s.ForgetKind(ctx, "lava")
	add(err)
	add(s.Close())
	return errors.Join(errs...)
}

func fillSmall() state.Batch {
	var b state.Batch
	for j := range 100 {
		b.Finished = append(b.Finished, state.Finished{Key: lava(fmt.Sprintf("lab-3/%d", 5000+j)),
			Time: day.AddDate(0, 0, 2)})
	}
	return b
}

func TestCutFile(t *testing.T) {
	whole := sample(t)
	for size := len(whole) - 1; size > 0; size -= 1 + rand.IntN(len(whole)/20) {
		path := writeFile(t, whole[:size])
		if size < len(whole)/2 { // the file may end in pages not yet used
			r := must(state.Check(ctx, path))(t)
			if r.OK() || !strings.Contains(r.Problems[0], "cut short") {
				t.Errorf("%d of %d bytes: Check: %v", size, len(whole), r.Problems)
			}
			var damaged *state.CorruptError
			if err := exercise(path); !errors.As(err, &damaged) ||
				!strings.Contains(err.Error(), "kcing state check") || !strings.Contains(err.Error(), path) {
				t.Errorf("%d of %d bytes: %v", size, len(whole), err)
			}
		}
		_ = exercise(path)
	}
}

// Whatever is in the file, nothing panics or hangs, and what breaks the use of
// the file, Check sees.
func TestDamagedFile(t *testing.T) {
	whole := sample(t)
	rounds := 50
	if testing.Short() {
		rounds = 20
	}
	page := os.Getpagesize()
	// bbolt believes a page how many more belong to it, and would fill the
	// memory with their numbers; only Check sees that.
	overflow := func(i int) bool { return i >= 12 && i < 16 }
	seen := map[string]int{}
	for round := range rounds {
		rnd := rand.New(rand.NewPCG(uint64(round), 1))
		b := bytes.Clone(whole)
		at := rnd.IntN(len(b)/page) * page
		switch round % 5 {
		case 0: // a few bytes of a page's head and first elements
			for range 1 + rnd.IntN(3) {
				if i := rnd.IntN(64); !overflow(i) {
					b[at+i] = byte(rnd.Uint32())
				}
			}
		case 1:
			if i := rnd.IntN(len(b)); !overflow(i % page) {
				b[i] ^= 1 << rnd.IntN(8)
			}
		case 2: // a page lost
			clear(b[at : at+page])
		case 3: // a page of noise
			for i := at; i < at+page; i++ {
				b[i] = byte(rnd.Uint32())
			}
		case 4: // a page in the place of another
			from := rnd.IntN(len(b)/page) * page
			copy(b[at:at+page], b[from:from+page])
		}
		path := writeFile(t, b)
		r, err := state.Check(ctx, path)
		var format *state.FormatError
		if err != nil && !errors.As(err, &format) {
			t.Errorf("round %d: Check: %v", round, err)
		}
		err2 := exercise(path)
		if errors.Is(err2, context.DeadlineExceeded) {
			t.Errorf("round %d: does not end: %v", round, err2)
		}
		var damaged *state.CorruptError
		var locked *state.LockedError
		again, err3 := state.Open(path, state.Options{Wait: time.Second})
		if errors.As(err3, &locked) {
			t.Errorf("round %d: the file stayed locked after %v", round, err2)
		}
		if err3 == nil {
			_ = again.Close()
		}
		if errors.As(err2, &damaged) && err == nil && r.OK() {
			t.Errorf("round %d: Check found nothing, but: %v", round, err2)
		}
		seen[fmt.Sprintf("problems %v, error %v", !r.OK(), err2 != nil)]++
	}
	t.Log(seen)
	if seen["problems true, error true"] == 0 {
		t.Error("no damage was found: the test tests nothing")
	}
}

// A key that stands where no search finds it: whoever goes through all keys
// meets it, and it stays when it is removed.
func TestKeyOutOfOrder(t *testing.T) {
	whole := sample(t)
	b := bytes.ReplaceAll(whole, []byte("lab-2/19002"), []byte("lab-0/19002"))
	if bytes.Equal(b, whole) {
		t.Fatal("no such key")
	}
	if err := exercise(writeFile(t, b)); errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestCloseTwice(t *testing.T) {
	s := statetest.Open(t)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Lookup(ctx, []state.Key{lava("1")}); !errors.Is(err, state.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// The file removed or replaced under an open store: the store goes on with
// what the path names now.
func TestFileRemovedWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kcing.db")
	s := statetest.OpenPath(t, path, state.Options{Lease: time.Minute})
	commit(t, s, state.Finished{Key: lava("1")})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if found(t, s, lava("1"))[0] {
		t.Error("found in the removed file")
	}
	commit(t, s, state.Finished{Key: lava("2")})
	statetest.Check(t, path)
}

func TestImportCSV(t *testing.T) {
	s := statetest.Open(t)
	commit(t, s, state.Finished{Key: state.Key{Kind: "boot", ID: "known"}, Digest: state.Digest{1}, Time: day})
	in := "\ufefftype,oid,created_on\n" +
		"build,5e3a,2024-03-10 11:12:13.456789+00:00\r\n" +
		"boots,\"5e,3b\",2024-03-10T11:12:13Z\n" +
		"boot,known,2024-03-11\n" +
		"lava,lab/7,1710068333.5\n" +
		"lava,lab/8,2024-03-10 11:12:13\n" +
		"\n" +
		"test,5e3c,2024-03-10\n" +
		"boot,,2024-03-10\n" +
		"boot,5e3d,yesterday\n" +
		"boot,5e\"3e,2024-03-10\n" +
		"boot,5e3f"
	got := must(s.ImportCSV(ctx, strings.NewReader(in)))(t)
	if got.Added != 4 || got.Known != 1 || got.Skipped != 5 || got.FirstBad == nil ||
		!strings.Contains(got.FirstBad.Error(), "line 8: type \"test\"") {
		t.Errorf("got %+v", got)
	}
	at := time.Date(2024, 3, 10, 11, 12, 13, 0, time.UTC)
	for k, want := range map[state.Key]time.Time{
		{Kind: "build", ID: "5e3a"}: at.Add(456 * time.Millisecond), {Kind: "boot", ID: "5e,3b"}: at,
		{Kind: "boot", ID: "known"}: day,
		{Kind: "lava", ID: "lab/7"}: time.UnixMilli(1710068333500), {Kind: "lava", ID: "lab/8"}: at,
	} {
		e := must(s.Lookup(ctx, []state.Key{k}))(t)[0]
		if !e.Found || !e.Finished.Time.Equal(want) || e.Finished.Matches(state.Digest{7}) == (k.ID == "known") {
			t.Errorf("%s: got %+v, want %v", k, e, want)
		}
	}
	again := must(s.ImportCSV(ctx, strings.NewReader("boot,x,2024-03-10\nlava,lab/8,2024-03-10\n")))(t)
	if again.Added != 1 || again.Known != 1 || again.Skipped != 0 {
		t.Errorf("without a header: %+v", again)
	}
	many := strings.Repeat("lava,lab/8,2024-03-10\n", 5000) + "build,last,2024-03-10\n"
	if got := must(s.ImportCSV(ctx, strings.NewReader(many)))(t); got.Added != 1 || got.Known != 5000 {
		t.Errorf("many: %+v", got)
	}
	broken := errors.New("broken pipe")
	if _, err := s.ImportCSV(ctx, io.MultiReader(strings.NewReader("lava,x,2024-03-10\n"),
		failing{broken})); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }
