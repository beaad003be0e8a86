package synthetic

import (
	"fmt"
	"strings"
)

// job is one LAVA job while its callback is being made.
type job struct {
	rand *random
	run
	rev      *revision
	seed     uint64
	sequence int64 // position among all jobs
	id       int64
	real     bool
	outcome  outcome

	submitted, started, ended int64
	tagged                    bool // this lab's LAVA writes numbers as ! "123"
	bootCenti                 int
	lines                     int // wanted length of the log
	device, scratch           string
	errorType, errorMsg       string

	log        *jobLog
	suites     []suite
	rowCount   int64
	lastLogged int64 // microseconds since 1970, of the newest row
}

// job makes the seq-th callback of all; n counts within the revision. The log
// is good until the next job is made.
func (s *schedule) job(r run, seq, n, total int) *job {
	j := &job{rand: newRandom(s.Seed, streamJob, seq), run: r, rev: r.build.rev, seed: s.Seed,
		sequence: int64(seq), real: s.Profile == Real}
	const first, numbers = 1_000_000_000, 9_000_000_000
	j.id = first + int64(s.set%numbers) + int64(seq)*int64(len(labs)) + int64(r.site.index)
	j.submitted = r.build.at + 4*minute + int64(j.rand.below(240))*second + int64(j.rand.below(1_000_000))
	j.started = j.submitted + int64(n)*200*minute/int64(total) + int64(j.rand.between(3, 600))*second +
		int64(j.rand.below(1_000_000))
	if j.rand.chance(15) {
		j.started -= j.started % second
	}
	j.outcome = outcomeOf(j)
	j.bootCenti = bootCenti(j)
	j.scratch = j.rand.hex(8)
	j.device = fmt.Sprintf("%s-%02d", strings.FieldsFunc(r.site.board.name,
		func(c rune) bool { return c == ',' || c == ':' })[0], 1+j.rand.below(3))
	j.lines, j.tagged = j.rand.between(80, 160), j.rand.chance(150)
	if j.real {
		j.lines = j.rand.between(560, 700) + j.rand.below(690)
		j.tagged = j.rand.chance(680)
	}
	j.log = &jobLog{buf: s.logBuffer[:0], now: j.started, rand: j.rand}
	j.execute()
	j.log.buf = append(j.log.buf, '\n')
	s.logBuffer = j.log.buf
	j.ended = j.log.now + int64(j.rand.between(200, 900))*1000
	if j.rand.chance(15) {
		j.ended += second - j.ended%second
	}
	return j
}

// execute writes the log from the first line to the last, and the results on
// the way.
func (j *job) execute() {
	j.validate()
	if j.outcome == outcomeInfrastructure {
		j.breakDown()
	} else if j.deploy() && j.bootKernel() {
		j.runTests()
	}
	j.finish()
}

func (j *job) record() Record {
	status, statusText, health, healthText := j.status()
	l := j.site.lab
	o := object{
		"id": j.id, "status": status, "status_string": statusText, "submit_time": pythonTime(j.submitted),
		"start_time": pythonTime(j.started), "end_time": pythonTime(j.ended), "submitter_username": "kernel-ci",
		"failure_comment": nil, "priority": 20 + 10*j.rand.below(7), "description": j.name(),
		"actual_device_id": j.device, "definition": j.definition(), "metadata": []string{},
		"log": string(j.log.buf), "results": j.results(), "lab_name": l.name,
	}
	if l.backendStored {
		o["version"], o["boot_log_html"] = "1.1", j.plan.name+"-"+j.site.board.name+".html"
	} else {
		o["state"], o["state_string"], o["health"], o["health_string"] = 5, "Finished", health, healthText
	}
	if l.modernBody {
		o["submitter_email"], o["health_check"] = "bot@kernelci.example", false
	}
	return Record{Name: fmt.Sprintf("lava_%d.json", j.id), Kind: "lava", Payload: jsonText(o)}
}

// status gives LAVA's numbers and words for how the job ended.
func (j *job) status() (status int, statusText string, health int, healthText string) {
	switch j.outcome {
	case outcomeComplete:
		return 2, "complete", 1, "Complete"
	case outcomeCanceled:
		return 4, "canceled", 3, "Canceled"
	}
	return 3, "incomplete", 2, "Incomplete"
}

// name is the job name of the legacy templates.
func (j *job) name() string {
	return strings.Join([]string{j.rev.branch.tree, j.rev.branchName, j.rev.describe, j.build.target.arch,
		j.build.target.defconfigFull(), j.build.target.compiler, j.dtbShort("no-dtb"), j.site.board.name, j.plan.name},
		"-")
}

func (j *job) dtbShort(without string) string {
	dtb := j.site.board.dtb
	if dtb == "" {
		return without
	}
	return dtb[strings.LastIndexByte(dtb, '/')+1:]
}
