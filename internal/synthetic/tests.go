package synthetic

import (
	"fmt"
	"maps"
	"strconv"
)

// caseCount is how many of a suite's cases a job runs.
func caseCount(s suiteSpec) int { return min(len(s.cases), 5) }

// runTests runs the plan's suites one after the other. A job whose test hangs
// ends within the last of them.
func (j *job) runTests() {
	j.start("3", "lava-test-retry", 600)
	for i, s := range j.plan.suites {
		began := j.log.now
		name := s.Name
		if !s.Interactive {
			name = strconv.Itoa(i) + "_" + s.Name
		}
		hang := j.outcome == outcomeTestTimeout && i == len(j.plan.suites)-1
		level := "3." + strconv.Itoa(i+1)
		j.start(level, "lava-test-shell", 590)
		j.log.target("<LAVA_SIGNAL_STARTRUN %s %d_1.4.3.%d>", name, j.id, 4*i+1)
		j.log.debug("Received signal: <STARTRUN> %s %d_1.4.3.%d", name, j.id, 4*i+1)
		if j.suite(name, s, hang) {
			j.hang(level, name)
			return
		}
		centi := int((j.log.now - began) / 10_000)
		j.log.target("<LAVA_SIGNAL_ENDRUN %s %d_1.4.3.%d>", name, j.id, 4*i+1)
		j.log.debug("Received signal: <ENDRUN> %s %d_1.4.3.%d", name, j.id, 4*i+1)
		j.testRun(name, centi, 4*i+1)
		j.end(level, "lava-test-shell", centi/100)
	}
	j.action("3", "lava-test-retry", int(j.log.now/10_000%3000), "pass", nil)
}

// testRun is the case in suite lava that stands for a whole test run.
func (j *job) testRun(name string, centi, n int) {
	metadata := object{"case": name, "definition": "lava", "duration": hundredths(centi), "namespace": "common",
		"path": "inline/" + name[min(2, len(name)):] + ".yaml", "result": "pass",
		"uuid": fmt.Sprintf("%d_1.4.3.%d", j.id, n)}
	j.log.structure("results", metadata)
	j.addRow("lava", row{name: name, result: "pass", measurement: decimalText(centi), unit: "seconds",
		metadata: metadata})
}

// suite runs the cases; with hang it stops in the middle and gives true.
func (j *job) suite(name string, s suiteSpec, hang bool) bool {
	count := caseCount(s)
	// Another part of a long suite each time, but always the flaky test.
	first := 0
	if len(s.cases) > count && s.Name != flakySuite {
		first = j.rand.below(len(s.cases) - count + 1)
	}
	for i, test := range s.cases[first : first+count] {
		if hang && i == count/2 {
			j.log.target("%s: waiting for the child to finish", test)
			return true
		}
		j.testCase(name, s, test)
	}
	return false
}

// testCase writes a test's output and its signal, and the row that points at
// them: from the first line of output to the line with the signal.
func (j *job) testCase(suiteName string, s suiteSpec, test string) {
	l := j.log
	result := caseResult(j, s.Name, test)
	l.wait(int64(j.rand.between(20, 900)) * 1000)
	first := l.lines + 1
	j.output(s, test, result)
	measurement := 0
	signal := fmt.Sprintf("TEST_CASE_ID=%s RESULT=%s", test, result)
	if s.unit != "" {
		if s.unit == "us" || result == "fail" {
			measurement = j.rand.between(3, 140)
		}
		signal += fmt.Sprintf(" UNITS=%s MEASUREMENT=%d", s.unit, measurement)
	}
	l.target("<LAVA_SIGNAL_TESTCASE %s>", signal)
	last := l.lines
	l.debug("Received signal: <TESTCASE> %s", signal)
	metadata := object{"case": test, "definition": suiteName, "result": result}
	r := row{name: test, result: result, measurement: "None", startLine: first, endLine: last}
	if s.unit != "" {
		r.measurement, r.unit = decimalText(measurement*100), s.unit
		metadata["measurement"], metadata["units"] = strconv.Itoa(measurement), s.unit
	}
	logged := metadata
	if j.tagged {
		metadata["endtc"], metadata["starttc"] = strconv.Itoa(last), strconv.Itoa(first)
		logged = maps.Clone(metadata)
		logged["endtc"], logged["starttc"] = tagged(last), tagged(first)
		if s.unit != "" {
			logged["measurement"] = decimal(measurement)
		}
	}
	l.structure("results", logged)
	r.metadata = metadata
	j.addRow(suiteName, r)
}

// output is what a test prints, one or two lines in the manner of its kind.
func (j *job) output(s suiteSpec, test, result string) {
	l := j.log
	switch {
	case s.Name == "ltp-ipc" || s.Name == "ltp-timers":
		if j.real {
			l.target("tst_test.c:%d: TINFO: Timeout per run is 0h 00m 30s", j.rand.between(1400, 1999))
		}
		word := map[string]string{"pass": "TPASS", "fail": "TFAIL", "skip": "TCONF"}[result]
		if word == "" {
			word = "TBROK"
		}
		l.target("%s    1  %s  :  %s.c:%d: finished", test, word, test, j.rand.between(60, 420))
	case s.Name == "kselftest-timers" || s.Name == "kselftest-seccomp":
		if result == "fail" {
			l.target("# %s: expected less than %d us, measured %d us", test, j.rand.between(50, 99),
				j.rand.between(100, 900))
		}
		word := "ok"
		if result == "fail" {
			word = "not ok"
		}
		l.target("%s %d selftests: %s", word, j.rand.between(1, 20), test)
	case s.unit == "us":
		l.target("T: %d (%5d) P:98 I:1000 C: %6d Min: %6d Act: %4d Avg: %4d Max: %7d", j.rand.below(2),
			j.rand.between(400, 999),
			j.rand.between(10_000, 99_999),
			j.rand.between(2, 9), j.rand.between(5, 30), j.rand.between(6, 20), j.rand.between(30, 400))
	case result == "fail":
		l.target("%s: not found", test)
	}
}

// hang ends the job by the timeout of its test.
func (j *job) hang(level, name string) {
	timeout := 120 + 30*j.rand.below(4)
	j.log.wait(int64(timeout) * second)
	j.log.say("error", "Marking unfinished test run as failed: "+name)
	j.fail("Test", fmt.Sprintf("lava-test-shell timed out after %d seconds", timeout), timeout*100,
		[2]string{level, "lava-test-shell"}, [2]string{"3", "lava-test-retry"})
}
