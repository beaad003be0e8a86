package transform

import (
	"bytes"
	"strings"
	"unicode"
)

// metadataFields are Elasticsearch's own; a document that holds one is refused
// (tried on 8.19), unless its value is an object, which becomes sub-fields.
var metadataFields = nameSet(`_id _index _source _version _routing _ignored _ignored_source
	_seq_no _primary_term _field_names _nested_path _doc_count`)

// aliasSuffix ends the names that the index templates have as aliases of keyword
// fields, for old dashboards; Elasticsearch refuses to write to an alias.
const aliasSuffix = ".keyword"

// topName is the name of a top-level member in the document: one that
// Elasticsearch or the index template keeps for itself gets "_" behind it.
func topName(name string, raw []byte) string {
	switch {
	case metadataFields[name] && raw[0] != '{', strings.HasSuffix(name, aliasSuffix),
		name == copiedField && bytes.IndexByte(raw, '{') >= 0 && raw[0] != '"':
		return name + "_"
	}
	return fieldName(name)
}

// copiedField is the one that the build's template copies into another:
// Elasticsearch refuses a document where it is an object.
const copiedField = "status"

// innerName is the name of a member within an object. There "keyword" alone
// makes X.keyword of it.
func innerName(name string) string {
	if "."+name == aliasSuffix || strings.HasSuffix(name, aliasSuffix) {
		return name + "_"
	}
	return fieldName(name)
}

// fieldName makes a name acceptable to Elasticsearch, which refuses documents
// with empty names or empty parts between dots (tried on 8.19).
func fieldName(name string) string {
	clean := true
	for rest, more := name, true; more && clean; {
		var part string
		part, rest, more = strings.Cut(rest, ".")
		clean = !blank(part)
	}
	if clean {
		return name
	}
	parts := strings.Split(name, ".")
	for i, p := range parts {
		if blank(p) {
			parts[i] = "_"
		}
	}
	return strings.Join(parts, ".")
}

// blank reports whether a name is empty or white space, to Java or to Unicode.
func blank(name string) bool {
	for _, r := range name {
		if !unicode.IsSpace(r) && (r < 0x1c || r > 0x1f) {
			return false
		}
	}
	return true
}

// nameSet is a set of the names in a text.
func nameSet(names string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(names) {
		m[n] = true
	}
	return m
}

// dropped are the fields that no document keeps: Logstash's own, the token, and
// those that would send a document elsewhere.
var dropped = nameSet("type headers @version @metadata token message tags @timestamp")

// added are the fields that kcing writes itself; one of the body with the same
// name gives way.
var added = nameSet("build_key boot_key test_key")
