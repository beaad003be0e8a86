package main

func testPanels() []object {
	of := func(id, title, description, query string) chart {
		return chart{"kcing-" + id, title, description, testView, query}
	}
	tests := func(id, title, description string) chart { return of(id, title, description, notSteps) }
	return []object{
		tests("tests-count", "Test results", "Results of tests; LAVA's own job steps are not counted.").number("Test results", "", blue),
		tests("tests-failed", "Failed tests", "Tests that failed, of all test results: not those of canceled jobs and not lab trouble.").number("Failed tests", testFailed, red),
		tests("tests-skipped", "Skipped tests", "Tests that did not apply: neither passed nor failed.").number("Skipped tests", testSkipped, blue),
		tests("tests-inconclusive", "Inconclusive tests", "Unknown results and those of canceled jobs.").number("Inconclusive tests", testInconclusive, grey),
		tests("tests-shares", "Shares of test results", "How many of the tests passed.").shares(testResults),
		tests("tests-trend", "Test results over time", "Since when tests fail.").trend(testResults),
		tests("tests-rate", "Test pass rate over time", "Passed of passed and failed tests; skipped and inconclusive ones do not count.").rate(conclusive(testResults)),
		tests("tests-by-suite", "Test results by suite", "Which suite fails.").byField("suite", 20, 2, testResults),
		tests("tests-by-board", "Test results by board", "Whether it fails on one board or on all.").byField("board", 40, 2, testResults),
		tests("tests-by-lab", "Test results by lab", "Whether it fails in one lab or in all.").byField("lab_name", 20, 2, testResults),
		tests("tests-failing", "Tests, most failures first", "Which tests fail most, and since when: a last pass before the first failure means that the test has failed since, a later one that it is unstable.").
			table("failed", failingSince("name", 100, testFailed, testSucceeded)...),
		tests("tests-boards-table", "Results on each board", "The same test of the same build on other boards and in other labs.").
			table("failed", terms("board", "board", 50, "failed"), terms("lab", "lab_name", 20, "failed"),
				count("passed", "Passed", testSucceeded), count("failed", "Failed", testFailed), count("skipped", "Skipped", testSkipped),
				count("lost", "Lost to the lab", testLost), count("inconclusive", "Inconclusive", testInconclusive)),
		of("tests-lab-steps", "Job steps that fail in labs", "Which step of LAVA's job fails with an infrastructure error, in which lab: downloads, power, serial line.", and(steps, testLost)).
			table("failed", terms("step", "name", 20, "failed"), terms("lab", "lab_name", 20, "failed"), count("failed", "Failed steps", "")),
	}
}
