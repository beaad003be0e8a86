package transform

import (
	"fmt"
	"testing"
)

// TestTestPath: a test has one name, wherever its suite stands in the job, and
// one of another set is another test.
func TestTestPath(t *testing.T) {
	results := fmt.Sprintf(`{"7_ltp-mm":%s,"lava":%s,"ltp":%s}`,
		suite("name: mmap01, metadata: {set: syscalls}", "name: mmap01, metadata: {set: io/uring}", "name: mmap01",
			"metadata: {set: only}", "name: x, suite: 12_other, metadata: {set: null}"),
		suite("name: login-action, result: pass"), suite("name: a/b, metadata: {set: [odd]}", "name: it's so!"))
	_, d, err := made(callbackJSON("results", results, "definition", `"metadata: {kernel.tree: t}"`), Options{Lab: "l"})
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ suite, set, path any }{
		{"7_ltp-mm", "syscalls", "ltp-mm/syscalls/mmap01"}, {"7_ltp-mm", "io/uring", "ltp-mm/io/uring/mmap01"},
		{"7_ltp-mm", nil, "ltp-mm/mmap01"},
		{"7_ltp-mm", "only", "ltp-mm/only"},
		{"12_other", nil, "other/x"}, {"lava", nil, "lava/login-action"}, {"ltp", nil, "ltp/a/b"},
		{"ltp", nil, "ltp/it_s so_"},
	}
	for i, doc := range sources(t, d)[DocTest] {
		if w := want[i]; doc["suite"] != w.suite || doc["set"] != w.set || doc["test_path"] != w.path ||
			doc["test_key"] != linkKey("t", "", "", "", "", "", w.path.(string)) {
			t.Errorf("%d: suite %v, set %v, test_path %v, test_key %v; want %v", i, doc["suite"], doc["set"],
				doc["test_path"], doc["test_key"], w)
		}
	}
}

// TestLinesOfATest: log_start_line and log_end_line are linenos.
func TestLinesOfATest(t *testing.T) {
	rows := suite("name: a, log_start_line: '41', log_end_line: '43'", "name: b, log_start_line: '', log_end_line: ''",
		"name: c, log_start_line: 0, log_end_line: x")
	_, d, err := made(callbackJSON("results", `{"0_s":`+rows+`}`), Options{Lab: "l"})
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]any{{"42", "44"}, {"", ""}, {"1", "x"}}
	for i, doc := range sources(t, d)[DocTest] {
		if doc["log_start_line"] != want[i][0] || doc["log_end_line"] != want[i][1] {
			t.Errorf("%v: %v to %v", doc["name"], doc["log_start_line"], doc["log_end_line"])
		}
	}
}

// TestNoKeysWithoutABuild: what says nothing of a kernel is linked with nothing.
func TestNoKeysWithoutABuild(t *testing.T) {
	f := func(metadata string, want bool) {
		t.Helper()
		_, d, err := made(callbackJSON("definition", fmt.Sprintf("%q", "device_type: q\nmetadata: "+metadata)),
			Options{Lab: "l"})
		if err != nil {
			t.Fatal(err)
		}
		s := sources(t, d)
		for _, doc := range []map[string]any{s[DocBoot][0], s[DocTest][0], s[DocLog][0]} {
			for _, key := range []string{"build_key", "boot_key"} {
				if (doc[key] != nil) != want {
					t.Errorf("%s: %s %v", metadata, key, doc[key])
				}
			}
		}
		if (s[DocTest][0]["test_key"] != nil) != want || s[DocTest][0]["test_path"] == nil {
			t.Errorf("%s: test_key %v, test_path %v", metadata, s[DocTest][0]["test_key"], s[DocTest][0]["test_path"])
		}
	}
	f("{device.type: b, job.arch: arm, kernel.defconfig: d, job.build_environment: gcc, node_id: n}", false)
	f("{kernel.tree: None, git.branch: None, job.arch: arm}", false)
	for _, known := range []string{"kernel.tree", "git.branch", "git.commit", "git.describe", "kernel.version"} {
		f("{"+known+": x}", true)
	}
}
