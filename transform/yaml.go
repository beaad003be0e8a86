package transform

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"

	"github.com/kcing/kcing/internal/jsontext"
)

var errYAMLTooLarge = errors.New("larger than what is read as YAML at once")

// What one record may cost in the YAML library, beside [MaxYAMLBytes] and
// [MaxYAMLNodes]. Beyond it the parts that are left are not read.
const (
	maxYAMLMarks = 500_000  // indicators in what is parsed at once: each node needs one, and 200 bytes
	maxYAMLTotal = 80 << 20 // bytes parsed in all: [MaxDocuments] log lines of a usual length, one by one
	maxYAMLText  = 16 << 20 // bytes of scalars visited in all, aliases followed
	perParse     = 256      // how many bytes more each text costs
)

// yamlReader parses and walks YAML within a budget, so that neither a large text
// nor aliases can cost without end. The zero value has the whole budget.
type yamlReader struct {
	parsed, visited, charged int
	limited                  bool // something was left out for want of budget
	more                     bool // the text parsed last has more than one document
}

// spent reports whether nothing more may be read.
func (y *yamlReader) spent() bool {
	return y.parsed >= maxYAMLTotal || y.visited > MaxYAMLNodes || y.charged > maxYAMLText
}

func (y *yamlReader) affords(text []byte) bool { return y.parsed+len(text)+perParse < maxYAMLTotal }

// parse reads the first YAML document of text. Tags are kept as text and never
// turned into code or types.
func (y *yamlReader) parse(text []byte) (root *yaml.Node, err error) {
	root, err = y.decode(text)
	if err != nil && !errors.Is(err, errYAMLTooLarge) && bytes.Contains(text, []byte(`\/`)) {
		return y.decode([]byte(plainSlashes.Replace(string(text))))
	}
	return root, err
}

// plainSlashes writes each escaped slash as it stands: PyYAML knows this escape of
// JSON's, the library does not.
var plainSlashes = strings.NewReplacer(`\\`, `\\`, `\/`, `/`)

func (y *yamlReader) decode(text []byte) (root *yaml.Node, err error) {
	y.more = false
	if tooLarge(text) {
		y.limited = true
		return nil, errYAMLTooLarge
	}
	if !y.affords(text) {
		// That ends it: nothing shall depend on how small the texts behind it are.
		y.parsed, y.limited = maxYAMLTotal, true
		return nil, errYAMLTooLarge
	}
	y.parsed += len(text) + perParse
	defer func() { // the library is not ours: bad input must not stop good input
		if p := recover(); p != nil {
			root, err = nil, fmt.Errorf("yaml: %v", p)
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(joinSurrogates(text)))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) { // the end: an empty text
		return nil, err
	}
	y.more = !errors.Is(dec.Decode(new(yaml.Node)), io.EOF)
	if len(doc.Content) == 0 {
		return nil, errors.New("yaml: empty")
	}
	return doc.Content[0], nil
}

// tooLarge reports whether text is too much to be parsed at once.
func tooLarge(text []byte) bool { return len(text) > MaxYAMLBytes || marks(text) > maxYAMLMarks }

// marks counts the indicators that a YAML text may begin nodes with.
func marks(text []byte) int {
	n := 0
	for _, c := range text {
		if indicators[c] {
			n++
		}
	}
	return n
}

var indicators = func() (t [256]bool) {
	for _, c := range []byte("-?:,[{\n") {
		t[c] = true
	}
	return t
}()

// joinSurrogates writes the escape of a surrogate pair as the one character it
// means. YAML has no surrogates and the library refuses them, but they come:
// JSON encoders write the log's lines in some labs.
func joinSurrogates(text []byte) []byte {
	if !jsontext.MayHoldSurrogates(text) {
		return text
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		if half, ok := jsontext.HexEscape(text, i); ok && utf16.IsSurrogate(half) {
			r, n := jsontext.EscapedRune(text, i)
			out = fmt.Appendf(out, `\U%08X`, r)
			i += n
			continue
		}
		end := i + 1
		if text[i] == '\\' { // what it escapes may be a backslash too
			end = min(i+2, len(text))
		}
		out = append(out, text[i:end]...)
		i = end
	}
	return out
}

// visit follows aliases and counts; it returns nil when the budget is spent.
func (y *yamlReader) visit(node *yaml.Node) *yaml.Node {
	for node != nil && node.Kind == yaml.AliasNode {
		y.visited++
		node = node.Alias
	}
	if node == nil {
		return nil
	}
	y.visited++
	y.charged += len(node.Value)
	if y.visited > MaxYAMLNodes || y.charged > maxYAMLText {
		y.limited = true
		return nil
	}
	return node
}

// child is the value of a key of a mapping, or of a mapping that a merge key
// brings in; nil when there is none or it is null, and where m is no mapping.
func (y *yamlReader) child(m *yaml.Node, key string) *yaml.Node {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	v, found := y.own(m, key)
	for i := 0; i+1 < len(m.Content) && !found; i += 2 {
		if m.Content[i].Tag == mergeTag {
			if merged := y.visit(m.Content[i+1]); merged != nil && merged.Kind == yaml.MappingNode {
				v, found = y.own(merged, key)
			}
		}
	}
	if v = y.visit(v); v != nil && v.Kind == yaml.ScalarNode && isNull(v) {
		return nil
	}
	return v
}

// mergeTag is that of the key <<.
const mergeTag = "!!merge"

// own is the value of a mapping's own key, the last one as psych has it.
func (y *yamlReader) own(m *yaml.Node, key string) (v *yaml.Node, found bool) {
	for i := len(m.Content) - 2; i >= 0; i -= 2 {
		if k := m.Content[i]; k.Value == key && k.Kind == yaml.ScalarNode {
			return m.Content[i+1], true
		}
	}
	return nil, false
}

// plain reports whether a scalar is neither quoted nor tagged, so that its text
// decides its type.
func plain(v *yaml.Node) bool {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle |
		yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	return v.Style&quoted == 0
}

func isNull(v *yaml.Node) bool {
	return plain(v) && (v.Value == "" || v.Value == "~" || strings.EqualFold(v.Value, "null"))
}

// scalarText is the text of a key's scalar, "" for anything else.
func (y *yamlReader) scalarText(m *yaml.Node, key string) string {
	if v := y.child(m, key); v != nil && v.Kind == yaml.ScalarNode {
		return y.text(v)
	}
	return ""
}

// text is a node as text, as Ruby's psych followed by to_s has it for scalars;
// mappings and sequences become compact JSON.
func (y *yamlReader) text(v *yaml.Node) string {
	if v == nil {
		return ""
	}
	if v.Kind == yaml.ScalarNode {
		if !plain(v) {
			return v.Value
		}
		return plainText(v.Value)
	}
	return string(y.appendJSON(nil, v, 0))
}

// Plain scalars as YAML 1.1 and psych resolve them. Only those whose text
// changes need a look; a canonical number is its own text. Those that are numbers
// to psych and text to PyYAML, which writes what we read, stay text: 1,000 and -.5.
var (
	canonicalNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
	yamlInteger     = regexp.MustCompile(`^[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|(0|[1-9][0-9_]*))$`)
	yamlFloat       = regexp.MustCompile(`^[-+]?[0-9][0-9_]*\.[0-9]*([eE][-+][0-9]+)?$`)
)

// plainText is a plain scalar's text after resolution: "yes" is "true", "0x10"
// is "16", and what no rule matches ("0E-10", "None") stays as it is.
func plainText(s string) string {
	if s == "" {
		return s
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9' || c == '-' || c == '+':
		return numberText(s)
	case len(s) <= 5:
		switch strings.ToLower(s) {
		case "yes", "true", "on":
			return "true"
		case "no", "false", "off":
			return "false"
		}
	}
	return s
}

func numberText(s string) string {
	if !numeric(s) || canonicalNumber.MatchString(s) {
		return s
	}
	digits := strings.ReplaceAll(s, "_", "")
	if yamlInteger.MatchString(s) {
		if i, err := strconv.ParseInt(digits, 0, 64); err == nil {
			return strconv.FormatInt(i, 10)
		}
		return s
	}
	if yamlFloat.MatchString(s) {
		if f, err := strconv.ParseFloat(digits, 64); err == nil && !math.IsInf(f, 0) {
			if f == math.Trunc(f) && math.Abs(f) < 1e16 {
				return strconv.FormatFloat(f, 'f', 1, 64)
			}
			return strconv.FormatFloat(f, 'g', -1, 64)
		}
	}
	return s
}

// numeric spares the expressions what cannot match any of them: versions and
// levels ("2.4.4"), device names, and LAVA's decimals ("0E-10").
func numeric(s string) bool {
	dots, exponents := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			dots++
		case c == 'e' || c == 'E':
			exponents++
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F', c == 'x', c == '_', c == '-', c == '+':
		default:
			return false
		}
	}
	return dots <= 1 && (exponents == 0 || dots == 1 || strings.Contains(s, "0x"))
}

// appendJSON writes a node as compact JSON. What lies deeper than MaxDepth or
// beyond the budget is written as null.
func (y *yamlReader) appendJSON(dst []byte, v *yaml.Node, level int) []byte {
	v = y.visit(v)
	if v == nil || level > MaxDepth {
		return append(dst, "null"...)
	}
	switch v.Kind {
	case yaml.MappingNode:
		last := map[string]int{}
		for i := 0; i+1 < len(v.Content); i += 2 {
			last[v.Content[i].Value] = i
		}
		dst = append(dst, '{')
		first := true
		for i := 0; i+1 < len(v.Content); i += 2 {
			if last[v.Content[i].Value] != i {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			y.charged += len(v.Content[i].Value)
			dst = jsontext.AppendString(dst, v.Content[i].Value)
			dst = append(dst, ':')
			dst = y.appendJSON(dst, v.Content[i+1], level+1)
		}
		return append(dst, '}')
	case yaml.SequenceNode:
		dst = append(dst, '[')
		for i, c := range v.Content {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = y.appendJSON(dst, c, level+1)
		}
		return append(dst, ']')
	}
	return appendScalarJSON(dst, v)
}

func appendScalarJSON(dst []byte, v *yaml.Node) []byte {
	if !plain(v) {
		return jsontext.AppendString(dst, v.Value)
	}
	if isNull(v) {
		return append(dst, "null"...)
	}
	text := plainText(v.Value)
	if canonicalNumber.MatchString(text) || text == "true" || text == "false" {
		return append(dst, text...)
	}
	return jsontext.AppendString(dst, text)
}
