package kibanatest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// importFile is POST _import.
func (k *Kibana) importFile(w http.ResponseWriter, r *http.Request, space string) {
	overwrite := false
	for name, values := range r.URL.Query() {
		if name != "overwrite" {
			fail(w, http.StatusBadRequest, "[request query."+name+"]: definition for this key is missing")
			return
		}
		overwrite = values[0] == "true"
	}
	if r.ContentLength > k.o.MaxImportBytes {
		if k.o.ProxyLimit {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			_, _ = fmt.Fprint(w, "<html><h1>413 Request Entity Too Large</h1></html>")
			return
		}
		fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("Payload content length greater than maximum allowed: %d",
			k.o.MaxImportBytes))
		return
	}
	data, err := formFile(r)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	objects, err := lines(data)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	for _, o := range objects {
		if status, message := k.refuseForm(o); status != 0 {
			fail(w, status, message)
			return
		}
	}
	reply(w, k.store(space, objects, overwrite))
}

// formFile is the part that Kibana wants, and there must be no other.
func formFile(r *http.Request) ([]byte, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return nil, errors.New("Unsupported Media Type: want multipart/form-data") //nolint:staticcheck // Kibana's words
	}
	form := multipart.NewReader(r.Body, params["boundary"])
	part, err := form.NextPart()
	if err != nil || part.FormName() != "file" {
		return nil, errors.New("[request body.file]: expected value of type [Stream] but got [undefined]")
	}
	if ext := path.Ext(part.FileName()); ext != ".ndjson" {
		return nil, errors.New("Invalid file extension " + ext)
	}
	data, err := io.ReadAll(part)
	if err != nil {
		return nil, err
	}
	if _, err := form.NextPart(); !errors.Is(err, io.EOF) {
		return nil, errors.New("[request body]: definition for a second key is missing")
	}
	return data, nil
}

// lines reads NDJSON; the line of export details is skipped.
func lines(data []byte) ([]object, error) {
	var objects []object
	seen := map[key]bool{}
	for line := range bytes.Lines(data) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var o object
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("Unexpected token in JSON: %w", err) //nolint:staticcheck // Kibana's words
		}
		if _, details := o["exportedCount"]; details {
			continue
		}
		id := o.key()
		if _, ok := o["attributes"].(map[string]any); !ok || id.Type == "" || id.ID == "" {
			return nil, errors.New("an object without type, id or attributes")
		}
		if seen[id] {
			return nil, fmt.Errorf("Non-unique import objects detected: [%s:%s]", id.Type, id.ID) //nolint:staticcheck // Kibana's words
		}
		seen[id] = true
		objects = append(objects, o)
	}
	return objects, nil
}

// refuseForm answers for the whole file because of one object.
func (k *Kibana) refuseForm(o object) (status int, message string) {
	id := o.key()
	version, _ := o["typeMigrationVersion"].(string)
	if last, ok := k.newest(id.Type); ok && later(version, last) {
		return http.StatusUnprocessableEntity,
			fmt.Sprintf("Document %q belongs to a more recent version of Kibana [%s] when the last known version is "+
				"[%s].", id.ID, version, last)
	}
	if core, _ := o["coreMigrationVersion"].(string); later(core, "8.8.0") {
		return http.StatusUnprocessableEntity,
			fmt.Sprintf("Document %q belongs to a more recent version of Kibana [%s].", id.ID, core)
	}
	if version == "" && id.Type == "lens" {
		return http.StatusInternalServerError,
			"An internal server error occurred. Check Kibana server logs for details."
	}
	return 0, ""
}

// later compares versions of three numbers.
func later(a, b string) bool {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(x), len(y)) {
		m, _ := strconv.Atoi(x[i])
		n, _ := strconv.Atoi(y[i])
		if m != n {
			return m > n
		}
	}
	return false
}

// store imports what has no problem, or nothing, as Kibana does.
func (k *Kibana) store(space string, objects []object, overwrite bool) map[string]any {
	inFile := map[key]bool{}
	for _, o := range objects {
		inFile[o.key()] = true
	}
	var results, failures []map[string]any
	blocked := false
	destinations := map[key]string{} // ids that differ from those in the file
	var accepted []object
	for _, o := range objects {
		id := o.key()
		result := map[string]any{"type": id.Type, "id": id.ID, "meta": map[string]any{"title": title(o)},
			"managed": false}
		problem := k.problem(space, o, inFile, overwrite, result, destinations)
		if problem == nil {
			results = append(results, result)
			accepted = append(accepted, o)
			continue
		}
		blocked = blocked || problem["type"] != "unsupported_type"
		failures = append(failures, map[string]any{"type": id.Type, "id": id.ID,
			"meta": map[string]any{"title": title(o)}, "error": problem})
	}
	if !blocked {
		for _, o := range accepted {
			k.save(space, o, destinations)
		}
	}
	answer := map[string]any{"success": len(failures) == 0, "successCount": len(results), "warnings": []any{}}
	if len(results) > 0 {
		answer["successResults"] = results
	}
	if len(failures) > 0 {
		answer["errors"] = failures
	}
	return answer
}

func title(o object) any {
	attributes, _ := o["attributes"].(map[string]any)
	return attributes["title"]
}

// problem is Kibana's error object for an object, or nil; result is filled then.
func (k *Kibana) problem(space string, o object, inFile map[key]bool, overwrite bool, result map[string]any,
	destinations map[key]string) map[string]any {
	id := o.key()
	if !slices.Contains(types, id.Type) || slices.Contains(k.o.MissingTypes, id.Type) {
		return map[string]any{"type": "unsupported_type"}
	}
	if missing := k.missing(space, o, inFile); len(missing) > 0 {
		return map[string]any{"type": "missing_references", "references": missing}
	}
	if _, there := k.spaces[space][id]; there {
		if !overwrite {
			return map[string]any{"type": "conflict"}
		}
		result["overwrite"] = true
		return nil
	}
	var copies []string
	for other, stored := range k.spaces[space] {
		if other.Type == id.Type && stored["originId"] == id.ID {
			copies = append(copies, other.ID)
		}
	}
	slices.Sort(copies)
	switch {
	case len(copies) > 1:
		var list []map[string]any
		for _, c := range copies {
			list = append(list, map[string]any{"id": c, "title": "copy"})
		}
		return map[string]any{"type": "ambiguous_conflict", "destinations": list}
	case len(copies) == 1 && !overwrite:
		return map[string]any{"type": "conflict", "destinationId": copies[0]}
	case len(copies) == 1:
		destinations[id], result["destinationId"], result["overwrite"] = copies[0], copies[0], true
	case k.elsewhere(space, id):
		k.renamed++
		destinations[id] = fmt.Sprintf("renamed-%d", k.renamed)
		result["destinationId"] = destinations[id]
	}
	return nil
}

// elsewhere reports whether another space has the object.
func (k *Kibana) elsewhere(space string, id key) bool {
	for name, objects := range k.spaces {
		if _, there := objects[id]; there && name != space {
			return true
		}
	}
	return false
}

// missing are the references that Kibana checks: those to data views and
// searches.
func (k *Kibana) missing(space string, o object, inFile map[key]bool) []map[string]any {
	var out []map[string]any
	references, _ := o["references"].([]any)
	for _, r := range references {
		reference, _ := r.(map[string]any)
		to := object(reference).key()
		if to.Type != "index-pattern" && to.Type != "search" || inFile[to] {
			continue
		}
		if _, there := k.spaces[space][to]; !there {
			out = append(out, map[string]any{"type": to.Type, "id": to.ID})
		}
	}
	return out
}

func (k *Kibana) save(space string, o object, destinations map[key]string) {
	stored := object{}
	for name, v := range o {
		if name != "version" {
			stored[name] = v
		}
	}
	id := o.key()
	if to := destinations[id]; to != "" {
		stored["originId"], stored["id"] = id.ID, to
		id.ID = to
	}
	var references []any
	list, _ := o["references"].([]any)
	for _, r := range list {
		reference, _ := r.(map[string]any)
		moved := map[string]any{}
		for name, v := range reference {
			moved[name] = v
		}
		if to := destinations[object(reference).key()]; to != "" {
			moved["id"] = to
		}
		references = append(references, moved)
	}
	if references == nil {
		references = []any{}
	}
	stored["references"], stored["managed"] = references, false
	if id.Type == "search" && k.o.Tabs != "" {
		k.intoTab(stored)
	}
	k.spaces[space][id] = stored
}

// intoTab changes a search as the migrations to model versions 6 and 13 do. One
// that has tabs keeps their ids.
func (k *Kibana) intoTab(search object) {
	before, _ := search["attributes"].(map[string]any)
	own, inTab := map[string]any{}, map[string]any{}
	for name, v := range before {
		switch name {
		case "title", "description", "tabs":
			own[name] = v
		case "hits", "version":
		default:
			inTab[name] = v
		}
	}
	if own["tabs"] == nil {
		own["tabs"] = []any{map[string]any{"id": rand.Text(), "label": "Untitled", "attributes": inTab}}
	}
	search["typeMigrationVersion"] = "10.13.0"
	if k.o.Tabs == TabsBeside {
		search["typeMigrationVersion"] = "10.6.0"
		maps.Copy(own, inTab)
	}
	search["attributes"] = own
}
