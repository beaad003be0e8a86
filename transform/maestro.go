package transform

import (
	"cmp"
	"strconv"
	"strings"
)

// A record of Maestro's, today's KernelCI (https://github.com/kernelci/kernelci-api),
// is a kbuild node as the API gives it, or
//
//	{"node": {…}, "tests": [{…}, …], "callback": {…}, "log": "…", "lava_logs": "…"}
//
// with the job's node, the nodes below it, and, as far as they could be had, the
// LAVA callback of its callback_data artifact or else the texts of lava_log and
// lava_logs. {"node": …, "callback": …} without tests is a callback completed by
// its node's facts. docs/maestro.md says which field becomes which.

// composite is what a Maestro record holds beside its node.
type composite struct {
	node
	called bool   // there is a callback, and the record's fields are its
	tests  []byte // nil: no such member
	log    []byte // of lava_logs or lava_log, a JSON string; nil: none
	plain  bool   // log is lava_log: a line of text a line
	damage string // a tag that says why the callback was not used
}

// findComposite recognises a Maestro record by its form. A kind said from
// outside has to agree: a boot is never one.
func (r *Record) findComposite(kind Kind) *composite {
	m := &composite{}
	var n *node
	if raw := r.value("node"); len(raw) > 0 && raw[0] == '{' {
		n = readNode(readObject(raw))
		if v := r.value("tests"); len(v) > 0 && v[0] == '[' {
			m.tests = v
		}
		for _, name := range [...]string{"lava_logs", "log"} {
			if v := r.value(name); len(v) > len(`""`) && v[0] == '"' && m.log == nil {
				m.log, m.plain = v, name == "log"
			}
		}
	} else if data := r.value("data"); kind == KindMaestro || len(data) > 0 && data[0] == '{' && knownKinds[r.text("kind")] {
		n = readNode(r.object())
	}
	switch {
	case n == nil:
		return nil
	case kind == "" || kind == KindMaestro, kind == KindBuild && n.kind == "kbuild", kind == KindLAVA && n.kind != "kbuild":
		m.node = *n
		return m
	}
	return nil
}

// object is the record itself.
func (r *Record) object() object {
	o := object{}
	for _, f := range r.fields {
		if string(f.raw) != "null" {
			o[string(f.name)] = f.raw
		}
	}
	return o
}

// knownKinds are the kinds of nodes there are, and have been.
var knownKinds = nameSet("checkout kbuild job test process regression node")

// identifyNode finds what a Maestro record is, with its key and time.
func (r *Record) identifyNode(m *composite, o Options) error {
	r.maestro, r.Overwrites = m, true
	if m.kind == "kbuild" {
		r.Kind = KindBuild
		r.fixedByNode()
		return nil
	}
	r.Kind = KindLAVA
	callback := r.value("callback")
	switch {
	case r.value("node") == nil:
		return refuse("bare_node", "kind", "a "+quoted(m.kind)+` node alone: of nodes alone kcing takes kbuild; a job is {"node": …, "tests": […]}`)
	case callback == nil && m.log == nil && !m.isLAVA():
		return refuse("not_lava", "node", "a "+quoted(m.kind)+" node that is neither a build nor the job of a LAVA lab")
	}
	if callback != nil {
		err := r.enterCallback(callback, o)
		if err == nil {
			return nil
		}
		if m.tests == nil {
			return err
		}
		m.damage = "_badcallback"
		r.forget()
	}
	r.Lab = strings.ToValidUTF8(cmp.Or(o.Lab, m.data.text("runtime"), o.OtherLab), "\uFFFD")
	r.jobID = m.data.text("job_id")
	r.fixedByNode()
	if r.Lab != "" && r.jobID != "" { // as its callback's: one job is one boot
		r.Key = escapeID(r.Lab) + "/" + escapeID(r.jobID)
	}
	r.forget()
	return nil
}

// fixedByNode makes key and time those of the node.
func (r *Record) fixedByNode() {
	r.Key = nodeID(r.maestro.id)
	r.Time, r.TimeMoves = r.maestro.updated, true
}

// enterCallback makes the callback's fields those of the record and identifies
// it as the same callback posted by LAVA itself: same key, same index.
func (r *Record) enterCallback(raw []byte, o Options) error {
	m := r.maestro
	if raw[0] != '{' {
		return refuse("bad_callback", "callback", "not an object")
	}
	r.forget()
	walkObject(raw, func(f field) { r.fields = append(r.fields, f) })
	r.settleFields()
	r.renameFields()
	if r.text("id") == "" { // labs that act as LAVA leave it out
		if id := m.data["job_id"]; id != nil {
			r.setValue("id", id)
		}
	}
	if err := r.identifyCallback(o); err != nil {
		return err
	}
	if r.Time.IsZero() {
		r.Time, r.TimeMoves = m.updated, true
	}
	m.called = true
	return nil
}

// setValue puts in a field that is absent or null.
func (r *Record) setValue(name string, raw []byte) {
	if i, ok := r.values[name]; ok {
		r.fields[i].raw = raw
		return
	}
	r.values[name] = len(r.fields)
	r.fields = append(r.fields, field{name: []byte(name), raw: raw})
}

// quoted is a name from a record for an error: not too long.
func quoted(name string) string {
	const longest = 40
	return `"` + strings.ToValidUTF8(name[:min(len(name), longest)], "\uFFFD") + `"`
}

// complete puts the node's facts over those of the job definition, which today
// has none of them.
func (m *composite) complete(facts *jobFacts) {
	for i, f := range jobFields {
		if v := m.fact(f.field); v != "" {
			facts.values[i] = v
		}
	}
	facts.nodeID = m.id
}

// nodeJob makes the documents of a job of which there is no callback: boot,
// tests, log lines, incidents.
func (r *Record) nodeJob(d *Documents) error {
	m := r.maestro
	if err := d.readChildren(m); err != nil {
		return err
	}
	m.complete(&d.work.facts)
	if r.Lab != "" {
		d.head = appendMember(d.head, "lab_name", d.clip("lab_name", r.Lab))
	}
	errorMsg := r.addedFields(d)
	r.endHead(d)
	d.childTests(r.fact(d))
	if m.log != nil {
		if _, err := d.readNodeLog(m); err != nil {
			return err
		}
	}
	if m.damage != "" {
		d.tag(m.damage)
	}
	d.tagLimit()
	d.addIncidents(r, errorMsg)
	d.callbackBoot(r, errorMsg)
	if d.size > MaxOutput {
		return errTooLarge("")
	}
	return nil
}

// commonNodeFields are written to each document of a job, bootNodeFields to its
// boot alone.
var (
	commonNodeFields = [...]string{"defconfig", "compiler", "group", patchset}
	bootNodeFields   = [...]string{"git_url", "kernel_type", "runtime", "platform", "parent", "treeid", "owner", "submitter", "job_context",
		"tree_priority", "created_on", "boot_log", "lava_logs", "callback_data"}
)

// bootFields writes what a job's node adds to its boot alone.
func (m *composite) bootFields(d *Documents) {
	for _, name := range bootNodeFields {
		d.member(name, d.clip(name, m.fact(name)))
	}
	d.texts("commit_tags", m.revision.list("commit_tags"))
	d.member("node_id", d.clip("node_id", m.id))
}

// appendAttempt writes which attempt of a job or build a node is, and that another
// one took its place where one did: see [retried].
func (m *composite) appendAttempt(dst []byte, result string) []byte {
	raw := m.top["retry_counter"]
	n, err := strconv.ParseUint(string(raw), 10, 31)
	if err != nil {
		return dst
	}
	dst = append(appendName(dst, "retry_counter"), raw...)
	if retried(n, result) {
		dst = append(appendName(dst, "retried"), "true"...)
	}
	return dst
}

// outcome judges a job without callback: by its login where there is a node of
// one, else by what Maestro says of the job.
func (m *composite) outcome(d *Documents) string {
	result := m.result
	for _, path := range [...]string{"setup/login", "login"} {
		if i, ok := d.work.byPath[path]; ok && d.work.children[i].result != "" {
			result = d.work.children[i].result
			break
		}
	}
	return notBlamed(cmp.Or(result, statusUnknown), "", m.errorType)
}

// nodeBuild makes the one document of a kbuild node.
func (r *Record) nodeBuild(d *Documents) {
	m := r.maestro
	d.begin(buildDoc)
	d.open()
	text := func(name, text string) { d.member(name, d.clip(name, text)) }
	for _, name := range [...]string{"job", "git_branch", "git_commit", "git_describe", "kernel", "git_url", "arch", "defconfig",
		"defconfig_full", "build_environment", "compiler", "compiler_version", patchset, "kernel_type", "runtime", "platform", "group",
		"parent", "treeid", "owner", "submitter", "job_id", "job_context", "tree_priority", "created_on"} {
		text(name, m.fact(name))
	}
	d.buf = m.appendAttempt(d.buf, m.result)
	text("build_result", strings.ToUpper(m.result))
	text("error_type", m.errorType)
	d.member("error_msg", m.errorMsg)
	d.texts("kconfig_fragments", m.data.list("fragments"))
	d.texts("commit_tags", m.revision.list("commit_tags"))
	for _, a := range buildArtifacts {
		text(a.field, m.artifact(a.key))
	}
	if m.fact("defconfig_full") != "" { // else all builds that never began would share one
		d.member("build_key", buildKey(func(name string) string { return d.clip(name, m.fact(name)) }))
	}
	text("node_id", m.id)
	d.tags()
	d.end()
}

// buildArtifacts are the files of a build that its document names; all else is
// at the node's own page.
var buildArtifacts = [...]struct{ field, key string }{
	{"build_log", "build_log"},
	{"kernel_image", "kernel"},
	{"modules", "modules"},
	{"kernel_config", "_config"},
	{"system_map", "System_map"},
	{"vmlinux_file", "vmlinux"},
}
