package checker

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// linkTemplate is a link to one of our dashboards, relative to Kibana's /app/:
// the id, the beginning of the time range, the KQL.
var linkTemplate = regexp.MustCompile(`^dashboards#/view/([^?]+)\?_g=\(time:\(from:(now-\d+[dy]),to:now\)\)&_a=\(query:\(language:kuery,query:'(.*)'\)\)$`)

// dashboardLink takes a URL apart as Kibana's router and its rison reader do; ok
// is false for other URLs.
func dashboardLink(link string) (id, from, kql string, ok bool) {
	m := linkTemplate.FindStringSubmatch(link)
	if m == nil {
		return "", "", "", false
	}
	kql, err := url.PathUnescape(m[3]) // + stays +, as for decodeURIComponent
	// In rison a ' ends the text and a ! escapes.
	if err != nil || strings.ContainsAny(kql, "'!") {
		return "", "", "", false
	}
	return m[1], m[2], kql, true
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
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.!~*'()", c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + strings.ToUpper(string("0123456789abcdef"[c>>4])+string("0123456789abcdef"[c&15])))
		}
	}
	return b.String()
}

// keyCharacters are all that transform leaves in a key.
const keyCharacters = "mainline|next/pending-fixes|v6.17-rc3~x|defconfig+CONFIG_A=y|arm64|gcc-12|lab_a|dm365evm,legacy:nfs@2"

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
		id, _, kql, ok := dashboardLink(fillIn(template, keyCharacters))
		if !ok {
			f.find("link format", o, "%s: %s is not a link that Kibana reads", field, template)
			continue
		}
		if f.byKey["dashboard:"+id] == nil {
			f.find("link target", o, "%s leads to the dashboard %s, which is not in the file", field, id)
		}
		n, err := parseKQL(kql)
		if err != nil || n.op != "is" || !n.quoted || n.value != keyCharacters || n.field != strings.TrimSuffix(field, ".keyword") {
			f.find("link query", o, "%s asks for %s (%v)", field, kql, err)
		}
	}
}

func TestEncodeURIComponent(t *testing.T) {
	if got, want := encodeURIComponent("a|b+c/d=e,f:g@h ü~"), "a%7Cb%2Bc%2Fd%3De%2Cf%3Ag%40h%20%C3%BC~"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
