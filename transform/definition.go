package transform

import (
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
	d.work.facts = facts
	return damage == ""
}

// jobFacts are what kcing keeps of a definition's metadata.
type jobFacts struct {
	values [len(jobFields)]string // in the order of jobFields
	nodeID string
	// Of the definition itself; role is that of a multinode job's device.
	deviceType, jobName, role string
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

// strict reads a definition in the form that nearly all have; false: in another.
func (f *jobFacts) strict(text string) bool {
	if strings.Contains(text, multinode) || !f.strictMetadata(text) {
		return false // its role stands deep within
	}
	var ok bool
	if f.deviceType, ok = topText(text, "device_type"); ok {
		f.jobName, ok = topText(text, "job_name")
	}
	return ok
}

// multinode is the protocol whose part of a definition has the device's role.
const multinode = "lava-multinode"

// topText is the text of a key of the outermost level; false when it is in doubt
// whether it stands there.
func topText(text, key string) (string, bool) {
	start := 0
	if !strings.HasPrefix(text, key+":") {
		if start = strings.Index(text, "\n"+key+":") + 1; start == 0 {
			return "", !strings.Contains(text, key)
		}
	}
	i := start + len(key) + len(":")
	if strings.Contains(text[i:], "\n"+key) || !quotesClosed(text[:start]) {
		return "", false
	}
	y := strictYAML{text: text}
	if !y.at(i, " ") {
		return "", false
	}
	v, end := y.scalar(i+1, 0, false)
	return v.text(), end >= 0 && y.lineEnd(end) >= 0
}

// strictMetadata reads the metadata alone, which stands at the definition's outermost
// level; false when it is in another form, or when it is in doubt whether the
// line that looks like its beginning is one.
func (f *jobFacts) strictMetadata(text string) bool {
	const key = "metadata:"
	start := 0
	if !strings.HasPrefix(text, key) {
		if start = strings.Index(text, "\n"+key) + 1; start == 0 {
			return false
		}
	}
	before, after := text[:start], text[start+len(key):]
	if !quotesClosed(before) || strings.HasPrefix(text, "{") ||
		strings.Contains(text, "\n---") || strings.Contains(text, "\n...") || strings.Contains(after, "\n"+key) {
		return false
	}
	if root := (&strictYAML{text: text}); root.keyEnd(0) < 0 {
		return false // the outermost level is something other than a mapping
	}
	odd := false
	y := strictYAML{text: after, pair: func(level int, key string, v scalar) {
		if level != 1 {
			return
		}
		if field := f.field(key); field != nil {
			odd = odd || v == collection
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
	return !odd && end >= 0 && (end == len(after) || y.keyEnd(end) > 0)
}

// quotesClosed tells whether no quoted text can be open at the end of text.
// False: it can, or a quote stands where it is not clear whether it opens one,
// as in plain text.
func quotesClosed(text string) bool {
	single, double := indexFrom(text, 0, '\''), indexFrom(text, 0, '"')
	blocks := mayHoldBlocks(text)
	for {
		i := min(single, double)
		if i == len(text) {
			return true
		}
		end := closingQuote(text, i)
		if end < 0 || !mayOpen(text[:i]) {
			return false
		}
		if strings.Contains(text[i:end], "\n") && (blocks || !opensValue(text[:i])) {
			return false
		}
		if single <= end {
			single = indexFrom(text, end+1, '\'')
		}
		if double <= end {
			double = indexFrom(text, end+1, '"')
		}
	}
}

// indexFrom is the place of c in text from i on; the text's end if there is none.
func indexFrom(text string, i int, c byte) int {
	if n := strings.IndexByte(text[i:], c); n >= 0 {
		return i + n
	}
	return len(text)
}

// closingQuote is the place of the quote that closes the one at i; -1 when there
// is none, or an escape.
func closingQuote(text string, i int) int {
	quote := text[i]
	for end := i + 1; ; end += len("''") {
		end = indexFrom(text, end, quote)
		switch {
		case end == len(text), quote == '"' && strings.Contains(text[i:end], `\`):
			return -1
		case quote == '"' || end+1 == len(text) || text[end+1] != quote:
			return end
		}
	}
}

// mayOpen tells whether a quote behind before can open a quoted text, as far as
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

// opensValue tells that a quote behind before certainly opens a quoted text: it
// follows a key's colon, which plain text cannot hold, and there is no comment.
func opensValue(before string) bool {
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return strings.HasSuffix(line, ": ") && !strings.Contains(line, "#")
}

// mayHoldBlocks tells whether there can be block scalars, whose text is anything.
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
	f.role = y.scalarText(y.mapping(y.mapping(root, "protocols"), multinode), "role")
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

// mapping is a mapping below a key of another; nil when there is none.
func (y *yamlReader) mapping(m *yaml.Node, key string) *yaml.Node {
	if m == nil {
		return nil
	}
	if m = y.child(m, key); m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	return m
}

// scalarText is the text of a key's scalar, "" for anything else.
func (y *yamlReader) scalarText(m *yaml.Node, key string) string {
	if m == nil {
		return ""
	}
	if m = y.child(m, key); m == nil || m.Kind != yaml.ScalarNode {
		return ""
	}
	return y.text(m)
}
