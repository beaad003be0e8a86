package transform

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// How a job ended, whether its kernel booted, and whose fault it is when not, is
// decided here and nowhere else; dashboards, tables and reports ask [LabErrors].

// LabErrors are the error types of a job that failed through the lab or the CI system. Such a job
// says nothing of the kernel. LAVA's are of the lab's equipment, its
// configuration and LAVA itself (https://docs.lavasoftware.org/lava/results-intro.html),
// Maestro's of jobs that it could not make, not submit, or not hear of again.
var LabErrors = []string{"Infrastructure", "Configuration", "Bug",
	"invalid_job_params", "job_generation_error", "submit_error", "node_timeout"}

// ErrorCanceled is the error type of a job that somebody canceled.
const ErrorCanceled = "Canceled"

// ResultOffline is the boot_result of a board that was not there: KernelCI's labs without
// LAVA say it, in capitals.
const ResultOffline = "offline"

// LabsFault reports whether a job with this error type was lost to the lab.
func LabsFault(errorType string) bool { return slices.Contains(LabErrors, errorType) }

// The words of a job's status that more than one place asks for.
const (
	statusComplete   = "complete"
	statusIncomplete = "incomplete"
	statusCanceled   = "canceled"
	statusUnknown    = "unknown"
)

// LAVA's numbers for a job's status (of old, and in each callback), state and
// health (lava_scheduler_app/models.py), and the words for them.
var (
	statusWords = [...]string{"submitted", "running", statusComplete, statusIncomplete, statusCanceled, "canceling"}
	stateWords  = [...]string{"submitted", "scheduling", "scheduled", "running", "canceling", "finished"}
	healthWords = [...]string{statusUnknown, statusComplete, statusIncomplete, statusCanceled}
)

// unfinished are the words for a job that is not over.
var unfinished = nameSet("submitted scheduling scheduled running canceling")

// word is a text in small letters, or what its number stands for; "" for a
// number out of range and for Python's None.
func word(text string, numbers []string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if len(text) == 1 && text[0] >= '0' && text[0] <= '9' {
		if i := int(text[0] - '0'); i < len(numbers) {
			return numbers[i]
		}
		return ""
	}
	if text == "none" {
		return ""
	}
	return text
}

// jobStatus is how far the job is, in LAVA's words, whichever of its ways to say
// so the record has: the status of callbacks, as number or word, or the state
// and health of its REST answers. "" when it says nothing.
func (r *Record) jobStatus() string {
	unknown := false // it says something that is no word of LAVA's
	for _, name := range [...]string{"status", "status_string"} {
		text := r.text(name)
		if w := word(text, statusWords[:]); w != "" && w != "finished" {
			return w
		}
		unknown = unknown || text != ""
	}
	state := cmp.Or(word(r.text("state_string"), stateWords[:]), word(r.text("state"), stateWords[:]))
	if unfinished[state] {
		return state
	}
	health := cmp.Or(word(r.text("health_string"), healthWords[:]), word(r.text("health"), healthWords[:]))
	if health != "" {
		return health
	}
	if unknown {
		return statusUnknown
	}
	return ""
}

// checkFinished refuses the callback of a job that is not over: it will send
// another one, which has all that this one has.
func (r *Record) checkFinished() error {
	if status := r.jobStatus(); unfinished[status] {
		return refuse(TypeNotFinished, "",
			fmt.Sprintf("job is still %s; its last callback is stored (criteria: status: finished)", status))
	}
	return nil
}

// outcome is the boot's result and its duration in seconds as text. Without a callback
// the node of its login decides, else what Maestro says of the job.
func (j *job) outcome() (result, seconds string) {
	if j.called {
		return bootOutcome(j.cases, j.status, j.errorType)
	}
	for _, path := range [...]string{"setup/login", "login"} {
		if i, ok := j.byPath[path]; ok && j.children[i].result != "" {
			return notBlamed(j.children[i].result, "", j.errorType), ""
		}
	}
	return notBlamed(cmp.Or(j.result, statusUnknown), "", j.errorType), ""
}

// bootOutcome is the boot's result and its duration in seconds as text. The last
// login decides: LAVA retries one that failed, and a job may boot twice. One
// that did not pass since the job was canceled or the lab failed is no failure
// of the kernel. Without a login the job's own end decides.
func bootOutcome(cases []testCase, status, errorType string) (result, seconds string) {
	login := lastLogin(cases)
	if login == nil {
		if status == "" || status == statusComplete {
			return "pass", "0"
		}
		return status, "0"
	}
	seconds = "0"
	if login.present[rowMeasurement] {
		seconds = login.values[rowMeasurement]
	}
	return notBlamed(strings.ToLower(login.values[rowResult]), status, errorType), seconds
}

// notBlamed is a boot's result when it is known whose fault it is.
func notBlamed(result, status, errorType string) string {
	switch {
	case result == "pass":
	case status == statusCanceled, errorType == ErrorCanceled:
		return statusCanceled
	case LabsFault(errorType):
		return statusIncomplete
	}
	return result
}

// lastLogin is the last login action of LAVA's own suite, nil when there is
// none. Tests may have any name, also this one.
func lastLogin(cases []testCase) (last *testCase) {
	for _, name := range [...]string{"login-action", "auto-login-action"} { // of old
		for i := range cases {
			c := &cases[i]
			if c.under != lavaSuite || c.values[rowName] != name || c.values[rowResult] == "" {
				continue
			}
			if last == nil || !c.before(last) {
				last = c
			}
		}
		if last != nil {
			break
		}
	}
	return last
}

// before reports whether LAVA logged c before o, by time, else by number; false when
// neither is known, so that rows keep their order.
func (c *testCase) before(o *testCase) bool {
	t, ok := parseClock(c.values[rowLogged])
	u, known := parseClock(o.values[rowLogged])
	if ok && known && !t.Equal(u) {
		return t.Before(u)
	}
	id, other := c.values[rowID], o.values[rowID]
	if len(id) != len(other) {
		return len(id) < len(other)
	}
	return id < other
}

// jobError is what LAVA says of a job that did not end well: the type and
// message of its own case "job".
func jobError(cases []testCase) (errorType, errorMsg string) {
	for i := range cases {
		if cases[i].errorType != "" || cases[i].errorMsg != "" {
			return cases[i].errorType, cases[i].errorMsg
		}
	}
	return "", ""
}

// retried reports whether another attempt took the place of an incomplete Maestro
// job or build: KernelCI reports no such attempt, and it does not count as a boot or
// a build.
func retried(attempt uint64, result string) bool {
	return attempt < lastAttempt && result == statusIncomplete
}

// lastAttempt is the retry_counter of a node that Maestro does not try again
// (kernelci-pipeline's scheduler).
const lastAttempt = 3

// append writes which attempt this is, and that another one took its place where
// one did: see [retried].
func (a attempt) append(dst []byte, result string) []byte {
	if !a.known {
		return dst
	}
	dst = strconv.AppendUint(appendName(dst, "retry_counter"), a.counter, 10)
	if retried(a.counter, result) {
		dst = append(appendName(dst, "retried"), "true"...)
	}
	return dst
}
