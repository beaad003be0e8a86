package state_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

// Check names each kind of entry that does not belong to the others.
func TestCheckFinds(t *testing.T) {
	whole := sample(t)
	f := func(want string, breaking func(b func(name string) *bbolt.Bucket) error) {
		t.Helper()
		path := writeFile(t, whole)
		boltFile(t, path, func(tx *bbolt.Tx) error {
			return breaking(func(name string) *bbolt.Bucket { return tx.Bucket([]byte(name)) })
		})
		r := must(state.Check(ctx, path))(t)
		if !strings.Contains(strings.Join(r.Problems, "\n"), want) {
			t.Errorf("want %q, got %v", want, r.Problems)
		}
	}
	first := func(b *bbolt.Bucket) []byte { k, _ := b.Cursor().First(); return k }
	last := func(b *bbolt.Bucket) []byte { k, _ := b.Cursor().Last(); return k }
	type open = func(string) *bbolt.Bucket

	f("not in the index by day", func(b open) error { return b("days").Delete(last(b("days"))) })
	f("points to nothing", func(b open) error { return b("finished").Delete(first(b("finished"))) })
	f("should be", func(b open) error { return b("finished").Delete(first(b("finished"))) })
	f("numbers", func(b open) error { return b("finished").Put(first(b("finished")), []byte{0, 1}) })
	f("flags", func(b open) error { return b("finished").Put(first(b("finished")), []byte{0xF0, 1, 2, 3, 4}) })
	f("cannot be decoded", func(b open) error { return b("finished").Put([]byte("nokind"), []byte{0, 0, 0, 0, 0}) })
	f("cannot be decoded", func(b open) error { return b("days").Put([]byte("x"), nil) })
	f("receipt of", func(b open) error { return b("receipts").Put([]byte("lava\x00new"), []byte{0x80}) })
	f("receipt of", func(b open) error { return b("receipts").Put([]byte("lava\x00new"), []byte{2}) })
	f("reject \"0-0\": ", func(b open) error { return b("rejects").Put([]byte("0-0"), []byte("{")) })
	f("says it is", func(b open) error { return b("rejects").Put([]byte("0-0"), b("rejects").Get([]byte("0-1"))) })
	f("body: empty", func(b open) error { return b("bodies").Delete([]byte("0-0")) })
	f("body: ", func(b open) error { return b("bodies").Put([]byte("0-1"), []byte{1, 9, 31, 139}) })
	f("not in the index by time", func(b open) error { return b("rejtime").Delete(last(b("rejtime"))) })
	f("not in the index by record", func(b open) error { return b("rejkey").Delete(last(b("rejkey"))) })
	f("rejtime: ", func(b open) error { return b("rejtime").Put([]byte("123456780-0"), nil) })
	f("rejkey: ", func(b open) error { return b("rejkey").Put([]byte("short"), nil) })
	f("bodies: \"extra\" points to no reject", func(b open) error {
		return b("bodies").
			Put([]byte("extra"), []byte{0, 0})
	})
	f("is missing, should be 60", func(b open) error { return b("counts").Delete([]byte("r\x00lava\x00")) })
	f("count \"x\" is 0, should be 0", func(b open) error { return b("counts").Put([]byte("x"), []byte("bad")) })
	f(`run "feed": `, func(b open) error { return b("runs").Put([]byte("feed"), []byte("bad")) })
}

func TestCheckFindsAMissingBucket(t *testing.T) {
	path := writeFile(t, sample(t))
	boltFile(t, path, func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("rejkey")) })
	if r := must(state.Check(ctx, path))(t); r.OK() || !strings.Contains(r.Problems[0], `"rejkey" is missing`) {
		t.Errorf("got %v", r.Problems)
	}
	var damaged *state.CorruptError
	if err := exercise(path); !errors.As(err, &damaged) {
		t.Errorf("got %v", err)
	}
}

// Damage to the tree itself: bbolt would read outside the file, or in circles.
func TestCheckFindsABrokenTree(t *testing.T) {
	whole := sample(t)
	size := os.Getpagesize()
	var branch, leaf int // offsets of such pages; with element 0 behind the header
	for at := 2 * size; at < len(whole); at += size {
		switch flags := binary.NativeEndian.Uint16(whole[at+8:]); {
		case binary.NativeEndian.Uint64(whole[at:]) != uint64(at/size):
		case flags == 1:
			branch = at
		case flags == 2:
			leaf = at
		}
	}
	if branch == 0 || leaf == 0 {
		t.Fatal("the sample has no branch or no leaf page")
	}
	f := func(want string, survives bool, breaking func(b []byte)) {
		t.Helper()
		b := bytes.Clone(whole)
		breaking(b)
		path := writeFile(t, b)
		r := must(state.Check(ctx, path))(t)
		if !strings.Contains(strings.Join(r.Problems, "\n"), want) {
			t.Errorf("want %q, got %v", want, r.Problems)
		}
		if survives {
			_ = exercise(path) // any error, but no end of the process
		}
	}
	o := binary.NativeEndian
	f("outside the file", true, func(b []byte) { o.PutUint64(b[branch+24:], 1<<40) })
	f("outside the file", true, func(b []byte) { o.PutUint64(b[branch+24:], uint64(len(b)/size)) })
	f("used twice", false, func(b []byte) { o.PutUint64(b[branch+24:], uint64(branch/size)) })
	f("names itself", true, func(b []byte) { o.PutUint64(b[leaf:], 1) })
	// bbolt would free a billion pages, and fill the memory with their numbers.
	f("beyond the end", false, func(b []byte) { o.PutUint32(b[leaf+12:], 1<<30) })
	f("do not fit", true, func(b []byte) { o.PutUint16(b[leaf+10:], 60_000) })
	f("reaches outside", true, func(b []byte) { o.PutUint32(b[leaf+24:], 1<<31) })
	f("reaches outside", true, func(b []byte) { o.PutUint32(b[branch+16:], 1<<31) })
	f("unexpected type", true, func(b []byte) { o.PutUint16(b[leaf+8:], 0x77) })
	// The freelist: former ones, and the one in use.
	damaged := 0
	for at := 0; at < len(whole); at += size {
		if o.Uint16(whole[at+8:]) != 0x10 {
			continue
		}
		b := bytes.Clone(whole)
		o.PutUint16(b[at+10:], 0xFFFF)
		o.PutUint64(b[at+16:], 1<<40) // bbolt would take terabytes
		if err := exercise(writeFile(t, b)); err != nil && strings.Contains(err.Error(), "makes no sense") {
			damaged++
		}
	}
	if damaged != 1 {
		t.Errorf("%d damaged freelists noticed", damaged)
	}
	f("branch without elements", true, func(b []byte) { o.PutUint16(b[branch+10:], 0) })
}

func TestCheckReport(t *testing.T) {
	path := writeFile(t, sample(t))
	r := must(state.Check(ctx, path))(t)
	if !r.OK() || r.Path != path || r.Schema != 1 || r.Rejects != 60 || r.Finished == 0 || r.Receipts != 0 ||
		r.FileBytes < 1<<17 {
		t.Errorf("got %+v", r)
	}
	boltFile(t, path, func(tx *bbolt.Tx) error {
		for i := range 200 {
			if err := tx.Bucket([]byte("days")).Put([]byte(fmt.Sprint(i)), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if r := must(state.Check(ctx, path))(t); len(r.Problems) != 50 || r.More < 150 {
		t.Errorf("%d problems and %d more", len(r.Problems), r.More)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := state.Check(ended, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestCompact(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "real.db"), filepath.Join(dir, "kcing.db")
	if err := os.WriteFile(path, sample(t), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(path+".compact", []byte("left by a Compact that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := statetest.OpenPath(t, link, state.Options{})
	if n := must(s.ForgetKind(ctx, "lava"))(t); n == 0 {
		t.Fatal("nothing forgotten")
	}
	want := must(s.Counts(ctx))(t)
	before, after, err := state.Compact(ctx, link) // the store's lease ends meanwhile
	if err != nil || after >= before || before != want.FileBytes {
		t.Errorf("from %d to %d, %v", before, after, err)
	}
	got := must(s.Counts(ctx))(t)
	if got.FileBytes != after {
		t.Errorf("the store sees a file of %d bytes, not the new one of %d", got.FileBytes, after)
	}
	got.FileBytes, got.FreeBytes, want.FileBytes, want.FreeBytes = 0, 0, 0, 0
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	if st := must(os.Lstat(link))(t); st.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if st := must(os.Stat(path))(t); st.Mode().Perm() != 0o640 {
		t.Errorf("mode %v", st.Mode())
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
	commit(t, s, state.Finished{Key: lava("1")})
}

func TestCompactErrors(t *testing.T) {
	if _, _, err := state.Compact(ctx, filepath.Join(t.TempDir(), "no.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	path := writeFile(t, sample(t))
	s := statetest.OpenPath(t, path, state.Options{})
	release := must(state.HoldForTest(s))(t)
	if _, _, err := state.Compact(ended, path); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
}
