// Package kinds says which kinds of records and of documents there are.
package kinds

import (
	"slices"
	"strings"
)

// Build and Boot are kinds of records and of documents; LAVA is one of records, the
// others are of documents.
const (
	Build    = "build"
	Boot     = "boot"
	LAVA     = "lava"
	Test     = "test"
	Log      = "log"
	Incident = "incident"
)

// A Record is a kind of records.
type Record struct {
	Name      string
	Documents []string // the kinds of documents that it becomes
}

// Records are all kinds of records.
var Records = []Record{
	{Build, []string{Build}},
	{Boot, []string{Boot}},
	{LAVA, []string{Boot, Test, Log, Incident}},
}

// Documents are all kinds of documents, in the order in which they are shown.
var Documents = []string{Build, Boot, Test, Log, Incident}

// DocumentsOf are the kinds of documents that a kind of records becomes.
func DocumentsOf(record string) []string {
	i := slices.IndexFunc(Records, func(r Record) bool { return r.Name == record })
	if i < 0 {
		return nil
	}
	return Records[i].Documents
}

// Names are those of all kinds of records.
func Names() []string {
	names := make([]string, len(Records))
	for i, r := range Records {
		names[i] = r.Name
	}
	return names
}

// AnyRecord names all kinds of records for people: "build, boot or lava".
func AnyRecord() string {
	names := Names()
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
