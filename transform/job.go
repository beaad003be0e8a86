package transform

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/jsontext"
	"github.com/kcing/kcing/transform/incident"
)

// job is what a record says of one job, in whichever format it came: readCallback and
// readNode fill it, writeJob makes the documents of it.
type job struct {
	lab, id string
	node    string // the id of its Maestro node, when the record holds that node

	// What each of its documents has.
	passed   []jsontext.Field // LAVA's fields in passedOn, as they came
	facts    jobFacts         // what was tested
	patchset string
	device   string
	status   string // in the words of outcome.go
	// lavaStatus is how the record itself puts its status.
	lavaStatus          string
	errorType, errorMsg string // of the job; each document has the type, its boot the message
	more                []pair // what one format alone knows
	attempt             attempt
	buildKey            string // made by writeHead

	// What its boot alone has.
	submitted, started string // times, as documents have them
	healthCheck        string // "true", "false" or empty
	boot               []pair // what one format alone knows
	commitTags         []string

	called bool // there is a callback, and with it LAVA's own results and times
	cases  []testCase
	ids    map[string]int // of test documents: how often each has been given

	result   string // of the Maestro node
	children []child
	byPath   map[string]int // into children
	nodeOf   []int          // of each case: 1 + the place of its node in children, 0: none

	log       jobLog
	unread    bool   // parts were given, and none before the log could be read
	damage    string // a tag that says why the callback was not used
	logRead   bool   // there are documents of the log
	incidents []incident.Incident
}

// jobLog is a log as a JSON string; nil raw: none.
type jobLog struct {
	raw   []byte
	ascii bool // raw is known to be printable ASCII
	plain bool // it is the console's text, a line a line, and not LAVA's YAML
}

// pair is a field of a document; without a text it is left out.
type pair struct{ name, text string }

// attempt is which attempt of a job or build a Maestro node is.
type attempt struct {
	counter uint64
	known   bool
}

func (j *job) reset() {
	clear(j.cases) // they hold on to the texts they were cut from
	clear(j.passed)
	clear(j.children)
	*j = job{
		passed: emptied(j.passed, keepItems), more: j.more[:0], boot: j.boot[:0],
		cases: emptied(j.cases, keepItems), ids: emptiedMap(j.ids),
		children: emptied(j.children, keepItems), nodeOf: emptied(j.nodeOf, keepItems),
	}
}

// maxCommonText bounds what is repeated in each test and log document; longer
// texts are cut. Otherwise one field of 1 MB in a callback of 1,000 lines became
// 1 GB.
const maxCommonText = 1 << 10

// clip is a text that is not too long to be repeated in each document.
func (d *Documents) clip(name, text string) string {
	if len(text) <= maxCommonText {
		return text
	}
	d.tag("_truncated:" + name)
	return strings.ToValidUTF8(text[:maxCommonText], "")
}

// readJob fills d's job from the record.
func (r *Record) readJob(d *Documents) error {
	j := &d.job
	j.lab, j.id = r.Lab, r.jobID
	if r.maestro == nil || r.maestro.called {
		if err := r.readCallback(d); err != nil {
			return err
		}
	}
	if r.maestro != nil {
		return d.readNode(r.maestro)
	}
	j.more = append(j.more, pair{"node_id", cmp.Or(r.nodeID, j.facts.nodeID)})
	return nil
}

// writeJob makes the documents of a job: boot, tests, log lines, incidents.
func (d *Documents) writeJob(received time.Time) error {
	d.matchChildren()
	d.writeHead()
	d.tests(received)
	d.childTests()
	lines, err := d.readLog(d.job.log)
	if err != nil {
		return err
	}
	if d.job.unread && lines == 0 {
		return refuse("unreadable", "", "neither results nor definition nor log could be read as YAML")
	}
	if d.job.damage != "" {
		d.tag(d.job.damage)
	}
	d.tagLimit()
	d.addIncidents()
	d.bootOfJob()
	if d.size > MaxOutput {
		return errTooLarge("")
	}
	return nil
}

func errTooLarge(part string) error {
	return refuse("too_large", part, fmt.Sprintf("becomes more than %d MiB of documents", MaxOutput>>20))
}

// writeHead writes what all documents of the job begin with.
func (d *Documents) writeHead() {
	j := &d.job
	add := func(name, text string) {
		if text != "" {
			d.head = appendMember(d.head, name, d.clip(name, text))
		}
	}
	add("lab_name", j.lab)
	for _, f := range j.passed {
		if name := string(f.Name); f.Raw[0] == '"' {
			d.head = appendMember(d.head, name, d.clip(name, jsontext.ScalarText(f.Raw)))
		} else {
			d.head = appendValue(appendName(d.head, name), f.Raw)
		}
	}
	for i, f := range jobFields {
		add(f.name, j.facts.values[i])
	}
	result, seconds := j.outcome()
	add("boot_result", result)
	if j.called {
		d.head = appendMember(d.head, "boot_time", d.clip("boot_time", seconds))
	}
	add("device", j.device)
	add("lava_status", j.lavaStatus)
	add("error_type", j.errorType)
	for _, p := range j.more {
		add(p.name, p.text)
	}
	d.head = j.attempt.append(d.head, result)
	j.buildKey = buildKey(d.jobFact)
	for _, key := range [...]pair{{"build_key", j.buildKey}, {"boot_key", bootKey(d.jobFact)}} {
		if key.text != "" {
			d.head = appendMember(d.head, key.name, key.text)
		}
	}
	if j.id != "" {
		d.head = appendMember(d.head, "job_id", d.clip("id", j.id))
	}
	d.endHead(j.node)
}

// jobFact looks up what the link keys are made of.
func (d *Documents) jobFact(name string) string {
	switch name {
	case "lab_name":
		return d.clip(name, d.job.lab)
	case patchset:
		return d.clip(name, d.job.patchset)
	}
	for i, f := range jobFields {
		if f.name == name {
			return d.clip(name, d.job.facts.values[i])
		}
	}
	return ""
}

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

// bootOfJob makes the boot document last, since only then all damage is known, and
// puts it first.
func (d *Documents) bootOfJob() {
	j := &d.job
	d.begin(bootDoc)
	d.open()
	text := func(name, text string) { d.member(name, d.clip(name, text)) }
	text("job_name", j.facts.jobName)
	text("device_type", j.facts.deviceType)
	text("role", j.facts.role)
	d.member("submit_time", j.submitted)
	d.member("start_time", j.started)
	if j.healthCheck != "" {
		d.buf = append(appendName(d.buf, "health_check"), j.healthCheck...)
	}
	d.incidentMembers()
	d.member("error_msg", j.errorMsg)
	for _, p := range j.boot {
		text(p.name, p.text)
	}
	d.texts("commit_tags", j.commitTags)
	text("node_id", j.node)
	d.tags()
	d.end()
	last := len(d.spans) - 1
	boot := d.spans[last]
	copy(d.spans[1:], d.spans[:last])
	d.spans[0] = boot
}
