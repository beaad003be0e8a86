package maestro

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/maestro/maestrotest"
)

// Only builds that have a result and the jobs of LAVA labs that are done are listed.
func TestItemsKinds(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	build := s.Add(maestrotest.Build(1, noon))[0]
	job := s.AddJob(maestrotest.Job{N: 1, Updated: noon, Tests: 20, Lines: 3})
	old := s.AddJob(maestrotest.Job{N: 2, Updated: noon, Tests: 1, Kind: "test"})
	lava := map[string]any{"runtime": "lava-example", "job_id": nil}
	path := []any{"checkout", "kbuild-x", "baseline"}
	lost := s.Add(maestrotest.Node{"name": "baseline", "group": "baseline", "path": path, "result": "incomplete",
		"data": lava, "updated": noon})[0]
	same := append(slices.Clone(path), "baseline")
	s.Add( // none of these
		maestrotest.Node{"name": "baseline", "group": "baseline", "path": same, "data": lava, "updated": noon},
		maestrotest.Node{"name": "kunit", "group": "kunit", "path": path,
			"data": map[string]any{"runtime": "k8s-x", "job_id": "1"}, "updated": noon},
		maestrotest.Node{"kind": "kbuild", "state": "available", "updated": noon},
		maestrotest.Node{"kind": "kbuild", "state": "running", "result": "pass", "updated": noon},
		maestrotest.Node{"kind": "kbuild", "updated": day.From.Add(-time.Millisecond)},
		maestrotest.Node{"kind": "kbuild", "updated": day.To},
		maestrotest.Node{"kind": "checkout", "updated": noon},
	)
	c := client(t, s, func(o *Options) { o.Now = func() time.Time { return noon.Add(48 * time.Hour) } })
	passed := s.Add(maestrotest.Node{"kind": "kbuild", "state": "available", "result": "pass", "updated": noon},
		maestrotest.Node{"kind": "kbuild", "state": "closing", "result": "pass", "updated": noon})
	sameIDs(t, list(t, c, day), append([]string{build, job, old, lost}, passed...))
	sameIDs(t, list(t, c, crawl.Window{From: day.From, To: day.To, Kinds: []string{"build"}}),
		append([]string{build}, passed...))
	sameIDs(t, list(t, c, crawl.Window{From: day.From, To: day.To, Kinds: []string{"lava"}}), []string{job, old, lost})
	it, err := c.Item(t.Context(), crawl.Item{Key: job})
	if err != nil || it.Kind != "lava" || it.Lab != "" {
		t.Errorf("%v %+v", err, it)
	}
}

// The end is kept back from now, whatever was asked for.
func TestItemsHoldBack(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	now := noon.Add(24 * time.Hour)
	early := s.Add(maestrotest.Build(1, now.Add(-31*time.Second)))
	s.Add(maestrotest.Build(2, now.Add(-29*time.Second)))
	c := client(t, s, nil)
	complete, err := c.Items(t.Context(), crawl.Window{From: noon, To: now.Add(time.Hour)},
		func(crawl.Item) error { return nil })
	if err != nil || !complete.Equal(now.Add(-30*time.Second)) {
		t.Error(complete, err)
	}
	sameIDs(t, list(t, c, crawl.Window{From: noon, To: now}), early)
	if complete, err = c.Items(t.Context(), crawl.Window{From: now, To: now},
		func(crawl.Item) error { return nil }); err != nil || complete.After(now) {
		t.Error(complete, err)
	}
}

// 10,000 nodes, some thousand of them in one millisecond: all are listed, page by
// page and with few requests.
func TestItemsMany(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	at := func(i int) time.Time {
		if i%2 == 0 {
			return noon
		}
		return noon.Add(time.Duration(i) * 3 * time.Second)
	}
	ids := addBuilds(s, 10_000, at)
	c := client(t, s, func(o *Options) { o.Page, o.Split = 0, 0 })
	sameIDs(t, list(t, c, day), ids)
	if n := len(s.Requests()); n > 120 {
		t.Errorf("%d requests", n)
	}
	for _, r := range s.Requests() {
		if limit := r.Query.Get("limit"); limit != "200" {
			t.Fatalf("limit %s", limit)
		}
	}
}

// A large window is read in halves, so that pages do not go far and few ids are
// held.
func TestItemsSplits(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	ids := addBuilds(s, 500, every(time.Second))
	sameIDs(t, list(t, client(t, s, nil), day), ids)
	for _, r := range s.Requests() {
		if offset, _ := strconv.Atoi(r.Query.Get("offset")); offset > 50 {
			t.Fatalf("offset %d", offset)
		}
	}
}

// Nodes that leave while others come change no total, and yet move others.
func TestItemsOneLeavesOneComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := maestrotest.New(maestrotest.Options{})
		ids := addBuilds(s, 30, every(time.Second))
		moved := 0
		s.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("offset") != "0" && moved < 6 {
				for range 2 {
					s.Touch(ids[moved], noon.Add(48*time.Hour), nil)
					s.Add(maestrotest.Build(100+moved, noon.Add(time.Minute)))
					moved++
				}
			}
			return false
		})
		got := list(t, client(t, s, nil), day)
		if moved != 6 || len(got) < 30 {
			t.Errorf("%d moved, %d listed", moved, len(got))
		}
		for _, id := range ids[6:] {
			if !slices.Contains(got, id) {
				t.Errorf("missing: %s", id)
			}
		}
	})
}

// While the window is read, nodes leave it, which moves others to an earlier
// page, and others are added. What was in it all the time is listed.
func TestItemsWhileNodesMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := maestrotest.New(maestrotest.Options{})
		ids := addBuilds(s, 300, every(time.Second))
		left := 40
		s.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("offset") != "0" && left > 0 {
				left--
				s.Touch(ids[left], noon.Add(48*time.Hour), maestrotest.Node{"processed_by_kcidb_bridge": true})
				s.Add(maestrotest.Build(1000+left, noon.Add(49*time.Hour)))
			}
			return false
		})
		got := list(t, client(t, s, nil), day)
		for _, id := range ids[40:] {
			if !slices.Contains(got, id) {
				t.Errorf("missing: %s", id)
			}
		}
		if left > 0 {
			t.Errorf("%d nodes have not moved: the test tests nothing", left)
		}
		s.SetFault(nil)
		c := client(t, s, func(o *Options) { o.Now = func() time.Time { return noon.Add(100 * time.Hour) } })
		if n := len(list(t, c, crawl.Window{From: day.From, To: noon.Add(90 * time.Hour)})); n != 340 {
			t.Errorf("%d nodes by the next run, want 340", n)
		}
	})
}

// Nodes added into the window itself while it is read are listed too.
func TestItemsAddedWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := maestrotest.New(maestrotest.Options{})
		ids := addBuilds(s, 100, every(time.Minute))
		n := 0
		s.SetFault(func(_ http.ResponseWriter, r *http.Request) bool {
			if r.URL.Query().Get("offset") != "0" && n < 20 {
				n++
				ids = append(ids, s.Add(maestrotest.Build(500+n, noon.Add(time.Duration(n)*time.Second)))...)
			}
			return false
		})
		c := client(t, s, func(o *Options) { o.Split = 1000 })
		got := list(t, c, day)
		if n < 20 {
			t.Fatal("nothing was added")
		}
		sameIDs(t, got, ids)
	})
}

// Where each answer has another order no two pages agree: the window is split
// until one answer holds it, also within one millisecond.
func TestItemsShuffled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := maestrotest.New(maestrotest.Options{Seed: 7})
		ids := addBuilds(s, 60, func(i int) time.Time { return noon.Add(time.Duration(i/20) * time.Second) })
		s.Shuffle(true)
		c := client(t, s, func(o *Options) { o.Split = 1000 })
		sameIDs(t, list(t, c, crawl.Window{From: noon, To: noon.Add(time.Minute)}), ids)
	})
}

// Answers that never agree end the listing with an error, after a bounded time:
// a number that changes each time, and a node that is there twice.
func TestItemsNeverSettled(t *testing.T) {
	f := func(page func(n int) string) {
		synctest.Test(t, func(t *testing.T) {
			s := maestrotest.New(maestrotest.Options{})
			n := 0
			s.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
				n++
				return maestrotest.Body(page(n))(w, r)
			})
			_, err := client(t, s, nil).Items(t.Context(), crawl.Window{From: noon, To: noon.Add(4 * time.Millisecond)},
				func(crawl.Item) error { return nil })
			if err == nil || !strings.Contains(err.Error(), "changed each of") || n > 1000 {
				t.Errorf("%v after %d requests", err, n)
			}
		})
	}
	f(func(n int) string { return fmt.Sprintf(`{"items":[{"id":"a","kind":"kbuild"}],"total":%d}`, 2+n%2) })
	f(func(int) string { return `{"items":[{"id":"a","kind":"kbuild"},{"id":"a","kind":"kbuild"}],"total":2}` })
}

func TestItemsYieldError(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	addBuilds(s, 10, every(time.Second))
	want := errors.New("enough")
	if _, err := client(t, s, nil).Items(t.Context(), day, func(crawl.Item) error { return want }); err != want { //nolint:errorlint // as it is
		t.Error(err)
	}
}
