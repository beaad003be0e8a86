package transform

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// readDefinition takes the job's facts from the definition's metadata. It is
// false, and the damage tagged, when there is no metadata to take them from.
func (d *Documents) readDefinition(raw []byte) bool {
	if raw[0] != '"' {
		d.tag("_typeerror:definition")
		return false
	}
	text := d.work.stringText(raw)
	var facts jobFacts
	if !facts.strict(text) {
		facts = jobFacts{}
		if damage := facts.slow(&d.work.yaml, text); damage != "" {
			d.tag(damage)
			return false
		}
	}
	d.work.facts = facts
	return true
}

// jobFacts are what kcing keeps of a definition's metadata.
type jobFacts struct {
	values [len(jobFields)]string // in the order of jobFields
	nodeID string
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

// strict reads the metadata alone, which stands at the definition's outermost
// level; false when it is in another form, or when it is in doubt whether the
// line that looks like its beginning is one.
func (f *jobFacts) strict(text string) bool {
	const key = "metadata:"
	start := 0
	if !strings.HasPrefix(text, key) {
		if start = strings.Index(text, "\n"+key) + 1; start == 0 {
			return false
		}
	}
	before, after := text[:start], text[start+len(key):]
	// An odd number of quotes could mean that a quoted text is still open here.
	if strings.Count(before, "'")%2 != 0 || strings.Count(before, `"`)%2 != 0 || strings.HasPrefix(text, "{") ||
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
	meta := y.child(root, "metadata")
	if meta == nil || meta.Kind != yaml.MappingNode {
		return "_nometadata:definition"
	}
	for i := range jobFields {
		f.values[i] = y.text(y.child(meta, jobFields[i].key))
	}
	f.nodeID = y.text(y.child(meta, "node_id"))
	return ""
}
