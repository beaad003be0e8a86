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
		Type    []string `json:"type"`
		Objects []struct {
			Type string `json:"type"`
			ID   string `json:"id"`
		} `json:"objects"`
		Deep      bool `json:"includeReferencesDeep"`
		NoDetails bool `json:"excludeExportDetails"`
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
		id := key{o.Type, o.ID}
		if _, there := k.spaces[space][id]; !there {
			absent = append(absent, map[string]any{"type": o.Type, "id": o.ID,
				"error": map[string]any{"statusCode": 404}})
		}
		wanted = append(wanted, id)
	}
	if len(absent) > 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"statusCode": 400, "error": "Bad Request",
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
		references, _ := k.spaces[space][wanted[i]]["references"].([]any)
		for _, r := range references {
			reference, _ := r.(map[string]any)
			to := object(reference).key()
			if _, there := k.spaces[space][to]; there && !slices.Contains(wanted, to) {
				wanted = append(wanted, to)
			}
		}
	}
	return wanted
}

// write writes the objects in no particular order, each with what Kibana adds.
func (k *Kibana) write(w http.ResponseWriter, space string, wanted []key, noDetails bool) {
	var out []string
	missing := []map[string]any{}
	for n, id := range wanted {
		o := map[string]any{}
		for name, v := range k.spaces[space][id] {
			o[name] = v
		}
		now := time.Now().UTC().Format(time.RFC3339Nano)
		o["created_at"], o["updated_at"], o["updated_by"] = now, now, "u_somebody"
		o["version"] = fmt.Sprintf("Wz%d-%s", n, now)
		line, err := json.Marshal(o)
		if err != nil {
			fail(w, http.StatusInternalServerError, err.Error())
			return
		}
		out = append(out, string(line))
		references, _ := o["references"].([]any)
		for _, r := range references {
			reference, _ := r.(map[string]any)
			to := object(reference).key()
			if _, there := k.spaces[space][to]; !there {
				missing = append(missing, map[string]any{"type": to.Type, "id": to.ID})
			}
		}
	}
	if !noDetails {
		details, _ := json.Marshal(map[string]any{
			"exportedCount": len(wanted), "missingRefCount": len(missing), "missingReferences": missing,
			"excludedObjects": []any{}, "excludedObjectsCount": 0,
		})
		out = append(out, string(details))
	}
	w.Header().Set("Content-Type", "application/ndjson")
	w.Header().Set("Content-Disposition", `attachment; filename="export.ndjson"`)
	_, _ = fmt.Fprint(w, strings.Join(out, "\n"))
}
