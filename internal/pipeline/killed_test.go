package pipeline

import (
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/source"
)

// killed feeds a record and dies between storing its documents and recording that.
func killed(t *testing.T, e *elastic, l *ledger, r source.Record) {
	t.Helper()
	l.commit = func(int) error { return errTest }
	if _, err := feed(t.Context(), t, slice{r}, config(e, l)); err == nil {
		t.Fatal("it did not die")
	}
	l.commit = nil
}

// What was stored without the ledger knowing is not taken for the documents of
// the next record of the same key.
func TestKilledBeforeCommit(t *testing.T) {
	for name, c := range map[string]struct{ dies, next string }{
		"more after less": {bootAlone, whole},
		"other words":     {whole, inOtherWords},
		"the same":        {whole, whole},
	} {
		t.Run(name, func(t *testing.T) {
			e, l := &elastic{}, newLedger()
			killed(t, e, l, record("dies", c.dies))
			mustFeed(t, slice{record("next", c.next)}, config(e, l))

			alone, known := &elastic{}, newLedger()
			mustFeed(t, slice{record("next", c.next)}, config(alone, known))
			texts := map[string]string{}
			for id, doc := range alone.docs() {
				_, id, _ = strings.Cut(id, "/")
				texts[id] = doc
			}
			if e.count() != len(texts) {
				t.Errorf("under two days: %v", e.docs())
			}
			for id, doc := range e.docs() {
				if _, id, _ = strings.Cut(id, "/"); texts[id] != doc {
					t.Errorf("%s: %s", id, doc)
				}
			}
			// The one that died comes again.
			r := mustFeed(t, slice{record("dies", c.dies)}, config(e, l))
			switch c.dies {
			case c.next:
				equal(t, "skipped", r.Skipped, 1)
			case bootAlone:
				equal(t, "superseded", r.Superseded, 1)
			default:
				equal(t, "in conflict", r.Refused[TypeConflict], 1)
			}
		})
	}
}

// A record that knows less and was under way first leaves what knows more alone.
func TestKilledBeforeCommitOfMore(t *testing.T) {
	e, l := &elastic{}, newLedger()
	killed(t, e, l, record("whole", whole))
	mustFeed(t, slice{record("boot", bootAlone)}, config(e, l))
	mustFeed(t, slice{record("whole", whole)}, config(e, l))
	equal(t, "documents", e.count(), 3)
	for id, doc := range e.docs() {
		if !strings.Contains(doc, `"lava_status":"complete"`) {
			t.Errorf("%s: %s", id, doc)
		}
	}
}
