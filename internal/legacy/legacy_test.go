package legacy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kcing/kcing/internal/crawl"
	"github.com/kcing/kcing/internal/fetch"
)

// frontEnd behaves like the front end: a token belongs to a session and is good
// for a number of requests; without a good one the answer is 400.
type frontEnd struct {
	*httptest.Server
	mu        sync.Mutex
	builds    []map[string]any
	boots     []map[string]any
	tokenUses int // requests a token is good for
	refuse    int // so many requests more are refused whatever the token
	tokens    int
	uses      map[string]int // by token and session
	queries   []string
	noSkip    bool
}

func newFrontEnd(t *testing.T) *frontEnd {
	f := &frontEnd{tokenUses: 1 << 30, uses: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", f.page)
	mux.HandleFunc("GET /_ajax/{collection}", f.ajax)
	mux.HandleFunc("GET /files/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"file":%q}`, r.URL.Path)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *frontEnd) page(w http.ResponseWriter, _ *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens++
	session := strconv.Itoa(f.tokens)
	http.SetCookie(w, &http.Cookie{Name: "session", Value: session})
	token := "ImQ" + session + ".x-y"
	f.uses[token+session] = f.tokenUses
	_, _ = fmt.Fprintf(w, "<html><head>\n<meta id=\"csrf-token\"\n name=\"csrf-token\" content=\"%s\" "+
		"/>\n<title>x</title>", token)
}

func (f *frontEnd) ajax(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	session, err := r.Cookie("session")
	key := r.Header.Get("X-Csrftoken")
	if err == nil {
		key += session.Value
	}
	if f.uses[key] <= 0 || f.refuse > 0 {
		f.refuse--
		http.Error(w, "<html>400</html>", http.StatusBadRequest)
		return
	}
	f.uses[key]--
	q := r.URL.Query()
	f.queries = append(f.queries, r.PathValue("collection")+"?"+r.URL.RawQuery)
	all := f.builds
	if r.PathValue("collection") == "boot" {
		all = f.boots
	}
	skip, _ := strconv.Atoi(q.Get("skip"))
	if f.noSkip {
		skip = 0
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	if q.Get("sort") != "created_on" || q.Get("sort_order") != "1" || limit != 1000 {
		http.Error(w, "unexpected query", http.StatusTeapot)
		return
	}
	rows := all[min(skip, len(all)):min(skip+limit, len(all))]
	_ = json.NewEncoder(w).Encode(map[string]any{"code": 200, "count": len(all), "result": rows})
}

func oid(n int) map[string]any { return map[string]any{"$oid": fmt.Sprintf("%024x", n)} }

func (f *frontEnd) boot(n int, lab, board string) {
	f.boots = append(f.boots, map[string]any{"_id": oid(n), "lab_name": lab, "board": board,
		"file_server_resource": fmt.Sprintf("next/master/v5/arm64/defconfig/gcc-8/%d", n),
		"created_on":           map[string]any{"$date": time.Now().Add(-time.Hour).UnixMilli()}})
}

func (f *frontEnd) build(n int) {
	f.builds = append(f.builds, map[string]any{"_id": oid(n),
		"file_server_resource": fmt.Sprintf("next/master/v5/arm64/def config+x/%d", n),
		"created_on":           "2026-01-02 03:04:05.678000"})
}

func (f *frontEnd) origin(t *testing.T) *Origin {
	t.Helper()
	o, err := New(Options{Host: strings.TrimPrefix(f.URL, "http://"), Scheme: "http", Storage: f.URL + "/files",
		NonLavaLab: "lab-odd", Fetch: fetch.Options{Tries: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func list(t *testing.T, o *Origin, kinds ...string) ([]crawl.Item, error) {
	t.Helper()
	var items []crawl.Item
	_, err := o.Items(t.Context(), crawl.Window{From: time.Now().Add(-47 * time.Hour), To: time.Now(), Kinds: kinds},
		func(it crawl.Item) error {
			items = append(items, it)
			return nil
		})
	return items, err
}

// A front end that always answers the same page would be listed for ever.
func TestNoPages(t *testing.T) {
	f := newFrontEnd(t)
	f.build(3)
	f.noSkip = true
	if items, err := list(t, f.origin(t), "build"); len(items) != 1 || err == nil ||
		!strings.Contains(err.Error(), "does not page") {
		t.Errorf("%v, %v", items, err)
	}
}

// Each record of the listing leads to its file on the storage server.
func TestFiles(t *testing.T) {
	f := newFrontEnd(t)
	f.boot(1, "lab-a", "rk3399-gru-kevin")
	f.boot(2, "lab-odd", "imx6q:x,y")
	f.build(3)
	// no file, no id
	f.builds = append(f.builds, map[string]any{"_id": oid(4)}, map[string]any{"file_server_resource": "x"})
	f.boots = append(f.boots, map[string]any{"_id": oid(5), "file_server_resource": "x", "lab_name": "l"}) // no board
	items, err := list(t, f.origin(t), "build", "boot", "lava")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range items {
		body, err := it.Fetch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ File string }
		_ = json.Unmarshal(body, &file)
		got = append(got, strings.Join([]string{it.Kind, it.Form, it.Lab, strings.TrimLeft(it.ID, "0"), file.File},
			" "))
		if !strings.HasPrefix(it.Name, f.URL+"/files/next/") || it.Time.IsZero() || it.Version == "" {
			t.Errorf("%+v", it)
		}
	}
	want := []string{
		"build build  3 /files/next/master/v5/arm64/def config+x/3/build.json",
		"lava lava lab-a 1 /files/next/master/v5/arm64/defconfig/gcc-8/1/lab-a/lava-json-rk3399-gru-kevin.json",
		"boot boot lab-odd 2 /files/next/master/v5/arm64/defconfig/gcc-8/2/lab-odd/boot-imx6q:x,y.json",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if f.queries[0] != "build?date_range=2&limit=1000&skip=0&sort=created_on&sort_order=1" {
		t.Errorf("asked %q", f.queries[0])
	}
	// What failed is found again by what state keeps of it.
	for _, it := range items {
		again, err := f.origin(t).Item(t.Context(), crawl.Item{Key: it.Key, Kind: it.Kind, Lab: it.Lab,
			Version: it.Version})
		if err != nil || again.Name != it.Name || again.ID != it.ID || again.Form != it.Form {
			t.Errorf("%+v, %v", again, err)
		}
	}
	// Only the wanted kinds, and no more asked for than that.
	f.queries = nil
	if items, err = list(t, f.origin(t), "build"); err != nil || len(items) != 1 || len(f.queries) != 2 {
		t.Errorf("%v, %d items, %q", err, len(items), f.queries)
	}
}

// Pages of 1000 until one is empty, with tokens that last for one request.
func TestPagesAndTokens(t *testing.T) {
	f := newFrontEnd(t)
	for i := range 2300 {
		f.boot(i+1, "lab", "b"+strconv.Itoa(i))
	}
	f.tokenUses = 1
	f.refuse = 3 // and the first three answers are refusals: it does not give up
	items, err := list(t, f.origin(t), "lava")
	if err != nil || len(items) != 2300 || len(f.queries) != 4 {
		t.Errorf("%v, %d items, %q", err, len(items), f.queries)
	}
	f.refuse = 1 << 30
	if _, err = list(t, f.origin(t), "lava"); err == nil || !strings.Contains(err.Error(), "/_ajax/boot answered 400") {
		t.Errorf("refused for ever: %v", err)
	}
	if f.tokens > 4+3+1+tokenTries+1 {
		t.Errorf("%d tokens", f.tokens)
	}
}

// What is no front end is said so, and a yield's error is given back.
func TestErrors(t *testing.T) {
	f := newFrontEnd(t)
	f.build(1)
	stop := errors.New("stop")
	if _, err := f.origin(t).Items(t.Context(), crawl.Window{From: time.Now(), To: time.Now(),
		Kinds: []string{"build"}}, func(crawl.Item) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_,
			_ = w.Write([]byte("<html>hello"))
	}))
	defer other.Close()
	o, err := New(Options{Host: strings.TrimPrefix(other.URL, "http://"), Scheme: "http"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Items(context.Background(), crawl.Window{Kinds: []string{"build"}}, nil); err == nil ||
		!strings.Contains(err.Error(), "no csrf-token") {
		t.Errorf("%v", err)
	}
	for _, bad := range []Options{{Host: "a b"}, {Host: "user:hunter2@h"}, {Host: "h/path"}, {Scheme: "ftp"}} {
		if _, err := New(bad); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestTimestamps(t *testing.T) {
	want := time.Date(2021, 3, 4, 5, 6, 7, 890e6, time.UTC)
	for _, text := range []string{`{"$date":1614834367890}`, `{"$date":"2021-03-04T05:06:07.890Z"}`,
		`"2021-03-04 05:06:07.890000"`, `"2021-03-04T05:06:07.89+00:00"`, `1614834367890`} {
		var at timestamp
		if err := json.Unmarshal([]byte(text), &at); err != nil || !time.Time(at).Equal(want) {
			t.Errorf("%s: %v, %v", text, time.Time(at), err)
		}
	}
}

// FuzzListing: no answer of a server makes it panic, or an item without a key.
func FuzzListing(f *testing.F) {
	f.Add([]byte(`{"result":[{"_id":{"$oid":"5f"},"file_server_resource":"a/b","lab_name":"l","board":"b","created_on":{"$date":1}}]}`))
	f.Add([]byte(`{"result":[{"_id":"5f","file_server_resource":"//","created_on":"2021-03-04 05:06:07"},null,{}]}`))
	f.Add([]byte(`{"result":{}}`))
	o, err := New(Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var answer struct {
			Result []record `json:"result"`
		}
		if json.Unmarshal(body, &answer) != nil {
			return
		}
		for _, r := range answer.Result {
			for _, collection := range []string{"build", "boot"} {
				if it, ok := o.item(collection, r); ok && (it.Key == "" || it.ID == "" || it.Fetch == nil ||
					!strings.HasPrefix(it.Name, "https://storage.kernelci.org/")) {
					t.Errorf("%+v", it)
				}
			}
		}
	})
}

func FuzzReadToken(f *testing.F) {
	f.Add([]byte(`<meta name="csrf-token" content="a.b-c">`))
	f.Add([]byte("<meta id='csrf-token'\ncontent = 'x' >"))
	f.Add([]byte(`<meta content="first" name="csrf-token">`))
	f.Fuzz(func(t *testing.T, html []byte) {
		if token, ok := readToken(html); ok && (token == "" || strings.ContainsAny(token, `"'`)) {
			t.Errorf("token %q", token)
		}
	})
}
