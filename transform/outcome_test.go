package transform

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// suite is a suite's rows as JSON: LAVA's rows are YAML within a string.
func suite(rows ...string) string { return fmt.Sprintf("%q", "- {"+strings.Join(rows, "}\n- {")+"}\n") }

// login is a row of a login that ended so, at that second.
func login(name, result, second string) string {
	return fmt.Sprintf("name: %s, result: %s, measurement: '%s.5', logged: '2026-03-04 05:06:%s.000001+00:00'", name,
		result, second, second)
}

// TestBootResult: who decides about a boot, and when nobody can.
func TestBootResult(t *testing.T) {
	const lab, canceled, kernels = "name: job, metadata: {error_type: %s}", "Canceled", "Job"
	f := func(why, want, seconds, status, lava, other string) {
		t.Helper()
		results := `{"lava":` + lava + `}`
		if other != "" {
			results = `{"lava":` + lava + `,"3_tests":` + other + `}`
		}
		_, d, err := made(callbackJSON("status", status, "results", results), Options{Lab: "l"})
		if err != nil {
			t.Errorf("%s: %v", why, err)
			return
		}
		for kind, docs := range sources(t, d) {
			if docs[0]["boot_result"] != want || docs[0]["boot_time"] != seconds {
				t.Errorf("%s: %s has boot_result %v, boot_time %v, want %s, %s", why, kind, docs[0]["boot_result"],
					docs[0]["boot_time"], want, seconds)
			}
		}
	}
	pass, fail := login("login-action", "pass", "10"), login("login-action", "fail", "20")
	f("one that passed", "pass", "10.5", "2", suite(pass), "")
	f("a retry passed", "pass", "30.5", "3", suite(fail, login("login-action", "Pass", "30")), "")
	f("a second boot failed", "fail", "20.5", "3", suite(pass, fail), "")
	f("newest first", "fail", "20.5", "3", suite(fail, pass), "")
	f("of old", "fail", "17.5", "3", suite(login("auto-login-action", "fail", "17")), "")
	f("both", "pass", "10.5", "2", suite(pass, login("auto-login-action", "fail", "40")), "")
	f("a test of that name", "pass", "10.5", "2", suite(pass), suite(login("login-action", "fail", "50")))
	f("a test of that name alone", "incomplete", "0", "3", suite("name: validate, result: pass"),
		suite(login("login-action", "pass", "50")))
	f("the row's suite counts for nothing", "incomplete", "0", "3", suite("name: x"),
		suite(login("login-action", "pass", "50")+", suite: lava"))
	f("by number at the same time", "fail", "1", "3",
		suite("name: login-action, result: fail, measurement: 1, id: '100'",
			"name: login-action, result: pass, measurement: 2, id: '99'"), "")
	f("by place", "pass", "2", "3", suite("name: login-action, result: fail, measurement: 1",
		"name: login-action, result: pass, measurement: 2"), "")
	f("no measurement", "pass", "0", "2", suite("name: login-action, result: pass"), "")

	f("canceled while booting", "canceled", "20.5", "4", suite(fail, fmt.Sprintf(lab, canceled)), "")
	f("canceled says the job's row", "canceled", "20.5", "3", suite(fail, fmt.Sprintf(lab, canceled)), "")
	f("canceled after the login", "pass", "10.5", "4", suite(pass, fmt.Sprintf(lab, canceled)), "")
	f("canceled before it", "canceled", "0", "4", suite("name: validate"), "")
	for _, errorType := range LabErrors {
		f("the lab's "+errorType, "incomplete", "20.5", "3", suite(fail, fmt.Sprintf(lab, errorType)), "")
	}
	f("the job's own", "fail", "20.5", "3", suite(fail, fmt.Sprintf(lab, kernels)), "")
	f("the lab's after the login", "pass", "10.5", "3", suite(pass, fmt.Sprintf(lab, "Infrastructure")), "")

	f("status as a word", "incomplete", "0", `"Incomplete"`, suite("name: x"), "")
	f("another word", "canceled", "0", `"Canceled"`, suite("name: x"), "")
	f("complete in a word", "pass", "0", `"Complete"`, suite("name: x"), "")
	f("a number that LAVA has not", "unknown", "0", "9", suite("name: x"), "")
	f("no status", "pass", "0", "", suite("name: x"), "")
}

func TestJobStatus(t *testing.T) {
	for fields, want := range map[string]string{
		`"status":3`: "incomplete", `"status":"2"`: "complete", `"status_string":"Canceled"`: "canceled",
		`"status":"None"`: "unknown", `"a":1`: "",
		`"state":"Finished","health":"Incomplete"`: "incomplete", `"state":5,"health":3`: "canceled",
		`"state":3,"health":0`:       "running",
		`"state_string":"Scheduled"`: "scheduled", `"status":"Finished","health":"Complete"`: "complete",
		`"status":7,"status_string":"odd"`: "odd",
		`"status":1,"state":5`:             "running", `"status":{"a":1}`: "",
	} {
		var r Record
		_ = r.Parse([]byte(`{"id":1,`+fields+`}`), Options{Kind: KindBuild})
		if got := r.jobStatus(); got != want {
			t.Errorf("%s: %q, want %q", fields, got, want)
		}
	}
}

// A job that is not over is told so by a type of its own.
func TestNotFinished(t *testing.T) {
	for _, fields := range [][2]string{{"status", "0"}, {"status", "1"}, {"status", "5"}, {"status", `"Running"`}} {
		_, _, err := made(callbackJSON(fields[0], fields[1]), Options{Lab: "l"})
		refusedAs(t, err, TypeNotFinished, "criteria: status: finished")
	}
	_, _, err := made(callbackJSON("status", "", "state", `"Scheduling"`, "results", "{}", "log", ""), Options{})
	refusedAs(t, err, TypeNotFinished, "still scheduling")
}

func refusedAs(t *testing.T, err error, class, says string) {
	t.Helper()
	if r, ok := err.(*RefusedError); !ok || r.Type != class || !strings.Contains(r.Error(), says) { //nolint:errorlint // as it is returned
		t.Errorf("got %v, want %s, %q", err, class, says)
	}
}

// TestRetried: whether an attempt was tried again is Maestro's to say, whatever the callback
// says of its boot.
func TestRetried(t *testing.T) {
	body, err := os.ReadFile("../testdata/maestro/job.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		result  string
		attempt int
		retried bool
	}{{"incomplete", 0, true}, {"incomplete", lastAttempt, false}, {"fail", 0, false}, {"pass", 0, false}} {
		var record map[string]any
		if err := json.Unmarshal(body, &record); err != nil {
			t.Fatal(err)
		}
		set(record, "node.result", c.result)
		set(record, "node.retry_counter", c.attempt)
		changed, err := json.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		_, d, err := made(changed, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for kind, docs := range sources(t, d) {
			if got := docs[0]["retried"] == true; got != c.retried {
				t.Errorf("%+v: %s says %v", c, kind, docs[0]["retried"])
			}
		}
	}
}
