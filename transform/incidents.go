package transform

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/kcing/kcing/transform/incident"
)

// addIncidents makes the incidents of a job, behind its log's documents: of the
// console lines in those, and of the job's own error. Whatever there is of them,
// the record's other documents are as without.
func (d *Documents) addIncidents(r *Record, errorMsg string) {
	w := &d.work
	w.incidents = d.readConsole()
	if own, ok := incident.JobError(w.errorType, errorMsg); ok && !hasTitle(w.incidents, own.Title) {
		w.incidents = append(w.incidents, own)
	}
	if len(w.incidents) == 0 {
		return
	}
	before, log := d.mark(), r.logQuery()
	same := 0 // incidents before on the same line
	for i := range w.incidents {
		if same++; i == 0 || w.incidents[i].Line != w.incidents[i-1].Line {
			same = 1
		}
		d.incidentDocument(&w.incidents[i], log, i+1, same)
	}
	if d.size > MaxOutput && before.size <= MaxOutput {
		d.rewind(before) // never a reason to refuse the record
		w.incidents = nil
	}
}

func hasTitle(all []incident.Incident, title string) bool {
	for i := range all {
		if all[i].Title == title {
			return true
		}
	}
	return false
}

// readConsole finds the kernel's reports in the log's documents.
func (d *Documents) readConsole() []incident.Incident {
	reader := &d.work.console
	reader.Reset()
	for i := range d.spans {
		s := &d.spans[i]
		if s.kind != logDoc {
			continue
		}
		d.work.logRead = true
		doc := d.buf[s.source:s.end]
		if !reader.Wants(doc) { // before it is taken apart: nearly all are not wanted
			continue
		}
		msg, ok := consoleMessage(doc)
		if !ok || !reader.Wants(msg) {
			continue
		}
		number, err := strconv.Atoi(string(d.buf[s.id+len(logID) : s.source]))
		if err == nil {
			reader.Line(number, string(unescape(msg[:stringEnd(msg)])))
		}
	}
	return reader.Incidents()
}

// Members of a log document up to its message, as the log reader writes them.
const (
	linenoName = `,"lineno":`
	dtName     = `,"dt":"`
	lvlName    = `,"lvl":"`
	msgName    = `,"msg":"`
)

// consoleMessage is the message of a log document, still escaped and with what
// is behind it, when it is the board's: what LAVA's dispatcher itself says holds
// the words of all reports, since it waits for them.
func consoleMessage(doc []byte) (msg []byte, ok bool) {
	rest := doc[len(linenoName):]
	for len(rest) > 0 && rest[0] != ',' {
		rest = rest[1:]
	}
	if bytes.HasPrefix(rest, []byte(dtName)) {
		rest = rest[len(dtName):]
		rest = rest[stringEnd(rest)+1:]
	}
	level, found := bytes.CutPrefix(rest, []byte(lvlName))
	if !found {
		return nil, false
	}
	end := stringEnd(level)
	if lvl := string(level[:end]); lvl != "target" && lvl != "feedback" {
		return nil, false
	}
	return bytes.CutPrefix(level[end+1:], []byte(msgName))
}

// stringEnd is the place of the quote that ends the JSON string whose content b
// begins with.
func stringEnd(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			return i
		case '\\':
			i++
		}
	}
	return len(b)
}

// logQuery is KQL that finds the job's log lines, so that a link can lead to
// them, which has one value only; "" when a name in it would break the link.
func (r *Record) logQuery() string {
	var parts []string
	add := func(name, text string) {
		if text != "" {
			parts = append(parts, name+`:"`+text+`"`)
		}
	}
	add("lab_name", r.Lab)
	if add("job_id", r.jobID); r.jobID == "" && r.maestro != nil {
		add("node_id", r.maestro.id)
	}
	for _, text := range [...]string{r.Lab, r.jobID} {
		if len(text) > maxCommonText || linkKey(text) != text { // cut in the lines, or not to be quoted
			return ""
		}
	}
	return strings.Join(parts, " and ")
}

// Of the lines around a report's header, so many are what log_query finds.
const (
	linesBefore = 20
	linesBehind = 100
)

// incidentDocument writes the document of a job's incident. log finds the job's
// log lines; sameLine counts the incidents of one line, which has several where
// two processors write at once.
func (d *Documents) incidentDocument(in *incident.Incident, log string, order, sameLine int) {
	d.begin(incidentDoc)
	d.buf = append(d.buf, "/i/"...)
	if in.Line == 0 {
		d.buf = append(d.buf, "job"...)
	} else {
		d.buf = strconv.AppendInt(d.buf, int64(in.Line), 10)
	}
	if sameLine > 1 {
		d.buf = strconv.AppendInt(append(d.buf, '/'), int64(sameLine), 10)
	}
	d.open()
	d.member("title", in.Title)
	d.member("title_key", linkKey(in.Title))
	d.member("incident_type", string(in.Kind))
	d.member("function", in.Function)
	if in.Line > 0 {
		d.number("lineno", in.Line)
		if log != "" {
			log = fmt.Sprintf("%s and lineno >= %d and lineno <= %d", log, max(1, in.Line-linesBefore), in.Line+linesBehind)
		}
	}
	d.member("log_query", log)
	d.member("message", in.Message)
	d.member("call_trace", in.Trace)
	d.member("signature", in.Signature)
	d.number("count", in.Count)
	d.number("order", order)
	d.flag("fatal", in.Fatal)
	d.flag("provoked", in.Provoked)
	d.end()
}

// incidentMembers writes to the boot document how many incidents the job has, and
// the title that says best why it failed: that of the first report which no test
// provoked, which nearly always is the cause of the others.
func (d *Documents) incidentMembers() {
	w := &d.work
	if !w.logRead && len(w.incidents) == 0 {
		return // nothing is known of it
	}
	d.number("incidents", len(w.incidents))
	for i := range w.incidents {
		if in := &w.incidents[i]; !in.Provoked {
			d.member("incident", in.Title)
			return
		}
	}
}

func (d *Documents) number(name string, n int) {
	d.buf = strconv.AppendInt(appendName(d.buf, name), int64(n), 10)
}

func (d *Documents) flag(name string, yes bool) {
	d.buf = strconv.AppendBool(appendName(d.buf, name), yes)
}
