package objects

func bootPanels() []Object {
	of := func(id, title, description, query string) chart {
		return chart{"kcing-" + id, title, description, bootView, and(query, notRetried)}
	}
	bootTime := measure("seconds", "Boot time (s)", "average", "boot_time", "")
	booted := bootSucceeded + " and boot_time > 0"
	return []Object{
		of("boots-count", "Boots", "Boots in the time range.", "").number("Boots", "", blue),
		of("boots-failed", "Failed boots", "Boots that the kernel failed, of all boots: lab trouble is not among them.",
			"").number("Failed boots", bootFailed, red),
		of("boots-lost", "Boots lost to the lab",
			"Boots that an infrastructure error ended or that found the board offline: they say nothing of the kernel.",
			"").number("Lost to the lab", bootLost, yellow),
		of("boots-inconclusive", "Inconclusive boots", "Canceled, untried and unknown: neither passed nor failed.", "").
			number("Inconclusive", bootInconclusive, grey),
		of("boots-boards", "Boards", "Boards that booted or tried to.", "").distinct("Boards", "board"),
		of("boots-shares", "Shares of boot results",
			"How many of the boots passed, and how many failures are the lab's.", "").shares(bootResults),
		of("boots-trend", "Boot results over time", "Since when boots fail, and whether it is the kernel or the lab.",
			"").trend(bootResults),
		of("boots-rate", "Boot pass rate over time",
			"Passed of passed and failed boots; what the lab lost does not count.", "").rate(conclusive(bootResults)),
		of("boots-by-lab", "Boot results by lab", "Whether one lab is in trouble.", "").
			byField("lab_name", 20, 3, bootResults),
		of("boots-by-tree", "Boot results by tree", "Which tree does not boot.", "").byField("job", 20, 2, bootResults),
		of("boots-by-kernel", "Boot results by kernel", "Which kernel does not boot.", "").
			byField("git_describe", 40, 2, bootResults),
		of("boots-by-board", "Boot results by board", "Which board does not boot.", "").
			byField("board", 40, 2, bootResults),
		of("boots-board-kernel", "Failed boots: board × kernel",
			"A full row points at the board, a full column at the kernel. Lab trouble is not counted.", "").
			heatmap(terms("kernel", "git_describe", 30, "failed"), terms("board", "board", 30, "failed"),
				count("failed", "Failed boots", bootFailed)),
		of("boots-rate-config-kernel", "Pass rate of boots: defconfig × kernel",
			"With which kernel it began, and whether it is one configuration. Newest kernels first; what the lab "+
				"lost does not count.", "").
			rates("defconfig_full", bootSucceeded, bootFailed),
		of("boots-failing-boards", "Boards, most failed boots first",
			"Where boots fail, and since when: a last pass before the first failure means that the board has failed "+
				"since.", "").
			table("failed", failingSince("board", 30, bootFailed, bootSucceeded)...),
		chart{"kcing-boots-lab-errors", "What goes wrong in labs",
			"Jobs that equipment, configuration or LAVA itself ended, by lab and kind of error. Errors of the job " +
				"(Job, Test) and cancelled jobs are not among them.", bootView, labTrouble}.
			table("jobs", terms("lab", "lab_name", 20, "jobs"), terms("error", "error_type", 10, "jobs"),
				count("jobs", "Jobs", "")),
		of("boots-time", "Boot time over time (s)", "Average time to the login prompt, of the slowest boards.", booted).
			lines("board", 10, bootTime),
		of("boots-time-by-board", "Boot time by board (s)", "Average, shortest and longest time to the login prompt.",
			booted).
			table("seconds", terms("board", "board", 40, "seconds"), bootTime,
				measure("shortest", "Shortest", "min", "boot_time", ""),
				measure("longest", "Longest", "max", "boot_time", "")),
		of("boots-boards-table", "Results on each board", "The same build on other boards and in other labs.", "").
			table("failed", terms("board", "board", 50, "failed"), terms("lab", "lab_name", 20, "failed"),
				count("passed", "Passed", bootSucceeded), count("failed", "Failed", bootFailed),
				count("lost", "Lost to the lab", bootLost), count("inconclusive", "Inconclusive", bootInconclusive)),
	}
}
