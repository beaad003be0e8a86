package transform

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// tests makes a document for each row of each suite. get looks up the facts
// that the link key is made of.
func (d *Documents) tests(get func(string) string, received time.Time) {
	build := appendKey(nil, append(buildParts(get), "")...) // with a "|" at its end
	for i := range d.work.cases {
		if d.size > MaxOutput {
			return
		}
		c := &d.work.cases[i]
		c.fill(received)
		node := ""
		if len(d.work.nodeOf) > 0 && d.work.nodeOf[i] > 0 {
			node = d.work.children[d.work.nodeOf[i]-1].id
			d.begin(matchedTestDoc)
		} else {
			d.begin(testDoc)
		}
		d.testID(c)
		d.open()
		d.buf = append(append(appendName(d.buf, "test_key"), '"'), build...)
		d.buf = append(appendKey(d.buf, c.suite, c.name), '"')
		d.buf = c.append(d.buf)
		d.member("node_id", d.clip("node_id", node))
		d.end()
	}
}

// testID writes the rest of a test's id: the result's id, or suite, name and how
// many of that name came before. Ids that occur twice get a number as well.
func (d *Documents) testID(c *testCase) {
	start := len(d.buf)
	d.buf = append(d.buf, "/t/"...)
	numbered := c.id == ""
	if numbered {
		d.buf = appendID(d.buf, c.suite)
		d.buf = append(d.buf, '/')
		d.buf = appendID(d.buf, c.name)
	} else {
		d.buf = appendID(d.buf, c.id)
	}
	const number = len("/200000")
	d.buf = shorten(d.buf, start, maxID-number-len(d.key))
	given, end := d.work.ids, len(d.buf)
	n := given[string(d.buf[start:])]
	for numbered || n > 0 {
		n++
		d.buf = strconv.AppendInt(append(d.buf[:end], '/'), int64(n), 10)
		if _, taken := given[string(d.buf[start:])]; !taken { // by a result whose id reads so
			given[string(d.buf[start:])] = 1
			break
		}
	}
	given[string(d.buf[start:end])] = max(n, 1)
}

// fill puts in what the old pipeline wrote for absent values, and cuts the zone
// and microseconds of logged as it did.
func (c *testCase) fill(received time.Time) {
	if !c.hasSuite {
		c.suite = "lava"
	}
	if !c.hasMeasurement {
		c.measurement = "0"
	}
	if !c.hasStart {
		c.logStartLine, c.logEndLine = "0", "0"
	}
	if !c.hasLogged {
		c.logged = received.Format(stamp)
	} else {
		c.logged = cut(c.logged, len("005+00:00"))
	}
}

// cut drops the last n characters, or all there are.
func cut(s string, n int) string {
	for ; n > 0 && s != ""; n-- {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// append writes the members of the row itself.
func (c *testCase) append(dst []byte) []byte {
	if c.hasResult {
		dst = appendMember(dst, "result", c.result)
	}
	if c.hasName {
		dst = appendMember(dst, "name", c.name)
	}
	dst = appendMember(dst, "unit", c.unit)
	dst = appendMember(dst, "measurement", c.measurement)
	dst = appendMember(dst, "log_start_line", c.logStartLine)
	dst = appendMember(dst, "log_end_line", c.logEndLine)
	dst = appendMember(dst, "suite", c.suite)
	dst = appendMember(dst, "level", c.level)
	dst = appendMember(dst, "logged", c.logged)
	dst = appendMember(dst, "id", c.id)
	if c.errorMsg != "" {
		dst = appendMember(dst, "error_msg", c.errorMsg)
	}
	return dst
}
