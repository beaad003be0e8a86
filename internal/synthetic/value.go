package synthetic

import "strconv"

type valueKind uint8

const (
	textValue    valueKind = iota // a string
	literalValue                  // a number, true, false or null, as written
	listValue
	objectValue
)

// value is a tree that can be written as Python writes it, in JSON (json.go)
// or in YAML (yaml.go). Fields of an object keep their order in JSON.
type value struct {
	kind   valueKind
	text   string
	items  []value
	fields []field
}

type field struct {
	name  string
	value value
}

func text(s string) value               { return value{kind: textValue, text: s} }
func literal(s string) value            { return value{kind: literalValue, text: s} }
func number(n int64) value              { return literal(strconv.FormatInt(n, 10)) }
func boolean(b bool) value              { return literal(strconv.FormatBool(b)) }
func list(items ...value) value         { return value{kind: listValue, items: items} }
func object(fields ...field) value      { return value{kind: objectValue, fields: fields} }
func member(name string, v value) field { return field{name: name, value: v} }
func textMember(name, s string) field   { return field{name: name, value: text(s)} }

var null = literal("null")

func texts(s ...string) value {
	v := value{kind: listValue, items: make([]value, len(s))}
	for i := range s {
		v.items[i] = text(s[i])
	}
	return v
}

// hundredths writes n/100 with two decimals, without a float in between.
func hundredths(n int) string {
	whole, cents := n/100, n%100
	s := strconv.Itoa(whole) + "."
	if cents < 10 {
		s += "0"
	}
	return s + strconv.Itoa(cents)
}
