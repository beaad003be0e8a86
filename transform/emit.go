package transform

import (
	"strconv"

	"github.com/kcing/kcing/internal/jsontext"
)

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

func (d *Documents) number(name string, n int) {
	d.buf = strconv.AppendInt(appendName(d.buf, name), int64(n), 10)
}

func (d *Documents) flag(name string, yes bool) {
	d.buf = strconv.AppendBool(appendName(d.buf, name), yes)
}
