package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/estest"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
)

// suite ends the shared Elasticsearch after the tests.
type suite struct{ *testing.M }

func (s suite) Run() int { return estest.Main(s.M) }

// TestMain lets the test binary be kcing itself: scripts and tests run `kcing`
// as a process of its own, with real exit codes and signals.
func TestMain(m *testing.M) {
	testscript.Main(suite{m}, map[string]func(){"kcing": main})
}

// raceOptions spare each kcing under the race detector the second that it sleeps
// at its end, to let other goroutines report.
const raceOptions = "atexit_sleep_ms=0"

// scripts are those in testdata/script; the names of those that need an
// Elasticsearch begin with es_.
func scripts(t *testing.T, elasticsearch bool) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range all {
		if strings.HasPrefix(filepath.Base(f), "es_") == elasticsearch {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		t.Fatal("no scripts")
	}
	return files
}

// TestScripts needs no Elasticsearch: in the scripts ES_HOST is a port where
// nobody listens.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Files: scripts(t, false), Cmds: scriptCommands, RequireUniqueNames: true, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("NOBODY", "http://"+closedPort(t))
			e.Setenv("ES_HOST", e.Getenv("NOBODY"))
			e.Setenv("GORACE", raceOptions)
			e.Setenv("KCI_API", e.Getenv("NOBODY"))
			e.Values[standInKey{}] = new(standIn)
			return nil
		},
	})
}

// TestElasticsearchScripts runs each script against a real Elasticsearch, with
// an index prefix of its own in $ES_INDEX_PREFIX.
func TestElasticsearchScripts(t *testing.T) {
	url := estest.Shared(t)
	testscript.Run(t, testscript.Params{
		Files: scripts(t, true), Cmds: scriptCommands, RequireUniqueNames: true, RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("ES_HOST", url)
			e.Setenv("GORACE", raceOptions)
			e.Setenv("ES_INDEX_PREFIX", estest.Prefix(e.T().(testing.TB), url))
			e.Setenv("NOBODY", "http://"+closedPort(t))
			e.Setenv("KCI_API", e.Getenv("NOBODY"))
			return nil
		},
	})
}

// closedPort is an address where nothing listens.
func closedPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // only its number was wanted
	return l.Addr().String()
}

// scriptCommands are what the scripts have beyond testscript's own.
var scriptCommands = map[string]func(*testscript.TestScript, bool, []string){
	"exits":         exits,
	"blackhole":     blackhole,
	"count":         count,
	"es":            request,
	"day":           day,
	"mkrejects":     makeRejects,
	"mksqlite":      makeSQLite,
	"within":        within,
	"json":          jsonField,
	"samedocuments": sameDocuments,
	"countlike":     countLike,
	"kibana":        startKibana,
	"kibanahas":     kibanaHas,
	"kibanatitle":   kibanaTitle,
	"kibanaput":     kibanaPut,
	"kibanaasked":   kibanaAsked,
}

// exits CODE PROGRAM ARG...: the program ends with this code, and what Go says
// in a crash is not on its stderr.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
	if strings.Contains(ts.ReadFile("stderr"), "goroutine ") {
		ts.Fatalf("it crashed")
	}
}

// within DURATION COMMAND ARG...: like exits, and it takes less than this long.
func within(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: within DURATION CODE PROGRAM [ARG...]")
	}
	most, err := time.ParseDuration(args[0])
	ts.Check(err)
	started := time.Now()
	exits(ts, neg, args[1:])
	if took := time.Since(started); took > most {
		ts.Fatalf("it took %v, at most %v are allowed", took, most)
	}
}

// blackhole sets ES_HOST to a port that accepts connections and never answers.
func blackhole(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close() //nolint:errcheck // only at the end
		}
	}()
	ts.Setenv("ES_HOST", "http://"+l.Addr().String())
}

func call(ts *testscript.TestScript, method, path string, body io.Reader) (status int, answer []byte) {
	req, err := http.NewRequest(method, ts.Getenv("ES_HOST")+path, body)
	ts.Check(err)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close() //nolint:errcheck // only read
	answer, err = io.ReadAll(res.Body)
	ts.Check(err)
	return res.StatusCode, answer
}

// count KIND N: there are N documents of this kind, after a refresh. The kind *
// means all kinds.
func count(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: count KIND|* N")
	}
	want, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	if got := countDocuments(ts.Getenv("ES_HOST"), ts.Getenv("ES_INDEX_PREFIX"), args[0]); got != want {
		ts.Fatalf("%d documents of kind %s, want %d", got, args[0], want)
	}
}

// countDocuments returns -1 when Elasticsearch does not answer as expected.
func countDocuments(host, prefix, kind string) int64 {
	var indices []string
	for _, k := range mappings.Kinds {
		if kind == "*" || kind == k {
			indices = append(indices, prefix+k+"-*")
		}
	}
	list := strings.Join(indices, ",")
	var answer struct {
		Count int64 `json:"count"`
	}
	for _, path := range []string{"/" + list + "/_refresh", "/" + list + "/_count"} {
		res, err := http.Get(host + path)
		if err != nil {
			return -1
		}
		err = json.NewDecoder(res.Body).Decode(&answer)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			return -1
		}
	}
	return answer.Count
}

// es METHOD PATH [FILE]: a request, with the file as its body; its answer is the
// stdout. It must (or must not) be answered with a 2xx. {prefix} in the path is
// the index prefix.
func request(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: es METHOD PATH [FILE]")
	}
	withPrefix := func(s string) string { return strings.ReplaceAll(s, "{prefix}", ts.Getenv("ES_INDEX_PREFIX")) }
	var body io.Reader
	if len(args) > 2 {
		body = strings.NewReader(withPrefix(ts.ReadFile(args[2])))
	}
	status, answer := call(ts, args[0], withPrefix(args[1]), body)
	_, _ = ts.Stdout().Write(append(bytes.TrimSpace(answer), '\n'))
	if (status < 300) == neg {
		ts.Fatalf("%s %s: status %d", args[0], args[1], status)
	}
}

// day VARIABLE N: sets the variable to the UTC day N days ago, as in index names.
func day(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: day VARIABLE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Setenv(args[0], time.Now().UTC().AddDate(0, 0, -n).Format("2006.01.02"))
}

// makeRejects FILE makes a state file with a refused record and a rejected
// document, whose names and reasons hold control characters.
func makeRejects(ts *testscript.TestScript, _ bool, args []string) {
	s, err := state.Open(ts.MkAbs(args[0]), state.Options{})
	ts.Check(err)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	ts.Check(s.Commit(context.Background(), state.Batch{Rejects: []state.Reject{
		{ID: "a1b2c3d4e5f6", Kind: "lava", Source: "in/x\x1b[2J.json", Received: at, Type: "no_log",
			Reason: "no log:\nthe notify block", Body: []byte("{\"id\":\n\x1b[31m7}")},
		{ID: "a1ffc3d4e5f6", Kind: "boot", Key: "b7", Source: "in/y.json", Received: at.Add(time.Hour),
			Type:   "document_parsing_exception",
			Reason: "failed to parse field [x]", Index: "boot-2026.03.04", DocumentID: "b7", Status: 400,
			Body: []byte(`{"x":1}`)},
	}}))
	ts.Check(s.Close())
}

// makeSQLite FILE writes the beginning of an SQLite database.
func makeSQLite(ts *testscript.TestScript, _ bool, args []string) {
	page := make([]byte, 8192)
	copy(page, "SQLite format 3\x00\x10\x00\x01\x01")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), page, 0o600))
}

// jsonField PATH WANT: the last command's stdout is JSON with this value at a
// gjson path.
func jsonField(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH WANT")
	}
	out := ts.ReadFile("stdout")
	if !gjson.Valid(out) {
		ts.Fatalf("stdout is not JSON")
	}
	if got := gjson.Get(out, args[0]).String(); (got == args[1]) == neg {
		ts.Fatalf("%s is %q", args[0], got)
	}
}

// sameDocuments FILE FILE: two JSON reports have the same documents by kind.
func sameDocuments(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samedocuments FILE FILE")
	}
	a, b := gjson.Get(ts.ReadFile(args[0]), "documents").String(), gjson.Get(ts.ReadFile(args[1]), "documents").String()
	if a != b || len(a) < 3 {
		ts.Fatalf("documents differ, or there are none: %s and %s", a, b)
	}
}

// countLike FILE: Elasticsearch has the documents of this JSON report.
func countLike(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: countlike FILE")
	}
	gjson.Get(ts.ReadFile(args[0]), "documents").ForEach(func(kind, want gjson.Result) bool {
		count(ts, false, []string{kind.String(), want.String()})
		return true
	})
}
