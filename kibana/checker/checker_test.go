package checker

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kcing/kcing/kibana"
)

// finding is one thing that is wrong in a file of saved objects.
type finding struct{ rule, object, text string }

// file is a decoded file of saved objects.
type file struct {
	objects    []*object
	byKey      map[string]*object // type:id
	findings   []finding
	unreadable bool // the rest cannot be checked
}

// object is a saved object; one of the pointers is set, by its type.
type object struct {
	envelope
	view      *dataView
	search    *savedSearch
	lens      *lens
	links     *links
	dashboard *dashboard
	shown     []string // columns that a lens' visualization names
}

func (o *object) key() string { return o.Type + ":" + o.ID }

func (f *file) find(rule string, o *object, format string, args ...any) {
	name := "the file"
	if o != nil {
		name = o.key()
	}
	f.findings = append(f.findings, finding{rule, name, fmt.Sprintf(format, args...)})
}

// check returns all that can be said without documents.
func check(ndjson []byte) *file { return checkKnown(ndjson, map[string]*object{}) }

// checkKnown is check, but sound lines that are in known need not be decoded
// again; others are put there.
func checkKnown(ndjson []byte, known map[string]*object) *file {
	f := &file{byKey: map[string]*object{}}
	f.read(ndjson, known)
	if f.unreadable {
		return f
	}
	f.checkOrder()
	f.checkReferences()
	f.checkReachable()
	f.checkMenus()
	for _, o := range f.objects {
		switch {
		case o.lens != nil:
			f.checkLens(o)
			f.checkBuckets(o)
		case o.dashboard != nil:
			f.checkLayout(o)
			f.checkPanels(o)
			f.checkControls(o)
		case o.view != nil:
			f.checkLinks(o)
		}
		f.checkQueries(o)
		f.checkFields(o)
	}
	return f
}

// versions are the forms that our objects are written in. Kibana migrates older
// ones and refuses the whole file for one that is newer than it knows.
var versions = map[string]string{"index-pattern": "8.0.0", "search": "8.0.0", "lens": "8.9.0", "links": "",
	"dashboard": "8.9.0"}

const (
	maxImportBytes   = 26_214_400 // savedObjects.maxImportPayloadBytes
	maxImportObjects = 10_000     // savedObjects.maxImportExportSize
)

func (f *file) read(ndjson []byte, known map[string]*object) {
	lines := bytes.Split(bytes.TrimSuffix(ndjson, []byte("\n")), []byte("\n"))
	if len(ndjson) > maxImportBytes || len(lines) > maxImportObjects {
		f.find("size", nil, "%d bytes, %d lines: Kibana's import takes less", len(ndjson), len(lines))
		f.unreadable = true
		return
	}
	for _, line := range lines[:len(lines)-1] {
		o := known[string(line)]
		if o == nil {
			before := len(f.findings)
			if o = f.readObject(line); o == nil {
				f.unreadable = true
				continue
			}
			if len(f.findings) == before {
				known[string(line)] = o
			}
		}
		if f.byKey[o.key()] != nil {
			f.find("duplicate", o, "it is there twice: Kibana refuses the whole file")
			continue
		}
		f.byKey[o.key()] = o
		f.objects = append(f.objects, o)
	}
	if !f.unreadable {
		f.checkDetails(lines[len(lines)-1])
	}
}

// readObject returns nil when it cannot.
func (f *file) readObject(line []byte) *object {
	o := &object{}
	var any any
	if err := json.Unmarshal(line, &any); err != nil {
		f.find("json", nil, "%v: %.80s", err, line)
		return nil
	}
	if again, _ := canonical(any); !bytes.Equal(again, line) {
		f.find("canonical", nil, "not as Kibana would export it: %.80s", line)
	}
	if err := strict(line, &o.envelope); err != nil {
		f.find("envelope", nil, "%v", err)
		return nil
	}
	if err := o.decode(); err != nil {
		rule := "schema"
		if errors.As(err, new(enumError)) {
			rule = "enum"
		}
		f.find(rule, o, "%v", err)
		return nil
	}
	f.checkEnvelope(o)
	return o
}

func (f *file) checkDetails(line []byte) {
	var details struct {
		ExcludedObjects      []struct{} `json:"excludedObjects"`
		ExcludedObjectsCount int        `json:"excludedObjectsCount"`
		ExportedCount        int        `json:"exportedCount"`
		MissingRefCount      int        `json:"missingRefCount"`
		MissingReferences    []struct{} `json:"missingReferences"`
	}
	if err := strict(line, &details); err != nil || details.ExcludedObjectsCount != 0 || details.MissingRefCount != 0 {
		f.find("details", nil, "the last line is not that of a whole export (%v): %.80s", err, line)
	} else if details.ExportedCount != len(f.objects) {
		f.find("details", nil, "exportedCount %d, objects %d", details.ExportedCount, len(f.objects))
	}
}

// private finds what belongs to one installation or one person.
var private = regexp.MustCompile(`[\w.+-]+@[\w-]+\.\w|<[a-z]+-url>|https?://[^\s"'\\]+|\b\d{1,3}(\.\d{1,3}){3}\b`)

var ownID = regexp.MustCompile(`^kcing-[a-z0-9-]+$`)

func (f *file) checkEnvelope(o *object) {
	if version, known := versions[o.Type]; known && o.TypeMigrationVersion != version {
		f.find("version", o, "typeMigrationVersion %q, not %q", o.TypeMigrationVersion, version)
	}
	if o.CoreMigrationVersion != "8.8.0" {
		f.find("core version", o, "coreMigrationVersion %q: 8.19 refuses newer ones", o.CoreMigrationVersion)
	}
	if o.Managed {
		f.find("managed", o, "people could not edit it")
	}
	if !ownID.MatchString(o.ID) {
		f.find("id", o, "ids are kcing-…")
	}
	for _, found := range private.FindAllString(string(o.Attributes), -1) {
		if !strings.HasPrefix(found, "https://api.kernelci.org/") {
			f.find("private", o, "%s belongs to one installation", found)
		}
	}
}

// checkOrder wants what is referred to before what refers to it, then by id.
func (f *file) checkOrder() {
	types := []string{"index-pattern", "search", "lens", "links", "dashboard"}
	if !slices.IsSortedFunc(f.objects, func(a, b *object) int {
		return cmp.Or(cmp.Compare(slices.Index(types, a.Type), slices.Index(types, b.Type)), cmp.Compare(a.ID, b.ID))
	}) {
		f.find("order", nil, "the objects are not in order")
	}
}

type enumError struct{ error }

// decode reads the attributes of a known type.
func (o *object) decode() error {
	switch o.Type {
	case "index-pattern":
		o.view = &dataView{}
		return strict(o.Attributes, o.view)
	case "search":
		o.search = &savedSearch{}
		return strict(o.Attributes, o.search)
	case "lens":
		o.lens = &lens{}
		if err := strict(o.Attributes, o.lens); err != nil {
			return err
		}
		return o.decodeLens()
	case "links":
		o.links = &links{}
		if err := strict(o.Attributes, o.links); err != nil {
			return err
		}
		err := oneOf("layout", o.links.Layout, "horizontal", "vertical")
		for _, l := range o.links.Links {
			err = errors.Join(err, oneOf("type of link", l.Type, "dashboardLink"))
		}
		return enum(err)
	case "dashboard":
		o.dashboard = &dashboard{}
		if err := strict(o.Attributes, o.dashboard); err != nil {
			return err
		}
		group := o.dashboard.ControlGroup
		err := errors.Join(oneOf("controlStyle", group.ControlStyle, "oneLine", "twoLine"),
			oneOf("chainingSystem", group.ChainingSystem, "HIERARCHICAL", "NONE"))
		for _, c := range group.Panels.value {
			err = errors.Join(err, oneOf("type of control", c.Type, "optionsListControl"),
				oneOf("width", c.Width, "small", "medium", "large"),
				oneOf("searchTechnique", c.ExplicitInput.SearchTechnique, "prefix", "wildcard", "exact"),
				oneOf("sort", c.ExplicitInput.Sort.By+" "+c.ExplicitInput.Sort.Direction, "_count desc", "_key asc"))
		}
		return enum(err)
	}
	return enum(oneOf("type", o.Type, "index-pattern", "search", "lens", "links", "dashboard"))
}

func enum(err error) error {
	if err != nil {
		return enumError{err}
	}
	return nil
}

func shipped(t testing.TB) []byte {
	t.Helper()
	objects, err := kibana.Objects("")
	if err != nil {
		t.Fatal(err)
	}
	ndjson, err := kibana.File(objects, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ndjson
}

func TestSavedObjects(t *testing.T) {
	f := check(shipped(t))
	for _, x := range f.findings {
		t.Errorf("%s: %s: %s", x.rule, x.object, x.text)
	}
	want := []string{"home", "failures", "builds", "boots", "tests", "logs", "build-details", "boot-details", "job-log",
		"compare-boots", "compare-tests", "board", "incidents", "test-history"}
	for _, id := range want {
		if f.byKey["dashboard:kcing-"+id] == nil {
			t.Errorf("no dashboard kcing-%s", id)
		}
	}
}

// Every panel has data, on made-up records through kcing's own transform.
func TestSavedObjectsHaveData(t *testing.T) {
	f := check(shipped(t))
	f.checkData(load(t))
	for _, x := range f.findings {
		t.Errorf("%s: %s: %s", x.rule, x.object, x.text)
	}
}
