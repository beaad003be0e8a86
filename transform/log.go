package transform

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kcing/kcing/internal/jsontext"
)

// readLog makes the log documents and says how many. Damage is tagged; the
// error is for a log that goes past a limit.
func (d *Documents) readLog(log jobLog) (made int, err error) {
	switch {
	case log.raw == nil:
		return 0, nil
	case log.raw[0] != '"':
		d.tag("_typeerror:log")
		return 0, nil
	}
	l := logReader{d: d, raw: log.raw[1 : len(log.raw)-1]}
	if log.plain {
		return l.plain()
	}
	l.ascii = log.ascii || printableASCII(l.raw)
	start := l.place()
	from, err := l.byLine()
	if err != nil || from == len(l.raw) {
		return l.made, err
	}
	if root := l.whole(); root != nil {
		l.goBack(start)
		if err = l.entries(root); err == nil && d.work.yaml.more {
			l.lines++
			l.damaged()
		}
		return l.made, err
	}
	err = l.byEntry(from)
	if l.large && l.lost {
		d.work.yaml.limited = true // the whole log might have been read otherwise
	}
	return l.made, err
}

// plain makes a document for each line of the console's text that is not empty.
func (l *logReader) plain() (made int, err error) {
	for i := 0; i < len(l.raw); {
		end, next := l.endOfLine(i)
		l.lines++
		if line := l.text(l.raw[i:end]); len(line) > 0 {
			l.begin(l.lines)
			l.d.buf = appendMember(l.d.buf, "lvl", levelTarget)
			l.message(levelTarget, strings.TrimSuffix(string(line), "\r"))
			l.finish()
		}
		i = next
		if err := l.limits(); err != nil {
			return l.made, err
		}
	}
	return l.made, nil
}

// byLine goes line by line and returns the end. Where it is in doubt about the
// lines' boundaries it returns the begin of the entry in doubt; what it has made
// of those before is as it should be.
func (l *logReader) byLine() (end int, err error) {
	entry, before := 0, l.place() // that of the line before
	for i := 0; i < len(l.raw); {
		here := l.place()
		next := l.fastLine(i)
		if next == 0 {
			next = l.otherLine(i)
		}
		// A line without a dash in front belongs to the entry before.
		begins := next >= 0 && l.lines > here.lines || next < 0 && (l.raw[i] == '-' || l.lines == 0)
		if begins {
			entry, before = i, here
		}
		if next < 0 {
			l.goBack(before)
			return entry, nil
		}
		i = next
		if err := l.limits(); err != nil {
			return i, err
		}
	}
	return len(l.raw), nil
}

// place is how far a reader has come.
type place struct {
	documents   mark
	lines, made int
}

func (l *logReader) place() place { return place{l.d.mark(), l.lines, l.made} }

func (l *logReader) goBack(p place) {
	l.d.rewind(p.documents)
	l.lines, l.made = p.lines, p.made
}

// otherLine reads the line at i through the YAML library and returns where the
// next one begins; -1 when the line is not clearly a whole entry.
func (l *logReader) otherLine(i int) (next int) {
	end, next := l.endOfLine(i)
	line := l.raw[i:end]
	switch {
	case blankLine(line):
		return next
	case !hasAt(line, 0, "- "), next < len(l.raw) && l.raw[next] != '-' && !hasAt(l.raw, next, lineBreak):
		return -1
	}
	l.lines++
	if !l.slowEntry(line) {
		return -1
	}
	return next
}

// whole parses the log as one YAML document; nil when it is none, or no list.
func (l *logReader) whole() *yaml.Node {
	y := &l.d.work.yaml
	if l.large = len(l.raw) > 2*MaxYAMLBytes; l.large { // without its escapes as well
		return nil
	}
	text := l.text(l.raw)
	if l.large = tooLarge(text); l.large {
		return nil
	}
	if !y.affords(text) {
		return nil // what is left goes further line by line
	}
	root, err := y.parse(text)
	if err != nil || root.Kind != yaml.SequenceNode {
		return nil
	}
	if y.more && root.Style&yaml.FlowStyle == 0 {
		return nil // byEntry finds what is behind the list too, but knows no flow style
	}
	return root
}

// entries makes the documents of a log that is a list.
func (l *logReader) entries(list *yaml.Node) error {
	for _, e := range list.Content {
		l.lines++
		if !l.entry(e) {
			l.damaged()
		}
		if err := l.limits(); err != nil {
			return err
		}
	}
	return nil
}

// byEntry reads each entry from i on by itself, leaves out what it cannot read,
// and tags it. An entry begins at a line with a dash in front and goes on to the
// next.
func (l *logReader) byEntry(i int) error {
	for i < len(l.raw) {
		firstEnd, next := l.endOfLine(i)
		for next < len(l.raw) && l.raw[next] != '-' {
			_, next = l.endOfLine(next)
		}
		switch {
		case l.raw[i] == '-':
			l.salvage(i, firstEnd, next)
		case !blankLine(l.raw[i:next]):
			l.d.tag("_yamlerror:log") // something before the first entry
			l.lost = true
		}
		i = next
		if err := l.limits(); err != nil {
			return err
		}
	}
	return nil
}

// salvage reads the entry in raw[i:next], and if that fails its first line,
// which often is the entry with something else behind.
func (l *logReader) salvage(i, firstEnd, next int) {
	if end := l.fastLine(i); end > 0 {
		if !blankLine(l.raw[end:next]) {
			l.damaged()
		}
		return
	}
	l.lines++
	if l.slowEntry(l.raw[i:next]) {
		return
	}
	l.damaged()
	if !blankLine(l.raw[firstEnd:next]) {
		l.slowEntry(l.raw[i:firstEnd])
	}
}

func (l *logReader) limits() error {
	if l.lines > MaxDocuments {
		return refuse("too_many_documents", "log", fmt.Sprintf("more than %d lines", MaxDocuments))
	}
	if l.d.size > MaxOutput {
		return errTooLarge("log")
	}
	return nil
}

// damaged tags the present entry, unless it is the budget that does not reach:
// that has a tag of its own.
func (l *logReader) damaged() {
	l.lost = true
	if !l.d.work.yaml.spent() {
		l.d.tag("_yamlerror:log." + strconv.Itoa(l.lines))
	}
}

// endOfLine finds the line break (a JSON \n) that ends the line at i.
func (l *logReader) endOfLine(i int) (end, next int) {
	for i < len(l.raw) {
		j := bytes.IndexByte(l.raw[i:], '\\')
		if j < 0 {
			break
		}
		i += j
		if l.raw[i+1] == 'n' {
			return i, i + 2
		}
		i += 2
	}
	return len(l.raw), len(l.raw)
}

// blankLine reports whether a line is nothing but blanks, tabs and line breaks.
func blankLine(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] == ' ' {
			continue
		}
		if raw[i] != '\\' || raw[i+1] != 'n' && raw[i+1] != 'r' && raw[i+1] != 't' {
			return false
		}
		i++
	}
	return true
}

// text is a part of the log without JSON's escapes.
func (l *logReader) text(raw []byte) []byte {
	fixed, changed := jsontext.ReplaceLoneSurrogates(raw)
	if changed {
		l.d.tag("_invalidutf8")
	}
	return jsontext.Unescape(fixed)
}

// slowEntry reads one entry through the YAML library.
func (l *logReader) slowEntry(raw []byte) bool {
	root, err := l.d.work.yaml.parse(l.text(raw))
	one := err == nil && root.Kind == yaml.SequenceNode && len(root.Content) == 1 && !l.d.work.yaml.more
	return one && l.entry(root.Content[0])
}

// entry makes the document of an entry that the YAML library has read.
func (l *logReader) entry(e *yaml.Node) bool {
	y := &l.d.work.yaml
	if e = y.visit(e); e == nil || e.Kind != yaml.MappingNode {
		return false
	}
	dt, lvl, msg := y.child(e, "dt"), y.child(e, "lvl"), y.child(e, "msg")
	if dt == nil && lvl == nil && msg == nil {
		return false
	}
	l.begin(l.lines)
	if dt != nil {
		l.d.buf = appendMember(l.d.buf, "dt", toMillis(y.text(dt), dtStamp))
	}
	level := ""
	if lvl != nil {
		level = y.text(lvl)
		l.d.buf = appendMember(l.d.buf, "lvl", level)
	}
	if msg != nil {
		l.message(level, y.message(msg))
	}
	if ns := y.child(e, "ns"); ns != nil {
		l.d.buf = appendMember(l.d.buf, "ns", y.text(ns))
	}
	l.finish()
	return true
}

// message is a msg as text: the elements of a list joined by commas, a mapping
// as compact JSON.
func (y *yamlReader) message(v *yaml.Node) string {
	if v.Kind != yaml.SequenceNode {
		return y.text(v)
	}
	parts := make([]string, 0, len(v.Content))
	for _, c := range v.Content {
		parts = append(parts, y.text(y.visit(c)))
	}
	return strings.Join(parts, ",")
}

// message writes what the present entry says.
func (l *logReader) message(level, text string) {
	before := len(l.d.buf)
	l.d.buf = appendMember(l.d.buf, "msg", text)
	l.d.suspect([]byte(level), l.d.buf[before:])
}
