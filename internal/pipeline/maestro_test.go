package pipeline

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/state"
)

const testNode = `{"id":"6b00989341dcea75e5d60010","kind":"job","name":"baseline","group":"baseline","path":["checkout","k","baseline"],` +
	`"result":"pass","updated":%q,"artifacts":{},"data":{"runtime":"lab","job_id":"1","platform":"board","kernel_revision":{"tree":"mainline","describe":"v6.19"}}}`

// A callback that serve has fed as it came is completed by the record that the
// crawl makes of it: the same documents, with what the node knows.
func TestMaestroCompletesCallback(t *testing.T) {
	e, l := &elastic{}, newLedger()
	plain := callback(1, 20)
	plain.Lab = "lab" // as serve knows it by the token
	plain.Tags = []string{"_nomaestro"}
	mustFeed(t, slice{plain}, config(e, l))
	before := e.docs()
	equal(t, "documents", len(before), 22)
	boot := "boot-2025.11.19/lab/1"
	if doc := before[boot]; strings.Contains(doc, "mainline") || !strings.Contains(doc, `"tags":["_nomaestro",`) {
		t.Errorf("before: %s", doc)
	}
	key := state.Key{Kind: "lava", ID: "lab/1"}
	first := l.finished[key]

	whole := record("node", `{"node":`+fmt.Sprintf(testNode,
		"2025-11-20T00:10:00.100000")+`,"tests":[],"callback":`+string(plain.Payload)+`}`)
	r := mustFeed(t, slice{whole}, config(e, l))
	equal(t, "stored", r.Bulk.Stored, 22)
	after := e.docs()
	equal(t, "documents", len(after), 22)
	for id, doc := range after {
		if _, ok := before[id]; !ok || !strings.Contains(doc, `"job":"mainline"`) ||
			!strings.Contains(doc, `"node_id":"6b00989341dcea75e5d60010"`) {
			t.Errorf("%s, there before: %v: %s", id, ok, doc)
		}
	}
	if doc := after[boot]; strings.Contains(doc, "_nomaestro") {
		t.Errorf("after: %s", doc)
	}
	if l.finished[key].Digest == first.Digest {
		t.Error("not finished anew")
	}
	again := mustFeed(t, slice{whole}, config(e, l))
	equal(t, "skipped", again.Skipped, 1)

	// The callback once more, late: nothing is lost again.
	mustFeed(t, slice{plain}, config(e, l))
	if doc := e.docs()[boot]; !strings.Contains(doc, "mainline") {
		t.Errorf("the late callback undid it: %s", doc)
	}
}

// It does so as well where another machine's ledger has the callback.
func TestMaestroCompletesCallbackOfAnother(t *testing.T) {
	e := &elastic{}
	plain := callback(1, 5)
	mustFeed(t, slice{plain}, config(e, newLedger()))
	whole := record("node", `{"node":`+fmt.Sprintf(testNode,
		"2025-11-20T00:10:00")+`,"callback":`+string(plain.Payload)+`}`)
	mustFeed(t, slice{whole}, config(e, newLedger()))
	equal(t, "documents", e.count(), 7)
	for id, doc := range e.docs() {
		if !strings.Contains(doc, "mainline") {
			t.Errorf("%s: %s", id, doc)
		}
	}
}

// A job that timed out, was crawled and then called is one boot, in whatever order
// both come.
func TestMaestroLateCallback(t *testing.T) {
	timedOut := record("timed out", `{"node":`+fmt.Sprintf(testNode, "2025-11-18T23:59:00")+`,"tests":[]}`)
	called := record("called", `{"node":`+fmt.Sprintf(testNode,
		"2025-11-19T00:10:00")+`,"tests":[],"callback":`+string(callback(1, 5).Payload)+`}`)
	for _, both := range []slice{{timedOut, called}, {called, timedOut}} {
		e, l := &elastic{}, newLedger()
		for _, r := range both {
			mustFeed(t, slice{r}, config(e, l))
		}
		boots := 0
		for id := range e.docs() {
			if strings.HasPrefix(id, "boot-") {
				boots++
			}
		}
		equal(t, "boots", boots, 1)
		equal(t, "documents", e.count(), 7)
	}
}

// Maestro moves `updated` of a finished node once more. Its documents stay in
// the index of the day on which it was seen first.
func TestMaestroNodeKeepsItsDay(t *testing.T) {
	node := func(updated string) slice {
		return slice{record("node", `{"id":"6b00941641dcea75e5d60001","kind":"kbuild","name":"k","result":"pass","updated":"`+updated+`","data":{"arch":"arm64"}}`),
			record("job", `{"node":`+fmt.Sprintf(testNode, updated)+`,"tests":[],"log":"one line"}`)}
	}
	e, l := &elastic{}, newLedger()
	mustFeed(t, node("2025-11-18T23:59:59.900000"), config(e, l))
	first := e.docs()
	equal(t, "documents", len(first), 3)
	r := mustFeed(t, node("2025-11-19T00:00:30.100000"), config(e, l))
	equal(t, "finished", r.Finished, 2)
	for id, doc := range e.docs() {
		if first[id] != doc || !strings.Contains(id, "-2025.11.18/") ||
			!strings.Contains(doc, `"@timestamp":"2025-11-18T23:59:59.900Z"`) {
			t.Errorf("%s: %s", id, doc)
		}
	}
	equal(t, "documents", e.count(), 3)
	for key, f := range l.finished {
		if want := time.Date(2025, 11, 18, 23, 59, 59, 9e8, time.UTC); !f.Time.Equal(want) {
			t.Errorf("%v: state has %v: drp goes by that", key, f.Time)
		}
	}
}

// A node of which an earlier version was fed gives way to the newer one.
func TestMaestroNodeChanges(t *testing.T) {
	e, l := &elastic{}, newLedger()
	for _, result := range []string{"fail", "pass"} {
		mustFeed(t, slice{record("node", `{"id":"6b00941641dcea75e5d60001","kind":"kbuild","name":"k","result":"`+result+`","updated":"2025-11-19T00:00:30","data":{}}`)}, config(e, l))
	}
	equal(t, "document", strings.Contains(e.docs()["build-2025.11.19/maestro/6b00941641dcea75e5d60001"],
		`"build_result":"PASS"`), true)
	equal(t, "documents", e.count(), 1)
}

func TestMaestroIngestTime(t *testing.T) {
	e, l := &elastic{}, newLedger()
	c := config(e, l)
	c.IngestTime = true
	for day := range 2 {
		c.Now = func() time.Time { return now.AddDate(0, 0, day) }
		mustFeed(t, slice{record("node", fmt.Sprintf(`{"id":"6b00941641dcea75e5d60001","kind":"kbuild","name":"k","updated":"2025-11-1%dT00:00:30","data":{}}`, 5+day))}, c)
	}
	if _, ok := e.docs()["build-2025.11.20/maestro/6b00941641dcea75e5d60001"]; !ok || e.count() != 1 {
		t.Errorf("%v", e.docs())
	}
}

func TestMaestroDryRun(t *testing.T) {
	var out bytes.Buffer
	src := slice{build(1),
		record("node",
			`{"id":"6b00941641dcea75e5d60001","kind":"kbuild","name":"k","updated":"2025-11-19T00:00:30","data":{}}`)}
	if _, err := DryRun(t.Context(), src, &out, Config{Workers: 1, Now: func() time.Time { return now }}); err != nil {
		t.Fatal(err)
	}
	docs, err := parseBulk(out.Bytes())
	if err != nil || len(docs) != 2 || docs[0].op != bulk.OpCreate.String() || docs[1].op != bulk.OpIndex.String() {
		t.Errorf("%v %+v", err, docs)
	}
}
