package transform

import (
	"strconv"

	"github.com/kcing/kcing/internal/jsontext"
)

// field writes a field of the record as it is, less what is secret in it, unless it is
// null, dropped, secret or written by kcing itself.
func (d *Documents) field(f jsontext.Field) {
	if name := string(f.Name); string(f.Raw) == "null" || dropped[name] || added[name] || secretName.MatchString(name) {
		return
	}
	d.buf = append(jsontext.AppendString(append(d.buf, ','), f.Name), ':')
	value := redactURLs(f.Raw)
	if value[0] == '{' || value[0] == '[' {
		value = replaceNamed(value, memberSecret)
	}
	d.buf = appendValue(d.buf, value)
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
