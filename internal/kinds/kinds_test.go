package kinds

import (
	"slices"
	"testing"
)

// TestDocumentsAreNamedOnce: what a record becomes is a kind of documents that there
// is, and each kind of documents comes from some record.
func TestDocumentsAreNamedOnce(t *testing.T) {
	var made []string
	for _, name := range Names() {
		made = append(made, DocumentsOf(name)...)
	}
	slices.Sort(made)
	want := slices.Sorted(slices.Values(Documents))
	if made = slices.Compact(made); !slices.Equal(made, want) {
		t.Errorf("records become %q, there are %q", made, want)
	}
	if got := AnyRecord(); got != "build, boot or lava" {
		t.Errorf("%q", got)
	}
	if got := DocumentsOf("log"); got != nil {
		t.Errorf("%q", got)
	}
}
