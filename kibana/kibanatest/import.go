package kibanatest

import (
	"bytes"
	"cmp"
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
	reply(w, http.StatusOK, k.store(space, objects, overwrite))
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
		o := struct {
			object
			Count *int `json:"exportedCount"`
		}{object: object{References: []reference{}}}
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("Unexpected token in JSON: %w", err) //nolint:staticcheck // Kibana's words
		}
		if o.Count != nil {
			continue
		}
		id := o.key()
		if o.Attributes == nil || id.Type == "" || id.ID == "" {
			return nil, errors.New("an object without type, id or attributes")
		}
		if seen[id] {
			return nil, fmt.Errorf("Non-unique import objects detected: [%s:%s]", id.Type, id.ID) //nolint:staticcheck // Kibana's words
		}
		seen[id] = true
		objects = append(objects, o.object)
	}
	return objects, nil
}

// refuseForm answers for the whole file because of one object.
func (k *Kibana) refuseForm(o object) (status int, message string) {
	refusal := fmt.Sprintf("Document %q belongs to a more recent version of Kibana", o.ID)
	if last, ok := k.newest(o.Type); ok && later(o.Version, last) {
		return http.StatusUnprocessableEntity,
			fmt.Sprintf("%s [%s] when the last known version is [%s].", refusal, o.Version, last)
	}
	if later(o.CoreVersion, "8.8.0") {
		return http.StatusUnprocessableEntity, fmt.Sprintf("%s [%s].", refusal, o.CoreVersion)
	}
	if o.Version == "" && o.Type == "lens" {
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

// result is what an import says of one object.
type result struct {
	Type          string   `json:"type"`
	ID            string   `json:"id"`
	Meta          meta     `json:"meta"`
	Managed       *bool    `json:"managed,omitempty"`
	Overwrite     bool     `json:"overwrite,omitempty"`
	DestinationID string   `json:"destinationId,omitempty"`
	Error         *problem `json:"error,omitempty"`
}

type meta struct {
	Title any `json:"title"`
}

// problem is why an object cannot be imported.
type problem struct {
	Type          string              `json:"type"`
	References    []reference         `json:"references,omitempty"`
	DestinationID string              `json:"destinationId,omitempty"`
	Destinations  []map[string]string `json:"destinations,omitempty"`
}

// store imports what has no problem, or nothing, as Kibana does.
func (k *Kibana) store(space string, objects []object, overwrite bool) map[string]any {
	inFile := map[key]bool{}
	for _, o := range objects {
		inFile[o.key()] = true
	}
	var results, failures []result
	var accepted []object
	blocked := false
	destinations := map[key]string{} // ids that differ from those in the file
	for _, o := range objects {
		r := result{Type: o.Type, ID: o.ID, Meta: meta{o.Attributes["title"]}}
		if r.Error = k.problem(space, o, inFile, overwrite, &r); r.Error != nil {
			blocked = blocked || r.Error.Type != "unsupported_type"
			failures = append(failures, r)
			continue
		}
		r.Managed = new(bool)
		if r.DestinationID != "" {
			destinations[o.key()] = r.DestinationID
		}
		results = append(results, r)
		accepted = append(accepted, o)
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

// problem is why Kibana would not import an object, or nil; r says then what becomes of it.
func (k *Kibana) problem(space string, o object, inFile map[key]bool, overwrite bool, r *result) *problem {
	if !slices.Contains(types, o.Type) || slices.Contains(k.o.MissingTypes, o.Type) {
		return &problem{Type: "unsupported_type"}
	}
	if missing := k.missing(space, o, inFile); len(missing) > 0 {
		return &problem{Type: "missing_references", References: missing}
	}
	_, there := k.spaces[space][o.key()]
	var copies []string
	for other, stored := range k.spaces[space] {
		if other.Type == o.Type && stored.OriginID == o.ID {
			copies = append(copies, other.ID)
		}
	}
	slices.Sort(copies)
	switch {
	case there && !overwrite:
		return &problem{Type: "conflict"}
	case there:
		r.Overwrite = true
	case len(copies) > 1:
		var list []map[string]string
		for _, c := range copies {
			list = append(list, map[string]string{"id": c, "title": "copy"})
		}
		return &problem{Type: "ambiguous_conflict", Destinations: list}
	case len(copies) == 1 && !overwrite:
		return &problem{Type: "conflict", DestinationID: copies[0]}
	case len(copies) == 1:
		r.DestinationID, r.Overwrite = copies[0], true
	case k.elsewhere(space, o.key()):
		k.renamed++
		r.DestinationID = fmt.Sprintf("renamed-%d", k.renamed)
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
func (k *Kibana) missing(space string, o object, inFile map[key]bool) (out []reference) {
	for _, r := range o.References {
		_, there := k.spaces[space][r.key()]
		if (r.Type == "index-pattern" || r.Type == "search") && !there && !inFile[r.key()] {
			out = append(out, reference{Type: r.Type, ID: r.ID})
		}
	}
	return out
}

func (k *Kibana) save(space string, o object, destinations map[key]string) {
	if to := destinations[o.key()]; to != "" {
		o.OriginID, o.ID = o.ID, to
	}
	for i, r := range o.References {
		o.References[i].ID = cmp.Or(destinations[r.key()], r.ID)
	}
	o.Managed = new(bool)
	if o.Type == "search" && k.o.Tabs != "" {
		k.intoTab(&o)
	}
	k.spaces[space][o.key()] = o
}

// intoTab changes a search as the migrations to model versions 6 and 13 do. One
// that has tabs keeps their ids.
func (k *Kibana) intoTab(search *object) {
	own, inTab := map[string]any{}, map[string]any{}
	for name, v := range search.Attributes {
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
	search.Version = "10.13.0"
	if k.o.Tabs == TabsBeside {
		search.Version = "10.6.0"
		maps.Copy(own, inTab)
	}
	search.Attributes = own
}
