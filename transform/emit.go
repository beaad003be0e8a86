package transform

import "github.com/kcing/kcing/internal/jsontext"

// dropped are the fields that no document keeps: Logstash's own, the token, and
// those that would send a document elsewhere.
var dropped = nameSet("type headers @version @metadata token message tags @timestamp")

// added are the fields that kcing writes itself; one of the body with the same
// name gives way.
var added = nameSet("build_key boot_key test_key")

// members writes fields as they are, less those that are dropped, null or
// written by kcing itself. edit, when given, changes or leaves out a value.
func (d *Documents) members(fields []jsontext.Field, edit func(jsontext.Field) ([]byte, bool)) {
	for _, f := range fields {
		if string(f.Raw) == "null" || dropped[string(f.Name)] || added[string(f.Name)] {
			continue
		}
		if edit != nil {
			var keep bool
			if f.Raw, keep = edit(f); !keep {
				continue
			}
		}
		d.buf = appendField(d.buf, f)
	}
}

// member writes a text, or nothing when it is empty.
func (d *Documents) member(name, text string) {
	if text != "" {
		d.buf = appendMember(d.buf, name, text)
	}
}

// tags writes the damage noted so far.
func (d *Documents) tags() { d.texts("tags", d.Tags) }

// texts writes a list of texts, or nothing when it is empty.
func (d *Documents) texts(name string, list []string) {
	for i, text := range list {
		if i == 0 {
			d.buf = append(appendName(d.buf, name), '[')
		} else {
			d.buf = append(d.buf, ',')
		}
		d.buf = jsontext.AppendString(d.buf, text)
	}
	if len(list) > 0 {
		d.buf = append(d.buf, ']')
	}
}

// appendField writes a member as it came.
func appendField(dst []byte, f jsontext.Field) []byte {
	dst = jsontext.AppendString(append(dst, ','), f.Name)
	return appendValue(append(dst, ':'), f.Raw)
}

// appendMember writes a text, empty or not. The name must need no escaping.
func appendMember(dst []byte, name, text string) []byte {
	return jsontext.AppendString(appendName(dst, name), text)
}

func appendName(dst []byte, name string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	return append(dst, `":`...)
}
