package synthetic

import (
	"fmt"
	"strconv"
	"strings"
)

// job is one LAVA job while its callback is being made.
type job struct {
	*random
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
	j := &job{random: newRandom(s.Seed, streamJob, seq), run: r, rev: r.build.rev, seed: s.Seed,
		sequence: int64(seq), real: s.Profile == Real}
	j.id = 1_480_000 + int64(seq)*int64(len(labs)) + int64(r.site.index)
	j.submitted = r.build.at + 4*minute + int64(j.below(240))*second + int64(j.below(1_000_000))
	j.started = j.submitted + int64(n)*200*minute/int64(total) + int64(j.between(3, 600))*second +
		int64(j.below(1_000_000))
	if j.chance(15) {
		j.started -= j.started % second
	}
	j.outcome = outcomeOf(j)
	j.bootCenti = bootCenti(j)
	j.scratch = j.hex(8)
	j.device = fmt.Sprintf("%s-%02d", strings.FieldsFunc(r.site.board.name,
		func(c rune) bool { return c == ',' || c == ':' })[0], 1+j.below(3))
	j.lines, j.tagged = j.between(80, 160), j.chance(150)
	if j.real {
		j.lines = j.between(560, 700) + j.below(690)
		j.tagged = j.chance(680)
	}
	j.log = &jobLog{buf: s.logBuffer[:0], now: j.started, random: j.random}
	j.execute()
	j.log.buf = append(j.log.buf, '\n')
	s.logBuffer = j.log.buf
	j.ended = j.log.now + int64(j.between(200, 900))*1000
	if j.chance(15) {
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
	v := value{kind: objectValue}
	add := func(f ...field) { v.fields = append(v.fields, f...) }
	status, statusText, health, healthText := j.status()
	l := j.site.lab
	add(member("id", number(j.id)), member("status", number(status)), textMember("status_string", statusText))
	if !l.backendStored {
		add(member("state", number(5)), textMember("state_string", "Finished"),
			member("health", number(health)), textMember("health_string", healthText))
	}
	add(textMember("submit_time", pythonTime(j.submitted)), textMember("start_time", pythonTime(j.started)),
		textMember("end_time", pythonTime(j.ended)), textMember("submitter_username", "kernel-ci"))
	if l.modernBody {
		add(textMember("submitter_email", "bot@kernelci.example"), member("health_check", boolean(false)))
	}
	add(member("failure_comment", null), member("priority", number(int64(20+10*j.below(7)))),
		textMember("description", j.name()), textMember("actual_device_id", j.device),
		textMember("definition", yamlText(j.definition())), member("metadata", list()),
		textMember("log", string(j.log.buf)), member("results", j.resultsValue()), textMember("lab_name", l.name))
	if l.backendStored {
		add(textMember("version", "1.1"), textMember("boot_log_html", j.plan.name+"-"+j.site.board.name+".html"))
	}
	payload := appendJSON(make([]byte, 0, len(j.log.buf)*6/5+24_000), v)
	return Record{Name: "lava_" + strconv.FormatInt(j.id, 10) + ".json", Kind: "lava", Payload: payload}
}

// status gives LAVA's numbers and words for how the job ended.
func (j *job) status() (status int64, statusText string, health int64, healthText string) {
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
