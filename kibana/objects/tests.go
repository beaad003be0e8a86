package objects

import "slices"

func testPanels() []Object {
	of := func(id, title, description, query string) chart {
		return chart{"kcing-" + id, title, description, testView, query}
	}
	tests := func(id, title, description string) chart { return of(id, title, description, notSteps) }
	return []Object{
		tests("tests-count", "Test results", "Results of tests; LAVA's own job steps are not counted.").
			number("Test results", "", blue),
		tests("tests-failed", "Failed tests",
			"Tests that failed, of all test results: not those of canceled jobs and not lab trouble.").
			number("Failed tests", testFailed, red),
		tests("tests-skipped", "Skipped tests", "Tests that did not apply: neither passed nor failed.").
			number("Skipped tests", testSkipped, blue),
		tests("tests-inconclusive", "Inconclusive tests", "Unknown results and those of canceled jobs.").
			number("Inconclusive tests", testInconclusive, grey),
		tests("tests-shares", "Shares of test results", "How many of the tests passed.").shares(testResults),
		tests("tests-trend", "Test results over time", "Since when tests fail.").trend(testResults),
		tests("tests-rate", "Test pass rate over time",
			"Passed of passed and failed tests; skipped and inconclusive ones do not count.").
			rate(conclusive(testResults)),
		tests("tests-by-suite", "Test results by suite", "Which suite fails.").byField("suite", 20, 2, testResults),
		tests("tests-by-board", "Test results by board", "Whether it fails on one board or on all.").
			byField("board", 40, 2, testResults),
		tests("tests-by-lab", "Test results by lab", "Whether it fails in one lab or in all.").
			byField("lab_name", 20, 2, testResults),
		tests("tests-failing", "Tests, most failures first",
			"Which tests fail most, and since when: a last pass before the first failure means that the test has "+
				"failed since, a later one that it is unstable.").
			table("failed", slices.Insert(failingSince("test_path.keyword", 100, testFailed, testSucceeded), 1,
				terms("history", "test_path", 1, ""))...),
		tests("tests-boards-table", "Results on each board",
			"The same test of the same build on other boards and in other labs.").
			table("failed", terms("board", "board", 50, "failed"), terms("lab", "lab_name", 20, "failed"),
				count("passed", "Passed", testSucceeded), count("failed", "Failed", testFailed),
				count("skipped", "Skipped", testSkipped),
				count("lost", "Lost to the lab", testLost), count("inconclusive", "Inconclusive", testInconclusive)),
		of("tests-rate-board-kernel", "Pass rate: board × kernel",
			"With which kernel it began, and whether it is one board. Newest kernels first; skipped and "+
				"inconclusive results do not count.", "").
			rates("board", testSucceeded, testFailed),
		of("tests-by-kernel", "Results by kernel", "How often it passed and failed with each kernel, newest first.",
			"").newestKernels(30, testResults),
		of("tests-failing-boards", "Boards, most failures first",
			"Where it fails, and since when: a last pass before the first failure means that it has failed since, a "+
				"later one that it is unstable.", "").
			table("failed", failingSince("board", 40, testFailed, testSucceeded)...),
		of("tests-measured", "Measurements over time",
			"Average of what the test measured, of the boards with the highest; empty for tests that measure "+
				"nothing. The list has the unit.", "measurement : *").
			lines("board", 10, measure("measured", "Measurement", "average", "measurement", "")),
		of("tests-lab-steps", "Job steps that fail in labs",
			"Which step of LAVA's job fails with an infrastructure error, in which lab: downloads, power, serial line.",
			and(steps, testLost)).
			table("failed", terms("step", "name", 20, "failed"), terms("lab", "lab_name", 20, "failed"),
				count("failed", "Failed steps", "")),
	}
}
