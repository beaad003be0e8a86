package mappings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
)

// canonical gives an index template one form, whoever wrote it, so that two
// can be compared line by line. Elasticsearch answers with settings nested and
// as strings, with empty lists that were never sent and, since 9, with dates.
func canonical(template []byte) ([]byte, error) {
	var body object
	if err := decode(template, &body); err != nil {
		return nil, fmt.Errorf("index template: %w", err)
	}
	for _, name := range []string{"created_date", "created_date_millis", "modified_date", "modified_date_millis"} {
		delete(body, name)
	}
	if list, ok := body["composed_of"].([]any); ok && len(list) == 0 {
		delete(body, "composed_of")
	}
	if inner, ok := body["template"].(object); ok {
		if settings, ok := inner["settings"].(object); ok {
			flat := object{}
			flatten(flat, "", settings)
			inner["settings"] = indexed(flat)
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(body); err != nil {
		return nil, fmt.Errorf("index template: %w", err)
	}
	return out.Bytes(), nil
}

// decode keeps numbers as they are written: 1 and 1.0 are not the same text.
func decode(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(into)
}

func flatten(into object, path string, settings object) {
	for name, value := range settings {
		if nested, ok := value.(object); ok {
			flatten(into, path+name+".", nested)
			continue
		}
		if _, list := value.([]any); !list && value != nil {
			value = fmt.Sprint(value)
		}
		into[path+name] = value
	}
}

// indexed puts the "index." in front that Elasticsearch lets one leave out.
func indexed(settings object) object {
	out := object{}
	for name, value := range settings {
		if !strings.HasPrefix(name, "index.") {
			name = "index." + name
		}
		out[name] = value
	}
	return out
}

// lineDiff is empty when both are the same.
func lineDiff(name string, have, want []byte) string {
	return string(diff.Diff(name+" (installed)", have, name+" (kcing)", want))
}
