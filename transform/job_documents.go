package transform

import (
	"time"

	"github.com/kcing/kcing/internal/jsontext"
)

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
	if j.result == statusIncomplete { // to Maestro it is, whatever the callback says of the boot
		result = statusIncomplete
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
