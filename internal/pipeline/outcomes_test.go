package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
)

func TestFeedsEverything(t *testing.T) {
	e, l := &elastic{}, newLedger()
	src := append(builds(100), callbacks(20, 50)...)
	c := config(e, l)
	c.Progress = new(Progress)
	r := mustFeed(t, src, c)
	equal(t, "finished", r.Finished, 120)
	equal(t, "stored", r.Bulk.Stored, 100+20*52)
	equal(t, "in Elasticsearch", e.count(), 100+20*52)
	equal(t, "logs", r.Documents["log"], 1000)
	equal(t, "boots", r.Documents["boot"], 20)
	equal(t, "progress documents", c.Progress.Documents.Load(), 100+20*52)
	equal(t, "progress records", c.Progress.Records.Load(), 120)
	equal(t, "progress settled", c.Progress.Settled.Load(), 120)
	f := l.finished[state.Key{Kind: "lava", ID: "lab/7"}]
	equal(t, "documents of lab/7", f.Documents, 52)
	for key := range e.docs() {
		if !strings.Contains(key, "-2025.11.19/") {
			t.Fatalf("filed under another day: %s", key)
		}
	}
}

// A record is finished when all its documents have an outcome, and it counts and
// is told when the ledger has it, not before.
func TestFinishedAfterOutcomesAndCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold, holdCommit := make(chan struct{}), make(chan struct{})
		e, l := &elastic{}, newLedger()
		e.request = func(_ context.Context, n int, _ []sent) (int, error) {
			if n == 3 { // of six requests
				<-hold
			}
			return 0, nil
		}
		l.commit = func(int) error {
			<-holdCommit
			return nil
		}
		c := config(e, l)
		var acked []source.Settled
		c.Progress = new(Progress)
		rec := callback(1, 50)
		rec.Ack = func(s source.Settled) {
			if l.finishedCount() == 0 {
				t.Error("acknowledged before the ledger has it")
			}
			acked = append(acked, s)
		}
		done := make(chan Report)
		go func() { done <- mustFeed(t, slice{rec}, c) }()

		time.Sleep(20 * time.Second)
		synctest.Wait()
		equal(t, "stored while one request hangs", e.count() >= 42, true)
		equal(t, "commits before the last outcome", l.commits, 0)
		close(hold)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		equal(t, "commits begun", l.commits, 1)
		equal(t, "settled before the commit ends", c.Progress.Settled.Load(), 0)
		close(holdCommit)
		r := <-done
		equal(t, "finished", r.Finished, 1)
		if want := (source.Settled{Outcome: source.Stored, Kind: "lava", Key: "lab/1"}); len(acked) != 1 ||
			acked[0] != want {
			t.Errorf("acknowledged %+v, want %+v", acked, want)
		}
	})
}

func TestUndeliveredDocumentLeavesItsRecordPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, l := &elastic{}, newLedger()
		e.item = func(d sent) (int, string) {
			if d.id == "lab/3/l/7" {
				return 500, "internal_server_error"
			}
			return 0, ""
		}
		c := config(e, l)
		c.ES.Bulk.MaxAttempts = 3
		r, err := feed(t.Context(), t, callbacks(20, 20), c)
		var undelivered *bulk.UndeliveredError
		if !errors.As(err, &undelivered) || undelivered.Count != 1 {
			t.Errorf("got error %v", err)
		}
		equal(t, "pending", r.Pending, 1)
		equal(t, "finished", r.Finished, 19)
		equal(t, "in the ledger", l.finishedCount(), 19)
		if _, ok := l.finished[state.Key{Kind: "lava", ID: "lab/3"}]; ok {
			t.Error("the record is finished without one of its documents")
		}
		equal(t, "rejects", len(l.rejects), 0)

		e.item = nil // the next run sends it again, and only it
		r = mustFeed(t, callbacks(20, 20), config(e, l))
		equal(t, "stored in the second run", r.Bulk.Stored, 1)
		equal(t, "duplicates in the second run", r.Bulk.Duplicate, 21)
		equal(t, "skipped in the second run", r.Skipped, 19)
	})
}

// Elasticsearch that is away costs one retry budget, not one for each batch.
func TestEndsWhenElasticsearchStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, l := &elastic{}, newLedger()
		e.request = func(_ context.Context, n int, _ []sent) (int, error) {
			if n > 5 {
				return 0, errTest
			}
			return 0, nil
		}
		began := time.Now()
		c := config(e, l)
		c.ES.Bulk.MaxPendingBytes = 64 << 10 // as if there were much more to send
		r, err := feed(t.Context(), t, builds(2000), c)
		if took := time.Since(began); took > time.Minute+time.Second {
			t.Errorf("waited %v for an Elasticsearch that is away, with a budget of one minute", took)
		}
		if !errors.Is(err, errTest) || !strings.Contains(err.Error(), "nothing was taken by Elasticsearch for") {
			t.Errorf("got error %v", err)
		}
		equal(t, "finished", r.Finished, 50)
		equal(t, "rejects", len(l.rejects), 0)
	})
}

// The same when requests that were on the way as the outage began get a good
// answer after the first has failed: no second budget for those behind them.
func TestLateAnswersCostNoSecondBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, l := &elastic{}, newLedger()
		e.request = func(_ context.Context, n int, _ []sent) (int, error) {
			switch {
			case n > 8:
				return 0, errTest
			case n > 5: // on the way for a while
				time.Sleep(10 * time.Second)
			}
			return 0, nil
		}
		began := time.Now()
		c := config(e, l)
		c.ES.Bulk.MaxPendingBytes = 64 << 10
		r, err := feed(t.Context(), t, builds(2000), c)
		if took := time.Since(began); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("ended after %v, with a budget of one minute", took)
		}
		if !errors.Is(err, bulk.ErrOutOfTime) || !errors.Is(err, errNothingTaken) {
			t.Errorf("got error %v", err)
		}
		equal(t, "finished", r.Finished, 80)
		equal(t, "in the ledger", l.finishedCount(), 80)
	})
}

// One document that Elasticsearch cannot take does not end a run in which others
// get in, however long it is tried.
func TestOneDocumentOutOfTimeDoesNotEndTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, l := &elastic{}, newLedger()
		e.request = func(context.Context, int, []sent) (int, error) {
			time.Sleep(5 * time.Second)
			return 0, nil
		}
		e.item = func(d sent) (int, string) {
			if d.id == "b5" {
				return 500, "internal_server_error"
			}
			return 0, ""
		}
		c := config(e, l)
		c.ES.Bulk.MaxPendingBytes = 64 << 10
		r, err := feed(t.Context(), t, builds(2000), c)
		if !errors.Is(err, bulk.ErrOutOfTime) || errors.Is(err, errNothingTaken) {
			t.Errorf("got error %v", err)
		}
		equal(t, "pending", r.Pending, 1)
		equal(t, "finished", r.Finished, 1999)
	})
}

func TestRejectedDocument(t *testing.T) {
	e, l := &elastic{}, newLedger()
	e.item = func(d sent) (int, string) {
		if strings.HasSuffix(d.id, "/l/5") {
			return 400, "document_parsing_exception"
		}
		return 0, ""
	}
	r := mustFeed(t, slice{callback(1, 20), callback(2, 20)}, config(e, l))
	equal(t, "finished", r.Finished, 2)
	equal(t, "rejected", r.RejectedDocuments["document_parsing_exception"], 2)
	rejects := l.listed()
	if len(rejects) != 2 {
		t.Fatalf("got %d rejects", len(rejects))
	}
	got := rejects[0]
	equal(t, "document", got.DocumentID, "lab/1/l/5")
	equal(t, "index", got.Index, "log-2025.11.19")
	equal(t, "key", got.Key, "lab/1")
	equal(t, "source", got.Source, "lava1")
	equal(t, "status", got.Status, 400)
	if !json.Valid(got.Body) || !strings.Contains(string(got.Body), "line 4") {
		t.Errorf("body of the reject: %s", got.Body)
	}
	equal(t, "rejected of lab/1", l.finished[state.Key{Kind: "lava", ID: "lab/1"}].Rejected, 1)

	r = mustFeed(t, slice{callback(1, 20)}, config(e, l))
	equal(t, "skipped with rejects", r.SkippedWithRejects, 1)
	equal(t, "Rejected()", r.Rejected(), true)
}

// A record each of whose documents is rejected must not gather them in memory:
// they are in the ledger before the record is finished.
func TestRejectsAreWrittenAsTheyCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		e, l := &elastic{}, newLedger()
		e.item = func(d sent) (int, string) {
			if d.id == "lab/1/l/1" {
				return 0, ""
			}
			return 400, "mapper_parsing_exception"
		}
		e.request = func(_ context.Context, _ int, docs []sent) (int, error) {
			if docs[len(docs)-1].id == "lab/1/l/99" || docs[0].id == "lab/1/l/99" {
				<-hold
			}
			return 0, nil
		}
		c := config(e, l)
		done := make(chan Report)
		go func() { done <- mustFeed(t, slice{callback(1, 100)}, c) }()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if n := len(l.listed()); n < 80 {
			t.Errorf("%d rejects written while the last document is under way", n)
		}
		equal(t, "finished", l.finishedCount(), 0)
		close(hold)
		r := <-done
		equal(t, "rejected", r.RejectedDocuments["mapper_parsing_exception"], 101)
		equal(t, "in the ledger", l.finished[state.Key{Kind: "lava", ID: "lab/1"}].Rejected, 101)
	})
}

// A document that the indexer does not take at all is a reject like others.
func TestDocumentThatCannotBeSent(t *testing.T) {
	e, l := &elastic{}, newLedger()
	c := config(e, l)
	c.ES.Bulk.MaxDocBytes = 600
	big := build(1)
	big.Payload = []byte(strings.Replace(string(big.Payload), "mainline", strings.Repeat("x", 1000), 1))
	r := mustFeed(t, slice{big, build(2)}, c)
	equal(t, "finished", r.Finished, 2)
	equal(t, "rejected", r.RejectedDocuments["document_not_sendable"], 1)
	equal(t, "stored", e.count(), 1)
	if got := l.listed()[0]; got.DocumentID != "b1" || len(got.Body) < 1000 {
		t.Errorf("got reject %s with %d bytes", got.DocumentID, len(got.Body))
	}
}

func TestSkipsFinishedRecords(t *testing.T) {
	e, l := &elastic{}, newLedger()
	mustFeed(t, builds(10), config(e, l))
	again := builds(10)
	var acked []source.Settled
	again[3].Ack = func(s source.Settled) { acked = append(acked, s) }
	c := config(e, l)
	r := mustFeed(t, again, c)
	equal(t, "skipped", r.Skipped, 10)
	equal(t, "sent", r.Bulk.Added, 0)
	if want := (source.Settled{Outcome: source.Skipped, Kind: "build", Key: "b3"}); len(acked) != 1 ||
		acked[0] != want {
		t.Errorf("acknowledged %+v, want %+v", acked, want)
	}

	changed := builds(10)
	changed[4].Payload = []byte(strings.Replace(string(changed[4].Payload), "mainline", "next", 1))
	r = mustFeed(t, changed, config(e, l))
	equal(t, "sent after a change", r.Bulk.Added, 0)
	equal(t, "in conflict", r.Refused[TypeConflict], 1)
	if got := l.listed(); len(got) != 1 || got[0].Type != TypeConflict || !strings.Contains(got[0].Reason, "digest") {
		t.Errorf("rejects %+v", got)
	}

	c = config(e, l)
	c.Force = true
	r = mustFeed(t, changed, c)
	equal(t, "stored by force", r.Bulk.Stored, 10)
	equal(t, "overwritten", strings.Contains(e.docs()["build-2025.11.19/b4"], "next"), true)
	equal(t, "operation", e.all[len(e.all)-1].op, "index")
}

// A record without a time of its own goes to the index of the day on which it
// was received first, also when that run could not finish it.
func TestReceiptTimeIsKept(t *testing.T) {
	e, l := &elastic{}, newLedger()
	src := slice{record("noTime", `{"_id":"x","build_result":"PASS"}`), build(1),
		record("future", `{"_id":"y","build_result":"PASS","created_on":"2030-01-01T00:00:00Z"}`)}
	l.commit = func(int) error { return errTest }
	if _, err := feed(t.Context(), t, src, config(e, l)); !errors.Is(err, errTest) {
		t.Fatalf("got %v", err)
	}
	l.commit = nil
	c := config(e, l)
	c.Now = func() time.Time { return now.Add(72 * time.Hour) }
	r := mustFeed(t, src, c)
	equal(t, "finished", r.Finished, 3)
	equal(t, "duplicates", r.Bulk.Duplicate, 3)
	equal(t, "in Elasticsearch", e.count(), 3)
	for _, key := range []string{"build-2025.11.20/x", "build-2025.11.20/y", "build-2025.11.19/b1"} {
		if _, ok := e.docs()[key]; !ok {
			t.Errorf("%s is not there: %v", key, e.docs())
		}
	}
}

// The spool says when it received a record; that holds for rejects too.
func TestReceiptTimeOfTheSource(t *testing.T) {
	e, l := &elastic{}, newLedger()
	early := now.Add(-48 * time.Hour)
	good, bad := record("good", `{"_id":"x","build_result":"PASS"}`), record("bad", `{"_id"`)
	good.Received, bad.Received = early, early
	mustFeed(t, slice{good, bad}, config(e, l))
	if _, ok := e.docs()["build-2025.11.18/x"]; !ok {
		t.Errorf("got %v", e.docs())
	}
	equal(t, "receipt of the reject", l.listed()[0].Received, early)
}

func TestRefusedRecords(t *testing.T) {
	e, l := &elastic{}, newLedger()
	noLog := record("noLog", `{"id":5,"lab_name":"lab","token":"secret","results":{},"definition":"x","log":""}`)
	running := record("running", `{"id":6,"lab_name":"lab","status":1,"status_string":"running","results":{"0_a":"- {name: x}"},"definition":"x","log":""}`)
	large := source.Record{Name: "large", Payload: []byte(`{"a`), Size: 1 << 30, Err: source.ErrTooLarge}
	zipped := source.Record{Name: "zipped", Size: -1, Kind: "boot", Err: &source.GzipError{Err: errTest}}
	src := slice{build(1), running, noLog, record("blank", " \n\t"), record("cut", `{"id":5,`), large, zipped, build(2)}
	acked := map[source.Outcome]int{}
	for i := range src {
		src[i].Ack = func(s source.Settled) {
			if s.Outcome == source.Refused && (len(l.listed()) != 4 || s.Type == "" || s.Reason == "") {
				t.Errorf("acknowledged before the ledger has it, or without a reason: %+v", s)
			}
			acked[s.Outcome]++
		}
	}
	r := mustFeed(t, src, config(e, l))
	equal(t, "finished", r.Finished, 2)
	equal(t, "blank", r.Blank, 1)
	equal(t, "of a running job", r.NotFinished, 1)
	equal(t, "pending", r.Pending, 0)
	for _, class := range []string{"no_results", "not_json", "too_large", "bad_gzip"} {
		equal(t, class, r.Refused[class], 1)
	}
	want := map[source.Outcome]int{source.Stored: 2, source.Blank: 1, source.NotFinished: 1, source.Refused: 4}
	if !maps.Equal(acked, want) {
		t.Errorf("acknowledged %v, want %v", acked, want)
	}
	rejects := l.listed()
	for _, got := range rejects {
		if strings.Contains(string(got.Body), "secret") {
			t.Errorf("%s: the token is kept: %s", got.Source, got.Body)
		}
		equal(t, got.Source+" truncated", got.Truncated, got.Source == "large" || got.Source == "zipped")
		equal(t, got.Source+" attempts", got.Attempts, 1)
	}
	equal(t, "size of the large one", rejects[1].Size, 1<<30)
	equal(t, "kind of the zipped one", rejects[3].Kind, "boot")
	if got := rejects[2]; got.Source != "noLog" || got.Kind != "lava" ||
		!strings.Contains(got.Reason, "dataset: all") || !strings.Contains(string(got.Body), "REDACTED") {
		t.Errorf("got %+v, body %s", got, got.Body)
	}

	mustFeed(t, src, config(e, l)) // the same refusals are listed once
	equal(t, "rejects after the second run", len(l.rejects), 4)
	equal(t, "attempts then", l.listed()[0].Attempts, 2)
}

func TestSameKeyTwice(t *testing.T) {
	e, l := &elastic{}, newLedger()
	other := callback(1, 21)
	other.Name = "again"
	src := slice{callback(1, 20), callback(1, 20), other, build(1), build(1)}
	r := mustFeed(t, src, config(e, l))
	equal(t, "finished", r.Finished, 2)
	equal(t, "the same again", r.Skipped, 2)
	equal(t, "in conflict", r.Refused[TypeConflict], 1)
	equal(t, "in Elasticsearch", e.count(), 22+1)
	equal(t, "in the ledger", l.finishedCount(), 2)
}

func TestGuard(t *testing.T) {
	err := guard(func() error { panic("odd record") })
	class, reason := Reason(err)
	equal(t, "class", class, "internal_error")
	if !strings.Contains(reason, "odd record") {
		t.Errorf("got %s", reason)
	}
	if err := guard(func() error { return errTest }); !errors.Is(err, errTest) || isPanic(err) {
		t.Errorf("got %v", err)
	}
}
