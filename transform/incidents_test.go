package transform

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// logOf is a callback's log as JSON: a line for each message, of which each
// begins with its level and a colon.
func logOf(lines ...string) string {
	var log strings.Builder
	for i, l := range lines {
		level, msg, _ := strings.Cut(l, ":")
		text, err := json.Marshal(msg)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&log, "- {\"dt\": \"2026-03-04T05:06:%02d.000001\", \"lvl\": %q, \"msg\": %s}\n", i%60, level, text)
	}
	text, err := json.Marshal(log.String())
	if err != nil {
		panic(err)
	}
	return string(text)
}

const (
	oopsTitle = "BUG: unable to handle kernel NULL pointer dereference in teapot_brew"
	panicked  = "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(1,2)"
)

var oopsLines = []string{
	"info:waits for Kernel panic - not syncing: (.*)", `target:[    1.000001] "quoted" \ and é`,
	"target:[    2.000001] BUG: kernel NULL pointer dereference, address: 0000000000000008\r",
	"target:[    2.000002] RIP: 0010:teapot_brew+0x1/0x2\r",
	"debug:dispatcher", "target:[    2.000003] Call Trace:\r", "target:[    2.000004]  teapot_brew+0x1/0x2 [teapot]\r",
}

func TestIncidents(t *testing.T) {
	rec, d, err := made(callbackJSON("log", logOf(oopsLines...)), Options{Lab: "l"})
	if err != nil {
		t.Fatal(err)
	}
	s := sources(t, d)
	if len(s[DocIncident]) != 1 {
		t.Fatalf("%d incidents", len(s[DocIncident]))
	}
	in, boot := s[DocIncident][0], s[DocBoot][0]
	for name, want := range map[string]any{
		"title": oopsTitle, "incident_type": "oops", "function": "teapot_brew", "lineno": 3.0, "count": 1.0,
		"order": 1.0, "fatal": false, "provoked": false,
		"title_key":  "BUG:_unable_to_handle_kernel_NULL_pointer_dereference_in_teapot_brew",
		"log_query":  fmt.Sprintf(`lab_name:"l" and job_id:"%v" and lineno >= 1 and lineno <= 103`, boot["job_id"]),
		"message":    "BUG: kernel NULL pointer dereference, address: 0000000000000008",
		"call_trace": "teapot_brew+0x1/0x2 [teapot]",
		"lab_name":   "l", "job_id": boot["job_id"], "@timestamp": boot["@timestamp"], "boot_result": boot["boot_result"],
	} {
		if !reflect.DeepEqual(in[name], want) {
			t.Errorf("%s: %v, want %v", name, in[name], want)
		}
	}
	if boot["incidents"] != 1.0 || boot["incident"] != oopsTitle {
		t.Errorf("boot: %v, %v", boot["incidents"], boot["incident"])
	}
	if ids := incidentIDs(d); len(ids) != 1 || ids[0] != rec.Key+"/i/3" {
		t.Errorf("ids %q", ids)
	}
}

// TestLogQuery: the link to a job's log names all that its lines have, and there
// is none when that could not stand in a link.
func TestLogQuery(t *testing.T) {
	f := func(lab, id, want string) {
		t.Helper()
		r := job{lab: lab, id: id}
		if got := r.logQuery(); got != want {
			t.Errorf("lab %q, job %q: %s, want %s", lab, id, got, want)
		}
	}
	f("lab-a", "12.3", `lab_name:"lab-a" and job_id:"12.3"`)
	f("", "12", `job_id:"12"`)
	f("it's", "12", "")
	f("lab-a", `1"2`, "")
	f("", "", "")
	r := job{lab: "lab-a", node: "0123abcd"}
	if got, want := r.logQuery(), `lab_name:"lab-a" and node_id:"0123abcd"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestPanicOfTheLogAndOfTheJob: LAVA's error message quotes the panic that ended a report.
func TestPanicOfTheLogAndOfTheJob(t *testing.T) {
	job := `- {name: job, result: fail, metadata: {error_type: Job, error_msg: '%s'}}\n`
	for message, want := range map[string]int{
		"[    3.000014] Kernel panic - not syncing: Fatal exception":              1,
		"[    3.000014] Kernel panic - not syncing: VFS: Unable to mount root fs": 2,
	} {
		log := logOf(append(oopsLines[:len(oopsLines):len(oopsLines)],
			"target:[    3.000014] Kernel panic - not syncing: Fatal exception")...)
		_, d, err := made(callbackJSON("log", log, "results", `{"lava":"`+fmt.Sprintf(job, message)+`"}`), Options{Lab: "l"})
		if err != nil {
			t.Fatal(err)
		}
		if ids := incidentIDs(d); len(ids) != want {
			t.Errorf("%s: %q, want %d", message, ids, want)
		}
	}
}

func incidentIDs(d *Documents) (ids []string) {
	for doc := range d.All() {
		if doc.Kind == DocIncident {
			ids = append(ids, string(doc.ID))
		}
	}
	return ids
}

// TestIncidentsOfForms: whichever way the log reader goes, the console's lines
// are found.
func TestIncidentsOfForms(t *testing.T) {
	plain := logOf(oopsLines...)
	for name, log := range map[string]string{
		"exact":    plain,
		"zone":     strings.ReplaceAll(plain, `.000001\"`, `.000001+02:00\"`),
		"by entry": strings.Replace(plain, `\n- {`, `\n- {[broken\n- {`, 1),
		"whole":    strings.ReplaceAll(plain, `- {\"dt\": `, `-\n  {\"dt\": `),
		"feedback": strings.ReplaceAll(plain, `\"target\"`, `\"feedback\"`),
		"with ns":  strings.ReplaceAll(plain, `\"}`, `\", \"ns\": \"common\"}`),
	} {
		_, d, err := made(callbackJSON("log", log), Options{Lab: "l"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := sources(t, d)
		if len(s[DocIncident]) != 1 || s[DocIncident][0]["title"] != oopsTitle {
			t.Errorf("%s: %v", name, s[DocIncident])
			continue
		}
		line := s[DocIncident][0]["lineno"]
		said := ""
		for _, l := range s[DocLog] {
			if l["lineno"] == line {
				said, _ = l["msg"].(string)
			}
		}
		if !strings.Contains(said, "BUG: kernel NULL") {
			t.Errorf("%s: line %v is %q", name, line, said)
		}
	}
}

// jobFailed are the results of a job that LAVA gave up.
func jobFailed(errorType, message string) string {
	row := "- {id: '1', name: job, result: fail, suite: lava, metadata: {case: job, result: fail, error_type: " +
		errorType + ", error_msg: '" +
		strings.ReplaceAll(message, "'", "''") + "'}}\n"
	text, err := json.Marshal(map[string]string{"lava": row})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestJobsOwnError(t *testing.T) {
	crash := logOf("target:[    1.000001] " + panicked)
	for name, c := range map[string]struct {
		results, log string
		titles       []string
		first        any
	}{
		"lost": {jobFailed("Infrastructure", "Unable to reboot: 'pdu -p hunter2'"), "",
			[]string{"Infrastructure error: Unable to reboot"}, "Infrastructure error: Unable to reboot"},
		"canceled": {jobFailed("Canceled", "The job was canceled"), "", nil, nil},
		"the log says it": {jobFailed("Job", panicked), crash,
			[]string{"kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)"},
			"kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)"},
		"both": {jobFailed("Job", "auto-login-action timed out after 255 seconds"), crash,
			[]string{"kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)",
				"Job error: auto-login-action timed out"},
			"kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)"},
		"provoked": {jobFailed("Job", "x timed out after 2 seconds"),
			logOf("target:[    1.000001] Kernel panic - not syncing: sysrq triggered crash"),
			[]string{"kernel panic: sysrq triggered crash", "Job error: x timed out"}, "Job error: x timed out"},
	} {
		_, d, err := made(callbackJSON("status", "3", "results", c.results, "log", c.log), Options{Lab: "l"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := sources(t, d)
		var titles []string
		for _, in := range s[DocIncident] {
			titles = append(titles, fmt.Sprint(in["title"]))
			if in["incident_type"] == "job" && in["lineno"] != nil ||
				strings.Contains(fmt.Sprint(in), "hunter2") && in["message"] != nil &&
					strings.Contains(fmt.Sprint(in["message"]), "hunter2") {
				t.Errorf("%s: %v", name, in)
			}
		}
		if !reflect.DeepEqual(titles, c.titles) || s[DocBoot][0]["incident"] != c.first {
			t.Errorf("%s: %q, boot %v; want %q, %v", name, titles, s[DocBoot][0]["incident"], c.titles, c.first)
		}
	}
}

// Two reports in one line have two documents.
func TestIncidentIDsDiffer(t *testing.T) {
	_, d, err := made(callbackJSON("log",
		logOf("target:[    1.000001] BUG: workqueue lockup - pool 1[    1.000002] "+panicked)), Options{Lab: "l"})
	if err != nil {
		t.Fatal(err)
	}
	if ids := incidentIDs(d); len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("ids %q", ids)
	}
}

// What is found in a log changes none of the other documents.
func TestOtherDocumentsAreAsWithoutIncidents(t *testing.T) {
	read := func(log string) string {
		_, d, err := made(callbackJSON("log", log), Options{Lab: "l"})
		if err != nil {
			t.Fatal(err)
		}
		var all strings.Builder
		for doc := range d.All() {
			if doc.Kind == DocTest || doc.Kind == DocLog {
				fmt.Fprintf(&all, "%s %s %s\n", doc.Kind, doc.ID, doc.Source)
			}
		}
		return all.String()
	}
	log := logOf(oopsLines...)
	harmless := strings.ReplaceAll(log, "BUG: kernel NULL", "bug: kernel NULL")
	if with, without := read(log), strings.ReplaceAll(read(harmless), "bug: kernel NULL",
		"BUG: kernel NULL"); with != without {
		t.Errorf("%s\n%s", with, without)
	}
}

// A Maestro job that has no callback has a log, and incidents in it.
func TestIncidentsOfMaestroLogs(t *testing.T) {
	node := `"node": {"id": "n1", "kind": "job", "name": "baseline", "updated": "2026-03-04T05:06:07", "result": "fail",
		"data": {"runtime": "lava-x", "job_id": "7", "error_code": "Test", "error_msg": "lava-test-shell timed out after 9 seconds"}}`
	console, err := json.Marshal("[    1.000001] usb 1-1: x\n[    1.000002] " + panicked + "\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, log := range map[string]string{
		"lava_log": `"log": ` + string(console), "lava_logs": `"lava_logs": ` +
			logOf("debug:x", "target:[    1.000002] "+panicked),
	} {
		rec, d, err := made([]byte(`{`+node+`, "tests": [], `+log+`}`), Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := sources(t, d)
		want := []string{rec.Key + "/i/2", rec.Key + "/i/job"}
		if ids := incidentIDs(d); !reflect.DeepEqual(ids, want) {
			t.Errorf("%s: ids %q, want %q", name, ids, want)
		}
		if s[DocBoot][0]["incidents"] != 2.0 || s[DocIncident][0]["node_id"] != "n1" {
			t.Errorf("%s: %v, %v", name, s[DocBoot][0], s[DocIncident][0])
		}
	}
}
