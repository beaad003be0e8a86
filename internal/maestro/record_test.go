package maestro

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/maestro/maestrotest"
	"github.com/kcing/kcing/transform"
)

// record makes the record of a node and takes it apart again.
func record(t *testing.T, c *Client, id string) map[string]json.RawMessage {
	t.Helper()
	it, err := c.Item(t.Context(), crawl.Item{Key: id})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := it.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(payload, &parts); err != nil {
		t.Fatal(err)
	}
	return parts
}

func tests(t *testing.T, parts map[string]json.RawMessage) (all []maestrotest.Node) {
	t.Helper()
	if err := json.Unmarshal(parts["tests"], &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// What transform makes of a record is what the job has.
func TestRecordsBecomeDocuments(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	build := s.Add(maestrotest.Build(1, noon))[0]
	j := maestrotest.Job{N: 1, Updated: noon, Tests: 20, Lines: 30}
	job := s.AddJob(j)
	c := client(t, s, nil)
	f := func(id, wantKey string, wantDocs int) {
		t.Helper()
		it, err := c.Item(t.Context(), crawl.Item{Key: id})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := it.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var rec transform.Record
		var docs transform.Documents
		if err := rec.Parse(payload, transform.Options{Format: transform.FormatMaestro}); err != nil {
			t.Fatal(err)
		}
		if err := rec.Documents(&docs, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if rec.Key != wantKey || docs.Len() != wantDocs || string(rec.Kind) != it.Kind || len(docs.Tags) > 0 {
			t.Errorf("%s %s: %d documents, tags %q; want %s, %d", rec.Kind, rec.Key, docs.Len(), docs.Tags, wantKey,
				wantDocs)
		}
	}
	f(build, "maestro/"+build, 1)
	f(job, "lava-example1/1001", j.Documents())
	s.Expire("baseline-1-" + job + "/lava_callback")
	f(job, "lava-example1/1001", 1+1+20+30) // lava_logs; the login and the tests are nodes
	s.Expire("baseline-1-" + job + "/lava-logs")
	f(job, "lava-example1/1001", 1+1+20+30) // lava_log
	s.Expire("baseline-1-" + job)
	f(job, "lava-example1/1001", 1+1+20)
}

// The nodes below a job are its own, at any depth, however many jobs there are
// like it, and come with few requests.
func TestRecordTests(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	var ids []string
	for i := range 4 { // the same tree, name, build, lab and board
		ids = append(ids, s.AddJob(maestrotest.Job{N: 1, Updated: noon.Add(time.Duration(i) * time.Hour),
			Tests: 10 * (i + 1)}))
	}
	deep := s.Add(maestrotest.Node{"kind": "job", "name": "set", "parent": ids[0], "group": "baseline-1",
		"treeid": "tree0",
		"path":   []any{"checkout", "kbuild-gcc-14-arm64-1", "baseline-1", "set"}, "created": noon,
		"data": map[string]any{"runtime": "lava-example1", "platform": "board-1"}})[0]
	s.Add(maestrotest.Node{"kind": "test", "name": "case", "parent": deep, "group": "baseline-1", "treeid": "tree0",
		"path": []any{"checkout", "kbuild-gcc-14-arm64-1", "baseline-1", "set", "case"}, "created": noon,
		"data": map[string]any{"runtime": "lava-example1", "platform": "board-1"}})
	c := client(t, s, nil)
	for i, id := range ids {
		want := 3 + 10*(i+1)
		if i == 0 {
			want += 2
		}
		got := tests(t, record(t, c, id))
		if len(got) != want {
			t.Errorf("job %d: %d nodes, want %d", i, len(got), want)
		}
	}
	if n := len(s.Requests()); n > 4*(1+20+1) {
		t.Errorf("%d requests", n)
	}

	// Noted by the bridge soon after, and long after: the same nodes.
	for i, later := range []time.Duration{10 * time.Minute, 24 * time.Hour} {
		s.Touch(ids[2+i], noon.Add(time.Duration(2+i)*time.Hour+later),
			maestrotest.Node{"processed_by_kcidb_bridge": true})
		if got := tests(t, record(t, c, ids[2+i])); len(got) != 3+10*(3+i) {
			t.Errorf("%d nodes", len(got))
		}
	}
	// More than are held at once: level by level.
	s.AddJob(maestrotest.Job{N: 2, Updated: noon.Add(4 * time.Hour), Tests: mostInSlot})
	big := s.AddJob(maestrotest.Job{N: 3, Updated: noon.Add(4 * time.Hour), Tests: 5})
	if got := tests(t, record(t, c, big)); len(got) != 8 {
		t.Errorf("%d nodes", len(got))
	}
}

// N jobs cost N/10 listing queries at most, and those that are known none.
func TestRequestsOfACrawl(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	const jobs = 300
	for i := range jobs {
		s.AddJob(maestrotest.Job{N: i, Updated: noon.Add(time.Duration(i) * 10 * time.Second), Tests: 10, Lines: 1})
	}
	for i := range 10 { // lost: nothing is below them
		s.Add(maestrotest.Node{"name": "baseline", "group": "baseline", "path": []any{"checkout", "kbuild", "baseline"},
			"result": "incomplete",
			"data":   map[string]any{"runtime": "lava-example", "job_id": nil}, "created": noon,
			"updated": noon.Add(time.Duration(i) * time.Minute)})
	}
	c := client(t, s, func(o *Options) { o.Page, o.Split = 0, 0 })
	var items []crawl.Item
	if _, err := c.Items(t.Context(), day, func(it crawl.Item) error {
		items = append(items,
			it)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Requests()); len(items) != jobs+10 || n > 10 {
		t.Fatalf("%d items, %d requests", len(items), n)
	}
	nodes := 0
	for _, it := range items {
		payload, err := it.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		nodes += int(gjson.GetBytes(payload, "tests.#").Int())
	}
	queries := 0
	for _, r := range s.Requests() {
		if !strings.HasPrefix(r.Path, "/files/") {
			queries++
		}
	}
	if nodes != jobs*13 || queries > len(items)/10 {
		t.Errorf("%d nodes below %d jobs with %d queries", nodes, len(items), queries)
	}
	_, err := c.Items(t.Context(), crawl.Window{From: noon.Add(12 * time.Hour), To: day.To},
		func(crawl.Item) error { return nil })
	if err != nil || len(s.Requests()) > queries+jobs+5 {
		t.Errorf("%d requests for nothing new", len(s.Requests())-queries-jobs)
	}
}

// A job that was called between its listing and the reading of its tests is read
// again: node and tests are of one moment.
func TestRecordOfOneMoment(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	id := s.AddJob(maestrotest.Job{N: 1, Updated: noon.Add(time.Minute), Tests: 5})
	called := s.IDs()
	s.Touch(id, noon, maestrotest.Node{"result": "incomplete"})
	c := client(t, s, nil)
	it, err := c.Item(t.Context(), crawl.Item{Key: id})
	if err != nil {
		t.Fatal(err)
	}
	s.Touch(id, noon.Add(time.Minute), maestrotest.Node{"result": "pass"})
	payload, err := it.Fetch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := gjson.GetBytes(payload, "node.result").Str; got != "pass" ||
		int(gjson.GetBytes(payload, "tests.#").Int()) != len(called)-1 {
		t.Errorf("%s, %s", got, gjson.GetBytes(payload, "tests.#"))
	}
}

// Nodes that move while the tests are read do not make others disappear.
func TestRecordTestsWhileNodesMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := maestrotest.New(maestrotest.Options{})
		s.AddJob(maestrotest.Job{N: 1, Updated: noon, Tests: 30}) // one like it, which stands before
		others := s.IDs()
		id := s.AddJob(maestrotest.Job{N: 1, Updated: noon, Tests: 30})
		removed := false
		s.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
			if !removed && r.URL.Query().Get("offset") == "19" {
				removed = true
				s.Remove(others[10:30]...)
			}
			return false
		})
		c := client(t, s, func(o *Options) { o.Page = 2 })
		got := tests(t, record(t, c, id))
		if !removed || len(got) != 33 {
			t.Errorf("%d nodes, removed %v", len(got), removed)
		}
	})
}

func TestRecordArtifacts(t *testing.T) {
	f := func(name string, fault maestrotest.Fault, without []string, wantPart string, wantErr bool) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := maestrotest.New(maestrotest.Options{})
				id := s.AddJob(maestrotest.Job{N: 1, Updated: noon, Tests: 2, Lines: 3, Without: without})
				c := client(t, s, nil)
				it, err := c.Item(t.Context(), crawl.Item{Key: id})
				if err != nil {
					t.Fatal(err)
				}
				s.SetFault(fault)
				payload, err := it.Fetch(t.Context())
				if (err != nil) != wantErr {
					t.Fatal(err)
				}
				var parts map[string]json.RawMessage
				_ = json.Unmarshal(payload, &parts)
				for _, part := range []string{"callback", "lava_logs", "log"} {
					if _, ok := parts[part]; ok != (part == wantPart) {
						t.Errorf("%s: %v, want %q", part, ok, wantPart)
					}
				}
				if err != nil && (errors.Is(err, ErrGone) || !strings.Contains(err.Error(), it.Name)) {
					t.Error(err)
				}
				for _, r := range s.Requests() {
					if strings.HasPrefix(r.Path, "/files/") && r.Header.Get("Authorization") != "" {
						t.Error("the API's token was sent to the storage")
					}
				}
			})
		})
	}
	callback := func(n int, fault maestrotest.Fault) maestrotest.Fault {
		return maestrotest.Times(n, "lava_callback.json.gz", fault)
	}
	const always = 1_000_000
	f("all there", nil, nil, "callback", false)
	f("404", callback(always, maestrotest.Status(404)), nil, "lava_logs", false)
	f("403", callback(always, maestrotest.Status(403)), nil, "lava_logs", false)
	f("400", callback(always, maestrotest.Status(400)), nil, "lava_logs", false)
	f("no callback", nil, []string{"callback_data"}, "lava_logs", false)
	f("log only", nil, []string{"callback_data", "lava_logs"}, "log", false)
	f("nothing", nil, []string{"callback_data", "lava_logs", "lava_log"}, "", false)
	f("no JSON", callback(always, maestrotest.Body("<html>")), nil, "lava_logs", false)
	f("empty", callback(always, maestrotest.Body("  ")), nil, "lava_logs", false)
	f("cut once", callback(1, maestrotest.CutGzip()), nil, "callback", false)
	f("cut always", callback(always, maestrotest.CutGzip()), nil, "", true)
	f("500 always", callback(always, maestrotest.Status(500)), nil, "", true)
	f("504 twice", callback(2, maestrotest.Status(504)), nil, "callback", false)
}

// An item that an earlier run could not download comes again by its key.
func TestRecordOfAnEarlierFailure(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	id := s.AddJob(maestrotest.Job{N: 1, Updated: noon})
	c := client(t, s, nil)
	if parts := record(t, c, id); len(parts["callback"]) == 0 {
		t.Errorf("%s", parts)
	}
	s.Remove(id)
	if _, err := c.Item(t.Context(), crawl.Item{Key: id, Kind: "lava"}); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
}

func TestComplete(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	id := s.AddJob(maestrotest.Job{N: 1, Updated: noon})
	c := client(t, s, nil)
	payload, err := c.Complete(t.Context(), id, []byte(" {\"id\": 1001,\n\"x\": 1}\n"))
	if err != nil || !json.Valid(payload) || !strings.HasSuffix(string(payload),
		",\"callback\":{\"id\": 1001,\n\"x\": 1}}") {
		t.Errorf("%v %s", err, payload)
	}
	f := func(id, callback string, want error) {
		t.Helper()
		if _, err := c.Complete(t.Context(), id, []byte(callback)); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q %q: %v", id, callback, err)
		}
	}
	f("0000000000000000000000ff", `{}`, ErrGone)
	f("me", `{}`, ErrGone)
	f(id, `{`, nil)
	f(id, `[]`, nil)
	f(id, ` `, nil)
	s.SetFault(maestrotest.Status(http.StatusUnauthorized))
	f(id, `{}`, ErrDenied)
	if _, err := c.Complete(t.Context(), id, []byte(`{}`)); errors.Is(err, fetch.ErrGone) {
		t.Error(err)
	}
}
