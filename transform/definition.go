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
