package mappings

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/estest"
)

func actions(t *testing.T, es Transport, o InstallOptions) []Change {
	t.Helper()
	changes, err := Install(t.Context(), es, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) != len(Kinds) {
		t.Fatalf("%d changes", len(changes))
	}
	return changes
}

func expect(t *testing.T, changes []Change, want ...Action) {
	t.Helper()
	for i, c := range changes {
		w := want[min(i, len(want)-1)]
		if c.Action != w {
			t.Errorf("%s: %s, want %s\n%s", c.Template, c.Action, w, c.Diff)
		}
		if (c.Diff == "") != (c.Action == Unchanged) {
			t.Errorf("%s is %s with the diff %q", c.Template, c.Action, c.Diff)
		}
	}
}

func TestInstallTwice(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)

	expect(t, actions(t, es, InstallOptions{Prefix: prefix, DryRun: true}), Created)
	expect(t, actions(t, es, InstallOptions{Prefix: prefix, DryRun: true}), Created) // the first one changed nothing
	states(t, es, prefix, StateMissing)
	expect(t, actions(t, es, InstallOptions{Prefix: prefix}), Created)
	expect(t, actions(t, es, InstallOptions{Prefix: prefix}), Unchanged)
	expect(t, actions(t, es, InstallOptions{Prefix: prefix, OnlyMissing: true}), Unchanged)
	states(t, es, prefix, StateCurrent)

	es.mustDo(t, "DELETE", "/_index_template/"+TemplateName(prefix, Log), "")
	expect(t, actions(t, es, InstallOptions{Prefix: prefix, OnlyMissing: true}), Unchanged, Unchanged, Unchanged,
		Created, Unchanged)
	states(t, es, prefix, StateCurrent)
}

// replaceTemplate installs another version of the boot template.
func replaceTemplate(t *testing.T, es client, prefix string, version int, oldPart, newPart string) {
	t.Helper()
	body, err := Template(prefix, Boot)
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.ReplaceAll(body, fmt.Appendf(nil, `"version": %d`, Version),
		fmt.Appendf(nil, `"version": %d`, version))
	other = bytes.Replace(other, []byte(oldPart), []byte(newPart), 1)
	if bytes.Equal(other, body) {
		t.Fatal("the template is the same")
	}
	es.mustDo(t, "PUT", "/_index_template/"+TemplateName(prefix, Boot), string(other))
}

func TestInstallOverOthers(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	actions(t, es, InstallOptions{Prefix: prefix})
	one := func(a Action) []Action { return []Action{Unchanged, a, Unchanged, Unchanged} }

	// An older version, and one changed by hand.
	for _, version := range []int{0, Version} {
		replaceTemplate(t, es, prefix, version, `"30s"`, `"77s"`)
		states(t, es, prefix, StateCurrent, StateOutdated, StateCurrent, StateCurrent)
		expect(t, actions(t, es, InstallOptions{Prefix: prefix, OnlyMissing: true}), one(Outdated)...)
		changes := actions(t, es, InstallOptions{Prefix: prefix, DryRun: true})
		expect(t, changes, one(Updated)...)
		for _, line := range []string{`-      "index.refresh_interval": "77s"`,
			`+      "index.refresh_interval": "30s"`} {
			if !strings.Contains(changes[1].Diff, line) {
				t.Errorf("no line %q in\n%s", line, changes[1].Diff)
			}
		}
		if changes[1].OldVersion != version || changes[1].NewVersion != Version {
			t.Errorf("versions: %+v", changes[1])
		}
		expect(t, actions(t, es, InstallOptions{Prefix: prefix}), one(Updated)...)
		states(t, es, prefix, StateCurrent)
	}

	// A newer version stays, until it is reset.
	replaceTemplate(t, es, prefix, Version+1, `"30s"`, `"77s"`)
	states(t, es, prefix, StateCurrent, StateNewer, StateCurrent, StateCurrent)
	expect(t, actions(t, es, InstallOptions{Prefix: prefix}), one(Newer)...)
	expect(t, actions(t, es, InstallOptions{Prefix: prefix, OnlyMissing: true}), one(Newer)...)
	expect(t, actions(t, es, InstallOptions{Prefix: prefix, Reset: true}), one(Updated)...)
	states(t, es, prefix, StateCurrent)
}

func states(t *testing.T, es client, prefix string, want ...string) {
	t.Helper()
	got, err := Status(t.Context(), es, prefix)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range got {
		if w := want[min(i, len(want)-1)]; s.State != w || s.Kind != Kinds[i] || s.Want != Version {
			t.Errorf("%+v, want %s", s, w)
		}
	}
}

func TestOverlapIsExplained(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	es.mustDo(t, "PUT", "/_index_template/"+prefix+"foreign",
		fmt.Sprintf(`{"index_patterns":[%q],"priority":300}`, prefix+"*"))
	_, err := Install(t.Context(), es, InstallOptions{Prefix: prefix})
	if err == nil || !strings.Contains(err.Error(), "ES_INDEX_PREFIX") ||
		!strings.Contains(err.Error(), prefix+"foreign") {
		t.Errorf("error: %v", err)
	}
}

// Elasticsearch says which mapping an index of today would get.
func TestTemplateTakesEffect(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	actions(t, es, InstallOptions{Prefix: prefix})
	for _, kind := range Kinds {
		var got struct {
			Template struct {
				Settings struct {
					Index map[string]any `json:"index"`
				} `json:"settings"`
				Mappings struct {
					Properties map[string]field `json:"properties"`
				} `json:"mappings"`
			} `json:"template"`
		}
		name := IndexName(prefix, kind, november10)
		body := es.mustDo(t, "POST", "/_index_template/_simulate_index/"+name, "")
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		settings := got.Template.Settings.Index
		if settings["auto_expand_replicas"] != "0-1" || settings["refresh_interval"] != "30s" ||
			settings["number_of_shards"] != "1" {
			t.Errorf("%s: settings %v", kind, settings)
		}
		if got.Template.Mappings.Properties["board.keyword"].Type != "alias" {
			t.Errorf("%s: board.keyword is no alias", kind)
		}
	}
}
