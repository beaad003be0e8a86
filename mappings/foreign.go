package mappings

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// ForeignError says that indices are named like ours and hold nothing of ours,
// as a Jenkins' build-2026.11.23 under an empty prefix would. Nothing was
// deleted.
type ForeignError struct {
	Prefix  string
	Indices []string // sorted; never empty
}

func (e *ForeignError) Error() string {
	const most = 5
	names := e.Indices
	more := ""
	if len(names) > most {
		names, more = names[:most], fmt.Sprintf(" and %d more", len(e.Indices)-most)
	}
	return fmt.Sprintf("retention refuses the index prefix %q and deleted nothing: "+
		"under it there are indices that kcing did not write (%s%s):"+
		" they have fields, and not one of kcing's; set ES_INDEX_PREFIX to a prefix of kcing's own, "+
		"or delete or rename these indices yourself",
		e.Prefix, strings.Join(names, ", "), more)
}

// ownFields are fields by which an index is recognised as one of ours, also one
// that the Logstash pipeline of the first kcing made: each of its documents had
// some of them. Left out are those that anybody's logs may have, such as msg,
// name, host, job and result.
var ownFields = []string{
	"arch", "board", "boot_result", "build_environment", "build_result", "defconfig", "defconfig_full",
	"git_describe", "lab_name", "log_start_line", "lvl", "mach",
}

// foreign returns a *ForeignError when one of the indices is not ours in spite
// of its name. One without any field has no documents and is nobody's loss. The
// count of documents does not tell: it is that of the last refresh, and 0 for a
// moment after an index is closed.
func foreign(ctx context.Context, t Transport, prefix string, indices []IndexUsage) error {
	names := make([]string, len(indices))
	for i, index := range indices {
		names[i] = index.Name
	}
	var doubtful, others []string
	for _, batch := range batches(names) {
		found, err := stillThere(batch, func(names []string) (map[string]bool, error) {
			return withOwnFields(ctx, t, names)
		})
		if err != nil {
			return err
		}
		for _, name := range batch {
			if !found[name] { // or closed: _mapping/field leaves those out (tried on 8.19)
				doubtful = append(doubtful, name)
			}
		}
	}
	for _, batch := range batches(doubtful) {
		found, err := stillThere(batch, func(names []string) (map[string]bool, error) {
			return withOthersFields(ctx, t, names)
		})
		if err != nil {
			return err
		}
		for _, name := range batch {
			if found[name] {
				others = append(others, name)
			}
		}
	}
	if len(others) > 0 {
		return &ForeignError{Prefix: prefix, Indices: others}
	}
	return nil
}

// stillThere asks for all names, and for each alone when one of them is gone.
// (ignore_unavailable would leave closed ones out.)
func stillThere(names []string, ask func([]string) (map[string]bool, error)) (map[string]bool, error) {
	found, err := ask(names)
	if !notFound(err) {
		return found, err
	}
	found = map[string]bool{}
	if len(names) == 1 {
		return found, nil
	}
	for _, name := range names {
		one, err := stillThere([]string{name}, ask)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, one)
	}
	return found, nil
}

// withOthersFields tells for each index, open or closed, whether its mapping has
// fields and none of ours.
func withOthersFields(ctx context.Context, t Transport, names []string) (map[string]bool, error) {
	var answer map[string]struct {
		Mappings struct {
			Properties map[string]json.RawMessage `json:"properties"`
		} `json:"mappings"`
	}
	request := esapi.IndicesGetMappingRequest{Index: names, ExpandWildcards: "none"}
	if err := ask(ctx, t, "read index mappings", request, &answer); err != nil {
		return nil, err
	}
	found := make(map[string]bool, len(answer))
	for name, index := range answer {
		properties := index.Mappings.Properties
		found[name] = len(properties) > 0 && !slices.ContainsFunc(ownFields, func(field string) bool {
			_, ours := properties[field]
			return ours
		})
	}
	return found, nil
}

// withOwnFields tells for each open index whether its mapping has a field of ours.
func withOwnFields(ctx context.Context, t Transport, names []string) (map[string]bool, error) {
	op := "look at the fields of index " + names[0]
	if len(names) > 1 {
		op = fmt.Sprintf("look at the fields of %d indices from %s to %s", len(names), names[0], names[len(names)-1])
	}
	var answer map[string]struct {
		Mappings map[string]json.RawMessage `json:"mappings"`
	}
	request := esapi.IndicesGetFieldMappingRequest{Index: names, Fields: ownFields, ExpandWildcards: "none"}
	if err := ask(ctx, t, op, request, &answer); err != nil {
		return nil, err
	}
	found := make(map[string]bool, len(answer))
	for name, index := range answer {
		found[name] = len(index.Mappings) > 0
	}
	return found, nil
}
