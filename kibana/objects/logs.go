package objects

func logPanels() []Object {
	of := func(id, title, description, query string) chart {
		return chart{"kcing-" + id, title, description, logView, query}
	}
	levels := []series{
		{"Exceptions and errors", `lvl : ("exception" or "error")`, red}, {"Warnings", `lvl : "warning"`, yellow},
		{"Console of the board", `lvl : ("target" or "input" or "feedback")`, green},
		{"LAVA", `lvl : ("info" or "debug" or "results")`, grey},
	}
	return []Object{
		of("logs-count", "Log lines", "Lines of LAVA job logs in the time range.", "").number("Log lines", "", blue),
		of("logs-errors", "Lines with errors of LAVA", "Lines of level error and exception.", "").
			number("Errors", levels[0].query, red),
		of("logs-kernel-errors", "Lines with kernel trouble", "Oopses, panics, traces on a board's console.", "").
			number("Kernel trouble", kernelTrouble, red),
		of("logs-trend", "Log lines over time", "How much is logged, and where errors pile up.", "").trend(levels),
		of("logs-boards", "Boards with kernel trouble", "On which boards kernels report errors, for which kernels.",
			kernelTrouble).
			table("lines", terms("board", "board", 30, "lines"), terms("kernel", "git_describe", 20, "lines"),
				count("lines", "Lines", ""), measure("jobs", "Jobs", "unique_count", "job_id", "")),
		of("logs-labs", "Errors by lab", "Which lab's jobs log errors.", levels[0].query).
			byField("lab_name", 20, 1, levels[:1]),
	}
}
