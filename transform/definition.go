package transform

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readDefinition takes the job's facts from the definition and its metadata. It
// is false, and the damage tagged, when there is nothing to take them from.
func (d *Documents) readDefinition(raw []byte) bool {
	if raw[0] != '"' {
		d.tag("_typeerror:definition")
		return false
	}
	text := d.work.stringText(raw)
	var facts jobFacts
	damage := ""
	if !facts.strict(text) {
		facts = jobFacts{}
		damage = facts.slow(&d.work.yaml, text)
	}
	if damage != "" {
		d.tag(damage)
	}
	if board := facts.field("device.type"); *board == "" || *board == pythonNone {
		*board = facts.deviceType
	}
	for i := range facts.values {
		facts.values[i] = redactedURL(facts.values[i])
	}
	facts.jobName = redactedURL(facts.jobName)
	d.job.facts = facts
	return damage == ""
}

// field is where the text of a metadata key goes; nil for those not kept.
func (f *jobFacts) field(key string) *string {
	if key == "node_id" {
		return &f.nodeID
	}
	for i := range jobFields {
		if jobFields[i].key == key {
			return &f.values[i]
		}
	}
	return nil
}

// multinode is the protocol whose part of a definition has the device's role.
const multinode = "lava-multinode"

// strict reads a definition in the form that nearly all have: a block mapping
// with the metadata, and the texts wanted beside them, at its outermost level.
// False: it is in another form, or it is in doubt whether it is in this one.
func (f *jobFacts) strict(text string) bool {
	if strings.Contains(text, multinode) || strings.Contains(text, "\n---") || strings.Contains(text, "\n...") ||
		(&strictYAML{text: text}).keyEnd(0) < 0 {
		return false // the role stands deep within; or it is no block mapping, or more than one
	}
	keys := [...]string{"device_type", "job_name", "metadata"}
	var values, places [len(keys)]int
	for i, key := range keys {
		var certain bool
		if values[i], certain = topKey(text, key); !certain {
			return false
		}
	}
	places = values
	slices.Sort(places[:])
	closed := 0
	for _, place := range places {
		if place > 0 {
			if !quotesClosed(text[:place], closed) {
				return false
			}
			closed = place
		}
	}
	var one, other bool
	f.deviceType, one = topText(text, values[0])
	f.jobName, other = topText(text, values[1])
	return one && other && values[2] > 0 && f.strictMetadata(text[values[2]:])
}

// topKey is the place behind the colon of a key that a line begins with; 0 when
// there is none. False: it may stand elsewhere, or more than once.
func topKey(text, key string) (value int, certain bool) {
	at := 0
	if !strings.HasPrefix(text, key+":") {
		if at = strings.Index(text, "\n"+key+":") + 1; at == 0 {
			return 0, key == "metadata" || !strings.Contains(text, key)
		}
	}
	value = at + len(key) + len(":")
	return value, !strings.Contains(text[value:], "\n"+key)
}

// topText is the text of the value at that place, "" for none; false when it is
// not clearly a scalar.
func topText(text string, value int) (string, bool) {
	if value == 0 {
		return "", true
	}
	y := strictYAML{text: text}
	if !y.at(value, " ") {
		return "", false
	}
	v, end := y.scalar(value+1, 0, false)
	return v.text(), end >= 0 && y.lineEnd(end) >= 0
}

// strictMetadata reads the metadata, from behind their colon.
func (f *jobFacts) strictMetadata(after string) bool {
	unclear := false
	y := strictYAML{text: after, pair: func(level int, key string, v scalar) {
		if level != 1 {
			return
		}
		if field := f.field(key); field != nil {
			unclear = unclear || v == collection
			*field = v.text()
		}
	}}
	end := -1
	switch {
	case strings.HasPrefix(after, " {"):
		end = y.lineEnd(y.flow(1, 1))
	case strings.HasPrefix(after, "\n  "):
		end = y.mapping(1, len("  "), 1)
	}
	// The next key of the outermost level, or the end, has to follow.
	return !unclear && end >= 0 && (end == len(after) || y.keyEnd(end) > 0)
}

// quotesClosed reports whether no quoted text can be open at the end of text, when
// none is at from. False: it can, or a quote stands where it is not clear whether
// it opens one, as in plain text.
func quotesClosed(text string, from int) bool {
	for i := from; ; {
		next := strings.IndexAny(text[i:], `'"`)
		if next < 0 {
			return true
		}
		i += next
		end := closingQuote(text, i)
		if end < 0 || !mayOpen(text[:i]) {
			return false
		}
		if strings.Contains(text[i:end], "\n") && (!opensValue(text[:i]) || mayHoldBlocks(text)) {
			return false
		}
		i = end + 1
	}
}

// closingQuote is the place of the quote that closes the one at i; -1 when there
// is none, or an escape.
func closingQuote(text string, i int) int {
	quote := text[i : i+1]
	for end := i + 1; ; end += len("''") {
		n := strings.Index(text[end:], quote)
		if end += n; n < 0 || quote == `"` && strings.Contains(text[i:end], `\`) {
			return -1
		}
		if quote == `"` || !strings.HasPrefix(text[end+1:], quote) {
			return end
		}
	}
}

// mayOpen reports whether a quote behind before can open a quoted text, as far as
// the characters in front of it tell.
func mayOpen(before string) bool {
	text := strings.TrimRight(before, " ")
	if text == "" {
		return true
	}
	switch text[len(text)-1] {
	case '\n', '[', '{', ',':
		return true
	case ':', '-', '?':
		return len(text) < len(before)
	}
	return false
}

// opensValue reports whether a quote after before certainly opens a quoted text: it
// follows a key's colon, which plain text cannot hold, and there is no comment.
func opensValue(before string) bool {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return strings.HasSuffix(line, ": ") && !strings.Contains(line, "#")
}

// mayHoldBlocks reports whether there can be block scalars, whose text is anything.
func mayHoldBlocks(text string) bool {
	for _, indicator := range [...]string{": |", ": >", "- |", "- >"} {
		if strings.Contains(text, indicator) {
			return true
		}
	}
	return false
}

// slow reads the definition through the YAML library and returns a tag for what
// is wrong with it.
func (f *jobFacts) slow(y *yamlReader, text string) (damage string) {
	root, err := y.parse([]byte(text))
	if err != nil {
		return "_yamlerror:definition"
	}
	if root = y.visit(root); root == nil || root.Kind != yaml.MappingNode {
		return "_nometadata:definition"
	}
	f.deviceType, f.jobName = y.scalarText(root, "device_type"), y.scalarText(root, "job_name")
	f.role = y.scalarText(y.child(y.child(root, "protocols"), multinode), "role")
	meta := y.child(root, "metadata")
	switch {
	case meta == nil && f.deviceType != "":
		return "" // not every job says what it tests
	case meta == nil || meta.Kind != yaml.MappingNode:
		return "_nometadata:definition"
	}
	for i := range jobFields {
		f.values[i] = y.text(y.child(meta, jobFields[i].key))
	}
	f.nodeID = y.text(y.child(meta, "node_id"))
	return ""
}
