package transform

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// callbackOnly are the fields of a callback that describe the job, not its
// boot; the old pipeline left them out of the documents.
var callbackOnly = nameSet(`id description version status_string definition start_time boot_log_html
	failure_comment metadata actual_device_id submit_time end_time status submitter_username host log results lab_name`)

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

// addedToCallback are the fields that kcing writes itself (D8).
var addedToCallback = func() map[string]bool {
	m := nameSet(`build_key boot_key test_key device lava_status error_type error_msg node_id boot_result boot_time job_id
		lineno lvl dt msg result unit name measurement log_start_line log_end_line suite level logged`)
	for _, f := range jobFields {
		m[f.field] = true
	}
	return m
}()

// Bounds on what is repeated in each test and log document. Otherwise one field
// of 1 MB in a callback of 1,000 lines became 1 GB.
const (
	maxCommonText  = 1 << 10  // a text that kcing writes; longer ones are cut
	maxCommonField = 4 << 10  // a field of the callback; larger ones stay on the boot document alone
	maxCommon      = 32 << 10 // all such fields together
)

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
	jobError bool           // error_type is in all documents' head
}

// stringText is the text of a JSON string.
func (s *scratch) stringText(raw []byte) string {
	s.text = appendText(s.text[:0], raw[1:len(raw)-1])
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
	s.children, s.byPath, s.nodeOf, s.jobError = emptied(s.children, keepItems), nil, emptied(s.nodeOf, keepItems), false
}

// identifyCallback finds a callback's key and refuses one that lacks a part
// without which its documents would be worth nothing.
func (r *Record) identifyCallback(lab string) error {
	r.jobID = r.text("id")
	if r.jobID == "" {
		return refuse("no_id", "id", "no id: a LAVA callback has the job's number there")
	}
	for _, part := range []struct{ name, hint string }{
		{"results", `the LAVA job's notify block needs "dataset: results" or "dataset: all"`},
		{"log", `the LAVA job's notify block needs "dataset: all"`},
		{"definition", "LAVA sends it with every callback"},
	} {
		switch string(r.value(part.name)) {
		case "", `""`, "{}", "[]":
			return refuse("no_"+part.name, part.name, "no "+part.name+": "+part.hint)
		}
	}
	if r.value("results")[0] != '{' {
		return refuse("bad_results", "results", "not an object of suites: is the callback's content-type json?")
	}
	if lab == "" {
		lab = r.text("lab_name")
		if strings.TrimSpace(lab) == "" && r.value("lab_name") != nil {
			return refuse("empty_lab_name", "lab_name", "there, but empty or no text: name the lab in it, or with --lab-name")
		}
	}
	r.Lab = strings.ToValidUTF8(lab, "\uFFFD")
	r.Key = "-/" + escapeID(r.jobID)
	if r.Lab != "" {
		r.Key = escapeID(r.Lab) + "/" + escapeID(r.jobID)
	}
	r.Time = r.firstTime("end_time", "start_time", "submit_time")
	return nil
}

// callback makes the documents of a LAVA callback: boot, tests, log lines.
func (r *Record) callback(d *Documents, received time.Time) error {
	readable, err := d.readResults(r.value("results"))
	if err != nil {
		return err
	}
	defined := d.readDefinition(r.value("definition"))
	if r.maestro != nil {
		if err := d.readChildren(r.maestro); err != nil {
			return err
		}
		d.matchChildren()
		r.maestro.complete(&d.work.facts)
	}
	large := r.commonFields(d)
	errorMsg := r.addedFields(d)
	r.endHead(d)

	d.tests(r.fact(d), received)
	d.childTests(r.fact(d))
	lines, err := d.readLog(r.value("log"), r.isASCII("log"))
	if err != nil {
		return err
	}
	if !readable && !defined && lines == 0 {
		return refuse("unreadable", "", "neither results nor definition nor log could be read as YAML")
	}
	d.tagLimit()
	d.callbackBoot(r, large, errorMsg)
	if d.size > MaxOutput {
		return errTooLarge("")
	}
	return nil
}

func errTooLarge(part string) error {
	return refuse("too_large", part, fmt.Sprintf("becomes more than %d MiB of documents", MaxOutput>>20))
}

// callbackBoot makes the boot document last, since only then all damage is
// known, and puts it first.
func (d *Documents) callbackBoot(r *Record, large []field, errorMsg string) {
	d.begin(bootDoc)
	d.open()
	for _, f := range large {
		d.buf = appendField(d.buf, f)
	}
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

// commonFields writes the callback's own fields to the head of all documents
// and returns those too large for that.
func (r *Record) commonFields(d *Documents) (large []field) {
	if r.Lab != "" {
		d.head = appendMember(d.head, "lab_name", d.clip("lab_name", r.Lab))
	}
	start := len(d.head)
	for _, f := range r.fields {
		name := string(f.name)
		if string(f.raw) == "null" || callbackOnly[name] || dropped[name] || addedToCallback[name] || r.maestro != nil && addedByNode[name] {
			continue
		}
		if size := len(f.name) + len(f.raw); size > maxCommonField || len(d.head)-start+size > maxCommon {
			large = append(large, f)
			d.tag("_bootonly:" + name)
			continue
		}
		d.head = appendField(d.head, f)
	}
	return large
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
	device := r.text("actual_device_id")
	errorType, errorMsg := jobError(w.cases)
	outcome, seconds := bootOutcome(w.cases, r.text("status"), r.text("status_string"))
	if m := r.maestro; m != nil {
		device, errorType, errorMsg = cmp.Or(device, m.data.text("device")), cmp.Or(errorType, m.errorType), cmp.Or(errorMsg, m.errorMsg)
		switch {
		case !m.called:
			outcome = m.outcome(d)
		case outcome == "fail" && errorType == infrastructure:
			outcome = "incomplete"
		}
	}
	d.head = appendMember(d.head, "boot_result", d.clip("boot_result", outcome))
	if r.maestro == nil || r.maestro.called {
		d.head = appendMember(d.head, "boot_time", d.clip("boot_time", seconds))
	}
	add("device", device)
	add("lava_status", r.text("status_string"))
	add("error_type", errorType)
	w.jobError = errorType != ""
	if m := r.maestro; m != nil {
		for _, name := range commonNodeFields {
			add(name, m.fact(name))
		}
	} else {
		add("node_id", w.facts.nodeID)
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
	d.boot = len(d.head)
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
		if name == "lab_name" {
			return d.clip(name, r.Lab)
		}
		for i, f := range jobFields {
			if f.field == name {
				return d.clip(name, d.work.facts.values[i])
			}
		}
		return ""
	}
}
