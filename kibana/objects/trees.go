package objects

// treePanels show builds, boots and tests in one. Tests have their boot's result
// too, so what is a boot has no test's name.
func treePanels() []Object {
	const (
		aTest = `test_path : *`
		aBoot = "not " + aTest
	)
	return []Object{
		chart{"kcing-trees", "Newest kernel of each tree and branch",
			"The kernel that was seen first most recently, and how its builds, boots and tests ended; what a lab " +
				"lost is in no column. Documents that name no branch are not here.", resultsView, notRetried}.
			table("first", terms("tree", "job", 30, ""), terms("branch", "git_branch", 10, ""),
				terms("kernel", "git_describe", 1, "first"),
				newest("first"),
				count("builds-passed", "Builds passed", buildSucceeded),
				count("builds-failed", "Builds failed", buildFailed),
				count("boots-passed", "Boots passed", and(aBoot, bootSucceeded)),
				count("boots-failed", "Boots failed", and(aBoot, bootFailed)),
				count("tests-passed", "Tests passed", and(and(aTest, notSteps), testSucceeded)),
				count("tests-failed", "Tests failed", and(and(aTest, notSteps), testFailed))),
	}
}
