package kibana

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/kcing/kcing/internal/oneline"
)

// Reference names a saved object.
type Reference struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (r Reference) String() string { return oneline.Of(r.Type + " " + r.ID) }

func compareReferences(a, b Reference) int {
	if by := typeRank(a.Type) - typeRank(b.Type); by != 0 {
		return by
	}
	return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.ID, b.ID))
}

// ImportResult is what an import that succeeded did, both sorted.
type ImportResult struct {
	// Created and Overwritten are the objects in the file, by their ids there.
	Created, Overwritten []Reference
	// Renamed are those of both that Kibana gave other ids, because another
	// space has objects with theirs. Links by id do not reach them.
	Renamed []Reference
}

// ImportError is an import that Kibana answered with 200 and success=false.
type ImportError struct {
	URL      string
	Space    string
	Problems []Problem // at least one, sorted
	// Imported are the objects that were imported in spite of it. With a
	// conflict or a missing reference Kibana imports nothing.
	Imported int
}

// Problem is why one object was not imported.
type Problem struct {
	Reference
	// Kind is Kibana's: conflict, ambiguous_conflict, missing_references,
	// unsupported_type, unknown or one of a later version.
	Kind string
	// Others are the objects that the kind is about: the one that is there
	// already under another id, those that come into question, those that are
	// missing.
	Others []Reference
	// Message is Kibana's, for unknown problems; one line.
	Message string
}

// Conflicts returns the objects that are there already, under the ids that they
// have in Kibana. ok is false when there are problems of other kinds.
func (e *ImportError) Conflicts() (existing []Reference, ok bool) {
	for _, p := range e.Problems {
		if p.Kind != problemConflict {
			return nil, false
		}
		if len(p.Others) > 0 {
			existing = append(existing, p.Others[0])
		} else {
			existing = append(existing, p.Reference)
		}
	}
	return existing, true
}

// WithoutConflicts is the error without the problems that overwriting would
// solve.
func (e *ImportError) WithoutConflicts() *ImportError {
	left := *e
	left.Problems = slices.DeleteFunc(slices.Clone(e.Problems),
		func(p Problem) bool { return p.Kind == problemConflict })
	return &left
}

const (
	problemConflict    = "conflict"
	problemAmbiguous   = "ambiguous_conflict"
	problemMissing     = "missing_references"
	problemUnsupported = "unsupported_type"
	problemUnknown     = "unknown"
)

func (e *ImportError) Error() string {
	done := "nothing was imported"
	if e.Imported > 0 {
		done = fmt.Sprintf("%d objects were imported, the others not", e.Imported)
	}
	var parts []string
	for rest := e.Problems; len(rest) > 0; { // those of one kind follow each other
		n := slices.IndexFunc(rest, func(p Problem) bool { return p.Kind != rest[0].Kind })
		if n < 0 {
			n = len(rest)
		}
		parts = append(parts, explain(rest[:n]))
		rest = rest[n:]
	}
	return fmt.Sprintf("Kibana at %s, space %s: %s: %s", e.URL, e.Space, done, strings.Join(parts, "; "))
}

// explain tells problems of one kind in words, with what to do.
func explain(problems []Problem) string {
	list := firstOf(problems, func(p Problem) string {
		text := p.String()
		if len(p.Others) > 0 {
			text += " (" + names(p.Others) + ")"
		} else if p.Message != "" {
			text += " (" + p.Message + ")"
		}
		return text
	})
	switch problems[0].Kind {
	case problemConflict:
		return "already there, and not to be overwritten: " + list
	case problemAmbiguous:
		return "there are several objects that may be meant: " + list +
			"; delete all but one of them in Stack Management → Saved Objects"
	case problemMissing:
		return "these refer to objects that are neither in the file nor in the space: " + list +
			"; import a file that has those too"
	case problemUnsupported:
		return "this Kibana has no objects of this type: " + list +
			"; it needs a later version, or the plugin is switched off"
	case problemUnknown:
		return "Kibana could not save " + list
	}
	return "Kibana says " + oneline.Of(problems[0].Kind) + " of " + list
}

// names lists objects, the first five of many.
func names(refs []Reference) string { return firstOf(refs, Reference.String) }

// firstOf lists the first five, and how many more there are.
func firstOf[T any](all []T, text func(T) string) string {
	const most = 5
	var parts []string
	for _, one := range all[:min(most, len(all))] {
		parts = append(parts, text(one))
	}
	list := strings.Join(parts, ", ")
	if more := len(all) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// Import puts the objects of a file (NDJSON) into the space. With overwrite it
// replaces those that are there; without, one that is there keeps all from being
// imported. What Kibana does not take is an *ImportError, also when its answer
// was 200; refused requests are a *ResponseError.
func (c *Client) Import(ctx context.Context, ndjson []byte, overwrite bool) (ImportResult, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="kcing.ndjson"`}, // Kibana wants this ending
		"Content-Type":        {"application/ndjson"},
	})
	if err != nil {
		return ImportResult{}, err
	}
	if _, err := part.Write(ndjson); err != nil {
		return ImportResult{}, err
	}
	if err := form.Close(); err != nil {
		return ImportResult{}, err
	}
	path := "/api/saved_objects/_import"
	if overwrite {
		path += "?overwrite=true"
	}
	a, err := c.do(ctx, call{op: "import saved objects", method: http.MethodPost, path: path,
		contentType: form.FormDataContentType(), body: body.Bytes()})
	if err != nil {
		return ImportResult{}, err
	}
	return c.readImport(a)
}

// importAnswer is Kibana's answer to an import.
type importAnswer struct {
	Success        *bool `json:"success"`
	SuccessCount   int   `json:"successCount"`
	SuccessResults []struct {
		Reference
		Overwrite     bool   `json:"overwrite"`
		DestinationID string `json:"destinationId"`
	} `json:"successResults"`
	Errors []struct {
		Reference
		Error struct {
			Type          string      `json:"type"`
			DestinationID string      `json:"destinationId"`
			Destinations  []Reference `json:"destinations"` // without a type
			References    []Reference `json:"references"`
			Message       string      `json:"message"`
		} `json:"error"`
	} `json:"errors"`
}

func (c *Client) readImport(a answer) (ImportResult, error) {
	var body importAnswer
	if err := json.Unmarshal(a.body, &body); err != nil || body.Success == nil {
		return ImportResult{}, c.notKibana(a)
	}
	if *body.Success && len(body.Errors) == 0 {
		var r ImportResult
		for _, o := range body.SuccessResults {
			if o.Overwrite {
				r.Overwritten = append(r.Overwritten, o.Reference)
			} else {
				r.Created = append(r.Created, o.Reference)
			}
			if o.DestinationID != "" && o.DestinationID != o.ID {
				r.Renamed = append(r.Renamed, o.Reference)
			}
		}
		for _, list := range [][]Reference{r.Created, r.Overwritten, r.Renamed} {
			slices.SortFunc(list, compareReferences)
		}
		return r, nil
	}
	e := &ImportError{URL: c.address.String(), Space: c.Space()}
	blocked := false
	for _, o := range body.Errors {
		p := Problem{Reference: o.Reference, Kind: o.Error.Type, Message: c.scrub(oneline.Of(o.Error.Message))}
		switch p.Kind {
		case problemConflict:
			blocked = true
			if o.Error.DestinationID != "" {
				p.Others = []Reference{{o.Type, o.Error.DestinationID}}
			}
		case problemAmbiguous:
			blocked = true
			for _, d := range o.Error.Destinations {
				p.Others = append(p.Others, Reference{o.Type, d.ID})
			}
		case problemMissing:
			blocked = true
			p.Others = o.Error.References
		case "":
			p.Kind = problemUnknown
		}
		e.Problems = append(e.Problems, p)
	}
	if !blocked { // else nothing was written, whatever successCount says
		e.Imported = max(0, body.SuccessCount)
	}
	slices.SortStableFunc(e.Problems, func(x, y Problem) int {
		return cmp.Or(strings.Compare(x.Kind, y.Kind), compareReferences(x.Reference, y.Reference))
	})
	if len(e.Problems) == 0 {
		e.Problems = []Problem{{Kind: problemUnknown, Message: "it gave no reason; its log may"}}
	}
	return ImportResult{}, e
}
