package mappings

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Version of the templates. Raise it with every change of a template that
// leaves the house, or installations will not notice the change.
const Version = 9

const managedBy = "kcing"

// template.json is the template without its fields; common.json holds the
// fields of every kind, <kind>.json those that a kind has besides.
//
//go:embed template.json common.json build.json boot.json test.json log.json incident.json
var sources embed.FS

// ignoreAbove is the longest text, in UTF-16 code units, that a keyword field
// indexes; longer ones stay in _source. Lucene refuses a whole document for a
// term over 32766 bytes. The keys, which join eight fields, must fit.
const ignoreAbove = 2048

// dateFormats reads `2020-11-04T16:44:33.748` and the like (dt, @timestamp),
// `2020-11-04 16:46:26.466` (logged; LAVA's own form has microseconds and a
// zone) and Mongo's milliseconds. The first one is used to print.
const dateFormats = "strict_date_optional_time||yyyy-MM-dd HH:mm:ss[.SSSSSS][.SSS][XXX]||epoch_millis"

// fieldLists are the names of a kind's fields by how they are mapped.
type fieldLists struct {
	Description string   `json:"description"`
	Date        []string `json:"date"`
	Keyword     []string `json:"keyword"`
	Long        []string `json:"long"`
	Double      []string `json:"double"`
	Measured    []string `json:"measured"` // numbers that come as words, too, and that old dashboards show as text
	Boolean     []string `json:"boolean"`
	Text        []string `json:"text"`
	// CopyTo has fields that are searched under another name as well: what
	// later kinds of records call differently. _source stays as it came.
	CopyTo map[string]string `json:"copy_to"`
}

// Template returns the index template of a kind as it is put: JSON, indented,
// keys sorted, settings flat and as strings. The prefix must be a valid one.
//
// With it Elasticsearch takes nearly every document: a value that does not fit
// its field stays in _source and is named in _ignored, an object anywhere is
// taken apart into fields with dotted names ("subobjects": false), unknown
// fields beyond the limit are not indexed. Even `"_id": {"$oid": "…"}`, as
// Mongo's exports have it, is accepted: it becomes the field `_id.$oid`.
// Unknown numbers are texts with a .number beside, because two types under one
// name, as in [1, "x"] or [1, 0.5], would refuse the document.
//
// What Elasticsearch 8.19 still refuses (400), whatever the mapping:
//   - a name at the top level that is empty or blank, as "" or " " (inside
//     objects it is accepted, and so are "a.", ".a" and "a..b")
//   - at the top level, a value other than an object under a name of its own:
//     _id _index _source _routing _version _seq_no _primary_term _field_names
//     _ignored _ignored_source _nested_path _doc_count (a positive number is
//     taken) _data_stream_timestamp, and those of installed plugins, such as
//     _tier; null counts as a value
//   - one name twice in an object
//   - numbers over 1,000 characters, nesting over 1,000 levels
//   - invalid UTF-8 and whatever is not JSON
//
// And, as the price of the aliases, a field "X.keyword" or {"X": {"keyword": …}}
// where X is one of our keyword or date fields.
func Template(prefix, kind string) ([]byte, error) {
	if err := ValidatePrefix(prefix); err != nil {
		return nil, err
	}
	if !slices.Contains(Kinds, kind) {
		return nil, fmt.Errorf("no index template for kind %q: kinds are %s", kind, strings.Join(Kinds, ", "))
	}
	var template struct {
		IndexPatterns []string       `json:"index_patterns"`
		Priority      int            `json:"priority"`
		Version       int            `json:"version"`
		Meta          map[string]any `json:"_meta"`
		Template      struct {
			Settings map[string]string `json:"settings"`
			Mappings map[string]any    `json:"mappings"`
		} `json:"template"`
	}
	var common, own fieldLists
	for name, into := range map[string]any{"template.json": &template, "common.json": &common, kind + ".json": &own} {
		if err := readSource(name, into); err != nil {
			return nil, err
		}
	}
	template.IndexPatterns = []string{indexPattern(prefix, kind)}
	template.Version = Version
	template.Meta = map[string]any{"managed_by": managedBy, "version": Version, "description": own.Description}
	properties, err := properties(common, own)
	if err != nil {
		return nil, fmt.Errorf("index template of kind %s: %w", kind, err)
	}
	template.Template.Mappings["properties"] = properties
	body, err := json.Marshal(template)
	if err != nil {
		return nil, fmt.Errorf("index template of kind %s: %w", kind, err)
	}
	return canonical(body)
}

func readSource(name string, into any) error {
	data, err := sources.ReadFile(name)
	if err != nil {
		return fmt.Errorf("embedded %s: %w", name, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("embedded %s: %w", name, err)
	}
	return nil
}

type object = map[string]any

// properties maps every field of the lists, each with a X.keyword, which is
// what the old templates gave every text field and what the old dashboards use.
//
// Where X holds the same terms already, X.keyword is an alias of it and costs
// nothing. Beside a measured number or a text it is a field of its own, kept as a
// column only (terms aggregations and filters work; filters scan): it holds what
// the number has no place for, such as the measurement "None".
func properties(lists ...fieldLists) (object, error) {
	own := func(fieldType string) object {
		return object{"type": fieldType, "fields": object{
			"keyword": object{"type": "keyword", "index": false, "ignore_above": ignoreAbove},
		}}
	}
	fields := object{}
	var twice []string
	put := func(names []string, field func() object, alias bool) {
		for _, name := range names {
			if _, ok := fields[name]; ok {
				twice = append(twice, name)
			}
			fields[name] = field()
			if alias {
				fields[name+".keyword"] = object{"type": "alias", "path": name}
			}
		}
	}
	for _, l := range lists {
		put(l.Date, func() object { return object{"type": "date", "format": dateFormats} }, true)
		put(l.Keyword, func() object { return object{"type": "keyword", "ignore_above": ignoreAbove} }, true)
		put(l.Boolean, func() object { return object{"type": "boolean"} }, true)
		put(l.Long, func() object { return object{"type": "long"} }, true)
		put(l.Double, func() object { return object{"type": "double"} }, true)
		put(l.Measured, func() object { return own("double") }, false)
		put(l.Text, func() object {
			field := own("text")
			field["norms"] = false // scores do not matter here, and norms cost a byte a line
			return field
		}, false)
	}
	for _, l := range lists {
		for from, to := range l.CopyTo {
			field, ok := fields[from].(object)
			if _, named := fields[to]; !ok || !named {
				return nil, fmt.Errorf("copy_to: %s or %s is no field", from, to)
			}
			field["copy_to"] = to
		}
	}
	if len(twice) > 0 {
		return nil, fmt.Errorf("fields listed twice: %s", strings.Join(twice, ", "))
	}
	return fields, nil
}
