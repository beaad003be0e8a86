package pipeline

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

func TestRetryDocuments(t *testing.T) {
	e, l := &elastic{}, newLedger()
	e.item = func(d sent) (int, string) {
		if strings.HasSuffix(d.id, "/l/5") || strings.HasSuffix(d.id, "/l/6") {
			return 400, "document_parsing_exception"
		}
		return 0, ""
	}
	mustFeed(t, callbacks(10, 20), config(e, l))
	equal(t, "rejects", len(l.rejects), 20)

	e.item = func(d sent) (int, string) { // half of it was mended
		if strings.HasSuffix(d.id, "/l/6") {
			return 400, "another_exception"
		}
		return 0, ""
	}
	accepted, err := Retry(t.Context(), l, append(l.ids(), "gone meanwhile"), 0, config(e, l))
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "accepted", accepted, 10)
	equal(t, "in Elasticsearch", e.count(), 10*22-10)
	rejects := l.listed()
	equal(t, "rejects left", len(rejects), 10)
	for _, r := range rejects {
		if r.Attempts != 2 || r.Type != "another_exception" || !strings.HasSuffix(r.DocumentID, "/l/6") ||
			!strings.Contains(string(r.Body), "line 5") || r.Index == "" || r.Key == "" {
			t.Errorf("got %+v, body %s", r, r.Body)
		}
	}
	e.item = nil
	accepted, err = Retry(t.Context(), l, l.ids(), 0, config(e, l))
	if err != nil || accepted != 10 || len(l.rejects) != 0 {
		t.Errorf("%d accepted, %d left, %v", accepted, len(l.rejects), err)
	}
}

// One document that cannot be sent does not keep the others from being retried.
func TestRetryDocumentThatCannotBeSent(t *testing.T) {
	e, l := &elastic{}, newLedger()
	for _, r := range []state.Reject{
		{ID: "1", Index: "log-2025.11.19", DocumentID: "a", Body: []byte("{\n}"), Attempts: 1, Type: "x"},
		{ID: "3", Index: "log-2025.11.19", DocumentID: "c", Body: []byte(`{"a":}`), Attempts: 1, Type: "x"},
		{ID: "2", Index: "log-2025.11.19", DocumentID: "b", Body: []byte("{}"), Attempts: 1, Type: "x"},
	} {
		l.rejects[r.ID] = r
	}
	accepted, err := Retry(t.Context(), l, []string{"1", "2", "3"}, 0, config(e, l))
	if err != nil || accepted != 1 {
		t.Fatalf("%d accepted, %v", accepted, err)
	}
	equal(t, "attempts", l.rejects["1"].Attempts, 2)
	equal(t, "type", l.rejects["1"].Type, "document_not_sendable")
	equal(t, "rejects left", len(l.rejects), 2)
}

func TestRetryDocumentsUndelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, l := &elastic{}, newLedger()
		l.rejects["1"] = state.Reject{ID: "1", Index: "log-2025.11.19", DocumentID: "a", Body: []byte("{}"),
			Attempts: 1}
		e.request = func(ctx context.Context, _ int, _ []sent) (int, error) { <-ctx.Done(); return 0, ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		accepted, err := Retry(ctx, l, l.ids(), 0, config(e, l))
		var undelivered *bulk.UndeliveredError
		if accepted != 0 || !errors.As(err, &undelivered) {
			t.Errorf("%d accepted, %v", accepted, err)
		}
		if took := time.Since(began); took > 7*time.Second {
			t.Errorf("took %v", took)
		}
		equal(t, "attempts", l.rejects["1"].Attempts, 1)
	})
}

func TestRetryRecords(t *testing.T) {
	e, l := &elastic{}, newLedger()
	undetected := record("who", `{"_id":"u","job":"mainline"}`)
	undetected.Received = now.Add(-24 * time.Hour)
	src := slice{undetected, record("cut", `{"a`)}
	mustFeed(t, src, config(e, l))
	equal(t, "rejects", len(l.rejects), 2)
	for id, r := range l.rejects { // a later kcing knows what it is; here the user says so
		if r.Source == "who" {
			r.Kind = "build"
			l.rejects[id] = r
		}
	}
	c := config(e, l)
	c.Now = func() time.Time { return now.Add(24 * time.Hour) }
	accepted, err := Retry(t.Context(), l, l.ids(), 0, c)
	if err != nil || accepted != 1 {
		t.Fatalf("%d accepted, %v", accepted, err)
	}
	if _, ok := e.docs()["build-2025.11.19/u"]; !ok {
		t.Errorf("not filed under the day of its first receipt: %v", e.docs())
	}
	rejects := l.listed()
	if len(rejects) != 1 || rejects[0].Source != "cut" || rejects[0].Attempts != 2 ||
		string(rejects[0].Body) != `{"a` || !rejects[0].Received.Equal(now) {
		t.Errorf("left: %+v", rejects)
	}
}

// A record that gets in but for a document is not accepted entirely; what is
// listed then is the document.
func TestRetryRecordInPart(t *testing.T) {
	e, l := &elastic{}, newLedger()
	rec := callback(1, 10)
	l.rejects["1"] = state.Reject{ID: "1", Kind: "lava", Key: "lab/1", Source: "f", Type: "no_log", Body: rec.Payload,
		Attempts: 1}
	e.item = func(d sent) (int, string) {
		if d.id == "lab/1/l/5" {
			return 400, "mapper_parsing_exception"
		}
		return 0, ""
	}
	accepted, err := Retry(t.Context(), l, l.ids(), 0, config(e, l))
	if err != nil || accepted != 0 {
		t.Errorf("%d accepted, %v", accepted, err)
	}
	rejects := l.listed()
	if len(rejects) != 1 || rejects[0].DocumentID != "lab/1/l/5" {
		t.Errorf("left: %+v", rejects)
	}
}

func TestRetryTruncatedRecords(t *testing.T) {
	e, l := &elastic{}, newLedger()
	dir := t.TempDir()
	write := func(name string, payload []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, payload, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.json", callback(1, 100).Payload)
	gone := write("gone.json", callback(2, 100).Payload)
	bad := write("bad.json", []byte(strings.Repeat("no JSON ", 1000)))
	c := config(e, l)
	files := &source.Files{Paths: []source.Path{{Name: good}, {Name: gone}, {Name: bad}}, MaxRecordBytes: 1000}
	r := mustFeed(t, files, c)
	equal(t, "refused", r.Refused["too_large"], 3)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time with what the first has left
		if _, err := Retry(t.Context(), l, l.ids(), 1<<20, c); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "in Elasticsearch", e.count(), 102)
	rejects := l.listed()
	if len(rejects) != 2 {
		t.Fatalf("left: %+v", rejects)
	}
	equal(t, "type of the one that is whole now", rejects[0].Type, "not_json")
	equal(t, "size of it", len(rejects[0].Body), 8000)
	equal(t, "truncated", rejects[0].Truncated, false)
	equal(t, "attempts", rejects[0].Attempts, 3)
	equal(t, "type of the lost one", rejects[1].Type, "too_large")
	equal(t, "truncated", rejects[1].Truncated, true)
	equal(t, "times it says so", strings.Count(rejects[1].Reason, "cannot be read again"), 1)
	equal(t, "kept of the lost one", len(rejects[1].Body), 1000-len("secret2")+len("REDACTED"))
}
