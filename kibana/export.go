package kibana

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// IDPrefix begins the id of each object of ours.
const IDPrefix = "kcing-"

// HomeID is the dashboard to begin with.
const HomeID = "kcing-home"

// Selection says what to export: exactly these objects, or all of the types.
type Selection struct {
	Objects []Reference
	Types   []string // used when Objects is empty
	// References adds what the objects refer to, and what that refers to.
	References bool
}

// Ours reports whether an object is one of kcing's, or what became of one in a
// space where Kibana gave it another id.
func Ours(o Object) bool {
	var members struct {
		Origin string `json:"originId"`
	}
	_ = json.Unmarshal(o.JSON, &members) // without an origin the id decides
	return strings.HasPrefix(o.ID, IDPrefix) || strings.HasPrefix(members.Origin, IDPrefix)
}

// Kcing selects all objects of the types that we have; Ours tells which of them
// are ours.
func Kcing() Selection { return Selection{Types: slices.Clone(typeOrder)} }

// Content selects what people make in Kibana: dashboards and all that can be on
// them, tags, queries. Types that a Kibana does not have are left out. Settings
// (config), spaces and the objects of other applications are not content.
func Content() Selection {
	return Selection{Types: append(slices.Clone(typeOrder),
		"visualization", "map", "tag", "query", "event-annotation-group", "canvas-workpad", "graph-workspace")}
}

// Export returns the selected objects in their canonical form (see Canonical),
// and the references that lead to nothing. It is an error when one of
// Selection.Objects is not there, and when the answer is not whole.
func (c *Client) Export(ctx context.Context, s Selection) (objects []Object, missing []Reference, err error) {
	for {
		objects, missing, err = c.export(ctx, s)
		unknown := unknownTypes(err)
		if len(s.Objects) > 0 || len(unknown) == 0 {
			return objects, missing, err
		}
		left := slices.DeleteFunc(slices.Clone(s.Types), func(t string) bool { return slices.Contains(unknown, t) })
		if len(left) == 0 || len(left) == len(s.Types) {
			return objects, missing, err
		}
		s.Types = left
	}
}

// nonExportable is how Kibana's src/core/packages/saved-objects/server-internal/src/routes/utils.ts
// words the refusal of types that it does not have.
var nonExportable = regexp.MustCompile(`non-exportable type\(s\): ([\w, -]+)`)

func unknownTypes(err error) []string {
	var refused *ResponseError
	if !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
		return nil
	}
	m := nonExportable.FindStringSubmatch(refused.Reason)
	if m == nil {
		return nil
	}
	return strings.Split(m[1], ", ")
}

func (c *Client) export(ctx context.Context, s Selection) ([]Object, []Reference, error) {
	request := map[string]any{"includeReferencesDeep": s.References, "excludeExportDetails": false}
	if len(s.Objects) > 0 {
		request["objects"] = s.Objects
	} else {
		request["type"] = s.Types
	}
	body, err := json.Marshal(request)
	if err != nil {
		return nil, nil, err
	}
	const op = "export saved objects"
	a, err := c.do(ctx, call{op: op, method: http.MethodPost, path: "/api/saved_objects/_export",
		contentType: "application/json", body: body})
	if err != nil {
		return nil, nil, err
	}
	objects, details, err := parse(a.body)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%s: the answer of Kibana at %s: %w", op, c.address, err)
	case details == nil, details.ExportedCount != len(objects):
		return nil, nil, fmt.Errorf("%s: the answer of Kibana at %s is not whole (%d objects, then it ends): try again",
			op, c.address, len(objects))
	}
	objects, err = Canonical(objects)
	return objects, details.MissingReferences, err
}

// exportDetails is the last line of an export.
type exportDetails struct {
	ExportedCount     int         `json:"exportedCount"`
	MissingReferences []Reference `json:"missingReferences"`
}

// volatile members change with each save, or belong to one Kibana; _import
// ignores them. From src/core/packages/saved-objects/import-export-server-internal
// of Kibana.
var volatile = []string{"created_at", "created_by", "updated_at", "updated_by", "version"}

// Canonical returns the objects in the form and the order in which unchanged
// objects give the same bytes in every export: without times, users and versions
// of saving, keys sorted, by type and id. The same object twice is an error.
func Canonical(objects []Object) ([]Object, error) {
	out := make([]Object, 0, len(objects))
	for _, o := range objects {
		decoder := json.NewDecoder(bytes.NewReader(o.JSON))
		decoder.UseNumber()
		var members map[string]any
		if err := decoder.Decode(&members); err != nil {
			return nil, fmt.Errorf("saved object %s: %w", o.Reference(), err)
		}
		for _, name := range volatile {
			delete(members, name)
		}
		line, err := marshal(members)
		if err != nil {
			return nil, fmt.Errorf("saved object %s: %w", o.Reference(), err)
		}
		out = append(out, Object{Type: o.Type, ID: o.ID, JSON: line})
	}
	slices.SortFunc(out, compareObjects)
	for i := 1; i < len(out); i++ {
		if out[i].Reference() == out[i-1].Reference() {
			return nil, fmt.Errorf("the saved object %s is there twice", out[i].Reference())
		}
	}
	return out, nil
}

// typeRank puts what is referred to before what refers; types that are not ours
// come last.
func typeRank(kind string) int {
	if i := slices.Index(typeOrder, kind); i >= 0 {
		return i
	}
	return len(typeOrder)
}

// File makes the file to import of objects, one a line, with the line of export
// details that Kibana ends its own with.
func File(objects []Object, missing []Reference) ([]byte, error) {
	var file bytes.Buffer
	for _, o := range objects {
		file.Write(o.JSON)
		file.WriteByte('\n')
	}
	if missing == nil {
		missing = []Reference{}
	}
	details, err := marshal(map[string]any{
		"excludedObjects": []any{}, "excludedObjectsCount": 0, "exportedCount": len(objects),
		"missingRefCount": len(missing), "missingReferences": missing,
	})
	if err != nil {
		return nil, err
	}
	file.Write(details)
	file.WriteByte('\n')
	return file.Bytes(), nil
}
