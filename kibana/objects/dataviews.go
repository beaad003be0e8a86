package objects

import "maps"

const (
	buildView = "kcing-build"
	bootView  = "kcing-boot"
	testView  = "kcing-test"
	logView   = "kcing-log"

	incidentView = "kcing-incident"
	resultsView  = "kcing-results" // builds, boots and tests
)

// labels are the headings of columns and controls.
var labels = map[string]string{
	"job": "Tree", "git_branch": "Branch", "git_describe": "Kernel", "git_commit": "Commit", "git_url": "Repository",
	"defconfig_full": "Defconfig", "arch": "Arch", "build_environment": "Compiler", "lab_name": "Lab", "board": "Board",
	"device": "Device", "mach": "SoC", "error_type": "Error type", "error_msg": "Error", "lava_status": "Job status",
	"build_result": "Result", "build_time": "Build time (s)", "warnings": "Warnings", "errors": "Errors",
	"vmlinux_text_size": "vmlinux text (bytes)", "vmlinux_file_size": "vmlinux (bytes)",
	"compiler_version_full": "Compiler version", "kernel_config": "Kernel config", "build_log": "Build log",
	"boot_result": "Result", "boot_time": "Boot time (s)", "boot_result_description": "Description",
	"suite": "Suite", "name": "Test", "result": "Result", "measurement": "Measurement", "unit": "Unit",
	"log_start_line": "Log line", "level": "Step", "lvl": "Level", "msg": "Message", "lineno": "Line",
	"dt":        "Time of the line",
	"build_key": "Build", "build_key.keyword": "On all boards", "boot_key": "Repeats", "test_key": "On all boards",
	"job_id": "Job", "job_id.keyword": "Log", "node_id": "Maestro node", "test_path": "History",
	"test_path.keyword": "Test",
	"title":             "What failed", "title_key": "All of it", "incident_type": "Type", "function": "Function",
	"fatal":    "Fatal",
	"provoked": "Provoked",
	"message":  "Message", "log_query": "Log", "incident": "What failed", "incidents": "Incidents",
}

// Time ranges of links: a row may be as old as what is kept. A page with charts
// over time would have one bar of a year then, so those look back less far.
const (
	detailRange = "now-10y"
	recentRange = "now-90d"
)

// pageLink leads to a dashboard with a query. It names no server: Kibana puts its
// own address, base path and space before it. The value of the row, {{value}} in
// the query, is percent-encoded by Kibana, and kcing makes what stands in links of
// characters that neither KQL nor the URL's rison treats specially.
func pageLink(dashboard, from, query, label string) fields {
	return fields{"id": "url", "params": fields{
		"type": "a", "openLinkInCurrentTab": true, "labelTemplate": label,
		"urlTemplate": "dashboards#/view/" + dashboard + "?_g=(time:(from:" + from +
			",to:now))&_a=(query:(language:kuery,query:'" + query + "'))",
	}}
}

// keyLink asks for field:"value of the row".
func keyLink(field, dashboard, from, label string) fields {
	return pageLink(dashboard, from, field+":%22{{value}}%22", label)
}

func outsideLink(template, label string) fields {
	return fields{"id": "url", "params": fields{"type": "a", "openLinkInCurrentTab": false, "labelTemplate": label,
		"urlTemplate": template}}
}

// dataViews have the links of rows. A field has one link; what leads to two pages
// has its second link by the field's alias X.keyword.
func dataViews() []Object {
	toNode := outsideLink("https://api.kernelci.org/viewer?node_id={{value}}", "{{value}}")
	builds := fields{
		"build_key":         keyLink("build_key", "kcing-build-details", detailRange, "build"),
		"build_key.keyword": keyLink("build_key", "kcing-compare-boots", detailRange, "other boards"),
		"node_id":           toNode,
	}
	jobs := fields{
		"job_id":         keyLink("job_id", "kcing-boot-details", detailRange, "{{value}}"),
		"job_id.keyword": keyLink("job_id", "kcing-job-log", detailRange, "log"),
		"boot_key":       keyLink("boot_key", "kcing-boot-details", detailRange, "repeats"),
		"board":          keyLink("board", "kcing-board", recentRange, "{{value}}"),
	}
	maps.Copy(jobs, builds)
	tests, incidents := maps.Clone(jobs), maps.Clone(jobs)
	tests["test_key"] = keyLink("test_key", "kcing-compare-tests", detailRange, "other boards")
	tests["test_path"] = keyLink("test_path", "kcing-test-history", recentRange, "history")
	incidents["title_key"] = keyLink("title_key", "kcing-incidents", recentRange, "all")
	incidents["log_query"] = pageLink("kcing-job-log", detailRange, "{{value}}", "log")
	return []Object{
		dataView(buildView, "[KernelCI] Builds", "build-*", builds),
		dataView(bootView, "[KernelCI] Boots", "boot-*", jobs),
		dataView(testView, "[KernelCI] Tests", "test-*", tests),
		dataView(logView, "[KernelCI] Log lines", "log-*", jobs),
		dataView(incidentView, "[KernelCI] Incidents", "incident-*", incidents),
		dataView(resultsView, "[KernelCI] Builds, boots and tests", "build-*,boot-*,test-*", fields{}),
	}
}

func dataView(id, name, pattern string, formats fields) Object {
	attributes := fields{}
	for field, label := range labels {
		attributes[field] = fields{"customLabel": label}
	}
	return Object{Type: "index-pattern", ID: id, Attributes: fields{
		"title": pattern, "name": name, "timeFieldName": "@timestamp", "allowNoIndex": true,
		"fields": list{}, "fieldAttrs": attributes, "fieldFormatMap": formats, "runtimeFieldMap": fields{},
		"sourceFilters": list{}, "typeMeta": fields{},
	}}
}
