package bulk

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Indices remembers which indices take documents. It tells a document that is
// refused for what it holds from an index that takes none: one that must not be
// made by itself, an alias without a write index, a pipeline that is not there,
// somebody else's strict template, and what nobody has thought of yet. Its zero
// value knows nothing. One may serve many Indexers, one after the other, so that
// what one has learnt the next one knows.
type Indices struct {
	// Changed is called when an index begins to refuse documents, with the reason,
	// and with nil when it takes them (again). Calls may come from several
	// goroutines at once. Nil: not called. Set it before the first use.
	Changed func(index string, why *Error)
	// Judged says that the documents were found to be at fault before, as those
	// are that are tried again: a refusal is theirs, unless the index is blocked.
	Judged bool

	mu    sync.Mutex
	known map[string]*indexState
	taken time.Time // when the last request was sent of which a document got in
	large int       // documents refused for their size since
}

// indexState is what is known of one index.
type indexState struct {
	taken   time.Time // when it last took a document; zero: not yet
	refuses time.Time // since when it has taken none; zero: it does, or nothing is known
	tag     any       // of the record whose document was refused then
	reason  string    // why, without what its document holds
	several bool      // further records' documents were refused for the same reason

	// Records in a row whose documents were rejected for one reason since one was
	// taken, and the last of them.
	rejected       int
	rejectedTag    any
	rejectedReason string
}

const (
	// contentGrace is how long a document that is refused for what it holds waits
	// for another one of its index to get in, when nothing has yet. After that it
	// is rejected, unless documents of other records were refused likewise.
	contentGrace = 10 * time.Second
	// endlessPatience is how long documents wait for an index that takes none
	// where [Options.RetryFor] has no end: then they are Undelivered, so that they
	// do not keep others waiting.
	endlessPatience = time.Minute
	// What an index took says nothing any more when that is takenLasts ago and it has
	// rejected documents of more than rejectedInARow records since, for one reason:
	// it may have been deleted and made again, under somebody else's template.
	takenLasts     = time.Minute
	rejectedInARow = 3

	mostIndices = 1000 // that are remembered, beside those that refuse documents
)

// took notes that an index took a document of a request that was sent then.
func (x *Indices) took(index string, then time.Time) {
	x.mu.Lock()
	if then.After(x.taken) {
		x.taken = then
	}
	x.large = 0
	s := x.state(index)
	news := s.taken.IsZero() || !s.refuses.IsZero()
	*s = indexState{taken: time.Now()}
	x.mu.Unlock()
	if news && x.Changed != nil {
		x.Changed(index, nil)
	}
}

// tooLarge notes that a document alone was refused for its size.
func (x *Indices) tooLarge() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.large++
}

// oneTooLarge reports whether only one was since something got in.
func (x *Indices) oneTooLarge() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.large == 1
}

// tookSince reports whether a document got in with a request that was sent since t.
func (x *Indices) tookSince(t time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return !x.taken.Before(t)
}

func (x *Indices) state(index string) *indexState {
	if x.known == nil {
		x.known = map[string]*indexState{}
	}
	s := x.known[index]
	if s == nil {
		if len(x.known) >= mostIndices { // a server of months sees one a day and kind
			maps.DeleteFunc(x.known, func(_ string, s *indexState) bool { return s.refuses.IsZero() })
		}
		s = new(indexState)
		x.known[index] = s
	}
	return s
}

// takes reports whether what the index took lately says that it takes documents, so
// that one of this record that it refuses is to blame itself.
func (s *indexState) takes(e *entry) bool {
	if s.taken.IsZero() {
		return false
	}
	switch reason := e.fault.withoutValues(); {
	case s.rejected == 0 || s.rejectedReason != reason:
		s.rejected, s.rejectedTag, s.rejectedReason = 1, e.doc.Tag, reason
	case s.rejectedTag != e.doc.Tag:
		s.rejected, s.rejectedTag = s.rejected+1, e.doc.Tag
	}
	if s.rejected <= rejectedInARow || time.Since(s.taken) < takenLasts {
		return true
	}
	s.taken, s.several = time.Time{}, true
	return false
}

// refused judges a document that was refused while none of its index got in
// with it. The outcome is Rejected when it is the document's own fault,
// Undelivered when it has waited long enough for the index, 0 to send it again.
func (x *Indices) refused(e *entry, retryFor time.Duration) (Outcome, error) {
	if x.Judged && !blocked(e.fault) {
		return Rejected, nil
	}
	now := time.Now()
	x.mu.Lock()
	s := x.state(e.doc.Index)
	own := e.fault.ofContent()
	if own && s.takes(e) || e.refused != 0 && s.taken.UnixNano() > e.refused && !blocked(e.fault) {
		x.mu.Unlock()
		return Rejected, nil
	}
	if e.refused == 0 {
		e.refused = now.UnixNano()
	}
	news := s.refuses.IsZero()
	if news {
		s.refuses, s.tag, s.reason = now, e.doc.Tag, e.fault.withoutValues()
	}
	s.several = s.several || s.tag != e.doc.Tag && s.reason == e.fault.withoutValues()
	waited, alone := now.Sub(s.refuses), !s.several
	x.mu.Unlock()
	if news && x.Changed != nil {
		x.Changed(e.doc.Index, e.fault)
	}
	patience := retryFor
	if retryFor < 0 {
		patience = endlessPatience
	}
	switch {
	case own && alone && now.UnixNano()-e.refused >= int64(min(contentGrace, patience/2)):
		return Rejected, nil
	case waited >= patience:
		return Undelivered, fmt.Errorf("%w: %w", ErrOutOfTime, &IndexError{Index: e.doc.Index, Cause: e.fault})
	}
	return 0, nil
}

// ownFault tells of a document that is given up whether it alone was refused, for
// what it holds.
func (x *Indices) ownFault(e *entry) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return e.fault.ofContent() && !x.state(e.doc.Index).several
}

// IndexError says that an index takes no document.
type IndexError struct {
	Index string
	Cause *Error
}

func (e *IndexError) Error() string {
	return fmt.Sprintf("index %s takes no documents: %v", e.Index, e.Cause)
}

// Unwrap returns the Cause.
func (e *IndexError) Unwrap() error { return e.Cause }

// bracketed are the names in a reason: of an alias, a pipeline, an index. They are
// people's, and say nothing of whose fault it is.
var bracketed = regexp.MustCompile(`\[[^\]]*\]`)

// values are what reasons quote of a document: names, values, places in it.
var values = regexp.MustCompile(`\[[^\]]*\]|'[^']*'|[0-9]+`)

// withoutValues is the error as it reads for every document that it hits alike.
func (e *Error) withoutValues() string { return e.Type + values.ReplaceAllString(e.Reason, "") }

// ofContent reports whether the error names what a document holds. A strict
// mapping's does as well; but the templates are not strict, so it is a stranger's,
// and refuses them all.
func (e *Error) ofContent() bool {
	switch e.Type {
	case "document_parsing_exception", "mapper_parsing_exception", "parsing_exception",
		"x_content_parse_exception", "input_coercion_exception":
		return true
	case "illegal_argument_exception":
		reason := bracketed.ReplaceAllString(e.Reason, "")
		return strings.Contains(reason, "field") || strings.Contains(reason, "immense term")
	}
	return false
}
