package mappings

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// Action says what Install did to a template, or would do with DryRun.
type Action string

// Actions of Install.
const (
	Created   Action = "created"   // it was missing
	Updated   Action = "updated"   // it differed from ours
	Unchanged Action = "unchanged" // it is ours already
	Outdated  Action = "outdated"  // it differs from ours and was left alone (OnlyMissing)
	Newer     Action = "newer"     // a newer kcing put it; left alone
)

// Change is what happened to one template.
type Change struct {
	Template string `json:"template"`
	Action   Action `json:"action"`
	// Diff from the installed template to ours, unified, as text; empty when
	// they are the same. From nothing to ours when it was missing.
	Diff string `json:"diff,omitempty"`
	// OldVersion is 0 when the template was missing or has no version of ours.
	OldVersion int `json:"old_version"`
	NewVersion int `json:"new_version"`
	// HiddenBy is the template of somebody else that counts in place of this one,
	// with its priority; empty when this one counts, or when it is missing.
	HiddenBy string `json:"hidden_by,omitempty"`
}

// InstallOptions says which templates Install may touch. The zero value installs
// ours without a prefix.
type InstallOptions struct {
	Prefix string
	// DryRun sends nothing but reads; the changes say what would be done.
	DryRun bool
	// OnlyMissing leaves every template alone that is there. For feed.
	OnlyMissing bool
	// Reset puts ours whatever is there, a newer version included. Each is
	// replaced in one step, so no index can be born without its template.
	Reset bool
}

// Install puts the index templates that are missing or differ from ours. It
// changes nothing when they are in place. A template of a newer version stays
// unless Reset is set. At an error the changes made so far are returned with it.
func Install(ctx context.Context, t Transport, o InstallOptions) ([]Change, error) {
	if o.OnlyMissing && o.Reset {
		return nil, errors.New("install index templates: OnlyMissing and Reset exclude each other")
	}
	if err := ValidatePrefix(o.Prefix); err != nil {
		return nil, err
	}
	changes := make([]Change, 0, len(Kinds))
	for _, kind := range Kinds {
		change, err := install(ctx, t, o, kind)
		if err != nil {
			return changes, err
		}
		changes = append(changes, change)
	}
	return changes, findHidden(ctx, t, o.Prefix, changes)
}

func install(ctx context.Context, t Transport, o InstallOptions, kind string) (Change, error) {
	name := TemplateName(o.Prefix, kind)
	want, err := Template(o.Prefix, kind)
	if err != nil {
		return Change{}, err
	}
	have, version, err := installed(ctx, t, name)
	if err != nil {
		return Change{}, err
	}
	change := Change{
		Template: name, OldVersion: version, NewVersion: Version,
		Diff: lineDiff(name, have, want),
	}
	switch {
	case have == nil:
		change.Action = Created
	case change.Diff == "":
		change.Action = Unchanged
	case version > Version && !o.Reset:
		change.Action = Newer
	case o.OnlyMissing:
		change.Action = Outdated
	default:
		change.Action = Updated
	}
	write := change.Action == Created || change.Action == Updated
	if !write || o.DryRun {
		return change, nil
	}
	request := esapi.IndicesPutIndexTemplateRequest{Name: name, Body: bytes.NewReader(want)}
	return change, ask(ctx, t, "put index template "+name, request, nil)
}

// installed returns the canonical form and the version of a template, nil and
// 0 when there is none.
func installed(ctx context.Context, t Transport, name string) ([]byte, int, error) {
	op := "get index template " + name
	var answer struct {
		Templates []struct {
			Name     string          `json:"name"`
			Template json.RawMessage `json:"index_template"`
		} `json:"index_templates"`
	}
	err := ask(ctx, t, op, esapi.IndicesGetIndexTemplateRequest{Name: name}, &answer)
	if notFound(err) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	for _, found := range answer.Templates {
		if found.Name != name {
			continue
		}
		have, err := canonical(found.Template)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", op, err)
		}
		return have, versionOf(found.Template), nil
	}
	return nil, 0, nil
}

// versionOf is the version kcing noted in the template. One that somebody else
// put under our name counts as older than any of ours.
func versionOf(template []byte) int {
	var body struct {
		Meta struct {
			ManagedBy string `json:"managed_by"`
			Version   int    `json:"version"`
		} `json:"_meta"`
	}
	if json.Unmarshal(template, &body) != nil || body.Meta.ManagedBy != managedBy {
		return 0
	}
	return body.Meta.Version
}

// States of a template, as `kcing status` shows them.
const (
	StateCurrent  = "current"
	StateOutdated = "outdated" // an older version, or changed by hand
	StateMissing  = "missing"
	StateNewer    = "newer"
)

// TemplateStatus is the state of one template.
type TemplateStatus struct {
	Kind     string `json:"kind"`
	Template string `json:"template"`
	State    string `json:"state"` // current, outdated, missing or newer
	Version  int    `json:"version"`
	Want     int    `json:"want"`
	// HiddenBy is as in [Change].
	HiddenBy string `json:"hidden_by,omitempty"`
}

// Status tells for each kind whether its template is in place. It only reads.
func Status(ctx context.Context, t Transport, prefix string) ([]TemplateStatus, error) {
	changes, err := Install(ctx, t, InstallOptions{Prefix: prefix, DryRun: true})
	if err != nil {
		return nil, err
	}
	states := map[Action]string{Created: StateMissing, Unchanged: StateCurrent, Newer: StateNewer}
	out := make([]TemplateStatus, len(changes))
	for i, c := range changes {
		out[i] = TemplateStatus{
			Kind: Kinds[i], Template: c.Template, State: cmp.Or(states[c.Action], StateOutdated),
			Version: c.OldVersion, Want: c.NewVersion, HiddenBy: c.HiddenBy,
		}
	}
	return out, nil
}
