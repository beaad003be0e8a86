package state_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/state/statetest"
)

// documents are rejects that one record got for one reason.
func documents(key string, n int) []state.Reject {
	var out []state.Reject
	for i := range n {
		body := fmt.Sprintf(`{"job":%q,"line":%d,"msg":"usb 1-1: new high-speed USB device","board":"bcm2711-rpi-4-b"}`,
			key, i)
		out = append(out, state.Reject{ID: fmt.Sprintf("%s-%03d", key, i), Kind: "lava", Key: key,
			Index: "log-2024.03.10",
			Type:  "document_parsing_exception", Reason: fmt.Sprintf("failed to parse %s/l/%d", key, i), Received: day,
			Body: []byte(body)})
	}
	return out
}

// TestRejectsShareBytes: what one record got refused for one reason is packed
// together, each body is read and dropped by itself, and the room is given back
// with the last.
func TestRejectsShareBytes(t *testing.T) {
	t.Parallel()
	one, many := statetest.Open(t), statetest.Open(t)
	all := documents("lab-1", 300)
	for _, r := range all {
		refuse(t, one, r)
	}
	refuse(t, many, all...)
	alone, together := must(one.Counts(ctx))(t).RejectBytes, must(many.Counts(ctx))(t).RejectBytes
	t.Logf("300 rejects of one record: %d bytes packed one by one, %d together", alone, together)
	meta := alone - 300*int64(len(all[0].Body)) // nothing is gained by packing so little
	if bodies := together - meta; bodies > 300*int64(len(all[0].Body))/3 {
		t.Errorf("the bodies of 300 rejects take %d bytes of %d", bodies, 300*len(all[0].Body))
	}
	statetest.Check(t, many.Path())

	refuse(t, many, documents("lab-1", 10)...) // again: these leave the block
	refuse(t, many, append(documents("lab-2", 3), documents("lab-3", 1)...)...)
	statetest.Check(t, many.Path())
	for _, r := range all {
		if got := must(many.Reject(ctx, r.ID))(t); string(got.Body) != string(r.Body) {
			t.Fatalf("reject %s: body %s, want %s", r.ID, got.Body, r.Body)
		}
		if n := must(many.DropRejects(ctx, r.ID))(t); n != 1 {
			t.Fatalf("reject %s: dropped %d", r.ID, n)
		}
	}
	statetest.Check(t, many.Path())
	for _, key := range []string{"lab-2-000", "lab-2-001", "lab-2-002", "lab-3-000"} {
		must(many.DropRejects(ctx, key))(t)
	}
	if left := must(many.Counts(ctx))(t).RejectBytes; left != 0 {
		t.Errorf("no rejects take %d bytes", left)
	}
	statetest.Check(t, many.Path())
}

// TestRejectsFull: beyond the limit nothing of a batch is stored, also not what is
// finished in it; what is there can be refused again, and dropping makes room.
func TestRejectsFull(t *testing.T) {
	t.Parallel()
	s := statetest.OpenPath(t, filepath.Join(t.TempDir(), "kcing.db"), state.Options{MaxRejectBytes: 10_000})
	refuse(t, s, documents("lab-1", 30)...)
	err := s.Commit(ctx, state.Batch{Finished: []state.Finished{{Key: lava("lab/2")}}, Rejects: documents("lab-2", 60)})
	var full *state.RejectsFullError
	if !errors.As(err, &full) || full.Limit != 10_000 || !strings.Contains(err.Error(), "KCING_MAX_REJECT_BYTES") {
		t.Fatalf("beyond the limit: %v", err)
	}
	if c := must(s.Counts(ctx))(t); c.Finished["lava"] != 0 || c.Rejects[0].Count != 30 || c.RejectBytes > 10_000 {
		t.Errorf("stored %+v", c)
	}
	refuse(t, s, documents("lab-1", 30)...)
	if err := s.Commit(ctx, state.Batch{Finished: []state.Finished{{Key: lava("lab/3")}}}); err != nil {
		t.Errorf("without rejects: %v", err)
	}
	for _, r := range documents("lab-1", 30) {
		must(s.DropRejects(ctx, r.ID))(t)
	}
	refuse(t, s, documents("lab-2", 10)...)
}

// TestRejectsOfAnEarlierKcing: a file without blocks gets them, and its rejects
// are counted.
func TestRejectsOfAnEarlierKcing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "kcing.db")
	s := statetest.OpenPath(t, path, state.Options{})
	for _, r := range documents("lab-1", 5) {
		refuse(t, s, r)
	}
	want := must(s.Counts(ctx))(t).RejectBytes
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return errors.Join(tx.DeleteBucket([]byte("blocks")), tx.Bucket([]byte("counts")).Delete([]byte("b")))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	s = statetest.OpenPath(t, path, state.Options{})
	if got := must(s.Counts(ctx))(t).RejectBytes; got != want || want == 0 {
		t.Errorf("the rejects take %d bytes, want %d", got, want)
	}
}
