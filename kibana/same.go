package kibana

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Same reports whether two objects say the same to those who use them: type, id,
// attributes and references. Kibana raises the versions of the form when it
// imports, and puts what a search shows into a tab, which is no difference.
func Same(a, b Object) bool {
	if a.Reference() != b.Reference() {
		return false
	}
	x, errA := essence(a)
	y, errB := essence(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

func essence(o Object) ([]byte, error) {
	decoder := json.NewDecoder(bytes.NewReader(o.JSON))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return nil, err
	}
	references, _ := members["references"].([]any)
	slices.SortFunc(references, func(a, b any) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) // fmt prints maps by sorted keys
	})
	attributes, _ := members["attributes"].(map[string]any)
	if o.Type == "search" {
		attributes = tabbed(attributes)
	}
	return marshal(map[string]any{"attributes": attributes, "references": references})
}

// tabbed gives the attributes of a saved search the form with tabs, whichever
// they have. Before 9.2 Kibana has what the search shows among its attributes;
// since then it copies that into a tab whose id is made by chance, and a later
// one keeps the tab only. (src/platform/plugins/shared/saved_search of Kibana,
// model versions 6 and 13.)
func tabbed(attributes map[string]any) map[string]any {
	flat := map[string]any{}
	for name, v := range attributes {
		switch name {
		case "title", "description", "tabs", "hits", "version": // the search's own, or Kibana's leftovers
		default:
			flat[name] = v
		}
	}
	flat = telling(flat)
	var contents []any
	list, _ := attributes["tabs"].([]any)
	for _, tab := range list {
		members, _ := tab.(map[string]any)
		content, _ := members["attributes"].(map[string]any)
		contents = append(contents, telling(content))
	}
	if len(contents) == 0 {
		contents = []any{flat}
	}
	out := telling(map[string]any{"title": attributes["title"], "description": attributes["description"]})
	out["tabs"] = contents
	first, _ := contents[0].(map[string]any)
	for name, v := range flat {
		if !reflect.DeepEqual(v, first[name]) {
			out["beside tabs"] = flat // somebody edited one of the two forms
		}
	}
	return out
}

// telling leaves out members that have the default which they also have when
// they are missing: false, nothing, an empty text, list or object.
func telling(members map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range members {
		switch v := v.(type) {
		case nil:
			continue
		case bool:
			if !v {
				continue
			}
		case string:
			if v == "" {
				continue
			}
		case []any:
			if len(v) == 0 {
				continue
			}
		case map[string]any:
			if len(v) == 0 {
				continue
			}
		}
		out[name] = v
	}
	return out
}
