package synthetic

// The stories: what a person looking at the dashboards should be able to find.
//
//  1. Regression: meson-g12b-a311d-khadas-vim3 boots next until a day into the
//     window, then every next kernel oopses on it.
//  2. Broken lab: half the jobs of lab-juniper end in infrastructure errors
//     for a third of the window, few before and after.
//  3. Build breakage: stable-rc does not build for arm with clang-17.
//  4. Flaky test: timers nanosleep_latency fails in a third of its runs.
//  5. Test timeout: ltp hangs on sun50i-a64-pine64-plus.
//  6. No login: meson-sm1-khadas-vim3l never reaches a prompt on android.
//  7. Drift: bcm2711-rpi-4-b boots slower by the day, imx8mp-evk faster.
//  8. One bug, many boards: from two thirds of the window on, mainline warns in
//     genpd_sync_unused on all boards, and boots nevertheless.
//  9. Noise: canceled jobs, single crashes, known failures of a test on a board.

type outcome uint8

const (
	outcomeComplete outcome = iota
	outcomeOops
	outcomeNoLogin
	outcomeTestTimeout
	outcomeInfrastructure
	outcomeCanceled
)

const (
	regressionBoard, regressionTree = "meson-g12b-a311d-khadas-vim3", "next"
	regressionAge                   = 333 // permille of the window
	regressionFunction              = "meson_pcie_probe"
	brokenLab                       = "lab-juniper"
	brokenFrom, brokenTo            = 350, 700
	buildBreakTree                  = "stable-rc"
	flakySuite, flakyTest           = "kselftest-timers", "nanosleep_latency"
	timeoutBoard, timeoutPlan       = "sun50i-a64-pine64-plus", "ltp"
	noLoginBoard, noLoginTree       = "meson-sm1-khadas-vim3l", "android"
	warningTree, warningAge         = "mainline", 666
	warningFunction                 = "genpd_sync_unused"
	warningFile                     = "drivers/pmdomain/core.c"
)

// buildFails decides by story, then by a little chance; n is the position of
// the build in its revision.
func buildFails(b *build, n int) bool {
	byChance := b.rand.chance(25)
	tree, t := b.rev.branch.tree, b.target
	switch {
	case n < mainTargets:
		return false
	case tree == buildBreakTree && t.arch == "arm" && t.isClang():
		return true
	case t.defconfig == "allmodconfig":
		return tree == "next" || byChance
	}
	return byChance
}

// isRegression tells a job of the kernels that the regression's board does not boot.
func (j *job) isRegression() bool {
	return j.site.board.name == regressionBoard && j.rev.branch.tree == regressionTree && j.rev.age >= regressionAge
}

// warns tells a job whose kernel warns and goes on.
func (j *job) warns() bool { return j.rev.branch.tree == warningTree && j.rev.age >= warningAge }

// outcomeOf decides how a job ends.
func outcomeOf(j *job) outcome {
	tree, name, roll := j.rev.branch.tree, j.site.board.name, j.rand.below(1000)
	switch {
	case j.isRegression():
		return outcomeOops
	case j.site.lab.name == brokenLab && j.rev.age >= brokenFrom && j.rev.age < brokenTo:
		if roll < 520 {
			return outcomeInfrastructure
		}
		return outcomeComplete
	case name == noLoginBoard && tree == noLoginTree:
		return outcomeNoLogin
	case name == timeoutBoard && j.plan.family == timeoutPlan:
		return outcomeTestTimeout
	case roll < 12:
		return outcomeCanceled
	case roll < 24:
		return outcomeInfrastructure
	case roll < 29 && (name != regressionBoard || tree != regressionTree):
		return outcomeOops
	}
	return outcomeComplete
}

// caseResult decides one test. What fails on a board keeps failing there; only
// the flaky one changes its mind.
func caseResult(j *job, suite, name string) string {
	roll := j.rand.below(1000)
	if suite == flakySuite && name == flakyTest {
		if roll < 340 {
			return "fail"
		}
		return "pass"
	}
	known := trait(j.seed, suite+"/"+name+"/"+j.site.board.name)
	switch {
	case known < 18 || roll < 4:
		return "fail"
	case known >= 960:
		return "skip"
	case roll == 999:
		return "unknown"
	}
	return "pass"
}

// bootCenti is the time to login in hundredths of a second.
func bootCenti(j *job) int {
	b := j.site.board
	centi := b.bootCenti + b.bootCenti/100*(b.driftPermille*j.rev.age/1000)/10
	switch {
	case j.build.target.extras == "CONFIG_KASAN=y":
		centi = centi * 22 / 10
	case j.rev.branch.tree == "next":
		centi += centi / 25
	}
	return centi + centi/1000*j.rand.between(-35, 35)
}
