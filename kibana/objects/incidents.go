package objects

import "slices"

// Of the incidents, a test provoked some on purpose, and some are what LAVA says
// of a job that it gave up: neither is a report of a kernel in trouble.
const (
	provoked     = `provoked : "true"`
	jobError     = `incident_type : "job" and not ` + provoked
	kernelReport = `not incident_type : "job" and not ` + provoked
)

func incidentPanels() []Object {
	of := func(id, title, description, query string) chart {
		return chart{"kcing-" + id, title, description, incidentView, query}
	}
	// A job has one document for each title, so documents are jobs.
	titles := func(size int, by string) []column {
		return []column{
			terms("title", "title", size, by), terms("all", "title_key", 1, ""), count("jobs", "Jobs", ""),
			measure("boards", "Boards", "unique_count", "board", ""),
			measure("labs", "Labs", "unique_count", "lab_name", ""),
			measure("kernels", "Kernels", "unique_count", "git_describe", ""),
			measure("first", "First seen", "min", "@timestamp", ""),
			measure("last", "Last seen", "max", "@timestamp", ""),
			count("none", "Jobs before the last day", "@timestamp < now-1d"),
		}
	}
	short := func(size int, by string) []column { // for half a page
		return slices.DeleteFunc(titles(size, by), func(c column) bool {
			return c.id == "kernels" || c.id == "labs" ||
				c.id == "last"
		})
	}
	const since = " A coloured 0 before the last day: it was seen first within the last day, as far as the page " +
		"looks back. all: everything about the title."
	return []Object{
		of("incidents-titles", "Titles", "Different titles of what kernels reported.", kernelReport).
			distinct("Titles", "title"),
		of("incidents-fatal", "Fatal", "Of the reports of kernels, those that the kernel died of; a title counts "+
			"once a job.", kernelReport).number("Fatal", `fatal : "true"`, red),
		of("incidents-job-errors", "Errors of jobs", "Jobs that LAVA gave up, for whatever reason.", jobError).
			number("Errors of jobs", "", yellow),
		of("incidents-provoked", "Provoked", "What tests made kernels report on purpose.", provoked).
			number("Provoked", "", grey),
		of("incidents-top", "What kernels report", "Each title with how many jobs have it, and where."+since,
			kernelReport).table("jobs", titles(50, "jobs")...),
		of("incidents-newest", "Newest titles", "What kernels report, seen first most recently."+since, kernelReport).
			table("first", short(15, "first")...),
		of("incidents-jobs", "Errors of jobs",
			"What LAVA says of jobs that it gave up. Equipment, configuration and the kernel's silence: the type of "+
				"the error stands first."+since, jobError).
			table("jobs", short(30, "jobs")...),
		of("incidents-provoked-table", "Provoked on purpose",
			"What tests made kernels report on purpose. Nothing is wrong with it."+since, provoked).
			table("jobs", short(30, "jobs")...),
		of("incidents-by-type", "Incidents by type over time",
			"Since when, and of what kind; without those that were provoked.", "not "+provoked).
			split("incident_type", 20, "Jobs"),
		of("incidents-title-kernel", "Title × kernel",
			"With which kernel it began. A full row is an old friend, a full column a bad kernel. "+
				"Newest kernels first.",
			kernelReport).
			kernels(terms("title", "title", 15, "jobs"), nil, count("jobs", "Jobs", "")),
	}
}

func incidentSearches() []Object {
	const (
		where = "board lab_name job git_branch git_describe arch defconfig_full "
		links = "log_query title_key job_id"
	)
	return []Object{
		search("incidents-list", "Reports of kernels, newest first",
			"log: the lines around it. all: everything about the title. The job's number: its boot and tests.",
			incidentView, kernelReport, "title incident_type fatal "+where+"lineno "+links, "-@timestamp job_id order"),
		search("incidents-others-list", "Errors of jobs, and what was provoked, newest first",
			"log: of an error, the job's whole log.",
			incidentView, `incident_type : "job" or `+provoked, "title incident_type provoked message "+where+links,
			"-@timestamp job_id order"),
		search("boot-incidents-list", "What failed, the cause first",
			"Reports of the kernel and the job's own error, in their order. log: the lines around it. all: the same "+
				"title elsewhere.",
			incidentView, "", "title incident_type fatal provoked lineno message "+links, "-@timestamp job_id order"),
	}
}
