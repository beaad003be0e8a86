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
	nodeFields = [...]nodeField{
		{"defconfig", (*node).defconfig},
		{"compiler", (*node).compiler},
		{"group", (*node).groupName},
		{patchset, nodeRevision(patchset)},
	}
	nodeBootFields = [...]nodeField{
		{"git_url", (*node).gitURL},
		{"kernel_type", nodeData("kernel_type")},
		{"runtime", nodeData("runtime")},
		{"platform", nodeData("platform")},
		{"parent", nodeTop("parent")},
		{"treeid", nodeTop("treeid")},
		{"owner", nodeTop("owner")},
		{"submitter", nodeTop("submitter")},
		{"job_context", nodeData("job_context")},
		{"tree_priority", nodeData("tree_priority")},
		{"created_on", (*node).created},
		{"boot_log", nodeArtifact("lava_log")},
		{"lava_logs", nodeArtifact("lava_logs")},
		{"callback_data", nodeArtifact("callback_data")},
	}
)

// nodeField is a field of documents and what of a node it holds.
type nodeField struct {
	name string
	of   func(*node) string
}

// readNode completes d's job with what Maestro's node says, which the job definition
// of today does not; without a callback it is all there is.
func (d *Documents) readNode(m *composite) error {
	if err := d.readChildren(m); err != nil {
		return err
	}
	j := &d.job
	j.node, j.result, j.damage = m.id, m.result, m.damage
	for i, f := range jobFields {
		if f.node == nil {
			continue
		}
		if v := f.node(&m.node); v != "" {
			j.facts.values[i] = v
		}
	}
	j.patchset, j.attempt = m.revision.text(patchset), m.attempt()
	j.device = cmp.Or(j.device, m.data.text("device"))
	j.errorType, j.errorMsg = cmp.Or(j.errorType, m.errorType), cmp.Or(j.errorMsg, m.errorMsg)
	for _, f := range nodeFields {
		j.more = append(j.more, pair{f.name, f.of(&m.node)})
	}
	for _, f := range nodeBootFields {
		j.boot = append(j.boot, pair{f.name, f.of(&m.node)})
	}
	j.commitTags = m.revision.list("commit_tags")
	if !m.called {
		j.log = m.log
	}
	return nil
}

// buildFields are the fields of a kbuild node's document.
var buildFields = [...]nodeField{
	{"job", nodeRevision("tree")},
	{"git_branch", nodeRevision("branch")},
	{"git_commit", nodeRevision("commit")},
	{"git_describe", nodeRevision("describe")},
	{"kernel", nodeRevision("describe")}, // which it has been ever since
	{"git_url", (*node).gitURL},
	{"arch", (*node).arch},
	{"defconfig", (*node).defconfig},
	{"defconfig_full", (*node).fullDefconfig},
	{"build_environment", (*node).buildEnvironment},
	{"compiler", (*node).compiler},
	{"compiler_version", (*node).compilerVersion},
	{patchset, nodeRevision(patchset)},
	{"kernel_type", nodeData("kernel_type")},
	{"runtime", nodeData("runtime")},
	{"platform", nodeData("platform")},
	{"group", (*node).groupName},
	{"parent", nodeTop("parent")},
	{"treeid", nodeTop("treeid")},
	{"owner", nodeTop("owner")},
	{"submitter", nodeTop("submitter")},
	{"job_id", nodeData("job_id")},
	{"job_context", nodeData("job_context")},
	{"tree_priority", nodeData("tree_priority")},
	{"created_on", (*node).created},
}

// buildArtifacts are the files of a build that its document names; all else is
// at the node's own page.
var buildArtifacts = [...]nodeField{
	{"build_log", nodeArtifact("build_log")},
	{"kernel_image", nodeArtifact("kernel")},
	{"modules", nodeArtifact("modules")},
	{"kernel_config", nodeArtifact("_config")},
	{"system_map", nodeArtifact("System_map")},
	{"vmlinux_file", nodeArtifact("vmlinux")},
}

// build makes the one document of a kbuild node.
func (n *node) build(d *Documents) {
	d.begin(buildDoc)
	d.open()
	text := func(name, text string) { d.member(name, d.clip(name, text)) }
	for _, f := range buildFields {
		text(f.name, f.of(n))
	}
	d.buf = n.attempt().append(d.buf, n.result)
	text("build_result", strings.ToUpper(n.result))
	text("error_type", n.errorType)
	d.member("error_msg", n.errorMsg)
	d.texts("kconfig_fragments", n.data.list("fragments"))
	d.texts("commit_tags", n.revision.list("commit_tags"))
	for _, f := range buildArtifacts {
		text(f.name, f.of(n))
	}
	if n.fullDefconfig() != "" { // else all builds that never began would share one
		d.member("build_key", buildKey(func(name string) string {
			for _, f := range buildFields {
				if f.name == name {
					return d.clip(name, f.of(n))
				}
			}
			return ""
		}))
	}
	text("node_id", n.id)
	d.tags()
	d.end()
}
