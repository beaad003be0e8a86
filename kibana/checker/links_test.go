package checker

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// linkTemplate is a link to one of our dashboards, relative to Kibana's /app/:
// the id and the KQL.
var linkTemplate = regexp.MustCompile(`^dashboards#/view/([^?]+)\?_g=\(time:\(from:now-\d+[dy],to:now\)\)&_a=\(query:\(language:kuery,query:'(.*)'\)\)$`)

// dashboardLink takes a URL apart as Kibana's router and its rison reader do; ok
// is false for other URLs.
func dashboardLink(link string) (id, kql string, ok bool) {
	m := linkTemplate.FindStringSubmatch(link)
	if m == nil {
		return "", "", false
	}
	kql, err := url.PathUnescape(m[2]) // + stays +, as for decodeURIComponent
	// In rison a ' ends the text and a ! escapes.
	if err != nil || strings.ContainsAny(kql, "'!") {
		return "", "", false
	}
	return m[1], kql, true
}

// fillIn puts a field's value into a URL template as Kibana's formatter does.
func fillIn(template, value string) string {
	return strings.ReplaceAll(template, "{{value}}", encodeURIComponent(value))
}

// encodeURIComponent is JavaScript's.
func encodeURIComponent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
			strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
		}
	}
	return b.String()
}

// keyCharacters are all that transform leaves in a key.
const keyCharacters = "mainline|next/pending-fixes|v6.17-rc3~x|defconfig+CONFIG_A=y|arm64|gcc-12|lab_a|dm365evm,legacy:nfs@2"

// pathCharacters are some of those that a test's name may have; all but quotes,
// the backslash and the exclamation mark, which transform leaves out.
const pathCharacters = "kunit/it_s so_/a b%c&d#e?f=g+h (i)*<j>{k}:[l] ü~|"

// checkLinks holds the links of a data view's fields: they lead to a page of the
// file and ask there for just the value of the row.
func (f *file) checkLinks(o *object) {
	for field, format := range o.view.FieldFormatMap.value {
		template := format.Params.URLTemplate
		if format.ID != "url" || format.Params.Type != "a" || !strings.Contains(template, "{{value}}") {
			f.find("link format", o, "%s: %s", field, template)
			continue
		}
		if strings.Contains(template, "://") {
			continue // outside: the rule "private" says where to
		}
		if field == "log_query" {
			f.checkQueryLink(o, template)
			continue
		}
		value := keyCharacters
		if field == "test_path" {
			value = pathCharacters
		}
		id, kql, ok := dashboardLink(fillIn(template, value))
		if !ok {
			f.find("link format", o, "%s: %s is not a link that Kibana reads", field, template)
			continue
		}
		if f.byKey["dashboard:"+id] == nil {
			f.find("link target", o, "%s leads to the dashboard %s, which is not in the file", field, id)
		}
		n, err := parseKQL(kql)
		if err != nil || n.op != "is" || !n.quoted || n.value != value ||
			n.field != strings.TrimSuffix(field, ".keyword") {
			f.find("link query", o, "%s asks for %s (%v)", field, kql, err)
		}
	}
}

// checkQueryLink holds the link of a field whose value is the query itself.
func (f *file) checkQueryLink(o *object, template string) {
	const query = `lab_name:"lab-a" and job_id:"1.2" and lineno >= 1 and lineno <= 9`
	id, kql, ok := dashboardLink(fillIn(template, query))
	if !ok || kql != query {
		f.find("link format", o, "log_query: %s asks for %s", template, kql)
	} else if f.byKey["dashboard:"+id] == nil {
		f.find("link target", o, "log_query leads to the dashboard %s, which is not in the file", id)
	}
}

// TestLogLinks follows each incident's link to the log: it finds the lines around
// the incident's, of that job alone, and the whole log of a job's error.
func TestLogLinks(t *testing.T) {
	c, f := load(t), check(shipped(t))
	template := f.byKey["index-pattern:kcing-incident"].view.FieldFormatMap.value["log_query"].Params.URLTemplate
	const before, behind = 20, 100
	for _, incident := range c.documents["kcing-incident"] {
		_, kql, ok := dashboardLink(fillIn(template, strings.Join(incident.values("log_query"), "")))
		if !ok {
			t.Errorf("%s: its link cannot be read", incident.id)
			continue
		}
		job, _, _ := strings.Cut(incident.id, "/i/")
		line, hasLine := incident.number("lineno")
		found := c.find("kcing-log", kql)
		for i, d := range c.documents["kcing-log"] {
			n, _ := d.number("lineno")
			if want := strings.HasPrefix(d.id, job+"/l/") &&
				(!hasLine || n >= line-before && n <= line+behind); found[i] != want {
				t.Errorf("%s: %s finds %s: %t", incident.id, kql, d.id, found[i])
				break
			}
		}
	}
}

func TestEncodeURIComponent(t *testing.T) {
	if got, want := encodeURIComponent("a|b+c/d=e,f:g@h ü~"), "a%7Cb%2Bc%2Fd%3De%2Cf%3Ag%40h%20%C3%BC~"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
