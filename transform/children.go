package transform

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kcing/kcing/internal/jsontext"
)

// readChildren reads the nodes below a job. A callback that LAVA sent twice left
// each of them there twice, with other ids: of those with the same path the
// newest counts.
func (d *Documents) readChildren(m *composite) error {
	j := &d.job
	j.byPath = make(map[string]int)
	for raw := range jsontext.Elements(m.tests) {
		c, ok := m.child(raw)
		if !ok {
			d.tag("_badnode:tests")
			continue
		}
		if i, known := j.byPath[c.path]; known {
			if j.children[i].before(c) {
				j.children[i] = c
			}
			continue
		}
		if len(j.children) >= MaxDocuments {
			return refuse("too_many_documents", "tests", fmt.Sprintf("more than %d nodes", MaxDocuments))
		}
		j.byPath[c.path] = len(j.children)
		j.children = append(j.children, c)
	}
	for i := range j.children {
		for path := j.children[i].path; ; {
			slash := strings.LastIndexByte(path, '/')
			if slash < 0 {
				break
			}
			path = path[:slash]
			if parent, ok := j.byPath[path]; ok {
				if j.children[parent].group {
					break // and so are those above it
				}
				j.children[parent].group = true
			}
		}
	}
	return nil
}

// child reads one node below the job. Its path continues the job's; of any
// other the last two names are taken.
func (m *composite) child(raw []byte) (child, bool) {
	n := readNode(readObject(raw))
	if n == nil {
		return child{}, false
	}
	c := child{
		id: n.id, kind: n.kind, name: n.top.text("name"), result: n.result,
		errorType: n.errorType, errorMsg: n.errorMsg,
		measurement: n.data.object("misc").text("measurement"),
	}
	c.created, _ = parseTime(n.top["created"])
	path := n.path
	if below := len(m.path); below > 0 && len(path) > below && path[below-1] == m.path[below-1] &&
		path[0] == m.path[0] {
		path = path[below:]
	} else {
		path = path[max(0, len(path)-2):]
	}
	const deepest = 16 // names of suite, sets and case
	path = path[max(0, len(path)-deepest):]
	if c.path = strings.Join(path, "/"); c.path == "" {
		c.path = c.name
	}
	if c.name == "" && len(path) > 0 {
		c.name = path[len(path)-1]
	}
	return c, c.path != "" && c.name != ""
}

// before reports whether c is older than o; MongoDB's ids grow with time.
func (c *child) before(o child) bool {
	if !c.created.Equal(o.created) {
		return c.created.Before(o.created)
	}
	return c.id < o.id
}

// isTest reports whether this is a test case, and not a group of them.
func (c *child) isTest() bool { return !c.group && (c.kind == "test" || c.kind == "node") }

// suite is the first name of the path, where it is not the test's own.
func (c *child) suite() string {
	suite, _, more := strings.Cut(c.path, "/")
	if !more {
		return ""
	}
	return suite
}

// stages are the tests of KernelCI's suite setup and the rows of LAVA's own suite
// that it sums up in them: one name for both, whether the callback is there or not.
var stages = map[string]string{"login": "lava/login-action", "kernelmsg": "lava/kernel-messages"}

// testPath is the test's name across jobs.
func (c *child) testPath() string {
	if path, ok := stages[strings.TrimPrefix(c.path, "setup/")]; ok {
		return path
	}
	return testPath(c.path)
}

// matchChildren finds for the rows of the results the nodes that KernelCI made
// of them: the suite without its number, then the set, then the case. Of rows
// with the same names KernelCI took the newest, which is the first. Its suite
// "setup" sums up LAVA's own.
func (d *Documents) matchChildren() {
	j := &d.job
	if len(j.byPath) == 0 {
		return
	}
	j.nodeOf = append(j.nodeOf[:0], make([]int, len(j.cases))...)
	for i := range j.cases {
		c := &j.cases[i]
		j.match(i, c.path())
	}
	j.matchStage("login", "login-action", "auto-login-action")
	j.matchStage("kernelmsg", "kernel-messages")
}

// match joins a row and the node of that path, if there is one and it is free.
func (j *job) match(row int, path string) {
	i, ok := j.byPath[path]
	if !ok || j.children[i].matched || j.nodeOf[row] > 0 || !j.children[i].isTest() {
		return
	}
	j.children[i].matched = true
	j.nodeOf[row] = i + 1
}

// matchStage joins a node of the suite setup and the row that decided its
// result: one of those names with the same result, else the first of them.
func (j *job) matchStage(name string, rows ...string) {
	path := "setup/" + name
	i, ok := j.byPath[path]
	if !ok {
		path = name
		if i, ok = j.byPath[path]; !ok {
			return
		}
	}
	best := -1
	for row := range j.cases {
		c := &j.cases[row]
		if name := c.values[rowName]; c.values[rowSuite] != lavaSuite || name != rows[0] && name != rows[len(rows)-1] {
			continue
		}
		same := strings.EqualFold(c.values[rowResult], j.children[i].result)
		if best < 0 || same {
			best = row
		}
		if same {
			break
		}
	}
	if best >= 0 {
		j.match(best, path)
	}
}

// childTests makes a document for each test node that no row of the results
// stands for.
func (d *Documents) childTests() {
	for i := range d.job.children {
		c := &d.job.children[i]
		if c.matched || !c.isTest() {
			continue
		}
		if d.size > MaxOutput {
			return
		}
		d.begin(nodeTestDoc)
		start := len(d.buf)
		d.buf = append(d.buf, nodeID(c.id)...)
		d.uniqueID(start)
		d.open()
		d.testName(c.testPath())
		d.member("name", c.name)
		d.member("suite", c.suite())
		d.member("path", c.path)
		d.member("result", cmp.Or(c.result, statusUnknown)) // LAVA's word for a test without one
		d.member("measurement", c.measurement)
		if !c.created.IsZero() {
			d.member("logged", c.created.Format(loggedStamp))
		}
		if d.job.errorType == "" {
			d.member("error_type", c.errorType)
		}
		d.member("error_msg", c.errorMsg)
		d.member("node_id", d.clip("node_id", c.id))
		d.end()
	}
}
