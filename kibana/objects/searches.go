package objects

import "strings"

const indexRef = "kibanaSavedObjectMeta.searchSourceJSON.index"

// widths of columns in pixels; those that are not here share what is left.
var widths = map[string]int{
	"result": 85, "build_result": 85, "boot_result": 95, "arch": 75, "lineno": 75, "lvl": 95, "level": 75,
	"errors": 75, "warnings": 95, "boot_time": 115, "build_time": 120, "measurement": 120, "unit": 80,
	"log_start_line": 95,
	"build_key":      75, "build_key.keyword": 125, "boot_key": 90, "test_key": 125, "job_id": 110,
	"job_id.keyword": 65,
	"test_path":      85, "title_key": 85, "log_query": 65, "incident_type": 95, "fatal": 75, "provoked": 95,
	"incidents": 95,
}

// atMost ends each list's description.
const atMost = " At most 500 rows, or as many as Kibana's discover:sampleSize says; filters and the query bar find " +
	"the others."

// search is a list of documents: as many of them, in the order of sort, as the
// setting discover:sampleSize of Kibana allows. (Tables of nested terms
// aggregations lose rows unseen.) Columns and sort are field names; a "-" before
// a sort field means the greatest first.
func search(id, title, description, view, query, columns, sort string) Object {
	order := list{}
	for _, field := range strings.Fields(sort) {
		name, descending := strings.CutPrefix(field, "-")
		direction := "asc"
		if descending {
			direction = "desc"
		}
		order = append(order, list{name, direction})
	}
	grid := fields{}
	for _, field := range strings.Fields(columns) {
		if width := widths[field]; width > 0 {
			grid[field] = fields{"width": width}
		}
	}
	return Object{Type: "search", ID: "kcing-" + id,
		Attributes: fields{
			"title": title, "description": description + atMost, "columns": strings.Fields(columns), "sort": order,
			"grid": fields{"columns": grid}, "hideChart": true, "isTextBasedQuery": false, "timeRestore": false,
			"kibanaSavedObjectMeta": fields{"searchSourceJSON": fields{
				"query": kuery(query), "filter": list{}, "indexRefName": indexRef,
			}},
		},
		References: []Reference{{ID: view, Name: indexRef, Type: "index-pattern"}},
	}
}

func searches() []Object {
	const (
		build = "build_result job git_branch git_describe defconfig_full arch build_environment "
		boot  = "boot_result incident job git_branch git_describe arch defconfig_full build_environment lab_name board "
		links = "job_id job_id.keyword boot_key build_key build_key.keyword "
		test  = "result suite name board lab_name job git_describe arch defconfig_full build_environment "
		line  = "lineno lvl msg board lab_name git_describe job_id job_id.keyword"
	)
	return []Object{
		search("builds-list", "Builds, newest first",
			"Builds. build: its boots and tests. other boards: its boots side by side.",
			buildView, "", build+"build_time errors warnings build_key build_key.keyword", "-@timestamp"),
		search("builds-failed-list", "Failed builds, newest first", "Builds that failed.",
			buildView, buildFailed, build+"errors warnings build_key", "-@timestamp"),
		search("build-facts", "The build", "What was built, of what, with what.",
			buildView, "", build+"compiler_version_full git_commit git_url build_time errors warnings "+
				"vmlinux_text_size kernel_config build_log node_id build_key build_key.keyword", "-@timestamp"),
		search("boots-list", "Boots, newest first",
			"Boots. The job's number: its details. log: its log. repeats: the same build, board and lab again. "+
				"build: what was booted. other boards: the same build elsewhere.",
			bootView, "", boot+"boot_time error_type "+links, "-@timestamp"),
		search("boots-failed-list", "Failed boots, newest first",
			"Boots that the kernel failed; lab trouble is not among them. The job's number: its details.",
			bootView, bootFailed, boot+"error_type "+links, "-@timestamp"),
		search("boots-lost-list", "Boots lost to labs, newest first",
			"Boots that an infrastructure error ended, and what the lab said.",
			bootView, bootLost, "boot_result lab_name board device error_type error_msg job git_describe job_id "+
				"job_id.keyword", "-@timestamp"),
		search("boots-by-board-list", "Boots by board", "Boots of the build, board by board.",
			bootView, "", "board lab_name boot_result boot_time error_type error_msg device git_describe "+links,
			"board lab_name -@timestamp"),
		search("boot-facts", "The boot", "What was booted, where, and how it ended.",
			bootView, "", boot+"device boot_time lava_status error_type error_msg boot_result_description "+
				"git_commit node_id "+links, "-@timestamp"),
		search("tests-list", "Test results, newest first",
			"Results of tests. The job's number: its boot and log. history: the test over kernels. other boards: "+
				"the same test of the same build elsewhere.",
			testView, notSteps, test+"measurement unit test_path test_key job_id job_id.keyword",
			"-@timestamp suite name"),
		search("tests-failed-list", "Failed tests, newest first",
			"Tests that failed; those of canceled jobs and lab trouble are not among them.",
			testView, and(notSteps, testFailed), test+"test_path test_key job_id job_id.keyword log_start_line",
			"-@timestamp suite name"),
		search("tests-by-board-list", "Results by board", "Results of the test, board by board.",
			testView, "", "board lab_name result suite name measurement unit device test_path job_id job_id.keyword "+
				"log_start_line", "board lab_name -@timestamp"),
		search("boot-tests-list", "Tests of the boot", "Tests that ran on it, what failed first.",
			testView, notSteps, "result suite name measurement unit log_start_line test_path test_key",
			"result suite name"),
		search("boot-steps-list", "Steps of the job", "What LAVA did: deploy, boot, test, power off.",
			testView, steps, "result level name measurement unit log_start_line error_msg test_path",
			"-@timestamp level"),
		search("test-history-list", "Results, newest first", "Results of the test. The job's number: its boot and log.",
			testView, "", "git_describe job git_branch result board lab_name measurement unit arch defconfig_full "+
				"build_environment suite name job_id job_id.keyword log_start_line", "-@timestamp board"),
		search("logs-list", "Log lines, newest job first, each from its end", "Lines of logs. log: that job's alone.",
			logView, "", line, "-@timestamp job_id -lineno"),
		search("job-last-lines", "Last lines", "The log from its end.", logView, "", "lineno lvl msg",
			"-@timestamp job_id -lineno"),
		search("job-lines", "First lines", "The log from its beginning.", logView, "", "lineno lvl msg",
			"-@timestamp job_id lineno"),
		search("logs-errors-list", "Errors of LAVA", "Lines of level error and exception.",
			logView, `lvl : ("exception" or "error")`, line, "-@timestamp job_id lineno"),
		search("logs-kernel-list", "Kernel trouble",
			"Oopses, panics, traces. Open the job's log for the lines around them.",
			logView, kernelTrouble, line, "-@timestamp job_id lineno"),
	}
}
