package report

import (
	"strings"

	"github.com/kcing/kcing/transform"
)

// Outcome is how something ended in one kernel.
type Outcome string

// Outcomes of a pair. A result that the lab lost, or that was skipped, says
// nothing beside one that passed or failed.
const (
	Pass         Outcome = "pass"
	Fail         Outcome = "fail"
	Inconclusive Outcome = "inconclusive"
	Unstable     Outcome = "unstable" // passed and failed in one kernel
	Missing      Outcome = "missing"
)

// Change is what became of a pair from one kernel to the next, in the words of
// KernelCI's comparison of trees.
type Change string

// Changes, the most urgent first.
const (
	Regression   Change = "regression"    // pass → fail
	NewFailure   Change = "new failure"   // missing or inconclusive → fail
	StillFailing Change = "still failing" // fail → fail
	NowUnstable  Change = "unstable"      // passed and failed in the new kernel, or in the old one and fails now
	Fixed        Change = "fixed"         // fail → pass
	Disappeared  Change = "disappeared"   // passed or failed, and is missing now
)

// Changes are all of them, the most urgent first.
var Changes = []Change{Regression, NewFailure, StillFailing, NowUnstable, Fixed, Disappeared}

// changeOf names the change from one outcome to another; "" is none.
func changeOf(before, now Outcome) Change {
	switch {
	case now == Unstable, now == Fail && before == Unstable:
		return NowUnstable
	case now == Fail && before == Pass:
		return Regression
	case now == Fail && before == Fail:
		return StillFailing
	case now == Fail:
		return NewFailure
	case now == Pass && before == Fail:
		return Fixed
	case now == Missing && before != Missing && before != Inconclusive:
		return Disappeared
	}
	return ""
}

// ending is what a document says of how it ended.
type ending struct{ result, errorType, lavaStatus string }

func (e ending) canceled() bool {
	return strings.EqualFold(e.result, "canceled") || strings.EqualFold(e.lavaStatus, "canceled") ||
		e.errorType == transform.ErrorCanceled
}

// outcome of one document. A failure within a job that the lab lost, or that
// somebody canceled, is not the kernel's; documents of the first kcing call it
// a failure.
func (e ending) outcome() Outcome {
	switch strings.ToLower(e.result) {
	case "pass":
		return Pass
	case "fail":
		if transform.LabsFault(e.errorType) || e.canceled() {
			return Inconclusive
		}
		return Fail
	}
	return Inconclusive
}

// lost reports whether the lab lost it, or had no board for it, or somebody canceled it.
func (e ending) lost() bool {
	return e.outcome() == Inconclusive && (transform.LabsFault(e.errorType) || e.canceled() ||
		strings.EqualFold(e.result, transform.ResultOffline))
}

// well reports whether a boot passed and its job went on to its end, so that it
// has all results that it can have.
func (e ending) well() bool {
	return e.outcome() == Pass && !transform.LabsFault(e.errorType) && !e.canceled() &&
		!strings.EqualFold(e.lavaStatus, "incomplete")
}

// outcome of a pair of which these were seen in one kernel.
func (r Results) outcome() Outcome {
	switch {
	case r.Pass > 0 && r.Fail > 0:
		return Unstable
	case r.Pass > 0:
		return Pass
	case r.Fail > 0:
		return Fail
	case r.Inconclusive > 0:
		return Inconclusive
	}
	return Missing
}
