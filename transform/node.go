package transform

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/kcing/kcing/internal/jsontext"
)

// object is a JSON object's members by name: of those with the same name the
// last one, and none that is null.
type object map[string][]byte

// readObject returns nil when raw is no object.
func readObject(raw []byte) object {
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	o := object{}
	for f := range jsontext.Members(raw) {
		if string(f.Raw) == "null" {
			delete(o, string(f.Name))
			continue
		}
		o[string(f.Name)] = f.Raw
	}
	return o
}

func (o object) text(name string) string { return jsontext.ScalarText(o[name]) }

func (o object) object(name string) object { return readObject(o[name]) }

// list is the texts of an array, what is no scalar left out; of a scalar alone
// a list of one.
func (o object) list(name string) (texts []string) {
	raw := o[name]
	if len(raw) == 0 || raw[0] == '{' {
		return nil
	}
	if raw[0] != '[' {
		return []string{jsontext.ScalarText(raw)}
	}
	for v := range jsontext.Elements(raw) {
		if s := jsontext.ScalarText(v); s != "" {
			texts = append(texts, s)
		}
	}
	return texts
}

// id is a node's own: `id`, or `_id` as older servers and exports have it, as
// text or {"$oid": text}.
func (o object) id() string {
	for _, name := range [...]string{"id", "_id"} {
		if s := o.text(name); s != "" {
			return s
		}
		if s := o.object(name).text("$oid"); s != "" {
			return s
		}
	}
	return ""
}

// node is what kcing takes from one Maestro node (docs/maestro.md has the whole
// mapping). Names are those of kernelci-api's models; any of them may be absent.
type node struct {
	top, data, revision, artifacts object

	id, kind, group, result string
	path                    []string
	errorType, errorMsg     string
	updated                 time.Time
}

// readNode returns nil when top is no node: an object with a kind, an id and data.
func readNode(top object) *node {
	n := &node{top: top, kind: top.text("kind"), id: top.id(), data: top.object("data")}
	if n.kind == "" || n.id == "" || n.data == nil && top["data"] != nil {
		return nil
	}
	n.revision, n.artifacts = n.data.object("kernel_revision"), top.object("artifacts")
	n.group, n.result, n.path = top.text("group"), strings.ToLower(top.text("result")), top.list("path")
	if n.group == "" {
		n.group = top.text("name")
	}
	n.errorType, n.errorMsg = n.data.text("error_code"), redactMessage(n.data.text("error_msg"))
	n.updated, _ = parseTime(top["updated"])
	return n
}

// isLAVA reports whether a job ran in a LAVA lab, and not elsewhere (kunit in a
// cluster, for example): by the lab's name or by what only LAVA leaves behind.
func (n *node) isLAVA() bool {
	switch n.kind {
	case "job", "test", "node": // the latter two are what older servers called a job
	default:
		return false
	}
	if strings.HasPrefix(n.data.text("runtime"), "lava") {
		return true
	}
	for _, name := range [...]string{"callback_data", "lava_log", "lava_logs"} {
		if n.artifacts[name] != nil {
			return true
		}
	}
	return false
}

// nodeValues are what fields of documents hold of a node, by the fields' names.
var nodeValues = map[string]func(*node) string{
	"job":               nodeRevision("tree"),
	"git_branch":        nodeRevision("branch"),
	"git_commit":        nodeRevision("commit"),
	"git_describe":      nodeRevision("describe"),
	"kernel":            nodeRevision("describe"), // which it has been ever since
	"git_url":           (*node).gitURL,
	patchset:            nodeRevision(patchset),
	"arch":              (*node).arch,
	"defconfig":         (*node).defconfig,
	"defconfig_full":    (*node).fullDefconfig,
	"build_environment": (*node).buildEnvironment,
	"compiler":          (*node).compiler,
	"compiler_version":  (*node).compilerVersion,
	"kernel_type":       nodeData("kernel_type"),
	"runtime":           nodeData("runtime"),
	"platform":          nodeData("platform"),
	"board":             nodeData("platform"),
	"job_id":            nodeData("job_id"),
	"job_context":       nodeData("job_context"),
	"tree_priority":     nodeData("tree_priority"),
	"group":             func(n *node) string { return n.group },
	"parent":            nodeTop("parent"),
	"treeid":            nodeTop("treeid"),
	"owner":             nodeTop("owner"),
	"submitter":         nodeTop("submitter"),
	"created_on":        func(n *node) string { return stampOf(n.top["created"]) },
	"build_log":         nodeArtifact("build_log"),
	"kernel_image":      nodeArtifact("kernel"),
	"modules":           nodeArtifact("modules"),
	"kernel_config":     nodeArtifact("_config"),
	"system_map":        nodeArtifact("System_map"),
	"vmlinux_file":      nodeArtifact("vmlinux"),
	"boot_log":          nodeArtifact("lava_log"),
	"lava_logs":         nodeArtifact("lava_logs"),
	"callback_data":     nodeArtifact("callback_data"),
}

// field is the text of a document's field; "" where the node does not say it.
func (n *node) field(name string) string {
	if of, ok := nodeValues[name]; ok {
		return of(n)
	}
	return ""
}

func nodeTop(name string) func(*node) string { return func(n *node) string { return n.top.text(name) } }

func nodeData(name string) func(*node) string {
	return func(n *node) string { return n.data.text(name) }
}

func nodeRevision(name string) func(*node) string {
	return func(n *node) string { return n.revision.text(name) }
}

// nodeArtifact is the URL of one of the node's files.
func nodeArtifact(key string) func(*node) string {
	return func(n *node) string {
		url := cleanURL(n.artifacts.text(key))
		if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
			return "" // the API takes no others
		}
		return url
	}
}

func (n *node) gitURL() string { return cleanURL(n.revision.text("url")) }

func (n *node) arch() string {
	_, arch := n.named()
	return cmp.Or(n.data.text("arch"), arch)
}

func (n *node) buildEnvironment() string {
	compiler, _ := n.named()
	return cmp.Or(n.data.text("compiler"), compiler)
}

func (n *node) defconfig() string { return strings.Join(n.data.list("defconfig"), "+") }

// fullDefconfig is the configuration with its fragments. Nodes of 2024 have the
// fragments alone in config_full, with a plus in front.
func (n *node) fullDefconfig() string {
	full, base := n.data.text("config_full"), n.defconfig()
	if full == "" || strings.HasPrefix(full, "+") {
		return base + full
	}
	return full
}

// buildName is how KernelCI names its builds: kbuild-gcc-14-arm64-FRAGMENTS.
var buildName = regexp.MustCompile(`^kbuild-((?:gcc|clang|rustc)-[0-9.]+)-` +
	`(arm64|arm|arc|i386|loongarch|mips|powerpc|riscv|s390|sparc|um|x86_64|x86)(?:-|$)`)

// named returns what a build's name says of it: for a build that never began, no
// field does.
func (n *node) named() (compiler, arch string) {
	if n.kind == "kbuild" && n.data["arch"] == nil && n.data["compiler"] == nil {
		if m := buildName.FindStringSubmatch(n.top.text("name")); m != nil {
			return m[1], m[2]
		}
	}
	return "", ""
}

// compiler and compilerVersion split "gcc-14" as the old build.json had it: gcc, 14.
func (n *node) compiler() string {
	name, _ := splitCompiler(n.buildEnvironment())
	return name
}

func (n *node) compilerVersion() string {
	_, version := splitCompiler(n.buildEnvironment())
	return version
}

func splitCompiler(text string) (name, version string) {
	if i := strings.LastIndexByte(text, '-'); i > 0 && i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9' {
		return text[:i], text[i+1:]
	}
	return text, ""
}

// cleanURL is a URL without what may be secret in it: a user's name and
// password, and the query, where storage of 2024 had its signature.
func cleanURL(url string) string {
	url, _, _ = strings.Cut(url, "?")
	url, _, _ = strings.Cut(url, "#")
	if scheme, rest, ok := strings.Cut(url, "://"); ok {
		host, path, slash := strings.Cut(rest, "/")
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			host = host[i+1:]
		}
		if url = scheme + "://" + host; slash {
			url += "/" + path
		}
	}
	return url
}

// NodeID is what the id of a document begins with that is one Maestro node.
const NodeID = "maestro/"

// nodeID is the id of a document that is one node.
func nodeID(id string) string {
	return NodeID + strings.ReplaceAll(escapeID(id), "/", "%2F")
}

// composite is what a Maestro record holds beside its node.
type composite struct {
	node
	called bool   // there is a callback, and the record's fields are its
	tests  []byte // nil: no such member
	log    jobLog // of lava_logs or lava_log
	damage string // a tag that says why the callback was not used
}

// jobLog is a log as a JSON string; nil raw: none.
type jobLog struct {
	raw   []byte
	ascii bool // raw is known to be printable ASCII
	plain bool // it is the console's text, a line a line, and not LAVA's YAML
}

// attempt is which attempt of a job or build a Maestro node is.
type attempt struct {
	counter uint64
	known   bool
}

// attempt is which attempt of a job or build the node is.
func (n *node) attempt() attempt {
	counter, err := strconv.ParseUint(string(n.top["retry_counter"]), 10, 31)
	return attempt{counter, err == nil}
}
