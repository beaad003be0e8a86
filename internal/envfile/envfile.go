// Package envfile reads files of KEY=value lines as systemd reads an
// EnvironmentFile, so that one file serves a service and a terminal.
//
// It is no shell: nothing is expanded, and # begins a comment at the beginning of
// a line only. The caveat: like systemd it skips a line without = and one whose
// name is no variable's name.
package envfile

import "strings"

// Variable is one setting of a file.
type Variable struct{ Name, Value string }

// Parse reads a file's text, by the rules of systemd.exec(5), EnvironmentFile=,
// and of systemd's parser (src/basic/env-file.c, version 254 and later). A byte
// order mark and "export " before a name are skipped besides. A name may come
// several times; the last one counts.
func Parse(text string) []Variable {
	p := parser{rest: strings.TrimPrefix(text, "\ufeff")}
	var found []Variable
	for p.rest != "" {
		name, ok := p.name()
		if !ok {
			continue
		}
		value := p.value()
		name = strings.TrimLeft(strings.TrimPrefix(name, "export "), blanks)
		if validName(name) && !strings.Contains(value, "\x00") {
			found = append(found, Variable{name, value})
		}
	}
	return found
}

const (
	blanks   = " \t"
	newlines = "\n\r"
)

type parser struct{ rest string }

// next takes one byte; 0 and false at the end.
func (p *parser) next() (byte, bool) {
	if p.rest == "" {
		return 0, false
	}
	c := p.rest[0]
	p.rest = p.rest[1:]
	return c, true
}

// name reads up to the =. False: the line is a comment, blank, or has none.
func (p *parser) name() (name string, ok bool) {
	p.rest = strings.TrimLeft(p.rest, blanks+newlines)
	line := p.rest
	if i := strings.IndexAny(line, newlines); i >= 0 {
		line = line[:i]
	}
	name, _, ok = strings.Cut(line, "=")
	if !ok || name == "" || name[0] == '#' || name[0] == ';' {
		p.rest = p.rest[len(line):]
		return "", false
	}
	p.rest = p.rest[len(name)+1:]
	return strings.TrimRight(name, blanks), true
}

// value reads what stands behind the =: quoted parts, and then the text as it is.
func (p *parser) value() string {
	var out strings.Builder
	all := p.rest
	for {
		p.rest = strings.TrimLeft(p.rest, blanks)
		c, ok := p.next()
		switch {
		case !ok, strings.IndexByte(newlines, c) >= 0:
			return out.String()
		case c == '\'':
			p.single(&out)
		case c == '"':
			p.double(&out)
		default:
			p.rest = all[len(all)-len(p.rest)-1:]
			p.plain(&out)
			return out.String()
		}
	}
}

// single reads up to the closing quote, over lines.
func (p *parser) single(out *strings.Builder) {
	text, rest, _ := strings.Cut(p.rest, "'")
	out.WriteString(text)
	p.rest = rest
}

// double reads up to the closing quote. A backslash takes the meaning from " \ `
// and $, joins lines before a newline, and stays before anything else.
func (p *parser) double(out *strings.Builder) {
	for c, ok := p.next(); ok && c != '"'; c, ok = p.next() {
		if c != '\\' {
			out.WriteByte(c)
			continue
		}
		switch c, ok = p.next(); {
		case !ok:
			return
		case strings.IndexByte("\"\\`$", c) >= 0:
			out.WriteByte(c)
		case c != '\n':
			out.WriteByte('\\')
			out.WriteByte(c)
		}
	}
}

// plain reads to the end of the line without the blanks there. A backslash takes
// the meaning from the next character, and joins lines.
func (p *parser) plain(out *strings.Builder) {
	var text strings.Builder
	kept := 0 // of text, up to the last character that is no blank
	for c, ok := p.next(); ok && strings.IndexByte(newlines, c) < 0; c, ok = p.next() {
		escaped := c == '\\'
		if escaped {
			if c, ok = p.next(); !ok {
				break
			}
			if strings.IndexByte(newlines, c) >= 0 {
				continue
			}
		}
		text.WriteByte(c)
		if escaped || strings.IndexByte(blanks, c) < 0 {
			kept = text.Len()
		}
	}
	out.WriteString(text.String()[:kept])
}

// validName reports whether an environment variable may be called so.
func validName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
