package mappings

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/estest"
)

// namesOf are the indices that are there, open and closed.
func (c client) namesOf(t *testing.T, prefix string) []string {
	t.Helper()
	var rows []struct{ Index string }
	body := c.mustDo(t, "GET", "/_cat/indices/"+prefix+"*?format=json&h=index&expand_wildcards=all", "")
	if err := json.Unmarshal(body, &rows); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range rows {
		names = append(names, strings.TrimPrefix(row.Index, prefix))
	}
	slices.Sort(names)
	return names
}

func TestRetainDeletesOnlyOurs(t *testing.T) {
	url := estest.Shared(t)
	root, es := estest.Prefix(t, url), connect(t, url)
	prefix, other := root+"a-", root+"b-"
	old := []string{"build-2020.11.01", "boot-2020.11.06", "test-2020.11.06", "log-2020.11.08"}
	stay := []string{
		"boot", "boot-2020.01.01-copy", "kernel-2020.01.01", "boots-2020.01.01", "boot-2020.02.30", "precious",
		"log-2020.11.09", "log-2020.11.10", "boot-2020.11.07", "test-2020.11.10", "build-2020.11.02",
		"build-2020.11.10",
	}
	for _, name := range slices.Concat(old, stay) {
		es.index(t, prefix+name, "1", `{"arch":"arm"}`)
	}
	for _, name := range old {
		es.index(t, other+name, "1", `{"arch":"arm"}`)
	}
	// An alias that looks like an old index of ours, and one that leads to ours.
	es.mustDo(t, "PUT", "/"+prefix+"precious/_alias/"+prefix+"boot-2020.01.01", "")
	es.mustDo(t, "PUT", "/"+prefix+"boot-2020.11.06/_alias/"+prefix+"log-2020.01.01", "")
	es.mustDo(t, "POST", "/"+prefix+"test-2020.11.06/_close", "")
	es.mustDo(t, "POST", "/"+root+"*/_refresh", "")

	o := RetainOptions{Prefix: prefix, Now: november10, Days: Days{Default: 3,
		ByKind: map[string]int{Build: 8, Log: 1}}, DryRun: true}
	dry, err := Retain(t.Context(), es, o)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(stay)
	all := slices.Sorted(slices.Values(slices.Concat(old, stay)))
	if left := es.namesOf(t, prefix); !slices.Equal(left, all) {
		t.Fatalf("the dry run left %v", left)
	}
	o.DryRun = false
	got, err := Retain(t.Context(), es, o)
	if err != nil {
		t.Fatal(err)
	}
	if left := es.namesOf(t, prefix); !slices.Equal(left, stay) {
		t.Errorf("left are\n%v, want\n%v", left, stay)
	}
	if left := es.namesOf(t, other); !slices.Equal(left, slices.Sorted(slices.Values(old))) {
		t.Errorf("of the other prefix only %v are left", left)
	}
	// The closed one does not say what it holds.
	if len(got.Deleted) != 4 || got.Docs != 3 || got.Bytes == 0 || got.Kept != 6 || fmt.Sprint(got) != fmt.Sprint(dry) {
		t.Errorf("report %+v\ndry run %+v", got, dry)
	}
	again, err := Retain(t.Context(), es, o)
	if err != nil || len(again.Deleted) != 0 || again.Kept != 6 {
		t.Errorf("second run: %+v, %v", again, err)
	}
}

// Somebody else's index under our names: the prefix is refused, and everything
// stays until it is gone.
func TestRetainForeignIndex(t *testing.T) {
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	es.index(t, prefix+"build-2020.11.01", "1", `{"message":"a Jenkins build","name":"x","job":"y"}`)
	es.index(t, prefix+"boot-2020.11.01", "1", `{"board":"a"}`)
	es.mustDo(t, "POST", "/"+prefix+"*/_refresh", "")
	es.mustDo(t, "PUT", "/"+prefix+"log-2020.11.01", "") // nothing in it
	for _, dry := range []bool{true, false} {
		o := RetainOptions{Prefix: prefix, Now: november10, DryRun: dry}
		got, err := Retain(t.Context(), es, o)
		var refused *ForeignError
		if !errors.As(err, &refused) || !slices.Equal(refused.Indices, []string{prefix + "build-2020.11.01"}) ||
			len(got.Deleted) != 0 {
			t.Errorf("dry run %v: %+v, %v", dry, got, err)
		}
	}
	// Closed, it does not say how many documents it has.
	es.mustDo(t, "POST", "/"+prefix+"build-2020.11.01/_close", "")
	if _, err := Retain(t.Context(), es, RetainOptions{Prefix: prefix, Now: november10}); err == nil {
		t.Error("a closed index of somebody else's was deleted")
	}
	if left := es.namesOf(t, prefix); len(left) != 3 {
		t.Fatalf("left are %v", left)
	}
	es.mustDo(t, "DELETE", "/"+prefix+"build-2020.11.01", "")
	if got, err := Retain(t.Context(), es, RetainOptions{Prefix: prefix, Now: november10}); err != nil ||
		len(got.Deleted) != 2 || got.Docs != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// More names than fit in one request line.
func TestRetainManyIndices(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 25 indices")
	}
	url := estest.Shared(t)
	prefix, es := estest.Prefix(t, url), connect(t, url)
	prefix += strings.Repeat("x", 90) + "-"
	for i := range 25 {
		es.mustDo(t, "PUT", "/"+IndexName(prefix, Log, november10.AddDate(0, 0, -i)),
			`{"settings":{"number_of_replicas":0}}`)
	}
	got, err := Retain(t.Context(), es, RetainOptions{Prefix: prefix, Now: november10, Days: Days{Default: 3}})
	if err != nil || len(got.Deleted) != 21 || got.Kept != 4 {
		t.Errorf("deleted %d, kept %d, %v", len(got.Deleted), got.Kept, err)
	}
	if left := es.namesOf(t, prefix); len(left) != 4 {
		t.Errorf("left are %v", left)
	}
}

func TestCounts(t *testing.T) {
	url := estest.Shared(t)
	root, es := estest.Prefix(t, url), connect(t, url)
	prefix := root + "a-"
	empty, err := Counts(t.Context(), es, prefix)
	if err != nil || empty.Indices != 0 || len(empty.Docs) != len(Kinds) {
		t.Errorf("nothing there: %+v, %v", empty, err)
	}
	for i, name := range []string{"a-log-2020.01.01", "a-log-2020.01.01", "a-log-2020.01.02", "a-boot-2020.01.01",
		"a-boot-2020.01.01-copy", "b-log-2020.01.01"} {
		es.index(t, root+name, fmt.Sprint(i), `{"arch":"arm"}`)
	}
	es.mustDo(t, "POST", "/"+root+"*/_refresh", "")
	got, err := Counts(t.Context(), es, prefix)
	if err != nil || got.Indices != 3 || got.Docs[Log] != 3 || got.Docs[Boot] != 1 || got.Docs[Test] != 0 ||
		got.Bytes == 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Two installations in one cluster: each template applies to its own indices.
func TestTwoPrefixes(t *testing.T) {
	url := estest.Shared(t)
	root, es := estest.Prefix(t, url), connect(t, url)
	for _, prefix := range []string{root + "a-", root + "b-", root} {
		expect(t, actions(t, es, InstallOptions{Prefix: prefix}), Created)
	}
	for _, prefix := range []string{root + "a-", root + "b-", root} {
		states(t, es, prefix, StateCurrent)
		index := IndexName(prefix, Boot, november10)
		if refusal := es.index(t, index, "1", `{"boot_time":"None","board":{"a":1}}`); refusal != "" {
			t.Errorf("%s: %s", index, refusal)
		}
	}
}
