package mappings

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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
	return fmt.Sprintf("retention refuses the index prefix %q and deleted nothing: under it there are indices that kcing did not write (%s%s):"+
		" they have documents and not one of kcing's fields; set ES_INDEX_PREFIX to a prefix of kcing's own, or delete or rename these indices yourself",
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
// of its name. An open index without documents is nobody's loss.
func foreign(ctx context.Context, t Transport, prefix string, indices []IndexUsage) error {
	var names []string
	for _, index := range indices {
		if index.Docs > 0 || index.closed {
			names = append(names, index.Name)
		}
	}
	var others []string
	for _, batch := range batches(names) {
		found, err := withOwnFields(ctx, t, batch)
		if err != nil {
			return err
		}
		for _, name := range batch {
			if ours, there := found[name]; there && !ours {
				others = append(others, name)
			}
		}
	}
	if len(others) > 0 {
		return &ForeignError{Prefix: prefix, Indices: others}
	}
	return nil
}

// withOwnFields tells for each index that is still there whether its mapping
// has a field of ours.
func withOwnFields(ctx context.Context, t Transport, names []string) (map[string]bool, error) {
	op := "look at the fields of index " + names[0]
	if len(names) > 1 {
		op = fmt.Sprintf("look at the fields of %d indices from %s to %s", len(names), names[0], names[len(names)-1])
	}
	ignore := true
	response, err := esapi.IndicesGetFieldMappingRequest{
		Index: names, Fields: ownFields, IgnoreUnavailable: &ignore, ExpandWildcards: "none",
	}.Do(ctx, t)
	if err == nil && response.StatusCode == http.StatusNotFound { // all of them are gone
		_ = response.Body.Close()
		return nil, nil
	}
	body, err := read(op, response, err)
	if err != nil {
		return nil, err
	}
	var answer map[string]struct {
		Mappings map[string]json.RawMessage `json:"mappings"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%s: answer is not Elasticsearch's: %w", op, err)
	}
	found := make(map[string]bool, len(answer))
	for name, index := range answer {
		found[name] = len(index.Mappings) > 0
	}
	return found, nil
}
