package synthetic

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
)

// world is what a person with dashboards would know about a set of records.
type world struct {
	builds map[string]bool // key → passed
	boots  []map[string]any
	jobs   []jobFacts
}

type jobFacts struct {
	name, key, tree, branch, board, plan, lab string
	status                                    int
	submitted, log, errorType                 string
	rows                                      map[string][]resultRow
}

func (j *jobFacts) result(suite, name string) string {
	for _, row := range j.rows[suite] {
		if row.Name == name {
			return row.Result
		}
	}
	return ""
}

func readWorld(t *testing.T, o Options) *world {
	t.Helper()
	w := &world{builds: map[string]bool{}}
	for r := range Records(o) {
		switch r.Kind {
		case "build":
			key, pass := buildFacts(t, r)
			if _, twice := w.builds[key]; twice {
				t.Errorf("%s: two builds of %s", r.Name, key)
			}
			w.builds[key] = pass
		case "boot":
			var b map[string]any
			if err := json.Unmarshal(r.Payload, &b); err != nil {
				t.Fatalf("%s: %v", r.Name, err)
			}
			w.boots = append(w.boots, b)
		case "lava":
			w.jobs = append(w.jobs, readJob(t, r))
		}
	}
	return w
}

var story struct {
	once sync.Once
	*world
}

// storyWorld is what make demo feeds. Making it takes a while under the race
// detector, so the tests share it and must not change it.
func storyWorld(t *testing.T) *world {
	t.Helper()
	story.once.Do(func() { story.world = readWorld(t, Options{Size: 2500, Seed: 1, Now: testNow}) })
	return story.world
}

func buildFacts(t *testing.T, r Record) (key string, pass bool) {
	t.Helper()
	var b struct {
		Job, Arch, Status string
		GitBranch         string `json:"git_branch"`
		GitDescribe       string `json:"git_describe"`
		DefconfigFull     string `json:"defconfig_full"`
		Environment       json.RawMessage
		BuildEnvironment  string `json:"build_environment"`
		BuildResult       string `json:"build_result"`
		Errors            int
		Build             struct{ Status string }
		Kernel            json.RawMessage
		Revision          *struct{ Tree, Branch, Describe string }
	}
	if err := json.Unmarshal(r.Payload, &b); err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	if b.Revision == nil {
		if b.BuildResult == "FAIL" && b.Errors == 0 {
			t.Errorf("%s: failed without an error", r.Name)
		}
		return strings.Join([]string{b.Job, b.GitBranch, b.GitDescribe, b.DefconfigFull, b.Arch, b.BuildEnvironment},
			"|"), b.BuildResult == "PASS"
	}
	var environment struct{ Arch, Name string }
	var kernel struct {
		DefconfigFull string `json:"defconfig_full"`
	}
	if json.Unmarshal(b.Environment, &environment) != nil || json.Unmarshal(b.Kernel, &kernel) != nil {
		t.Fatalf("%s: nested form", r.Name)
	}
	return strings.Join([]string{b.Revision.Tree, b.Revision.Branch, b.Revision.Describe, kernel.DefconfigFull,
		environment.Arch, environment.Name}, "|"), b.Build.Status == "PASS"
}

// readJob finds what YAML holds by its text. Decoding it would take most of the
// time of these tests; TestCallbacksAreValid does it for some.
func readJob(t *testing.T, r Record) jobFacts {
	t.Helper()
	c := decodeCallback(t, r)
	j := jobFacts{log: c.Log, name: r.Name, rows: map[string][]resultRow{}, status: c.Status,
		submitted: c.SubmitTime[:19], lab: c.LabName}
	fact := func(name string) string {
		_, after, _ := strings.Cut(c.Definition, name+": ")
		if strings.HasPrefix(after, "'") {
			return after[1 : 1+strings.IndexByte(after[1:], '\'')]
		}
		return after[:strings.IndexAny(after, ",}")]
	}
	j.tree, j.branch, j.board, j.plan = fact("kernel.tree"), fact("git.branch"), fact("device.type"),
		fact("test.plan_variant")
	j.key = strings.Join([]string{j.tree, j.branch, fact("git.describe"), fact("kernel.defconfig"), fact("job.arch"),
		fact("job.build_environment")}, "|")
	for name, text := range c.Results {
		j.rows[name] = rowsOf(text)
	}
	_, after, _ := strings.Cut(c.Results["lava"], "error_type: ")
	j.errorType = after[:strings.IndexAny(after+",", ",}")]
	return j
}

func rowsOf(results string) []resultRow {
	var rows []resultRow
	for line := range strings.Lines(results) {
		name, text, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		text = strings.Trim(text, "'")
		switch name {
		case "- id":
			rows = append(rows, resultRow{ID: text})
		case "  name":
			rows[len(rows)-1].Name = text
		case "  result":
			rows[len(rows)-1].Result = text
		case "  measurement":
			rows[len(rows)-1].Measurement = text
		}
	}
	return rows
}

func (w *world) count(match func(*jobFacts) bool) int {
	n := 0
	for i := range w.jobs {
		if match(&w.jobs[i]) {
			n++
		}
	}
	return n
}

func TestStories(t *testing.T) {
	w := storyWorld(t)
	atLeast := func(what string, got, want int) {
		t.Helper()
		if got < want {
			t.Errorf("%s: %d, want at least %d", what, got, want)
		}
	}
	for _, j := range w.jobs {
		if !w.builds[j.key] {
			t.Fatalf("%s boots %s, which no build made", j.name, j.key)
		}
	}
	onset := testNow.Add(-Window + Window/3).Format("2006-01-02 15:04:05")
	regression := func(after, pass bool) func(*jobFacts) bool {
		return func(j *jobFacts) bool {
			oops := strings.Contains(j.log, "not syncing") && strings.Contains(j.log, regressionFunction)
			return j.board == regressionBoard && j.tree == regressionTree && (j.submitted > onset) == after &&
				j.status == 2 == pass && oops != pass
		}
	}
	atLeast("passes before the regression", w.count(regression(false, true)), 3)
	atLeast("oopses after the regression", w.count(regression(true, false)), 6)
	if n := w.count(regression(true, true)); n > 0 {
		t.Errorf("%d passes after the regression", n)
	}
	infrastructure := func(lab bool) func(*jobFacts) bool {
		return func(j *jobFacts) bool {
			return (j.lab == brokenLab) == lab && j.status == 3 && j.errorType == "Infrastructure"
		}
	}
	atLeast("infrastructure errors in the broken lab", w.count(infrastructure(true)), 30)
	if other := w.count(infrastructure(false)); other > 40 {
		t.Errorf("infrastructure errors in other labs: %d", other)
	}
	flaky := func(result string) int {
		return w.count(func(j *jobFacts) bool { return j.result("1_"+flakySuite, flakyTest) == result })
	}
	atLeast("flaky passes", flaky("pass"), 40)
	atLeast("flaky failures", flaky("fail"), 20)
	atLeast("test timeouts", w.count(func(j *jobFacts) bool {
		return j.board == timeoutBoard && j.status == 3 && j.errorType == "Test" &&
			strings.Contains(j.log, "lava-test-shell timed out")
	}), 5)
	atLeast("no login", w.count(func(j *jobFacts) bool {
		return j.board == noLoginBoard && j.tree == noLoginTree && j.result("lava", "auto-login-action") == "fail" &&
			!strings.Contains(j.log, "not syncing")
	}), 6)
	atLeast("canceled", w.count(func(j *jobFacts) bool { return j.status == 4 && j.errorType == "Canceled" }), 8)
	atLeast("skipped tests", w.count(func(j *jobFacts) bool {
		return slices.ContainsFunc(j.rows["1_bootrr"], func(r resultRow) bool { return r.Result == "skip" })
	}), 20)
	checkBuildStory(t, w)
	checkBoots(t, w)
}

func checkBuildStory(t *testing.T, w *world) {
	t.Helper()
	broken, otherFailures := 0, 0
	for key, pass := range w.builds {
		inStory := strings.HasPrefix(key, buildBreakTree+"|") && strings.HasSuffix(key, "|arm|clang-17")
		if inStory && pass {
			t.Errorf("%s passed", key)
		}
		if inStory {
			broken++
		} else if !pass {
			otherFailures++
		}
	}
	if broken < 6 || otherFailures < 3 || otherFailures > len(w.builds)/10 {
		t.Errorf("of %d builds %d fail by story, %d otherwise", len(w.builds), broken, otherFailures)
	}
}

func checkBoots(t *testing.T, w *world) {
	t.Helper()
	results, boards := map[any]int{}, map[any]int{}
	for _, b := range w.boots {
		results[b["boot_result"]]++
		boards[b["board"]]++
	}
	if results["PASS"] < 80 || results["FAIL"] < 3 || results["OFFLINE"] < 3 {
		t.Errorf("boot results %v", results)
	}
	if boards["dm365evm,legacy"] == 0 || boards["rk3399-rock-pi-4b_rootfs:nfs"] == 0 {
		t.Errorf("boards %v", boards)
	}
}

func TestBootTimeDrifts(t *testing.T) {
	w := storyWorld(t)
	third := testNow.Add(-Window * 2 / 3).Format("2006-01-02 15:04:05")
	lastThird := testNow.Add(-Window / 3).Format("2006-01-02 15:04:05")
	median := func(board string, first bool) string {
		var times []string
		for _, j := range w.jobs {
			early, late := j.submitted < third, j.submitted > lastThird
			if j.board != board || first && !early || !first && !late {
				continue
			}
			for _, row := range j.rows["lava"] {
				if strings.HasSuffix(row.Name, "login-action") && row.Result == "pass" {
					times = append(times, row.Measurement)
					break
				}
			}
		}
		slices.Sort(times) // all have two digits before the point
		return times[len(times)/2]
	}
	for board, slower := range map[string]bool{"bcm2711-rpi-4-b": true, "imx8mp-evk": false} {
		if a, b := median(board, true), median(board, false); a < b != slower {
			t.Errorf("%s: %s at first, %s in the end", board, a, b)
		}
	}
}

func TestVariety(t *testing.T) {
	w := storyWorld(t)
	seen := map[string]map[string]bool{"lab": {}, "board": {}, "tree": {}, "branch": {}, "plan": {}, "suite": {},
		"describe": {}, "result": {}, "target": {}}
	for _, j := range w.jobs {
		parts := strings.SplitN(j.key, "|", 4)
		for what, v := range map[string]string{"lab": j.lab, "board": j.board, "tree": j.tree, "branch": j.branch,
			"plan": j.plan, "describe": parts[2], "target": parts[3]} {
			seen[what][v] = true
		}
		for suite, rows := range j.rows {
			seen["suite"][suite] = true
			for _, row := range rows {
				seen["result"][row.Result] = true
			}
		}
	}
	for what, want := range map[string]int{"lab": 5, "board": 22, "tree": 5, "branch": 6, "plan": 7, "suite": 9,
		"describe": 30, "result": 4, "target": 10} {
		if got := len(seen[what]); got < want {
			t.Errorf("%d kinds of %s, want %d: %v", got, what, want, seen[what])
		}
	}
}
