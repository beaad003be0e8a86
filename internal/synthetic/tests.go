package synthetic

import (
	"fmt"
	"strconv"
)

func (j *job) caseCount(s suiteSpec) int {
	most := 5
	if j.real {
		most = 5
	}
	return min(len(s.cases), most)
}

// runTests runs the plan's suites one after the other. A job whose test hangs
// ends within the last of them.
func (j *job) runTests() {
	j.start("3", "lava-test-retry", 600)
	for i, s := range j.plan.suites {
		began := j.log.now
		name := s.name
		if !s.interactive {
			name = strconv.Itoa(i) + "_" + s.name
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
	j.action("3", "lava-test-retry", int(j.log.now/10_000%3000), true)
}

// testRun is the case in suite lava that stands for a whole test run.
func (j *job) testRun(name string, centi, n int) {
	metadata := object(textMember("case", name), textMember("definition", "lava"),
		textMember("duration", hundredths(centi)),
		textMember("namespace", "common"), textMember("path", "inline/"+name[min(2, len(name)):]+".yaml"),
		textMember("result", "pass"),
		textMember("uuid", fmt.Sprintf("%d_1.4.3.%d", j.id, n)))
	j.log.structure("results", metadata)
	j.addRow("lava", row{name: name, result: "pass", measurement: decimalText(centi), unit: "seconds",
		metadata: metadata})
}

// suite runs the cases; with hang it stops in the middle and gives true.
func (j *job) suite(name string, s suiteSpec, hang bool) bool {
	count := j.caseCount(s)
	// Another part of a long suite each time, but always the flaky test.
	first := 0
	if len(s.cases) > count && s.name != flakySuite {
		first = j.below(len(s.cases) - count + 1)
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
	result := caseResult(j, s.name, test)
	l.wait(int64(j.between(20, 900)) * 1000)
	first := l.lines + 1
	j.output(s, test, result)
	measurement := 0
	signal := fmt.Sprintf("TEST_CASE_ID=%s RESULT=%s", test, result)
	if s.unit != "" {
		if s.unit == "us" || result == "fail" {
			measurement = j.between(3, 140)
		}
		signal += fmt.Sprintf(" UNITS=%s MEASUREMENT=%d", s.unit, measurement)
	}
	l.target("<LAVA_SIGNAL_TESTCASE %s>", signal)
	last := l.lastLine()
	l.debug("Received signal: <TESTCASE> %s", signal)
	metadata := []field{textMember("case", test), textMember("definition", suiteName), textMember("result", result)}
	logged := metadata[:3:3]
	r := row{name: test, result: result, measurement: "None", startLine: first, endLine: last}
	if s.unit != "" {
		r.measurement, r.unit = decimalText(measurement*100), s.unit
		metadata = append(metadata, textMember("measurement", strconv.Itoa(measurement)), textMember("units", s.unit))
		value := text(strconv.Itoa(measurement))
		if j.tagged {
			value = pythonDecimal(strconv.Itoa(measurement))
		}
		logged = append(logged, member("measurement", value), textMember("units", s.unit))
	}
	if j.tagged {
		metadata = append(metadata, textMember("endtc", strconv.Itoa(last)), textMember("starttc", strconv.Itoa(first)))
		logged = append(logged, member("endtc", taggedNumber(last)), member("starttc", taggedNumber(first)))
	}
	l.structure("results", object(logged...))
	r.metadata = object(metadata...)
	j.addRow(suiteName, r)
}

// output is what a test prints, one or two lines in the manner of its kind.
func (j *job) output(s suiteSpec, test, result string) {
	l := j.log
	switch {
	case s.name == "ltp-ipc" || s.name == "ltp-timers":
		if j.real {
			l.target("tst_test.c:%d: TINFO: Timeout per run is 0h 00m 30s", j.between(1400, 1999))
		}
		word := map[string]string{"pass": "TPASS", "fail": "TFAIL", "skip": "TCONF"}[result]
		if word == "" {
			word = "TBROK"
		}
		l.target("%s    1  %s  :  %s.c:%d: finished", test, word, test, j.between(60, 420))
	case s.name == "kselftest-timers" || s.name == "kselftest-seccomp":
		if result == "fail" {
			l.target("# %s: expected less than %d us, measured %d us", test, j.between(50, 99), j.between(100, 900))
		}
		word := "ok"
		if result == "fail" {
			word = "not ok"
		}
		l.target("%s %d selftests: %s", word, j.between(1, 20), test)
	case s.unit == "us":
		l.target("T: %d (%5d) P:98 I:1000 C: %6d Min: %6d Act: %4d Avg: %4d Max: %7d", j.below(2), j.between(400, 999),
			j.between(10_000, 99_999),
			j.between(2, 9), j.between(5, 30), j.between(6, 20), j.between(30, 400))
	case result == "fail":
		l.target("%s: not found", test)
	}
}

// hang ends the job by the timeout of its test.
func (j *job) hang(level, name string) {
	timeout := 120 + 30*j.below(4)
	j.log.wait(int64(timeout) * second)
	j.log.say("error", "Marking unfinished test run as failed: "+name)
	j.fail("Test", fmt.Sprintf("lava-test-shell timed out after %d seconds", timeout), timeout*100,
		[2]string{level, "lava-test-shell"}, [2]string{"3", "lava-test-retry"})
}
