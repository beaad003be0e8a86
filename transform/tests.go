package transform

import (
	"math"
	"strconv"
	"time"
)

// tests makes a document for each row of each suite.
func (d *Documents) tests(received time.Time) {
	j := &d.job
	for i := range j.cases {
		if d.size > MaxOutput {
			return
		}
		c := &j.cases[i]
		if c.fill(received) && d.receiptLogged == "" {
			d.receiptLogged = `"logged":"` + c.values[rowLogged] + `"`
		}
		node, path := "", ""
		if len(j.nodeOf) > 0 && j.nodeOf[i] > 0 {
			child := &j.children[j.nodeOf[i]-1]
			node, path = child.id, child.path
			d.begin(matchedTestDoc)
		} else {
			d.begin(testDoc)
		}
		d.testID(c)
		d.open()
		d.testName(c.path())
		d.buf = c.append(d.buf)
		d.member("path", path)
		d.member("node_id", d.clip("node_id", node))
		d.end()
	}
}

// testName writes the fields by which one test is found in all jobs.
func (d *Documents) testName(path string) {
	if d.job.buildKey != "" {
		d.buf = append(appendKey(append(appendName(d.buf, "test_key"), '"'), d.job.buildKey, path), '"')
	}
	d.member("test_path", path)
}

// testID writes the rest of a test's id: the result's id, or suite, name and how
// many of that name came before.
func (d *Documents) testID(c *testCase) {
	start := len(d.buf)
	d.buf = append(d.buf, "/t/"...)
	named := c.values[rowID] == ""
	if named {
		d.buf = append(appendID(d.buf, c.values[rowSuite]), '/')
		d.buf = appendID(d.buf, c.values[rowName])
	} else {
		d.buf = appendID(d.buf, c.values[rowID])
	}
	const number = len("/200000")
	d.buf = shorten(d.buf, start, maxID-number-len(d.key))
	if named {
		d.numberID(start)
	} else {
		d.uniqueID(start)
	}
}

// uniqueID notes the id that begins at start in buf, with a number if it was given before.
func (d *Documents) uniqueID(start int) {
	if id := string(d.buf[start:]); d.job.ids[id] == 0 {
		d.job.ids[id] = 1
		return
	}
	d.numberID(start)
}

// numberID puts the next number behind the id that begins at start in buf.
func (d *Documents) numberID(start int) {
	given, id := d.job.ids, string(d.buf[start:])
	for n := given[id] + 1; ; n++ {
		d.buf = strconv.AppendInt(append(d.buf[:start+len(id)], '/'), int64(n), 10)
		if _, taken := given[string(d.buf[start:])]; !taken { // by a result whose id reads so
			given[string(d.buf[start:])] = 1
			given[id] = n
			return
		}
	}
}

// fill puts in what the old pipeline wrote for absent values, and makes the log
// lines those of our documents. It reports whether the time of receipt had to serve.
func (c *testCase) fill(received time.Time) (receipt bool) {
	v := &c.values
	if !c.present[rowMeasurement] {
		v[rowMeasurement] = "0"
	}
	if !c.present[rowStartLine] {
		v[rowStartLine], v[rowEndLine] = "0", "0"
	}
	v[rowStartLine], v[rowEndLine] = lineNumber(v[rowStartLine]), lineNumber(v[rowEndLine])
	if logged := v[rowLogged]; !c.present[rowLogged] || logged == "" || logged == pythonNone {
		v[rowLogged] = received.Format(loggedStamp)
		return true
	}
	v[rowLogged] = toMillis(v[rowLogged], loggedStamp)
	return false
}

// lineNumber is the lineno that LAVA means: it counts the log's lines from 0, our
// documents count them from 1. Text that is no number stays as it is.
func lineNumber(text string) string {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n == math.MaxInt {
		return text
	}
	return strconv.Itoa(n + 1)
}

// append writes the members of the row itself. All but result and name are there
// even when they are empty, as the old pipeline had it.
func (c *testCase) append(dst []byte) []byte {
	for i, name := range rowNames {
		if i > rowName || c.present[i] {
			dst = appendMember(dst, name, c.values[i])
		}
		if i == rowSuite && c.set != "" {
			dst = appendMember(dst, "set", c.set)
		}
	}
	if c.errorMsg != "" {
		dst = appendMember(dst, "error_msg", c.errorMsg)
	}
	return dst
}
