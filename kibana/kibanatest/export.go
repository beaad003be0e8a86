package kibanatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// export is POST _export.
func (k *Kibana) export(w http.ResponseWriter, r *http.Request, space string) {
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		fail(w, http.StatusUnsupportedMediaType, "Unsupported Media Type "+kind)
		return
	}
	var request struct {
		Type      []string    `json:"type"`
		Objects   []reference `json:"objects"`
		Deep      bool        `json:"includeReferencesDeep"`
		NoDetails bool        `json:"excludeExportDetails"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil {
		fail(w, http.StatusBadRequest, "[request body]: "+err.Error())
		return
	}
	if (len(request.Type) == 0) == (len(request.Objects) == 0) {
		fail(w, http.StatusBadRequest, "Either `type` or `objects` are required.")
		return
	}
	var unknown []string
	for _, t := range request.Type {
		if !slices.Contains(types, t) || slices.Contains(k.o.MissingTypes, t) {
			unknown = append(unknown, t)
		}
	}
	if len(unknown) > 0 {
		fail(w, http.StatusBadRequest, "Trying to export non-exportable type(s): "+strings.Join(unknown, ", "))
		return
	}
	var wanted []key
	var absent []map[string]any
	for _, o := range request.Objects {
		if _, there := k.spaces[space][o.key()]; !there {
			absent = append(absent, map[string]any{"type": o.Type, "id": o.ID,
				"error": map[string]any{"statusCode": 404}})
		}
		wanted = append(wanted, o.key())
	}
	if len(absent) > 0 {
		reply(w, http.StatusBadRequest, map[string]any{"statusCode": 400, "error": "Bad Request",
			"message": "Error fetching objects to export", "attributes": map[string]any{"objects": absent}})
		return
	}
	for id := range k.spaces[space] {
		if slices.Contains(request.Type, id.Type) {
			wanted = append(wanted, id)
		}
	}
	if request.Deep {
		wanted = k.withReferences(space, wanted)
	}
	k.write(w, space, wanted, request.NoDetails)
}

// withReferences adds what is referred to, as far as it is there.
func (k *Kibana) withReferences(space string, wanted []key) []key {
	for i := 0; i < len(wanted); i++ {
		for _, r := range k.spaces[space][wanted[i]].References {
			if _, there := k.spaces[space][r.key()]; there && !slices.Contains(wanted, r.key()) {
				wanted = append(wanted, r.key())
			}
		}
	}
	return wanted
}

// write writes the objects in no particular order, each with what Kibana adds.
func (k *Kibana) write(w http.ResponseWriter, space string, wanted []key, noDetails bool) {
	var lines []any
	missing := []reference{}
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for n, id := range wanted {
		o := k.spaces[space][id]
		lines = append(lines, struct {
			object
			CreatedAt   string `json:"created_at"`
			UpdatedAt   string `json:"updated_at"`
			UpdatedBy   string `json:"updated_by"`
			SaveVersion string `json:"version"`
		}{o, now, now, "u_somebody", fmt.Sprintf("Wz%d-%s", n, now)})
		for _, r := range o.References {
			if _, there := k.spaces[space][r.key()]; !there {
				missing = append(missing, reference{Type: r.Type, ID: r.ID})
			}
		}
	}
	if !noDetails {
		lines = append(lines, map[string]any{
			"exportedCount": len(wanted), "missingRefCount": len(missing), "missingReferences": missing,
			"excludedObjects": []any{}, "excludedObjectsCount": 0,
		})
	}
	w.Header().Set("Content-Type", "application/ndjson")
	w.Header().Set("Content-Disposition", `attachment; filename="export.ndjson"`)
	encoder := json.NewEncoder(w)
	for _, line := range lines {
		_ = encoder.Encode(line)
	}
}
