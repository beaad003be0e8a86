package transform

import (
	"cmp"
	"strings"

	"github.com/kcing/kcing/internal/jsontext"
)

// A LAVA callback: the JSON that LAVA posts when a job has ended
// (https://docs.lavasoftware.org/lava/user-notifications.html).

// passedOn are the fields of a callback that all of its documents have, under the
// same name. Fields that are not listed, such as a user's address that LAVA may add one day,
// get into no document.
var passedOn = [...]string{"state", "state_string", "health", "health_string", "priority"}

// identifyCallback finds a callback's key and refuses one whose documents would
// say nothing.
func (r *Record) identifyCallback(o Options) error {
	r.jobID = r.text("id")
	if r.jobID == "" {
		return refuse("no_id", "id", "no id: a LAVA callback has the job's number there")
	}
	if err := r.checkFinished(); err != nil {
		return err
	}
	results, status := r.part("results"), r.jobStatus()
	if results != nil && results[0] != '{' {
		return refuse("bad_results", "results", "not an object of suites: is the callback's content-type json?")
	}
	if results == nil && r.part("log") == nil && (status == "" || status == statusComplete) {
		return refuse("no_results", "", "neither results nor log: the notify block needs dataset: all")
	}
	if err := r.findLab(o); err != nil {
		return err
	}
	if err := r.findKey(o.NodeID); err != nil {
		return err
	}
	r.Time = r.firstTime("end_time", "start_time", "submit_time")
	return nil
}

// findLab finds the callback's lab: the one given from outside, else the body's,
// else the one for callbacks that name none.
func (r *Record) findLab(o Options) error {
	lab := o.Lab
	if lab == "" {
		lab = r.text("lab_name")
		if strings.TrimSpace(lab) == "" && r.value("lab_name") != nil {
			return refuse("empty_lab_name", "lab_name",
				"there, but empty or no text: name the lab in it, or with --lab-name")
		}
	}
	r.Lab = strings.ToValidUTF8(cmp.Or(lab, o.OtherLab), "\uFFFD")
	return nil
}

// findKey makes the callback's key. Job numbers are unique in one lab only, so
// without lab and node there is none. The node is the one given from outside, else
// the one that the definition names.
func (r *Record) findKey(node string) error {
	if r.Lab != "" {
		r.Key = JobKey(r.Lab, r.jobID)
		return nil
	}
	if definition := r.part("definition"); node == "" && definition != nil {
		var d Documents
		d.readDefinition(definition)
		node = d.job.facts.nodeID
	}
	if node == "" {
		return refuse("no_lab", "lab_name", "the callback names no lab, and job numbers are unique in one lab only: "+
			"name the lab (--lab-name, KCING_LAB, or lab_name in the query of the URL that LAVA posts to)")
	}
	r.Key = nodeKey + escapeID(node)
	return nil
}

// JobKey is the key of a callback of that lab and job number.
func JobKey(lab, id string) string { return escapeID(lab) + "/" + escapeID(id) }

// KeysOfNode are the keys that records of a Maestro node's job have while the
// job's lab or number is not known.
func KeysOfNode(node string) []string { return []string{nodeKey + escapeID(node), nodeID(node)} }

// Node is the Maestro node of the job that the record is of, empty when there is
// none or only the job's definition names it.
func (r *Record) Node() string {
	switch {
	case r.nodeID != "":
		return r.nodeID
	case r.Lab != "":
		return ""
	}
	return strings.TrimPrefix(r.Key, nodeKey)
}

// OfNode reports whether the record is of a job whose lab or number is not known,
// so that its key is one of the job's node.
func (r *Record) OfNode() bool {
	return r.Kind == KindLAVA && (r.Lab == "" || r.jobID == "")
}

// Job is the number of the job in its lab, empty when it is not known.
func (r *Record) Job() string { return r.jobID }

// nodeKey is what the key of a callback begins with of which only the Maestro
// node is known.
const nodeKey = "node/"

// readCallback puts what the record's own fields say into d's job.
func (r *Record) readCallback(d *Documents) error {
	j := &d.job
	j.called = true
	given, readable := false, false
	if results := r.part("results"); results != nil {
		given = true
		var err error
		if readable, err = d.readResults(results); err != nil {
			return err
		}
	}
	if definition := r.part("definition"); definition != nil {
		given = true
		readable = d.readDefinition(definition) || readable
	}
	if log := r.part("log"); log != nil {
		given = true
		j.log = jobLog{raw: log, ascii: r.isASCII("log")}
	}
	j.unread = given && !readable
	r.tagMissing(d)

	for _, name := range passedOn {
		if raw := r.value(name); raw != nil && raw[0] != '{' && raw[0] != '[' {
			j.passed = append(j.passed, jsontext.Field{Name: []byte(name), Raw: raw})
		}
	}
	j.device, j.status = r.text("actual_device_id"), r.jobStatus()
	j.lavaStatus = cmp.Or(r.text("status_string"), j.status)
	j.errorType, j.errorMsg = jobError(j.cases)
	j.submitted, j.started = stampOf(r.value("submit_time")), stampOf(r.value("start_time"))
	if check := string(r.value("health_check")); check == "true" || check == "false" {
		j.healthCheck = check
	}
	return nil
}

// tagMissing names the parts that the job has and the record has not. A job that
// never ran has no log, and no results.
func (r *Record) tagMissing(d *Documents) {
	if r.part("definition") == nil {
		d.tag("_nodefinition")
	}
	results, log := r.part("results"), r.part("log")
	_, started := parseTime(r.value("start_time"))
	if results == nil && log == nil && (!started || r.text("actual_device_id") == "") {
		return
	}
	if none := string(r.value("results")) == "{}"; results == nil && (!none || r.jobStatus() == statusComplete) {
		d.tag("_noresults")
	}
	if log == nil {
		d.tag("_nolog")
	}
}
