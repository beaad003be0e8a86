package manual

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
)

// Section is a part of the page that no definition holds, such as FILES: its paragraphs, each with an empty Name or
// that of what it explains.
type Section struct {
	Title string
	Items []Item
}

// Item is a paragraph of a Section.
type Item struct{ Name, Text string }

// Page is the manual page of section 1, as roff with man macros. The version stands at its foot.
func Page(program *cli.App, version string, sections ...Section) string {
	p := new(page)
	p.linef(`.TH %s 1 "" %s`, quoted(strings.ToUpper(program.Name)), quoted(program.Name+" "+version))
	p.linef(".SH NAME")
	p.linef("%s \\- %s", text(program.Name), text(program.Usage))
	p.linef(".SH SYNOPSIS")
	p.linef("%s", text(program.UsageText))
	p.linef(".SH DESCRIPTION")
	p.description(program.Description)
	p.linef(".SH COMMANDS")
	for _, c := range commands(program) {
		p.linef(".SS %s", quoted(strings.Join(append([]string{c.path}, c.Aliases...), ", ")))
		p.linef("%s.", text(strings.ToUpper(c.Usage[:1])+c.Usage[1:]))
		p.linef(".PP")
		p.linef(".B %s", text(c.UsageText))
		p.description(c.Description)
		if len(c.Subcommands) == 0 {
			p.flags(flags(c.Flags))
		}
	}
	for _, s := range sections {
		p.linef(".SH %s", quoted(s.Title))
		for _, item := range s.Items {
			if item.Name == "" {
				p.linef(".PP")
			} else {
				p.linef(".TP\n.B %s", text(item.Name))
			}
			p.linef("%s", text(item.Text))
		}
	}
	return p.String()
}

type page struct{ strings.Builder }

func (p *page) linef(format string, args ...any) { _, _ = fmt.Fprintf(p, format+"\n", args...) }

// description is text in paragraphs; what is indented stays as it is.
func (p *page) description(description string) {
	open, example := false, false
	for line := range strings.Lines(description) {
		line = strings.TrimRight(line, "\n")
		indented := strings.HasPrefix(line, "   ")
		switch {
		case line == "":
			open = false
			continue
		case indented && !example:
			p.linef(".PP\n.EX\n.RS 4")
		case !indented && example:
			p.linef(".RE\n.EE")
		}
		if !indented && !open {
			p.linef(".PP")
		}
		open, example = !indented, indented
		p.linef("%s", text(strings.TrimPrefix(line, "   ")))
	}
	if example {
		p.linef(".RE\n.EE")
	}
}

func (p *page) flags(list []flag) {
	for _, f := range list {
		p.linef(".TP")
		names := `\fB` + text(strings.Join(f.names, ", ")) + `\fR`
		if f.value != "" {
			names += ` \fI` + text(f.value) + `\fR`
		}
		p.linef("%s", names)
		usage := f.usage
		if f.normal != "" {
			usage += " (default: " + f.normal + ")"
		}
		if f.env != "" {
			usage += " [" + f.env + "]"
		}
		p.linef("%s", text(usage))
	}
}

// text is for a line of roff: no dot or quote at its beginning is a request, no hyphen becomes another character.
func text(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "~", `\(ti`, "^", `\(ha`, "`", `\(ga`).Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		s = `\&` + s
	}
	return s
}

func quoted(s string) string { return `"` + strings.ReplaceAll(text(s), `"`, `\(dq`) + `"` }
