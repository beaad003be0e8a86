package maestro

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/maestro/maestrotest"
)

// noon is the time of a test's first node.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// client asks the stand-in without a network; its now lies a day after noon.
func client(t *testing.T, s *maestrotest.Server, change func(*Options)) *Client {
	t.Helper()
	o := Options{BaseURL: "http://maestro.test", Token: "s3cret", Now: func() time.Time { return noon.Add(24 * time.Hour) }, Page: 7, Split: 50,
		Fetch: fetch.New(fetch.Options{Transport: s.Transport(), UserAgent: "kcing/test (+https://github.com/kcing/kcing)"})}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// day is all of the test's nodes.
var day = Window{From: noon.Add(-time.Hour), To: noon.Add(24 * time.Hour)}

// list gathers the ids that Items yields, each once.
func list(t *testing.T, c *Client, w Window) []string {
	t.Helper()
	seen := map[string]bool{}
	var ids []string
	if _, err := c.Items(t.Context(), w, func(it Item) error {
		if !seen[it.ID] {
			seen[it.ID] = true
			ids = append(ids, it.ID)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func sameIDs(t *testing.T, got, want []string) {
	t.Helper()
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%d ids, want %d", len(got), len(want))
		for _, id := range want {
			if !slices.Contains(got, id) {
				t.Errorf("missing: %s", id)
			}
		}
	}
}

func addBuilds(s *maestrotest.Server, n int, at func(i int) time.Time) (ids []string) {
	for i := range n {
		ids = append(ids, s.Add(maestrotest.Build(i, at(i)))...)
	}
	return ids
}

func every(step time.Duration) func(int) time.Time {
	return func(i int) time.Time { return noon.Add(time.Duration(i) * step) }
}

func TestBaseURL(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		c, err := New(Options{BaseURL: in})
		if err != nil || c.base != want {
			t.Errorf("%q: %v, %+v, want %s", in, err, c, want)
		}
	}
	f("", "https://api.kernelci.org/latest")
	f("https://api.kernelci.org", "https://api.kernelci.org/latest")
	f("https://api.kernelci.org/", "https://api.kernelci.org/latest")
	f(" http://localhost:8001/latest/ ", "http://localhost:8001/latest")
	f("http://h/v0", "http://h/v0")
	f("http://h/v0.1", "http://h/v0.1")
	f("http://h/kernelci", "http://h/kernelci/latest")
	f("http://user:pw@h", "http://user:pw@h/latest")

	g := func(in string) {
		t.Helper()
		if _, err := New(Options{BaseURL: in}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", in, err)
		}
	}
	g("api.kernelci.org")
	g("ftp://u:s3cret@h")
	g("http://")
	g("http://h/?token=s3cret")
	g("http://u:s3cret@h\x7f")
	if c, _ := New(Options{BaseURL: "http://user:s3cret@h"}); c.Base() != "http://h/latest" {
		t.Error(c.Base())
	}
}

func TestNode(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	id := s.Add(maestrotest.Build(1, noon))[0]
	c := client(t, s, nil)
	raw, err := c.Node(t.Context(), strings.ToUpper(id))
	if err != nil || !strings.Contains(string(raw), id) {
		t.Errorf("%v %s", err, raw)
	}
	for _, none := range []string{"00000000000000000000ffff", "abc", "", "../nodes", id + "0"} {
		if _, err := c.Node(t.Context(), none); !errors.Is(err, ErrGone) {
			t.Errorf("%q: %v", none, err)
		}
	}
	r := s.Requests()
	if len(r) != 2 || r[0].Header.Get("Authorization") != "Bearer s3cret" || !strings.HasPrefix(r[0].Header.Get("User-Agent"), "kcing/") || r[0].Path != "/latest/node/"+strings.ToUpper(id) {
		t.Errorf("%+v", r)
	}
	if n, err := c.Count(t.Context(), url.Values{"kind": {"kbuild"}}); n != 1 || err != nil {
		t.Error(n, err)
	}
	it, err := c.Item(t.Context(), id)
	if err != nil || it.Kind != "build" || it.ID != id || !it.Updated.Equal(noon) || it.URL != "http://maestro.test/latest/node/"+id {
		t.Errorf("%v %+v", err, it)
	}
	checkout := s.Add(maestrotest.Node{"kind": "checkout", "name": "checkout"})[0]
	if _, err := c.Item(t.Context(), checkout); !errors.Is(err, ErrGone) {
		t.Error(err)
	}
}

// Only builds and the jobs of LAVA labs that are done are listed.
func TestItemsKinds(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	build := s.Add(maestrotest.Build(1, noon))[0]
	job := s.AddJob(maestrotest.Job{N: 1, Updated: noon, Tests: 20, Lines: 3})
	old := s.AddJob(maestrotest.Job{N: 2, Updated: noon, Tests: 1, Kind: "test"})
	lava := map[string]any{"runtime": "lava-example", "job_id": nil}
	path := []any{"checkout", "kbuild-x", "baseline"}
	lost := s.Add(maestrotest.Node{"name": "baseline", "group": "baseline", "path": path, "result": "incomplete", "data": lava, "updated": noon})[0]
	same := append(slices.Clone(path), "baseline")
	s.Add( // none of these
		maestrotest.Node{"name": "baseline", "group": "baseline", "path": same, "data": lava, "updated": noon},
		maestrotest.Node{"name": "kunit", "group": "kunit", "path": path, "data": map[string]any{"runtime": "k8s-x", "job_id": "1"}, "updated": noon},
		maestrotest.Node{"kind": "kbuild", "state": "available", "updated": noon},
		maestrotest.Node{"kind": "kbuild", "updated": day.From.Add(-time.Millisecond)},
		maestrotest.Node{"kind": "kbuild", "updated": day.To},
		maestrotest.Node{"kind": "checkout", "updated": noon},
	)
	c := client(t, s, func(o *Options) { o.HoldBack = time.Nanosecond })
	sameIDs(t, list(t, c, day), []string{build, job, old, lost})
	sameIDs(t, list(t, c, Window{From: day.From, To: day.To, Kinds: []string{"build"}}), []string{build})
	sameIDs(t, list(t, c, Window{From: day.From, To: day.To, Kinds: []string{"lava"}}), []string{job, old, lost})
	it, err := c.Item(t.Context(), job)
	if err != nil || it.Kind != "lava" || it.Lab != "lava-example1" {
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
	complete, err := c.Items(t.Context(), Window{From: noon, To: now.Add(time.Hour)}, func(Item) error { return nil })
	if err != nil || !complete.Equal(now.Add(-30*time.Second)) {
		t.Error(complete, err)
	}
	sameIDs(t, list(t, c, Window{From: noon, To: now}), early)
	if complete, err = c.Items(t.Context(), Window{From: now, To: now}, func(Item) error { return nil }); err != nil || complete.After(now) {
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
		if n := len(list(t, c, Window{From: day.From, To: noon.Add(90 * time.Hour)})); n != 340 {
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
		sameIDs(t, list(t, c, Window{From: noon, To: noon.Add(time.Minute)}), ids)
	})
}

// A number that changes with each answer ends with an error, after a bounded time.
func TestItemsNeverSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := maestrotest.New(maestrotest.Options{})
		n := 0
		s.SetFault(func(w http.ResponseWriter, _ *http.Request) bool {
			n++
			return maestrotest.Body(fmt.Sprintf(`{"items":[{"id":"a","kind":"kbuild"}],"total":%d}`, 2+n%2))(w, nil)
		})
		_, err := client(t, s, nil).Items(t.Context(), Window{From: noon, To: noon.Add(4 * time.Millisecond)}, func(Item) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "number changed") || n > 1000 {
			t.Errorf("%v after %d requests", err, n)
		}
	})
}

func TestItemsYieldError(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	addBuilds(s, 10, every(time.Second))
	want := errors.New("enough")
	if _, err := client(t, s, nil).Items(t.Context(), day, func(Item) error { return want }); err != want { //nolint:errorlint // as it is
		t.Error(err)
	}
}

// What passes is asked again; what does not ends the listing with a reason.
func TestItemsFaults(t *testing.T) {
	f := func(name string, fault maestrotest.Fault, ok bool, words ...string) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := maestrotest.New(maestrotest.Options{})
				ids := addBuilds(s, 30, every(time.Second))
				s.SetFault(fault)
				began := time.Now()
				got := 0
				_, err := client(t, s, nil).Items(t.Context(), day, func(Item) error { got++; return nil })
				if (err == nil) != ok || ok && got != len(ids) {
					t.Errorf("%d of %d nodes, %v", got, len(ids), err)
				}
				for _, w := range words {
					if err != nil && !strings.Contains(err.Error(), w) {
						t.Errorf("%q is not in: %v", w, err)
					}
				}
				if err != nil && strings.Contains(err.Error(), "s3cret") {
					t.Error(err)
				}
				if took := time.Since(began); took > 30*time.Minute {
					t.Errorf("took %v", took)
				}
			})
		})
	}
	twice := func(fault maestrotest.Fault) maestrotest.Fault { return maestrotest.Times(2, "/nodes", fault) }
	always := func(fault maestrotest.Fault) maestrotest.Fault { return maestrotest.Times(1_000_000, "/nodes", fault) }
	f("500", twice(maestrotest.Status(500)), true)
	f("502", twice(maestrotest.Status(502)), true)
	f("504", twice(maestrotest.Status(504)), true)
	f("503 with Retry-After", twice(maestrotest.Status(503, "Retry-After", "20")), true)
	f("429 with Retry-After", twice(maestrotest.Status(429, "Retry-After", "60")), true)
	f("null", twice(maestrotest.Body("null")), true)
	f("empty", twice(maestrotest.Body("")), true)
	f("cut JSON", twice(maestrotest.Body(`{"items":[{"id":"6b`)), true)
	f("cut gzip", twice(maestrotest.CutGzip()), true)
	f("silent", twice(maestrotest.Slow(0)), true)
	f("slow", twice(maestrotest.Slow(20*time.Second)), true)
	f("a page without total", twice(maestrotest.Body(`{"items":[]}`)), true)
	f("always null", always(maestrotest.Body("null")), false, "no page of nodes", "KCI_API")
	f("always 500", always(maestrotest.Status(500)), false, "/latest/nodes", "500")
	f("401", always(maestrotest.Status(401)), false, "refuses access", "KCI_API_TOKEN", "401")
	f("403", always(maestrotest.Status(403)), false, "refuses access")
	f("404", always(maestrotest.Status(404)), false, "is KCI_API a Maestro API?")
	f("422", always(maestrotest.Status(422)), false, "422", "updated__gte=2026-11-20T11%3A00%3A00.000000")
	f("400", always(maestrotest.Status(400)), false, "400", "asked for ?")
}

func TestDeniedAndGoneAreTold(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	s.SetFault(maestrotest.Status(403))
	c := client(t, s, nil)
	_, err := c.Node(t.Context(), "00000000000000000000ffff")
	if !errors.Is(err, ErrDenied) || errors.Is(err, ErrGone) || errors.Is(err, fetch.ErrGone) {
		t.Error(err)
	}
	s.SetFault(maestrotest.Status(422))
	if _, err = c.Count(t.Context(), url.Values{"kind": {"x"}}); err == nil || errors.Is(err, fetch.ErrGone) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	if _, err = c.Count(ctx, nil); err == nil || err.Error() != "interrupted" {
		t.Error(err)
	}
}

// The bridge's second move is not another version; another result is.
func TestVersion(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	id := s.AddJob(maestrotest.Job{N: 1, Updated: noon})
	c := client(t, s, nil)
	versionOf := func() string {
		it, err := c.Item(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return it.Version
	}
	first := versionOf()
	s.Touch(id, noon.Add(time.Hour), maestrotest.Node{"processed_by_kcidb_bridge": true, "holdoff": noon, "jobfilter": []any{}, "new_member": nil})
	if versionOf() != first {
		t.Error("the bridge made another version")
	}
	s.Touch(id, noon.Add(time.Hour), maestrotest.Node{"result": "fail"})
	if versionOf() == first {
		t.Error("another result is the same version")
	}
}
