package objects

func buildPanels() []Object {
	of := func(id, title, description, query string) chart {
		return chart{"kcing-" + id, title, description, buildView, and(query, notRetried)}
	}
	return []Object{
		of("builds-count", "Builds", "Kernel builds in the time range.", "").number("Builds", "", blue),
		of("builds-failed", "Failed builds", "Builds that failed, of all builds.", "").
			number("Failed builds", buildFailed, red),
		of("builds-shares", "Shares of build results", "How many of the builds passed.", "").shares(buildResults),
		of("builds-trend", "Build results over time", "Since when builds fail.", "").trend(buildResults),
		of("builds-rate", "Build pass rate over time", "Passed of passed and failed builds.", "").
			rate(conclusive(buildResults)),
		of("builds-by-tree", "Build results by tree", "Which tree does not build.", "").
			byField("job", 20, 2, buildResults),
		of("builds-by-compiler", "Build results by compiler", "Whether it is one compiler.", "").
			byField("build_environment", 20, 2, buildResults),
		of("builds-failing-configs", "Defconfigs, most failed builds first",
			"Which configuration does not build, and since when: a last pass before the first failure means it has "+
				"failed since.", "").
			table("failed", failingSince("defconfig_full", 30, buildFailed, buildSucceeded)...),
		of("builds-time", "Build time over time (s)", "Average duration of builds that passed, by architecture.",
			buildSucceeded).
			lines("arch", 8, measure("seconds", "Build time (s)", "average", "build_time", "")),
		of("builds-size", "vmlinux text over time (bytes)",
			"Average size of the kernel's text, by architecture: growth is a change of the kernel.", buildSucceeded).
			lines("arch", 8, measure("bytes", "vmlinux text (bytes)", "average", "vmlinux_text_size", "")),
		of("builds-warnings", "Compiler warnings over time", "Average number of warnings of a build, by compiler.", "").
			lines("build_environment", 8, measure("warnings", "Warnings", "average", "warnings", "")),
	}
}

// failingSince are the columns that say where something fails and since when.
func failingSince(field string, size int, failed, passed string) []column {
	return []column{
		terms("value", field, size, "failed"),
		count("failed", "Failed", failed),
		count("passed", "Passed", passed),
		measure("first-failure", "First failure", "min", "@timestamp", failed),
		measure("last-failure", "Last failure", "max", "@timestamp", failed),
		measure("last-pass", "Last pass", "max", "@timestamp", passed),
	}
}
