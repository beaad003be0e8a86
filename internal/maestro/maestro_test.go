package maestro

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/maestro/maestrotest"
)

// noon is the time of a test's first node.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// client asks the stand-in without a network; its now lies a day after noon.
func client(t *testing.T, s *maestrotest.Server, change func(*Options)) *Client {
	t.Helper()
	o := Options{BaseURL: "http://maestro.test", Token: "s3cret",
		Now: func() time.Time { return noon.Add(24 * time.Hour) }, Page: 7, Split: 50,
		Fetch: fetch.New(fetch.Options{Transport: s.Transport(),
			UserAgent: "kcing/test (+https://github.com/kcing/kcing)"})}
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
var day = crawl.Window{From: noon.Add(-time.Hour), To: noon.Add(24 * time.Hour)}

// list gathers the ids that Items yields, each once.
func list(t *testing.T, c *Client, w crawl.Window) []string {
	t.Helper()
	seen := map[string]bool{}
	var ids []string
	if _, err := c.Items(t.Context(), w, func(it crawl.Item) error {
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
	if len(r) != 2 || r[0].Header.Get("Authorization") != "Bearer s3cret" ||
		!strings.HasPrefix(r[0].Header.Get("User-Agent"), "kcing/") ||
		r[0].Path != "/latest/node/"+strings.ToUpper(id) {
		t.Errorf("%+v", r)
	}
	if _, n, err := c.page(t.Context(), url.Values{"kind": {"kbuild"}}, 10, 0); n != 1 || err != nil {
		t.Error(n, err)
	}
	it, err := c.Item(t.Context(), crawl.Item{Key: id})
	if err != nil || it.Kind != "build" || it.ID != id || !it.Time.Equal(noon) ||
		it.Name != "http://maestro.test/latest/node/"+id {
		t.Errorf("%v %+v", err, it)
	}
	checkout := s.Add(maestrotest.Node{"kind": "checkout", "name": "checkout"})[0]
	if _, err := c.Item(t.Context(), crawl.Item{Key: checkout}); !errors.Is(err, ErrGone) {
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
				_, err := client(t, s, nil).Items(t.Context(), day, func(crawl.Item) error { got++; return nil })
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
	for _, status := range []int{400, 404, 422} {
		s.SetFault(maestrotest.Status(status))
		if _, _, err = c.page(t.Context(), url.Values{"kind": {"x"}}, 10, 0); err == nil ||
			errors.Is(err, fetch.ErrGone) {
			t.Error(err)
		}
		if _, err = c.Node(t.Context(), "00000000000000000000ffff"); err == nil || errors.Is(err, fetch.ErrGone) {
			t.Error(err)
		}
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	if _, _, err = c.page(ctx, nil, 10, 0); err == nil || err.Error() != "interrupted" {
		t.Error(err)
	}
}

// The bridge's second move is not another version; another result is.
func TestVersion(t *testing.T) {
	s := maestrotest.New(maestrotest.Options{})
	id := s.AddJob(maestrotest.Job{N: 1, Updated: noon})
	c := client(t, s, nil)
	versionOf := func() string {
		it, err := c.Item(t.Context(), crawl.Item{Key: id})
		if err != nil {
			t.Fatal(err)
		}
		return it.Version
	}
	first := versionOf()
	data := maestrotest.Node{}
	node, _ := c.Node(t.Context(), id)
	if err := json.Unmarshal([]byte(gjson.GetBytes(node, "data").Raw), &data); err != nil {
		t.Fatal(err)
	}
	data["new"], data["more"], data["text"] = nil, map[string]any{"list": []any{}}, ""
	delete(data, "error_msg") // which is null
	s.Touch(id, noon, maestrotest.Node{"data": data})
	if versionOf() != first {
		t.Error("null and absent are not the same")
	}
	s.Touch(id, noon.Add(time.Hour), maestrotest.Node{"processed_by_kcidb_bridge": true, "holdoff": noon,
		"jobfilter": []any{}, "new_member": nil})
	if versionOf() != first {
		t.Error("the bridge made another version")
	}
	s.Touch(id, noon.Add(time.Hour), maestrotest.Node{"result": "fail"})
	if versionOf() == first {
		t.Error("another result is the same version")
	}
}
