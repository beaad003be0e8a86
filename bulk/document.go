package bulk

import "strconv"

// Op says what happens when the id exists already.
type Op uint8

// The operations.
const (
	OpCreate Op = iota // leaves the stored document as it is: Duplicate
	OpIndex            // overwrites it: Stored
)

func (op Op) String() string {
	if op == OpIndex {
		return "index"
	}
	return "create"
}

// Doc is one document.
type Doc struct {
	Index, ID string // both required; ID at most MaxIDBytes, both valid UTF-8
	Op        Op
	Body      []byte // one JSON object on one line
	Tag       any    // the caller's, handed back in the Result; comparable, the same for documents of one record
}

// Outcome is what became of a document. Zero is none of them.
type Outcome uint8

// The outcomes. The first three are final; an Undelivered document may be added
// again, now or in another process.
const (
	Stored      Outcome = iota + 1 // Elasticsearch has it now
	Duplicate                      // it had this id already
	Rejected                       // it will never take this document
	Undelivered                    // out of time or attempts, a fatal error, or Close was cut short
)

func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "outcome " + strconv.Itoa(int(o))
}

var outcomeNames = [...]string{"unsettled", "stored", "duplicate", "rejected", "undelivered"}

// Result is the outcome of one document.
type Result struct {
	Doc      Doc // Body is valid only during the callback
	Outcome  Outcome
	Status   int // last HTTP status of the document, or of its request; 0: no answer
	Attempts int // requests that carried it
	// Type and Reason are those of Elasticsearch's last error, if there was one.
	Type, Reason string
	// Err is nil for Stored and Duplicate, an *Error for Rejected, and the reason
	// for giving up for Undelivered.
	Err error
}
