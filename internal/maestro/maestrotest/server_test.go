package maestrotest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func get(t *testing.T, s *Server, target string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", "http://api.test"+target, http.NoBody))
	return w.Code, w.Body.String()
}

type page struct {
	Items                []Node
	Total, Limit, Offset int
}

// The answers are those that a real kernelci-api was seen to give (its commit
// 95acafcf): what it makes of each kind of request, the odd ones too.
func TestAnswers(t *testing.T) {
	s := New(Options{})
	build := s.Add(Build(1, noon), Build(2, noon.Add(time.Second)), Build(3, noon.Add(1500*time.Millisecond)))[0]
	job := s.AddJob(Job{N: 1, Updated: noon.Add(time.Hour), Tests: 2, Lines: 1})
	f := func(query string, status, total int) {
		t.Helper()
		code, body := get(t, s, "/latest/nodes?"+query)
		var p page
		if err := json.Unmarshal([]byte(body), &p); err != nil || code != status || p.Total != total {
			t.Errorf("%s: %d, total %d, want %d, %d: %.200s", query, code, p.Total, status, total, body)
		}
	}
	all := s.Len()
	f("", 200, all)
	f("kind=kbuild", 200, 3)
	f("kind=foo", 200, 0)
	f("kind=kbuild&kind=job", 200, 3) // the last one counts
	f("kind__in=kbuild,checkout", 200, 3)
	f("kind__nin=kbuild,checkout", 200, all-3)
	f("name__foo=x", 200, 0)
	f("sort=created", 200, 0)
	f("unknown=null", 200, all)
	f("unknown=x", 200, 0)
	f("id="+build, 200, 0)
	f("parent="+job, 200, 2)
	f("parent=abc", 400, 0)
	f("parent=null", 200, 0)
	f("parent__in="+job, 500, 0)
	f("retry_counter=0", 200, all)
	f("retry_counter__gt=0", 500, 0)
	f("retry_counter=x", 400, 0)
	f("path=checkout", 200, all)
	f("path.1=kbuild-gcc-14-arm64-1", 200, 7)
	f("artifacts.callback_data__ne=null", 200, 1)
	f("data.job_id=1001", 200, 1)
	f("data.job_id__gte=1001", 200, 0)
	f("data.kernel_revision.version.version=6", 200, 0)
	f("data.kernel_revision.version.version__gte=6", 200, all)
	f("data.kernel_revision.version.version__int=6", 200, all)
	f("processed_by_kcidb_bridge=False", 200, all)
	f("name__re=^kbuild", 200, 3)
	f("name__re=(", 500, 0)
	f("updated__gte=2026-11-20T12:00:01.000000&updated__lt=2026-11-20T12:00:01.500000", 200, 1)
	f("updated__gt=2026-11-20T12:00:01&updated__lte=2026-11-20%2012:00:01.500999", 200, 1)
	f("updated__gte=2026-11-20T12:00:01.500999&kind=kbuild", 200, 1) // microseconds are cut
	f("updated__gte=2026-11-20T12:00:01Z", 400, 0)
	f("updated__gte=abc", 400, 0)
	f("updated__gte=1763640000", 400, 0)
	f("holdoff=null", 500, 0)
	f("limit=1", 200, all)
	f("limit=100000&offset=100000", 200, all)
	for _, bad := range []string{"limit=0", "limit=-1", "limit=abc", "limit=1.5", "limit=", "offset=-1", "offset=x"} {
		f(bad, 422, 0)
	}

	g := func(target string, status int, want string) {
		t.Helper()
		if code, body := get(t, s, target); code != status || !strings.Contains(body, want) {
			t.Errorf("%s: %d %.200s, want %d %s", target, code, body, status, want)
		}
	}
	g("/latest/count?kind=kbuild", 200, "3")
	g("/count?kind=kbuild&limit=1", 200, "0")
	g("/v0/node/"+build, 200, `"id":"`+build+`"`)
	g("/node/"+strings.ToUpper(build), 200, `"updated":"2026-11-20T12:00:00"`)
	g("/latest/node/00000000000000000000ffff", 200, "null")
	g("/latest/node/abc", 400, "is not a valid ObjectId")
	g("/v1/nodes", 400, "Unsupported API version: v1")
	g("/latestx/nodes", 404, "Not Found")
	g("/latest/nodes/", 307, "")
	g("/latest/nodes/fast?kind=kbuild&limit=2&offset=1", 200, "kbuild-gcc-14-arm64-3")
	g("/latest/nodes/fast?limit=abc", 400, "")
	g("/files/baseline-1-"+job+"/lava-logs.yaml", 200, "msg: job 1 line 0")
	g("/files/none", 404, "")
}

// A page shifts when a node before it leaves what is asked for, and not when one
// is added.
func TestPagesShift(t *testing.T) {
	s := New(Options{})
	var ids []string
	for i := range 9 {
		ids = append(ids, s.Add(Build(i, noon.Add(time.Duration(i)*time.Second)))...)
	}
	second := func() (names string) {
		_, body := get(t, s, "/nodes?limit=3&offset=3&updated__lt=2026-11-20T12:00:09")
		var p page
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		for _, n := range p.Items {
			name, _ := n["name"].(string)
			names += strings.TrimPrefix(name, "kbuild-gcc-14-arm64")
		}
		return fmt.Sprint(names, " of ", p.Total)
	}
	if got := second(); got != "-3-4-5 of 9" {
		t.Error(got)
	}
	s.Add(Build(9, noon))
	if got := second(); got != "-3-4-5 of 10" {
		t.Error(got)
	}
	s.Touch(ids[0], noon.Add(time.Hour), nil)
	if got := second(); got != "-4-5-6 of 9" {
		t.Error(got)
	}
	s.Remove(ids[1])
	if got := second(); got != "-5-6-7 of 8" {
		t.Error(got)
	}
}

// Over the network and without one the same comes.
func TestTransport(t *testing.T) {
	s := New(Options{})
	base := s.Start(t)
	s.AddJob(Job{N: 1, Updated: noon, Lines: 5000})
	for _, client := range []*http.Client{{}, {Transport: s.Transport()}} {
		res, err := client.Get(base + "/latest/nodes")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != 200 || !strings.Contains(string(body), base+"/files/") {
			t.Errorf("%v %d %.200s", err, res.StatusCode, body)
		}
	}
}

// The members of a node are those that a real one has.
func TestNodeMembers(t *testing.T) {
	shared := os.Getenv("KCING_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "..", "shared")
	}
	raw, err := os.ReadFile(filepath.Join(shared, "data", "nodes", "recorded", "node-kbuild.json"))
	if err != nil {
		t.Skip(err)
	}
	var real Node
	if err := json.Unmarshal(raw, &real); err != nil {
		t.Fatal(err)
	}
	n := defaults()
	for name := range real {
		if _, ok := n[name]; !ok && name != "id" && name != "created" && name != "updated" && name != "timeout" {
			t.Errorf("a real node has %s", name)
		}
	}
}
