package objects

import "slices"

var (
	// kernelControls are the facts that each kind of document has.
	kernelControls = []string{"job", "git_branch", "git_describe", "arch", "defconfig_full", "build_environment"}
	boardControls  = []string{"lab_name", "board"}
)

// dashboards puts the panels onto pages. A big number says what it counts, and a
// menu needs no title.
func dashboards(panels []Object) []Object {
	untitled := map[string]bool{menuID: true, menuOutID: true}
	for _, p := range panels {
		if p.Attributes["visualizationType"] == "lnsMetric" {
			untitled[p.ID] = true
		}
	}
	var objects []Object
	for _, p := range slices.Concat(overviewPages(), resultPages(), detailPages()) {
		objects = append(objects, p.dashboard(untitled))
	}
	return objects
}

// overviewPages look at everything at once, or at all of one board.
func overviewPages() []page {
	return []page{
		{id: "home", title: "Home", view: bootView, controls: slices.Concat(kernelControls, boardControls),
			description: "How much was built, booted and tested, how much of it failed, and where it goes.",
			rows: []row{
				equal(5, "builds-count", "builds-failed", "boots-count", "boots-failed", "boots-lost", "tests-failed"),
				{12, []panel{lens("trees", columns)}},
				{13, []panel{lens("incidents-newest", 32), lens("boots-by-lab", 16)}},
				equal(11, "builds-trend", "boots-trend", "tests-trend"),
				equal(11, "boots-rate", "tests-rate"),
			}},
		{id: "failures", title: "Failures", view: bootView, controls: slices.Concat(kernelControls, boardControls),
			description: "What fails now, where, since when, and whether it is the kernel or the lab.",
			rows: []row{
				equal(5, "builds-failed", "boots-failed", "tests-failed", "boots-lost"),
				equal(11, "boots-trend", "boots-by-lab"),
				equal(16, "boots-failing-boards", "tests-failing"),
				{18, []panel{lens("boots-board-kernel", 32), lens("boots-lab-errors", 16)}},
				listRow(14, "boots-failed-list"),
				listRow(14, "tests-failed-list"),
				listRow(12, "builds-failed-list"),
				listRow(12, "boots-lost-list"),
			}},
		{id: "incidents", title: "Incidents", fromRows: true, view: incidentView,
			controls: slices.Concat(kernelControls, boardControls, []string{"incident_type"}),
			description: "What fails, by the names that the kernel's community uses: which titles, since when, " +
				"where, with which kernels. Opened by a row's link all for one title.",
			rows: []row{
				equal(5, "incidents-titles", "incidents-fatal", "incidents-job-errors", "incidents-provoked"),
				{16, []panel{lens("incidents-top", columns)}},
				{20, []panel{lens("incidents-title-kernel", 32), lens("incidents-by-type", 16)}},
				listRow(20, "incidents-list"),
				equal(14, "incidents-jobs", "incidents-provoked-table"),
				listRow(16, "incidents-others-list"),
			}},
		{id: "board", title: "Board", fromRows: true, view: bootView,
			controls: slices.Concat(boardControls, kernelControls),
			description: "One board: choose it above, or follow a board's link. How it boots with which kernels, " +
				"how fast, what kernels report on it and which tests fail.",
			rows: []row{
				equal(5, "boots-count", "boots-failed", "boots-lost", "tests-failed"),
				equal(11, "boots-trend", "boots-time"),
				equal(13, "boots-by-kernel", "boots-by-lab"),
				{18, []panel{lens("boots-rate-config-kernel", columns)}},
				{14, []panel{lens("incidents-top", columns)}},
				equal(16, "tests-failing", "tests-by-suite"),
				listRow(18, "boots-list"),
				listRow(18, "tests-failed-list"),
			}},
	}
}

// resultPages are about one kind of document each.
func resultPages() []page {
	return []page{
		{id: "builds", title: "Builds", view: buildView, controls: slices.Concat(kernelControls,
			[]string{"build_result"}),
			description: "Find builds, see what does not build, and how build time, size and warnings develop.",
			rows: []row{
				{11, []panel{lens("builds-count", 8), lens("builds-failed", 8), lens("builds-shares", 16),
					lens("builds-by-tree", 16)}},
				equal(11, "builds-trend", "builds-rate"),
				{13, []panel{lens("builds-failing-configs", 32), lens("builds-by-compiler", 16)}},
				equal(11, "builds-time", "builds-size", "builds-warnings"),
				listRow(22, "builds-list"),
			}},
		{id: "boots", title: "Boots", view: bootView, controls: slices.Concat(kernelControls, boardControls,
			[]string{"boot_result"}),
			description: "Find boots, see which boards and labs have trouble, and how boot times develop.",
			rows: []row{
				equal(5, "boots-count", "boots-failed", "boots-lost", "boots-inconclusive"),
				equal(11, "boots-shares", "boots-trend", "boots-rate"),
				{18, []panel{lens("boots-board-kernel", 32), lens("boots-by-lab", 16)}},
				equal(12, "boots-time", "boots-time-by-board", "boots-by-tree"),
				listRow(24, "boots-list"),
			}},
		{id: "tests", title: "Tests", view: testView, controls: slices.Concat(kernelControls, boardControls,
			[]string{"suite", "result"}),
			description: "Find test results, see which tests and suites fail, and which steps of jobs fail in labs.",
			rows: []row{
				equal(5, "tests-count", "tests-failed", "tests-skipped", "tests-inconclusive"),
				equal(11, "tests-shares", "tests-trend", "tests-rate"),
				{16, []panel{lens("tests-failing", 32), lens("tests-by-suite", 16)}},
				equal(13, "tests-by-board", "tests-lab-steps"),
				listRow(24, "tests-list"),
			}},
		{id: "logs", title: "Logs", view: logView, controls: slices.Concat(kernelControls, boardControls,
			[]string{"job_id", "lvl"}),
			description: "Search log lines: write words into the query bar, as in msg : \"Kernel panic\". A row's " +
				"log link shows the log of that job alone.",
			rows: []row{
				equal(5, "logs-count", "logs-errors", "logs-kernel-errors"),
				equal(11, "logs-trend", "logs-labs"),
				{12, []panel{lens("logs-boards", columns)}},
				listRow(14, "logs-kernel-list"),
				listRow(14, "logs-errors-list"),
				listRow(40, "logs-list"),
			}},
	}
}

// detailPages are opened by the links of rows.
func detailPages() []page {
	return []page{
		{id: "build-details", title: "Build details", from: detailRange, fromRows: true, view: bootView,
			controls: slices.Concat(boardControls, []string{"boot_result"}),
			description: "One build with its boots and failed tests. Opened by a row's build link; without one it " +
				"shows all builds.",
			rows: []row{
				listRow(8, "build-facts"),
				equal(5, "boots-count", "boots-failed", "boots-lost", "tests-count", "tests-failed", "boots-boards"),
				equal(14, "boots-by-board", "tests-by-suite"),
				{14, []panel{lens("incidents-top", columns)}},
				listRow(18, "boots-list"),
				listRow(16, "tests-failed-list"),
			}},
		{id: "boot-details", title: "Boot details", from: detailRange, fromRows: true, view: testView,
			controls: []string{"lab_name", "job_id", "suite", "result"},
			description: "One job's boot: how it ended, what failed by name, its log, its tests and steps. Opened " +
				"by a row's job number; two labs may have the same, then choose the lab above. A row's link to " +
				"repeats shows all boots of that build on that board in that lab.",
			rows: []row{
				listRow(8, "boot-facts"),
				listRow(9, "boot-incidents-list"),
				{24, []panel{{"search", "kcing-job-last-lines", columns / 2},
					{"search", "kcing-job-lines", columns / 2}}},
				equal(10, "tests-shares", "tests-by-suite"),
				listRow(18, "boot-tests-list"),
				listRow(14, "boot-steps-list"),
			}},
		{id: "job-log", title: "Log of a job", from: detailRange, fromRows: true, view: logView,
			controls: []string{"lab_name", "job_id", "lvl"},
			description: "The log of one job, from its end and from its beginning. Opened by a row's log link; two " +
				"labs may have jobs of the same number, then choose the lab above. What stands between the two " +
				"lists is found by words in the query bar, as in msg : \"Kernel panic\", or by a range, as in " +
				"lineno >= 2000.",
			rows: []row{
				{40, []panel{{"search", "kcing-job-last-lines", columns / 2},
					{"search", "kcing-job-lines", columns / 2}}},
			}},
		{id: "test-history", title: "Test history", from: recentRange, fromRows: true, view: testView,
			controls: slices.Concat(kernelControls, boardControls, []string{"result"}),
			description: "One test over kernels and boards: since when does it fail, and where? Opened by a row's " +
				"link to the history; without one it shows all tests.",
			rows: []row{
				{20, []panel{lens("tests-rate-board-kernel", 32), lens("tests-by-kernel", 16)}},
				{14, []panel{lens("tests-failing-boards", 32), lens("tests-measured", 16)}},
				listRow(26, "test-history-list"),
			}},
		{id: "compare-boots", title: "Compare boards (boots)", from: detailRange, fromRows: true, view: bootView,
			controls: slices.Concat(boardControls, []string{"boot_result"}),
			description: "One build on all boards: does it fail on one, on all, or only in one lab? Opened by a " +
				"row's link to other boards.",
			rows: []row{
				listRow(8, "build-facts"),
				equal(16, "boots-boards-table", "boots-by-board"),
				equal(12, "boots-time-by-board", "boots-by-lab"),
				listRow(22, "boots-by-board-list"),
			}},
		{id: "compare-tests", title: "Compare boards (tests)", from: detailRange, fromRows: true, view: testView,
			controls: slices.Concat(boardControls, []string{"result"}),
			description: "One test of one build on all boards: does it fail on one, on all, or only in one lab? " +
				"Opened by a row's link to other boards.",
			rows: []row{
				{16, []panel{lens("tests-boards-table", 32), lens("tests-shares", 16)}},
				equal(14, "tests-by-board", "tests-by-lab"),
				listRow(24, "tests-by-board-list"),
			}},
	}
}
