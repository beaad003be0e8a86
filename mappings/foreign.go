package mappings

import (
	"context"
	"encoding/json"
	"fmt"
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

// foreign returns a *ForeignError when one of the indices, open or closed, is not
// ours in spite of its name: it has fields, and none of ours. One without any field
// has no documents and is nobody's loss. The count of documents does not tell: it is
// that of the last refresh, and 0 for a moment after an index is closed.
func foreign(ctx context.Context, t Transport, prefix string, indices []IndexUsage) error {
	var others []string
	for _, batch := range batches(indices) {
		var answer map[string]struct {
			Mappings struct {
				Properties map[string]json.RawMessage `json:"properties"`
			} `json:"mappings"`
		}
		op := "look at the fields of " + inWords(batch)
		request := esapi.IndicesGetMappingRequest{Index: names(batch), ExpandWildcards: "none"}
		err := ask(ctx, t, op, request, &answer)
		if notFound(err) { // one is gone; only now, since it would leave out also what we may not see
			yes := true
			request.IgnoreUnavailable = &yes
			err = ask(ctx, t, op, request, &answer)
		}
		if err != nil {
			return err
		}
		for _, index := range batch {
			properties := answer[index.Name].Mappings.Properties
			if len(properties) > 0 && !slices.ContainsFunc(ownFields, func(field string) bool {
				_, ours := properties[field]
				return ours
			}) {
				others = append(others, index.Name)
			}
		}
	}
	if len(others) > 0 {
		return &ForeignError{Prefix: prefix, Indices: others}
	}
	return nil
}
