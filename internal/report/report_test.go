package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elastic/go-elasticsearch/v8"

	"github.com/kcing/kcing/internal/estest"
	"github.com/kcing/kcing/mappings"
)

func TestMain(m *testing.M) { os.Exit(estest.Main(m)) }

var until = time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)

// doc is a document of a made-up history.
type doc map[string]any

func (d doc) text(name string) string { s, _ := d[name].(string); return s }

// at is a time so many hours before until.
func at(hours int) string { return until.Add(-time.Duration(hours) * time.Hour).Format(time.RFC3339) }

// with is a copy with other or further fields: name, value, name, value.
func (d doc) with(pairs ...any) doc {
	d = maps.Clone(d)
	for i := 0; i < len(pairs); i += 2 {
		d[pairs[i].(string)] = pairs[i+1]
	}
	return d
}

// world is an Elasticsearch with an index prefix of its own.
type world struct {
	t      *testing.T
	url    string
	prefix string
	es     *elasticsearch.BaseClient
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, url: estest.Shared(t)}
	w.prefix = estest.Prefix(t, w.url)
	es, err := elasticsearch.NewBaseClient(elasticsearch.Config{Addresses: []string{w.url}})
	if err != nil {
		t.Fatal(err)
	}
	w.es = es
	if _, err := mappings.Install(t.Context(), es, mappings.InstallOptions{Prefix: w.prefix}); err != nil {
		t.Fatal(err)
	}
	return w
}

// index stores the documents of a kind under the day of their @timestamp.
func (w *world) index(kind string, docs ...doc) {
	w.t.Helper()
	var body bytes.Buffer
	for _, d := range docs {
		day, err := time.Parse(time.RFC3339, d.text("@timestamp"))
		if err != nil {
			w.t.Fatal(err)
		}
		line, err := json.Marshal(d)
		if err != nil {
			w.t.Fatal(err)
		}
		fmt.Fprintf(&body, "{\"index\":{\"_index\":%q}}\n%s\n", mappings.IndexName(w.prefix, kind, day), line)
	}
	if body.Len() == 0 {
		return
	}
	res, err := http.Post(w.url+"/_bulk?refresh=true", "application/x-ndjson", &body)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read
	answer, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK || bytes.Contains(answer, []byte(`"errors":true`)) {
		w.t.Fatalf("bulk: %s %.500s", res.Status, answer)
	}
}

func (w *world) make(change func(*Options)) *Report {
	w.t.Helper()
	o := Options{Prefix: w.prefix, Since: until.AddDate(0, 0, -7), Until: until, Limit: 100}
	if change != nil {
		change(&o)
	}
	r, err := Make(w.t.Context(), w.es, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

var aBoot = doc{
	"job": "mainline", "git_branch": "master", "defconfig_full": "defconfig", "arch": "arm64",
	"build_environment": "gcc-12", "lab_name": "lab-a", "board": "b1", "boot_result": "pass",
}

var aTest = doc{
	"job": "mainline", "git_branch": "master", "defconfig_full": "defconfig", "arch": "arm64",
	"build_environment": "gcc-12", "lab_name": "lab-a", "board": "b1", "test_path": "ltp/open01", "result": "pass",
}

// two puts a document into both kernels: v6.9 before v6.10, which no order of names says.
func two(d doc, name string, before, now any) (docs []doc) {
	if before != nil {
		docs = append(docs, d.with("git_describe", "v6.9", "@timestamp", at(40), name, before))
	}
	if now != nil {
		docs = append(docs, d.with("git_describe", "v6.10", "@timestamp", at(10), name, now))
	}
	return docs
}

// brief is a change in a few words.
func brief(d Difference) string {
	return strings.Join([]string{d.Kind, string(d.Change), d.Board, d.TestPath, string(d.Old), string(d.New),
		d.SinceKernel, d.Incident}, " ")
}

func briefs(t Tree) (out []string) {
	for _, d := range t.Changes {
		out = append(out, brief(d))
	}
	slices.Sort(out)
	return out
}

func TestChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boots := slices.Concat(
		two(aBoot, "boot_result", "pass", "pass"),
		two(aBoot.with("board", "b2"), "boot_result", "pass", "fail"),
		two(aBoot.with("board", "b3"), "boot_result", "fail", "pass"),
		two(aBoot.with("board", "b4"), "boot_result", "fail", "fail"),
		two(aBoot.with("board", "b5"), "boot_result", nil, "fail"),
		two(aBoot.with("board", "b6"), "boot_result", "pass", nil),
		two(aBoot.with("board", "b7"), "boot_result", "pass", "incomplete"),
		two(aBoot.with("board", "b8", "error_type", "Infrastructure"), "boot_result", "pass", "fail"), // the lab's
		two(aBoot.with("board", "b0"), "boot_result", "pass", "OFFLINE"),
		two(aBoot.with("board", "b9"), "boot_result", "pass", "pass"),
		two(aBoot.with("board", "b9"), "boot_result", nil, "fail"),                        // again: unstable
		two(aBoot.with("board", "b1", "retried", true), "boot_result", nil, "incomplete"), // no boot: tried again
		[]doc{
			aBoot.with("git_describe", "v6.10", "@timestamp", at(9), "board", "b2", "boot_result", "fail", "incident",
				"WARNING in foo_probe", "lab_name", "lab-b"),
			aBoot.with("git_describe", "v6.10", "@timestamp", at(8), "board", "b2", "boot_result", "incomplete", "incident",
				"Infrastructure error: no power", "error_type", "Infrastructure", "lab_name", "lab-c"), // lost: says nothing
			aBoot.with("git_describe", "v6.8", "@timestamp", at(100), "board", "b4", "boot_result", "fail"),
			aBoot.with("git_describe", "v6.7", "@timestamp", at(150), "board", "b4", "boot_result", "pass"),
		},
	)
	w.index(mappings.Boot, boots...)
	w.index(mappings.Test, slices.Concat(
		two(aTest, "result", "pass", "fail"),
		two(aTest.with("test_path", "ltp/open02"), "result", "skip", "fail"),
		two(aTest.with("test_path", "ltp/open03"), "result", "pass", nil),
		two(aTest.with("test_path", "ltp/open04"), "result", "pass", "skip"),
		two(aTest.with("board", "b2"), "result", "pass", nil), // its boot failed
		two(aTest.with("board", "b6"), "result", "pass", nil), // its boot is missing
	)...)
	w.index(mappings.Build, two(doc{
		"job": "mainline", "git_branch": "master", "defconfig_full": "allmodconfig", "arch": "arm",
		"build_environment": "clang-17",
	}, "build_result", "PASS", "FAIL")...)
	r := w.make(nil)
	if len(r.Trees) != 1 {
		t.Fatalf("%d trees, want 1", len(r.Trees))
	}
	tree := r.Trees[0]
	if tree.Kernel != "v6.10" || tree.Previous != "v6.9" {
		t.Errorf("kernels %s and %s, want v6.10 and v6.9", tree.Kernel, tree.Previous)
	}
	want := []string{
		"boot disappeared b6  pass missing v6.10 ",
		"boot fixed b3  fail pass v6.10 ",
		"boot new failure b5  missing fail v6.10 ",
		"boot regression b2  pass fail v6.10 WARNING in foo_probe",
		"boot still failing b4  fail fail v6.8 ",
		"boot unstable b9  pass unstable v6.10 ",
		"build regression   pass fail v6.10 ",
		"test disappeared b1 ltp/open03 pass missing v6.10 ",
		"test new failure b1 ltp/open02 inconclusive fail v6.10 ",
		"test regression b1 ltp/open01 pass fail v6.10 ",
	}
	if got := briefs(tree); !slices.Equal(got, want) {
		t.Errorf("changes:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, d := range tree.Changes {
		if d.Board == "b2" && d.Lab != "lab-b" {
			t.Errorf("lab %s, want that of the last failure, lab-b", d.Lab)
		}
	}
	if tree.Boots != (Results{Pass: 3, Fail: 5, Inconclusive: 4}) {
		t.Errorf("boots %+v", tree.Boots)
	}
	for _, board := range []string{"b8", "b0"} {
		if i := slices.IndexFunc(r.Boards, func(b Place) bool { return b.Board == board }); i < 0 || r.Boards[i].Lost != 1 {
			t.Errorf("boards %+v: %s was lost once", r.Boards, board)
		}
	}
	limited := w.make(func(o *Options) { o.Limit = 3 })
	if n := len(limited.Trees[0].Changes); n != 3 || limited.LeftOut != len(want)-3 {
		t.Errorf("with a limit of 3: %d changes, %d left out", n, limited.LeftOut)
	}
	for _, d := range limited.Trees[0].Changes {
		if d.Change != Regression {
			t.Errorf("a limit keeps %s before the regressions", d.Change)
		}
	}
	compared := w.make(func(o *Options) { o.Compare = [2]string{"v6.8", "v6.10"} })
	if got := compared.Trees[0]; got.Previous != "v6.8" || got.Counts[StillFailing] != 1 ||
		got.Counts[Regression] != 0 {
		t.Errorf("v6.8 to v6.10: previous %s, %v", got.Previous, got.Counts)
	}
}

// TestSinceLooksAtAllKernels: two chosen kernels are compared, but since when it
// fails is told by those between and before them too.
func TestSinceLooksAtAllKernels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var boots []doc
	for i, result := range []string{"pass", "fail", "fail", "pass", "fail", "fail"} {
		boots = append(boots, aBoot.with("git_describe", fmt.Sprint("v", i+1), "kernel", fmt.Sprint("6.", i+1),
			"boot_result", result, "@timestamp", at(150-20*i)))
	}
	w.index(mappings.Boot, boots...)
	f := func(old, newer string, since string) {
		t.Helper()
		tree := w.make(func(o *Options) { o.Compare = [2]string{old, newer} }).Trees[0]
		want := []string{"boot still failing b1  fail fail " + since + " "}
		if got := briefs(tree); !slices.Equal(got, want) {
			t.Errorf("%s to %s: %q, want %q", old, newer, got, want)
		}
		var columns []string
		for _, c := range tree.Matrix[0].Cells {
			columns = append(columns, c.Kernel)
		}
		if want := []string{tree.Previous, tree.Kernel}; !slices.Equal(columns, want) {
			t.Errorf("%s to %s: the matrix has %q, want the kernels that are compared", old, newer, columns)
		}
	}
	f("v2", "v6", "v5") // v4 passed between them
	f("v3", "v6", "v5")
	f("v5", "v6", "v5")
	f("6.3", "v6", "v5") // by version
	f("v2", "v3", "v2")  // what came after does not count
	o := Options{Prefix: w.prefix, Since: until, Until: until, Limit: 1, Compare: [2]string{"6.6", "v6"}}
	var same *SameKernelError
	if _, err := Make(t.Context(), w.es, o); !errors.As(err, &same) || same.Kernel != "v6" {
		t.Errorf("6.6 to v6, which are one: %v", err)
	}
}

// TestMissingWithItsJob: a board runs several jobs of a build; a test that is
// missing may be of the one that did not end well, and then has not disappeared.
func TestMissingWithItsJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const infrastructure = "Infrastructure"
	now := aBoot.with("git_describe", "v6.10", "@timestamp", at(10))
	var disappeared []string
	f := func(board string, gone bool, jobs ...doc) {
		var boots []doc
		for _, job := range append(jobs, now) {
			boots = append(boots, job.with("board", board))
		}
		w.index(mappings.Boot, append(boots, two(aBoot.with("board", board), "boot_result", "pass", nil)...)...)
		w.index(mappings.Test, two(aTest.with("board", board), "result", "pass", nil)...)
		if gone {
			disappeared = append(disappeared, "test disappeared "+board+" ltp/open01 pass missing v6.10 ")
		}
	}
	f("all-well", true, now.with("lava_status", "complete"), now.with("error_type", "Test"))
	f("failed", false, now.with("boot_result", "fail"))
	f("lost", false, now.with("boot_result", "incomplete", "error_type", infrastructure))
	f("lost-after-boot", false, now.with("error_type", infrastructure))
	f("canceled-after-boot", false, now.with("lava_status", "canceled"))
	f("given-up-after-boot", false, now.with("lava_status", "incomplete", "error_type", "Job"))
	f("offline", false, now.with("boot_result", "offline"))
	f("tried-again", true, now.with("boot_result", "incomplete", "retried", true))
	f("other-build", true, now.with("boot_result", "fail", "arch", "arm"))
	var got []string
	for _, d := range w.make(nil).Trees[0].Changes {
		if d.Kind == mappings.Test {
			got = append(got, brief(d))
		}
	}
	slices.Sort(got)
	slices.Sort(disappeared)
	if !slices.Equal(got, disappeared) {
		t.Errorf("tests:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(disappeared, "\n"))
	}
}

// TestFirstKcing: its documents have no test_path, and its lab's failures are
// failures in boot_result.
func TestFirstKcing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := aTest.with("suite", "0_ltp", "name", "open01")
	delete(old, "test_path")
	w.index(mappings.Test, append(two(old, "result", "pass", nil),
		two(old.with("suite", "0_ltp"), "result", nil, "fail")...)...)
	got := briefs(w.make(nil).Trees[0])
	if want := []string{"test regression b1 ltp/open01 pass fail v6.10 "}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestIncidents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.index(mappings.Boot, append(two(aBoot, "boot_result", "pass", "pass"),
		two(aBoot.with("job", "next", "git_branch", "main"), "boot_result", "pass", "pass")...)...)
	i := doc{"job": "mainline", "git_branch": "master", "board": "b1", "lab_name": "lab-a", "incident_type": "warning",
		"title": "WARNING in old_one"}
	w.index("incident", slices.Concat(
		two(i, "count", 1, 1),
		two(i.with("title", "WARNING in new_one", "board", "b2"), "count", nil, 1),
		two(i.with("title", "WARNING in new_one"), "count", nil, 1),
		two(i.with("title", "WARNING in gone_one"), "count", 1, nil),
		two(i.with("title", "WARNING in lkdtm", "provoked", true), "count", nil, 1),
		two(i.with("title", "Job error: wait for prompt timed out", "incident_type", "job"), "count", 1, 1),
	)...)
	var got []string
	for _, i := range w.make(nil).Incidents {
		got = append(got, fmt.Sprint(i.Title, " ", i.Jobs, i.Boards, i.Kernels, " ", i.Mark()))
	}
	want := []string{
		"WARNING in new_one 2 [b1 b2] [v6.10] new",
		"WARNING in old_one 2 [b1] [v6.9 v6.10] ",
		"WARNING in gone_one 1 [b1] [v6.9] gone",
		"Job error: wait for prompt timed out 2 [b1] [v6.9 v6.10] ",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestIncidentsAreOfTheKernelsCompared: whether a title is new or gone goes by the
// kernels that are compared, however old they are, and by those of its own tree.
func TestIncidentsAreOfTheKernelsCompared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const week = 7 * 24
	i := doc{"job": "mainline", "git_branch": "master", "board": "b1", "lab_name": "lab-a", "incident_type": "bug"}
	next := []any{"job", "next", "git_branch", "main"}
	seen := func(of doc, title, kernel string, hours int, more ...any) doc {
		return of.with(append([]any{"title", title, "git_describe", kernel, "@timestamp", at(hours)}, more...)...)
	}
	w.index(mappings.Boot,
		aBoot.with("git_describe", "v1", "@timestamp", at(3*week)), aBoot.with("git_describe", "v2", "@timestamp", at(9)),
		// In next v1 is the newest, and was tested again.
		aBoot.with("git_describe", "v0", "@timestamp", at(4*week)).with(next...),
		aBoot.with("git_describe", "v1", "@timestamp", at(2*week)).with(next...),
		aBoot.with("git_describe", "v0", "@timestamp", at(8)).with(next...))
	w.index(mappings.Incident,
		seen(i, "BUG: gone", "v1", 3*week), seen(i, "BUG: older", "v0", 4*week), // older: by no kernel that is compared
		seen(i, "BUG: new in next", "v1", 2*week, next...), seen(i, "BUG: not new in next", "v1", 2*week, next...),
		seen(i, "BUG: not new in next", "v1", 3*week), // v1 of mainline is not the newest
	)
	f := func(want []string, change func(*Options)) {
		t.Helper()
		var got []string
		for _, i := range w.make(change).Incidents {
			got = append(got, fmt.Sprint(i.Title, " ", i.Jobs, i.Boards, i.Kernels, " ", i.Mark()))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	f([]string{"BUG: new in next 1 [b1] [v1] new", "BUG: not new in next 2 [b1] [v1] ",
		"BUG: gone 1 [b1] [v1] gone"}, nil)
	f([]string{"BUG: gone 1 [b1] [v1] gone", "BUG: not new in next 1 [b1] [v1] gone"},
		func(o *Options) { o.Filter.Tree = "mainline" })
	// next has no v2.
	f([]string{"BUG: gone 1 [b1] [v1] gone", "BUG: not new in next 1 [b1] [v1] gone"},
		func(o *Options) { o.Compare = [2]string{"v1", "v2"} })
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.make(nil)
	if r.Trees == nil || r.Incidents == nil || r.Labs == nil || r.Boards == nil {
		t.Error("JSON gets null instead of []")
	}
	var out strings.Builder
	if err := r.WriteText(&out); err != nil || !strings.Contains(out.String(), "no kernel was tested") {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestAgainstModel compares random histories with a model that keeps everything
// in maps and asks each question anew.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			boots, tests := randomHistory(rand.New(rand.NewPCG(seed, 1)))
			w.index(mappings.Boot, boots...)
			w.index(mappings.Test, tests...)
			r := w.make(func(o *Options) { o.Limit = 10_000 })
			for _, tree := range r.Trees {
				got, want := briefs(tree), naive(tree, boots, tests)
				if !slices.Equal(got, want) {
					t.Errorf("%s: changes:\n%s\nwant:\n%s", tree.Name(), strings.Join(got, "\n"),
						strings.Join(want, "\n"))
				}
			}
			if len(r.Trees) != 2 {
				t.Errorf("%d trees, want 2", len(r.Trees))
			}
		})
	}
}

func randomHistory(rnd *rand.Rand) (boots, tests []doc) {
	results := []string{"pass", "pass", "fail", "incomplete"}
	hour := 150
	for _, k := range []string{"v6.9-rc9", "v6.9-rc10", "next-20260314", "v6.9"} {
		for range 60 {
			hour = max(hour-rnd.IntN(2), 1)
			d := aBoot.with("git_describe", k, "@timestamp", at(hour),
				"git_branch", []string{"a", "b"}[rnd.IntN(2)], "board", fmt.Sprint("b", rnd.IntN(4)), "arch",
				[]string{"arm", "arm64"}[rnd.IntN(2)])
			if rnd.IntN(4) > 0 {
				delete(d, "error_type")
			} else {
				d["error_type"] = []string{"Test", "Infrastructure"}[rnd.IntN(2)]
			}
			if rnd.IntN(2) == 0 {
				boots = append(boots, d.with("boot_result", results[rnd.IntN(4)]))
				continue
			}
			tests = append(tests, d.with("test_path", fmt.Sprint("ltp/", rnd.IntN(3)), "result", results[rnd.IntN(4)]))
		}
		hour -= 5
	}
	return boots, tests
}

// naive is the model.
func naive(tree Tree, boots, tests []doc) (out []string) {
	order := []string{"v6.9-rc9", "v6.9-rc10", "next-20260314", "v6.9"}
	outcomes := func(docs []doc, result, kernel, key string) Outcome {
		pass, fail, other := false, false, false
		for _, d := range docs {
			if d.text("git_branch") != tree.Branch || d.text("git_describe") != kernel || keyOf(d) != key {
				continue
			}
			switch lost := d.text("error_type") == "Infrastructure"; {
			case d.text(result) == "pass":
				pass = true
			case d.text(result) == "fail" && !lost:
				fail = true
			default:
				other = true
			}
		}
		return outcomeOf(pass, fail, other)
	}
	for _, kind := range []struct {
		name, result string
		docs         []doc
	}{{"boot", "boot_result", boots}, {"test", "result", tests}} {
		done := map[string]bool{}
		for _, d := range kind.docs {
			key := keyOf(d)
			if done[key] {
				continue
			}
			done[key] = true
			before, now := outcomes(kind.docs, kind.result, tree.Previous, key),
				outcomes(kind.docs, kind.result, tree.Kernel, key)
			change := changeOf(before, now)
			if change == Disappeared && kind.name == "test" {
				bootKey := keyOf(d.with("test_path", ""))
				was := outcomes(boots, "boot_result", tree.Previous, bootKey)
				is := outcomes(boots, "boot_result", tree.Kernel, bootKey)
				if is == Missing && was != Missing || slices.ContainsFunc(boots, func(b doc) bool {
					return b.text("git_branch") == tree.Branch && b.text("git_describe") == tree.Kernel &&
						keyOf(b) == bootKey &&
						(b.text("boot_result") != "pass" || b.text("error_type") == "Infrastructure")
				}) {
					continue
				}
			}
			if change == "" {
				continue
			}
			since := tree.Kernel
			for i := slices.Index(order, tree.Kernel) - 1; change == StillFailing && i >= 0; i-- {
				is := outcomes(kind.docs, kind.result, order[i], key)
				if is == Fail {
					since = order[i]
				} else if is == Pass || is == Unstable {
					break
				}
			}
			out = append(out, strings.Join([]string{kind.name, string(change), d.text("board"), d.text("test_path"),
				string(before), string(now), since, ""}, " "))
		}
	}
	slices.Sort(out)
	return out
}

func keyOf(d doc) string { return d.text("board") + "|" + d.text("arch") + "|" + d.text("test_path") }

func outcomeOf(pass, fail, other bool) Outcome {
	switch {
	case pass && fail:
		return Unstable
	case pass:
		return Pass
	case fail:
		return Fail
	case other:
		return Inconclusive
	}
	return Missing
}
