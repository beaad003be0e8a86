package transform

import (
	"fmt"
	"strings"
	"testing"
)

// TestMissingParts: what is there is made, and the boot says what is not.
func TestMissingParts(t *testing.T) {
	const started, device = `"2026-03-04 05:00:00.5+00:00"`, `"board-1"`
	f := func(tags string, tests, lines int, changes ...string) {
		t.Helper()
		_, d, err := made(callbackJSON(append(changes, "start_time", started, "actual_device_id", device)...),
			Options{Lab: "l"})
		if err != nil {
			t.Errorf("%q: %v", changes, err)
			return
		}
		s := sources(t, d)
		if len(s[DocBoot]) != 1 || len(s[DocTest]) != tests || len(s[DocLog]) != lines ||
			fmt.Sprint(d.Tags) != "["+tags+"]" {
			t.Errorf("%q: %d boots, %d tests, %d lines, tags %v; want 1, %d, %d, %s", changes, len(s[DocBoot]),
				len(s[DocTest]), len(s[DocLog]), d.Tags, tests, lines, tags)
		}
	}
	f("", 1, 1)
	f("_nolog", 1, 0, "log", "")
	f("_nolog", 1, 0, "log", `""`)
	f("_noresults", 0, 1, "results", "null")
	f("_noresults", 0, 1, "results", "{}")
	f("_nodefinition", 1, 1, "definition", "")
	f("_nodefinition _nolog", 1, 0, "definition", `""`, "log", "null")
	f("_nolog", 0, 0, "status", "3", "results", "{}", "log", "")          // it ended before its first action
	f("_noresults _nolog", 0, 0, "status", "4", "results", "", "log", "") // dataset: minimal

	// Nothing is missing of a job that never ran.
	for _, status := range []string{"3", "4", `"canceled"`} {
		for _, results := range []string{"", "{}"} {
			_, d, err := made(callbackJSON("status", status, "results", results, "log", "", "start_time", `"None"`,
				"actual_device_id", "null"), Options{Lab: "l"})
			if err != nil || d.Len() != 1 || len(d.Tags) > 0 {
				t.Errorf("canceled in the queue: %v, %d documents, tags %v", err, d.Len(), d.Tags)
			}
		}
	}
}

// TestAllowList: of a callback's own fields only those on the list go anywhere.
func TestAllowList(t *testing.T) {
	_, d, err := made(callbackJSON("submitter_email", `"p@example.org"`, "submitter_username", `"p"`, "token", `"t"`,
		"health_check", "true",
		"viewing_groups", `["p@example.org"]`, "description", `"p@example.org"`, "priority", "50", "state", "5",
		"health_string", `"Complete"`,
		"health", `{"of":"p@example.org"}`, "boot_result", `"p"`, "failure_comment", `"p@example.org"`),
		Options{Lab: "l"})
	if err != nil {
		t.Fatal(err)
	}
	for kind, docs := range sources(t, d) {
		for name, value := range docs[0] {
			if value == "p@example.org" || value == "p" || name == "token" || name == "description" ||
				name == "health" {
				t.Errorf("%s has %s: %v", kind, name, value)
			}
		}
		if docs[0]["priority"] != 50.0 || docs[0]["state"] != 5.0 || docs[0]["health_string"] != "Complete" {
			t.Errorf("%s lacks a field: %v", kind, docs[0])
		}
		if _, there := docs[0]["health_check"]; there != (kind == DocBoot) {
			t.Errorf("%s: health_check %v", kind, docs[0]["health_check"])
		}
	}
}

// TestJobMembers: what the boot document says of the job, whatever form the
// definition has.
func TestJobMembers(t *testing.T) {
	f := func(definition, deviceType, name, role, board any) {
		t.Helper()
		_, d, err := made(callbackJSON("definition", fmt.Sprintf("%q", definition), "start_time",
			`"2026-03-04 06:35:00+05:30"`, "submit_time", `"None"`), Options{Lab: "l"})
		if err != nil {
			t.Fatal(err)
		}
		s := sources(t, d)
		boot := s[DocBoot][0]
		if boot["device_type"] != deviceType || boot["job_name"] != name || boot["role"] != role ||
			boot["board"] != board || boot["job_id"] != "1" ||
			boot["start_time"] != "2026-03-04T01:05:00.000Z" || boot["submit_time"] != nil {
			t.Errorf("%s: %v", definition, boot)
		}
		if len(d.Tags) > 0 {
			t.Errorf("%s: tags %v", definition, d.Tags)
		}
		for _, name := range []string{"device_type", "job_name", "role", "start_time"} {
			if s[DocTest][0][name] != nil || s[DocLog][0][name] != nil {
				t.Errorf("%s is repeated in tests or log lines", name)
			}
		}
	}
	f("device_type: rk3399\njob_name: x y\nmetadata:\n  kernel.tree: t\n", "rk3399", "x y", nil, "rk3399")
	f("metadata: {device.type: b}\njob_name: 'it''s'\ndevice_type: q\n", "q", "it's", nil, "b")
	f("metadata: {device.type: None}\ndevice_type: q\n", "q", nil, nil, "q")
	f("device_type: q\n", "q", nil, nil, "q")
	f("device_type: q\nmetadata: {}\n", "q", nil, nil, "q")
	f("{device_type: q, job_name: \"gr\u00fcn\"}", "q", "gr\u00fcn", nil, "q")
	f("device_type: q\nmetadata: {a: b}\nprotocols:\n  lava-multinode:\n    role: server\n", "q", nil, "server", "q")
	f("actions:\n- device_type: no\nmetadata: {a: b}\n'device_type': yes\n", "true", nil, nil, "true")
	f("metadata: {a: b}\njob_name: [a, b]\ndevice_type: q\n", "q", nil, nil, "q")
}

// TestLargeBlockLog: a log too large to be parsed at once is read entry by entry,
// and nothing says that it was not, unless something was lost.
func TestLargeBlockLog(t *testing.T) {
	entry := `- dt: '2026-03-04T05:06:07.891011'\n  lvl: target\n  msg: 'x` + strings.Repeat("y", 1000) + `'\n`
	f := func(log, tags string, lines int) {
		t.Helper()
		_, d, err := made(callbackJSON("log", `"`+log+`"`), Options{Lab: "l"})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(sources(t, d)[DocLog]); got != lines || fmt.Sprint(d.Tags) != "["+tags+"]" {
			t.Errorf("%d lines, tags %v; want %d, %s", got, d.Tags, lines, tags)
		}
	}
	n := MaxYAMLBytes/1000 + 1
	f(strings.Repeat(entry, n), "", n)
	// one line: nothing to go by
	f("[{msg: x}, {msg: '"+strings.Repeat("y", MaxYAMLBytes)+"'}]", "_yamlerror:log _yamllimit", 0)
}
