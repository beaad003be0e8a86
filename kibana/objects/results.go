package objects

import (
	"strings"

	"github.com/kcing/kcing/transform"
)

// What the pages count as passed, failed, lost to a lab, inconclusive. KQL; the
// letter case is that of the documents: builds of the legacy form say PASS,
// everything else is in small letters. What the lab lost is decided by transform.

// series is one colour of a chart: the documents that match its query.
type series struct{ label, query, color string }

const (
	green  = "#54B399"
	red    = "#E7664C"
	yellow = "#D6BF57"
	blue   = "#6092C0"
	grey   = "#98A2B3"
)

// labTrouble are the error types that LAVA gives to what is no fault of the
// kernel: the lab's equipment, the device's configuration, LAVA itself.
var labTrouble = `error_type : ("` + strings.Join(transform.LabErrors, `" or "`) + `")`

const canceledJob = `error_type : "` + transform.ErrorCanceled + `"`

var (
	buildSucceeded    = `build_result : ("PASS" or "pass")`
	buildFailed       = `build_result : ("FAIL" or "fail")`
	buildInconclusive = `not build_result : ("PASS" or "pass" or "FAIL" or "fail")`

	offline          = `boot_result : "` + transform.ResultOffline + `"`
	bootSucceeded    = `boot_result : "pass"`
	bootFailed       = `boot_result : "fail" and not ` + labTrouble
	bootLost         = `not boot_result : "pass" and (` + labTrouble + ` or ` + offline + `)`
	bootInconclusive = `not boot_result : ("pass" or "fail") and not ` + offline + ` and not ` + labTrouble

	// Of a Maestro job or build that is tried again only the last attempt is a boot
	// or build: see transform. What it says of a lab is counted all the same.
	notRetried = `not retried : "true"`

	// LAVA reports the steps of a job as results of a suite of its own.
	notSteps = `not suite : "lava"`
	steps    = `suite : "lava"`

	testSucceeded    = `result : "pass"`
	testFailed       = `result : "fail" and not ` + canceledJob + ` and not ` + labTrouble
	testLost         = `result : "fail" and ` + labTrouble
	testSkipped      = `result : "skip"`
	testInconclusive = `not result : ("pass" or "fail" or "skip") or (result : "fail" and ` + canceledJob + `)`

	// kernelTrouble finds a kernel's own reports of an error, and not the tests
	// whose names have such words.
	kernelTrouble = `msg : ("Unable to handle kernel" or "Internal error: Oops" or "kernel NULL pointer dereference" or "Kernel panic - not syncing" or "cut here")`
)

var (
	buildResults = []series{{"Passed", buildSucceeded, green}, {"Failed", buildFailed, red},
		{"Inconclusive", buildInconclusive, grey}}
	bootResults = []series{{"Passed", bootSucceeded, green}, {"Failed", bootFailed, red},
		{"Lost to the lab", bootLost, yellow}, {"Inconclusive", bootInconclusive, grey}}
	testResults = []series{{"Passed", testSucceeded, green}, {"Failed", testFailed, red},
		{"Lost to the lab", testLost, yellow}, {"Skipped", testSkipped, blue}, {"Inconclusive", testInconclusive, grey}}
)

// conclusive are the results that a pass rate is made of.
func conclusive(all []series) []series { return all[:2] }

func and(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	}
	return "(" + a + ") and (" + b + ")"
}
