package transform

import (
	"fmt"

	"github.com/kcing/kcing/internal/kinds"
)

// settleKind finds the record's kind, or holds what was said of it against what it
// looks like: a callback that was sent to the port of builds would become one build
// with a job's definition and log for fields.
func (r *Record) settleKind() error {
	if r.Kind == "" {
		kind, err := r.detect()
		r.Kind = kind
		return err
	}
	if kind := detectBy(r.hasValue); kind != "" && kind != r.Kind {
		return refuse(typeUnknownKind, "", fmt.Sprintf("no %s, as its sender says: it looks like %s", r.Kind, withArticle[kind]))
	}
	return nil
}

var withArticle = map[Kind]string{KindBuild: "a build", KindBoot: "a boot", KindLAVA: "a LAVA callback"}

// detect goes by the fields that only one kind has. A callback is asked for
// first: it is the only one with a job definition or a log; then boots, which
// carry build facts too. What has build facts and a lab, but no board, was made
// in a lab of a build, and is neither. A field that is null is as good as none; names
// alone are asked only where nothing else tells.
func (r *Record) detect() (Kind, error) {
	for _, has := range []func(...string) bool{r.hasValue, r.hasAny} {
		if kind := detectBy(has); kind != "" {
			return kind, nil
		}
	}
	return "", refuse(typeUnknownKind, "",
		"cannot tell whether this is a build, a boot or a LAVA callback: say --kind "+kinds.AnyRecord())
}

// detectBy is the kind of what has such fields; empty: none's.
func detectBy(has func(...string) bool) Kind {
	switch {
	case has("definition") && has("results", "log", "actual_device_id", "status_string"),
		has("actual_device_id") && has("results", "log", "submitter_username"),
		has("results") && has("log"):
		return KindLAVA
	case has("boot_result", "boot_time", "boot_warnings", "boot_retries", "boot_log"), has("board") && has("lab_name"):
		return KindBoot
	case has("build_result", "build_time", "build_log", "build_platform", "kernel_image"),
		has("build_environment", "defconfig", "defconfig_full") && !has("lab_name"),
		has("revision") && has("build", "environment", "kernel"):
		return KindBuild
	case has("board"):
		return KindBoot
	}
	return ""
}

// refuseForeign refuses records of others, whatever kind they are said to be.
// Some have so many fields of a build or boot that they would be counted as one.
func (r *Record) refuseForeign() error {
	looks := ""
	switch has, list := r.hasValue, r.hasList; {
	case has("test_cases", "sub_groups"), list("test_case", "test_set"),
		has("test_group_id", "test_suite_id", "test_set_id"):
		looks = "a KernelCI test group, results for the /test of the old backend"
	case list("checkouts", "revisions"), has("version") && list("builds", "tests", "issues", "incidents"):
		looks = "a KCIDB submission"
	case has("origin") && has("checkout_id", "build_id", "git_repository_url", "patchset_hash", "report_subject"):
		looks = "an object of a KCIDB submission"
	case has("count") && r.hasAny("next", "previous") && list("results"):
		looks = "a page of LAVA's REST API: kcing feed --source lava reads that by itself"
	case has("resource_uri"), !r.hasAny("results", "log") &&
		(has("requested_device_type") || r.hasAny("requested_device_type") && has("submitter", "health")):
		looks = "an answer of LAVA's REST API: kcing feed --source lava reads that by itself"
	case list("items") && has("total", "limit", "offset"):
		looks = "a page of Maestro's API: kcing feed --source maestro reads that by itself"
	case has("detail") && len(r.fields) == 1:
		looks = "an error of a REST API"
	default:
		return nil
	}
	return refuse(typeUnknownKind, "", "no build, boot or LAVA callback; it looks like "+looks)
}
