package transform

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kcing/kcing/internal/jsontext"
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

// findComposite recognises a Maestro record by its form. A kind said from
// outside has to agree: a boot is never one.
func (r *Record) findComposite(o Options) *composite {
	m := &composite{}
	var n *node
	if raw := r.value("node"); len(raw) > 0 && raw[0] == '{' {
		n = readNode(readObject(raw))
		if v := r.value("tests"); len(v) > 0 && v[0] == '[' {
			m.tests = v
		}
		for _, name := range [...]string{"lava_logs", "log"} {
			if v := r.value(name); len(v) > len(`""`) && v[0] == '"' && m.log.raw == nil {
				m.log = jobLog{raw: v, plain: name == "log"}
			}
		}
	} else if data := r.value("data"); o.Format == FormatMaestro ||
		len(data) > 0 && data[0] == '{' && knownKinds[r.text("kind")] {
		n = readNode(r.object())
	}
	switch {
	case n == nil:
		return nil
	case o.Kind == "" || o.Format == FormatMaestro,
		o.Kind == KindBuild && n.kind == "kbuild", o.Kind == KindLAVA && n.kind != "kbuild":
		m.node = *n
		return m
	}
	return nil
}

// object is the record itself.
func (r *Record) object() object {
	o := object{}
	for name := range r.values {
		if raw := r.value(name); raw != nil {
			o[name] = raw
		}
	}
	return o
}

// knownKinds are the kinds of nodes there are, and have been.
var knownKinds = nameSet("checkout kbuild job test process regression node")

// identifyNode finds what a Maestro record is, with its key and time.
func (r *Record) identifyNode(m *composite, o Options) error {
	r.maestro, r.nodeID, r.Overwrites = m, m.id, true
	if m.kind == "kbuild" {
		r.Kind = KindBuild
		r.fixedByNode()
		return nil
	}
	r.Kind = KindLAVA
	callback := r.value("callback")
	switch {
	case r.value("node") == nil:
		return refuse("bare_node", "kind", "a "+quoted(m.kind)+" node alone: of nodes alone kcing takes kbuild; "+
			`a job is {"node": …, "tests": […]}`)
	case callback == nil && m.log.raw == nil && !m.isLAVA():
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
		r.Key = JobKey(r.Lab, r.jobID)
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
	r.fields = slices.AppendSeq(r.fields, jsontext.Members(raw))
	r.settleFields()
	r.renameFields()
	if r.text("id") == "" { // labs that act as LAVA leave it out
		if id := m.data["job_id"]; id != nil {
			r.setValue("id", id)
		}
	}
	o.OtherLab = cmp.Or(m.data.text("runtime"), o.OtherLab)
	if err := r.identifyCallback(o); err != nil {
		return err
	}
	if r.Time.IsZero() {
		r.Time, r.TimeMoves = m.updated, true
	}
	m.called = true
	return nil
}

// quoted is a name from a record for an error: not too long.
func quoted(name string) string {
	const longest = 40
	return `"` + strings.ToValidUTF8(name[:min(len(name), longest)], "\uFFFD") + `"`
}

// nodeFields are what Maestro alone knows of a job: for each document, and for its boot's alone.
var (
	nodeFields     = [...]string{"defconfig", "compiler", "group", patchset}
	nodeBootFields = [...]string{"git_url", "kernel_type", "runtime", "platform", "parent", "treeid", "owner", "submitter",
		"job_context", "tree_priority", "created_on", "boot_log", "lava_logs", "callback_data"}
)

// readNode completes d's job with what Maestro's node says, which the job definition
// of today does not; without a callback it is all there is.
func (d *Documents) readNode(m *composite) error {
	if err := d.readChildren(m); err != nil {
		return err
	}
	j := &d.job
	j.node, j.result, j.damage = m.id, m.result, m.damage
	for i, f := range jobFields {
		if v := m.field(f.name); v != "" {
			j.facts.values[i] = v
		}
	}
	j.patchset, j.attempt = m.revision.text(patchset), m.attempt()
	j.device = cmp.Or(j.device, m.data.text("device"))
	j.errorType, j.errorMsg = cmp.Or(j.errorType, m.errorType), cmp.Or(j.errorMsg, m.errorMsg)
	for _, name := range nodeFields {
		j.more = append(j.more, pair{name, m.field(name)})
	}
	for _, name := range nodeBootFields {
		j.boot = append(j.boot, pair{name, m.field(name)})
	}
	j.commitTags = m.revision.list("commit_tags")
	if !m.called {
		j.log = m.log
	}
	return nil
}

// buildFields are the fields of a kbuild node's document, buildArtifacts those of its
// files that are named there; all else is at the node's own page.
var (
	buildFields = [...]string{"job", "git_branch", "git_commit", "git_describe", "kernel", "git_url", "arch", "defconfig",
		"defconfig_full", "build_environment", "compiler", "compiler_version", patchset, "kernel_type", "runtime",
		"platform", "group", "parent", "treeid", "owner", "submitter", "job_id", "job_context", "tree_priority",
		"created_on"}
	buildArtifacts = [...]string{"build_log", "kernel_image", "modules", "kernel_config", "system_map", "vmlinux_file"}
)

// build makes the one document of a kbuild node.
func (n *node) build(d *Documents) {
	d.begin(buildDoc)
	d.open()
	text := func(name, text string) { d.member(name, d.clip(name, text)) }
	for _, name := range buildFields {
		text(name, n.field(name))
	}
	d.buf = n.attempt().append(d.buf, n.result)
	text("build_result", strings.ToUpper(n.result))
	text("error_type", n.errorType)
	d.member("error_msg", n.errorMsg)
	d.texts("kconfig_fragments", n.data.list("fragments"))
	d.texts("commit_tags", n.revision.list("commit_tags"))
	for _, name := range buildArtifacts {
		text(name, n.field(name))
	}
	if n.fullDefconfig() != "" { // else all builds that never began would share one
		d.member("build_key", buildKey(func(name string) string { return d.clip(name, n.field(name)) }))
	}
	text("node_id", n.id)
	d.tags()
	d.end()
}
