package maestrotest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tree is the kernel that all made-up nodes are of.
func Tree() map[string]any {
	return map[string]any{"tree": "mainline", "url": "https://git.example.org/linux.git", "branch": "master",
		"commit":   strings.Repeat("0123456789", 4),
		"describe": "v6.19-rc6-40-g012345678901", "version": map[string]any{"version": 6, "patchlevel": 19},
		"tip_of_branch": true}
}

// Build is the n-th kbuild node, done.
func Build(n int, updated time.Time) Node {
	name := fmt.Sprintf("kbuild-gcc-14-arm64-%d", n)
	result := "pass"
	if n%5 == 4 {
		result = "fail"
	}
	return Node{"kind": "kbuild", "name": name, "path": []any{"checkout", name}, "group": name, "result": result,
		"treeid":  fmt.Sprintf("tree%d", n/10),
		"created": updated.Add(-time.Hour), "updated": updated,
		"data": map[string]any{"kernel_revision": Tree(), "arch": "arm64", "defconfig": "defconfig",
			"compiler": "gcc-14", "fragments": []any{fmt.Sprintf("f%d", n)},
			"config_full": fmt.Sprintf("defconfig+f%d", n), "platform": "kubernetes", "runtime": "k8s-example",
			"job_id": fmt.Sprintf("kci-%d", n), "kernel_type": "image"}}
}

// Job says how a job of LAVA is to be made up.
type Job struct {
	// N is the job's number: of its id in LAVA, and of all that depends on it.
	N int
	// Updated is when it was done; the nodes below it were written then too.
	Updated time.Time
	// Tests is how many test nodes, and rows of results, it has beside the login.
	Tests int
	// Lines is how many lines its log has.
	Lines int
	// Kind of the job's node; empty: job.
	Kind string
	// Without names artifacts that are not there: callback_data, lava_logs, lava_log.
	Without []string
}

// Documents are what a job becomes when its callback is there: boots, tests, logs.
func (j Job) Documents() int { return 1 + 2 + j.Tests + j.Lines }

// AddJob inserts a job of LAVA, its suites and tests, and stores its files. It
// returns the job's id.
func (s *Server) AddJob(j Job) string {
	name := fmt.Sprintf("baseline-%d", j.N%7)
	build := fmt.Sprintf("kbuild-gcc-14-arm64-%d", j.N%3)
	lavaID := fmt.Sprint(1000 + j.N)
	data := func(job bool) map[string]any {
		d := map[string]any{"error_code": nil, "error_msg": nil, "platform": fmt.Sprintf("board-%d", j.N%11),
			"device": nil, "runtime": fmt.Sprintf("lava-example%d", j.N%2),
			"job_id": nil, "kernel_revision": Tree(), "arch": "arm64", "defconfig": "defconfig",
			"config_full": "defconfig", "compiler": "gcc-14", "kernel_type": "image", "misc": map[string]any{}}
		if job {
			d["device"], d["job_id"] = fmt.Sprintf("board-%d-1", j.N%11), lavaID
		}
		return d
	}
	tree, kind := fmt.Sprintf("tree%d", j.N/10), j.Kind
	if kind == "" {
		kind = "job"
	}
	node := func(kind, parent string, path ...any) Node {
		return Node{"kind": kind, "name": path[len(path)-1], "path": path, "group": name, "parent": parent,
			"result": "pass", "treeid": tree,
			"created": j.Updated, "updated": j.Updated, "data": data(false)}
	}
	job := node(kind, "", "checkout", build, name)
	job["parent"], job["created"], job["data"] = nil, j.Updated.Add(-time.Hour), data(true)
	id := s.Add(job)[0]
	job["artifacts"] = s.jobFiles(j, fmt.Sprintf("%s-%s/", name, id), lavaID, id)
	s.Touch(id, j.Updated, Node{"artifacts": job["artifacts"]})
	suites := s.Add(node("job", id, "checkout", build, name, "setup"),
		node("job", id, "checkout", build, name, "dmesg"))
	s.Add(node("test", suites[0], "checkout", build, name, "setup", "login"))
	for i := range j.Tests {
		s.Add(node("test", suites[1], "checkout", build, name, "dmesg", fmt.Sprintf("case%d", i)))
	}
	return id
}

// jobFiles stores what LAVA left of a job.
func (s *Server) jobFiles(j Job, dir, lavaID, node string) map[string]any {
	artifacts := map[string]any{}
	row := func(id int, name, suite, measurement string) string {
		return fmt.Sprintf("- id: '%d'\n  job: '%s'\n  level: ''\n  log_end_line: ''\n  log_start_line: ''\n  "+
			"logged: '%s+00:00'\n  measurement: %s\n"+
			"  name: %s\n  result: pass\n  suite: %s\n  unit: ''\n", id, lavaID, j.Updated.UTC().
			Format("2006-01-02 15:04:05.000000"), measurement, name, suite)
	}
	var rows, flow, block, text strings.Builder
	for i := range j.Tests {
		rows.WriteString(row(j.N*100_000+10+i, fmt.Sprintf("case%d", i), "0_dmesg", "None"))
	}
	for i := range j.Lines {
		fmt.Fprintf(&flow, "- {\"dt\": \"2026-11-20T07:00:01.123456\", \"lvl\": \"target\", \"msg\": \"job %d line "+
			"%d\"}\n", j.N, i)
		fmt.Fprintf(&block, "- dt: '2026-11-20T07:00:01.123456'\n  lvl: target\n  msg: job %d line %d\n", j.N, i)
		fmt.Fprintf(&text, "job %d line %d\n", j.N, i)
	}
	results := map[string]any{"lava": row(j.N*100_000+1, "job", "lava", "None") +
		row(j.N*100_000+2, "login-action", "lava", "21.5000000000")}
	if j.Tests > 0 {
		results["0_dmesg"] = rows.String()
	}
	end := j.Updated.Add(-time.Minute).UTC().Format("2006-01-02 15:04:05.000000") + "+00:00"
	callback, _ := json.Marshal(map[string]any{"id": 1000 + j.N, "status": 2, "status_string": "complete", "state": 5,
		"health": 1, "start_time": end, "end_time": end,
		"actual_device_id": fmt.Sprintf("board-%d-1", j.N%11), "definition": "metadata:\n  node_id: " + node + "\n",
		"results": results, "log": flow.String()})
	for _, f := range []struct {
		key, file string
		body      []byte
	}{
		{"callback_data", "lava_callback.json.gz", gzipped(callback)},
		{"lava_logs", "lava-logs.yaml", []byte(block.String())},
		{"lava_log", "log.txt.gz", gzipped([]byte(text.String()))},
	} {
		if !slices.Contains(j.Without, f.key) {
			artifacts[f.key] = s.File(dir+f.file, f.body)
		}
	}
	return artifacts
}

func gzipped(body []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write(body)
	_ = z.Close()
	return out.Bytes()
}
