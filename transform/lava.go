package transform

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/kcing/kcing/transform/incident"
)

// passedOn are the fields of a callback that all of its documents have, under the
// same name. Fields that are not listed, such as a user's address that LAVA may add one day,
// get into no document.
var passedOn = [...]string{"state", "state_string", "health", "health_string", "priority"}

// jobFields are the facts taken from the job definition's metadata: the
// document's field and the metadata's key.
var jobFields = [...]struct{ field, key string }{
	{"git_commit", "git.commit"},
	{"git_branch", "git.branch"},
	{"git_describe", "git.describe"},
	{"job", "kernel.tree"},
	{"kernel", "kernel.version"},
	{"defconfig_full", "kernel.defconfig"},
	{"build_environment", "job.build_environment"},
	{"arch", "job.arch"},
	{"file_server_resource", "job.file_server_resource"},
	{"mach", "platform.mach"},
	{"endian", "kernel.endian"},
	{"platform_name", "platform.name"},
	{"board", "device.type"},
}

// maxCommonText bounds what is repeated in each test and log document; longer
// texts are cut. Otherwise one field of 1 MB in a callback of 1,000 lines became
// 1 GB.
const maxCommonText = 1 << 10

// scratch is what making a callback's documents needs and the next one can use
// again.
type scratch struct {
	text   []byte // of a suite or the definition
	yaml   yamlReader
	suites []field
	index  map[string]int // of suites
	cases  []testCase
	ids    map[string]int // of tests: how often each has been given
	facts  jobFacts

	// Of a Maestro record only.
	children []child
	byPath   map[string]int // into children
	nodeOf   []int          // of each case: 1 + the place of its node in children, 0: none

	errorType string // of the job, in all documents' head

	console   incident.Reader
	incidents []incident.Incident // in the order of their documents
	logRead   bool                // there are documents of a log
}

// stringText is the text of a JSON string.
func (s *scratch) stringText(raw []byte) string { return s.contentText(raw[1 : len(raw)-1]) }

// contentText is the text of a JSON string's content.
func (s *scratch) contentText(content []byte) string {
	s.text = appendText(s.text[:0], content)
	return string(s.text)
}

func (s *scratch) reset() {
	s.text = emptied(s.text, keepBytes)
	s.yaml = yamlReader{}
	clear(s.cases) // they hold on to the texts they were cut from
	s.cases = emptied(s.cases, keepItems)
	clear(s.suites) // and these to the payload
	s.suites = emptied(s.suites, keepItems)
	s.index, s.ids = emptiedMap(s.index), emptiedMap(s.ids)
	s.facts = jobFacts{}
	clear(s.children)
	s.children, s.byPath, s.nodeOf, s.errorType = emptied(s.children, keepItems), nil, emptied(s.nodeOf, keepItems), ""
	s.console.Reset()
	s.incidents, s.logRead = nil, false
}

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
	if err := r.findKey(); err != nil {
		return err
	}
	r.Time = r.firstTime("end_time", "start_time", "submit_time")
	return nil
}

// findLab finds the callback's lab: the one given from outside, else the body's,
// else that of its node, else the one for callbacks that name none.
func (r *Record) findLab(o Options) error {
	lab := o.Lab
	if lab == "" {
		lab = r.text("lab_name")
		if strings.TrimSpace(lab) == "" && r.value("lab_name") != nil {
			return refuse("empty_lab_name", "lab_name", "there, but empty or no text: name the lab in it, or with --lab-name")
		}
	}
	if lab == "" && r.maestro != nil {
		lab = r.maestro.data.text("runtime")
	}
	r.Lab = strings.ToValidUTF8(cmp.Or(lab, o.OtherLab), "\uFFFD")
	return nil
}

// findKey makes the callback's key. Job numbers are unique in one lab only, so
// without lab and node there is none.
func (r *Record) findKey() error {
	if r.Lab != "" {
		r.Key = JobKey(r.Lab, r.jobID)
		return nil
	}
	node := r.nodeID
	if definition := r.part("definition"); node == "" && definition != nil {
		var d Documents
		d.readDefinition(definition)
		node = d.work.facts.nodeID
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
	case r.maestro != nil:
		return r.maestro.id
	case r.nodeID != "":
		return r.nodeID
	}
	if r.Lab != "" {
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

// part is one of a callback's results, log and definition; nil when it is not
// there or empty.
func (r *Record) part(name string) []byte {
	raw := r.value(name)
	switch string(raw) {
	case `""`, "{}", "[]":
		return nil
	}
	return raw
}

// callback makes the documents of a LAVA callback: boot, tests, log lines, incidents.
func (r *Record) callback(d *Documents, received time.Time) error {
	given, readable := 0, false
	if results := r.part("results"); results != nil {
		given++
		var err error
		if readable, err = d.readResults(results); err != nil {
			return err
		}
	}
	if definition := r.part("definition"); definition != nil {
		given++
		readable = d.readDefinition(definition) || readable
	}
	r.tagMissing(d)
	if r.maestro != nil {
		if err := d.readChildren(r.maestro); err != nil {
			return err
		}
		d.matchChildren()
		r.maestro.complete(&d.work.facts)
	}
	r.commonFields(d)
	errorMsg := r.addedFields(d)
	r.endHead(d)

	d.tests(r.fact(d), received)
	d.childTests(r.fact(d))
	if log := r.part("log"); log != nil {
		given++
		lines, err := d.readLog(log, r.isASCII("log"))
		if err != nil {
			return err
		}
		readable = readable || lines > 0
	}
	if given > 0 && !readable {
		return refuse("unreadable", "", "neither results nor definition nor log could be read as YAML")
	}
	d.tagLimit()
	d.addIncidents(r, errorMsg)
	d.callbackBoot(r, errorMsg)
	if d.size > MaxOutput {
		return errTooLarge("")
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

func errTooLarge(part string) error {
	return refuse("too_large", part, fmt.Sprintf("becomes more than %d MiB of documents", MaxOutput>>20))
}

// callbackBoot makes the boot document last, since only then all damage is
// known, and puts it first.
func (d *Documents) callbackBoot(r *Record, errorMsg string) {
	d.begin(bootDoc)
	d.open()
	r.jobMembers(d)
	d.incidentMembers()
	d.member("error_msg", errorMsg)
	if r.maestro != nil {
		r.maestro.bootFields(d)
	}
	d.tags()
	d.end()
	last := len(d.spans) - 1
	boot := d.spans[last]
	copy(d.spans[1:], d.spans[:last])
	d.spans[0] = boot
}

// jobMembers writes what describes the job itself, which its boot document alone
// has.
func (r *Record) jobMembers(d *Documents) {
	facts := &d.work.facts
	for _, m := range [...]struct{ name, text string }{
		{"job_name", facts.jobName}, {"device_type", facts.deviceType}, {"role", facts.role},
	} {
		d.member(m.name, d.clip(m.name, m.text))
	}
	for _, name := range [...]string{"submit_time", "start_time"} {
		if t, ok := parseTime(r.value(name)); ok {
			d.member(name, t.Format(stamp))
		}
	}
	if check := string(r.value("health_check")); check == "true" || check == "false" {
		d.buf = append(appendName(d.buf, "health_check"), check...)
	}
}

// commonFields writes the callback's own fields to the head of all documents.
func (r *Record) commonFields(d *Documents) {
	if r.Lab != "" {
		d.head = appendMember(d.head, "lab_name", d.clip("lab_name", r.Lab))
	}
	for _, name := range passedOn {
		switch raw := r.value(name); {
		case raw == nil || raw[0] == '{' || raw[0] == '[':
		case raw[0] == '"':
			d.head = appendMember(d.head, name, d.clip(name, scalarText(raw)))
		default:
			d.head = appendValue(appendName(d.head, name), raw)
		}
	}
}

// addedFields writes what kcing itself says of all documents of a callback to
// their head, and returns the job's error message, which only two of them have.
func (r *Record) addedFields(d *Documents) (errorMsg string) {
	w := &d.work
	add := func(name, text string) {
		if text != "" {
			d.head = appendMember(d.head, name, d.clip(name, text))
		}
	}
	for i, f := range jobFields {
		add(f.field, w.facts.values[i])
	}
	device, status := r.text("actual_device_id"), r.jobStatus()
	errorType, errorMsg := jobError(w.cases)
	if m := r.maestro; m != nil {
		device, errorType, errorMsg = cmp.Or(device, m.data.text("device")), cmp.Or(errorType, m.errorType), cmp.Or(errorMsg, m.errorMsg)
	}
	outcome, seconds := bootOutcome(w.cases, status, errorType)
	if r.maestro != nil && !r.maestro.called {
		outcome = r.maestro.outcome(d)
	}
	d.head = appendMember(d.head, "boot_result", d.clip("boot_result", outcome))
	if r.maestro == nil || r.maestro.called {
		d.head = appendMember(d.head, "boot_time", d.clip("boot_time", seconds))
	}
	add("device", device)
	add("lava_status", cmp.Or(r.text("status_string"), status))
	add("error_type", errorType)
	w.errorType = errorType
	if m := r.maestro; m != nil {
		for _, name := range commonNodeFields {
			add(name, m.fact(name))
		}
		d.head = m.appendAttempt(d.head, outcome)
	} else {
		add("node_id", cmp.Or(r.nodeID, w.facts.nodeID))
	}
	get := r.fact(d)
	for _, key := range []struct{ name, text string }{{"build_key", buildKey(get)}, {"boot_key", bootKey(get)}} {
		if key.text != "" {
			d.head = appendMember(d.head, key.name, key.text)
		}
	}
	return errorMsg
}

// endHead ends what all documents of a job begin with. A document that is a node
// of its own goes without the job's node_id, which therefore comes last.
func (r *Record) endHead(d *Documents) {
	if r.maestro == nil || r.jobID != "" {
		d.head = appendMember(d.head, "job_id", d.clip("id", r.jobID))
	}
	d.own = len(d.head)
	if r.maestro != nil {
		d.head = appendMember(d.head, "node_id", d.clip("node_id", r.maestro.id))
	}
}

// clip is a text that is not too long to be repeated in each document.
func (d *Documents) clip(name, text string) string {
	if len(text) <= maxCommonText {
		return text
	}
	d.tag("_truncated:" + name)
	return strings.ToValidUTF8(text[:maxCommonText], "")
}

// fact looks up what the link keys are made of.
func (r *Record) fact(d *Documents) func(string) string {
	return func(name string) string {
		switch {
		case name == "lab_name":
			return d.clip(name, r.Lab)
		case name == patchset && r.maestro != nil:
			return d.clip(name, r.maestro.fact(name))
		}
		for i, f := range jobFields {
			if f.field == name {
				return d.clip(name, d.work.facts.values[i])
			}
		}
		return ""
	}
}
