package transform

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kcing/kcing/internal/jsontext"
	"github.com/kcing/kcing/transform/incident"
)

// addIncidents makes the incidents of a job, behind its log's documents: of the
// console lines in those, and of the job's own error. Whatever there is of them,
// the record's other documents are as without.
func (d *Documents) addIncidents() {
	j := &d.job
	j.incidents = d.readConsole()
	own, ok := incident.JobError(j.errorType, j.errorMsg)
	if ok && !slices.ContainsFunc(j.incidents, func(in incident.Incident) bool { return in.Explains(own) }) {
		j.incidents = append(j.incidents, own)
	}
	if len(j.incidents) == 0 {
		return
	}
	before, log := d.mark(), j.logQuery()
	same := 0 // incidents before on the same line
	for i := range j.incidents {
		if same++; i == 0 || j.incidents[i].Line != j.incidents[i-1].Line {
			same = 1
		}
		d.incidentDocument(&j.incidents[i], log, i+1, same)
	}
	if d.size > MaxOutput && before.size <= MaxOutput {
		d.rewind(before) // never a reason to refuse the record
		j.incidents = nil
	}
}

// readConsole finds the kernel's reports in the log's documents.
func (d *Documents) readConsole() []incident.Incident {
	reader := &d.work.console
	reader.Reset()
	for i := range d.spans {
		s := &d.spans[i]
		d.job.logRead = d.job.logRead || s.kind == logDoc || s.kind == suspectDoc
		if s.kind != suspectDoc && (s.kind != logDoc || !reader.Reading()) {
			continue // nearly all of them
		}
		number := d.buf[s.id+len(logID) : s.source]
		msg := consoleMessage(d.buf[s.source+len(`,"lineno":`)+len(number) : s.end])
		if n, err := strconv.Atoi(string(number)); err == nil && msg != nil {
			reader.Line(n, d.work.contentText(msg[:jsontext.StringEnd(msg)]))
		}
	}
	return reader.Incidents()
}

// consoleMessage is the message of a log document as the log reader has written it,
// still escaped and with what is behind it; nil when it is not the board's. doc
// begins behind the line's number.
func consoleMessage(doc []byte) []byte {
	const (
		dt       = `,"dt":"`
		target   = `,"lvl":"` + levelTarget + `","msg":"`
		feedback = `,"lvl":"` + levelFeedback + `","msg":"`
	)
	if hasAt(doc, 0, dt) {
		doc = doc[len(dt):]
		doc = doc[jsontext.StringEnd(doc)+1:]
	}
	switch {
	case hasAt(doc, 0, target):
		return doc[len(target):]
	case hasAt(doc, 0, feedback):
		return doc[len(feedback):]
	}
	return nil
}

// logQuery is KQL that finds the job's log lines, so that a link can lead to
// them, which has one value only; "" when a name in it would break the link.
func (j *job) logQuery() string {
	var parts []string
	add := func(name, text string) {
		if text != "" {
			parts = append(parts, name+`:"`+text+`"`)
		}
	}
	add("lab_name", j.lab)
	if add("job_id", j.id); j.id == "" {
		add("node_id", j.node)
	}
	for _, text := range [...]string{j.lab, j.id} {
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
			log = fmt.Sprintf("%s and lineno >= %d and lineno <= %d", log, max(1, in.Line-linesBefore),
				in.Line+linesBehind)
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
	j := &d.job
	if !j.logRead && len(j.incidents) == 0 {
		return // nothing is known of it
	}
	d.number("incidents", len(j.incidents))
	for i := range j.incidents {
		if in := &j.incidents[i]; !in.Provoked {
			d.member("incident", in.Title)
			return
		}
	}
}
