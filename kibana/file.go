package kibana

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrOldDump is a file of raw documents of Kibana's own index, as the first
// kcing's kcing.kibana.
var ErrOldDump = errors.New("this is a dump of Kibana's own index .kibana, as kcing.kibana of the first kcing, and " +
	"no export of saved objects:" +
	" since 8.0 Kibana lets nobody write to that index, and most of what is in the dump (scripted fields, input " +
	"controls, its space and telemetry settings) no longer exists;" +
	" `kcing setup-kibana` without a file imports the dashboards that replace it")

// ParseFile reads a file to import: NDJSON as Kibana exports it, one object with
// type and id a line. The error names the line. ErrOldDump is in its chain when
// the file is one.
func ParseFile(data []byte) ([]Object, error) {
	objects, _, err := parse(data)
	if err != nil && oldDump(data) {
		return nil, ErrOldDump
	}
	if err == nil && len(objects) == 0 {
		err = errors.New("there are no saved objects in it")
	}
	return objects, err
}

// parse reads objects and the details, which are nil without their line.
func parse(data []byte) (objects []Object, details *exportDetails, err error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	seen := map[Reference]int{}
	n := 0
	for line := range bytes.Lines(data) {
		n++
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		var o struct {
			Reference
			Attributes map[string]json.RawMessage `json:"attributes"`
			exportDetails
			Count *int `json:"exportedCount"`
		}
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, nil, fmt.Errorf("line %d is not a JSON object: %w", n, err)
		}
		switch {
		case o.Type == "" && o.Count != nil:
			o.ExportedCount = *o.Count
			details = &o.exportDetails
			continue
		case o.Type == "", o.ID == "", o.Attributes == nil:
			return nil, nil, fmt.Errorf("line %d is not a saved object: it needs type, id and attributes", n)
		}
		if first := seen[o.Reference]; first > 0 {
			return nil, nil, fmt.Errorf("line %d: %s is in line %d already", n, o.Reference, first)
		}
		seen[o.Reference] = n
		objects = append(objects, Object{Type: o.Type, ID: o.ID, JSON: bytes.Clone(line)})
	}
	return objects, details, nil
}

// oldDump recognises raw documents in whatever way they were written down: a
// JSON array, one a line, the answer of a search, Python's own notation.
func oldDump(data []byte) bool {
	head := data[:min(len(data), 1<<20)]
	return bytes.Contains(head, []byte("_source")) && bytes.Contains(head, []byte("_id")) &&
		(bytes.Contains(head, []byte("_index")) || bytes.Contains(head, []byte("_type")))
}
