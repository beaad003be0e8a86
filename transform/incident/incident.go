// Package incident finds the kernel's error reports in the console log of a job
// and names each as the kernel community does: with the title that syzbot would
// give it, so that one bug on ten boards is one title.
//
// A [Reader] is handed the lines of a console. What a report begins with is the
// table in forms.go; where the function stands that names the bug, locate.go;
// which functions never name one, families.go.
package incident

// Kind is the sort of an incident.
type Kind string

// The kinds of incidents. All but the last are the kernel's.
const (
	Panic    Kind = "panic"
	Oops     Kind = "oops"
	Bug      Kind = "bug"
	Warning  Kind = "warning"
	KASAN    Kind = "kasan"
	KMSAN    Kind = "kmsan"
	KCSAN    Kind = "kcsan"
	KFENCE   Kind = "kfence"
	UBSAN    Kind = "ubsan"
	Lockdep  Kind = "lockdep"
	Atomic   Kind = "atomic"
	Hang     Kind = "hang"
	Leak     Kind = "leak"
	Refcount Kind = "refcount"
	OOM      Kind = "oom"
	// Job is the error of a job that LAVA gave up.
	Job Kind = "job"
)

// Incident is one title of a job, with what was found at the first report of it.
type Incident struct {
	// Title is never empty and has at most 120 characters of printable ASCII.
	Title string
	Kind  Kind
	// Function is the one in the title; empty where the title has none.
	Function string
	// Line is the number of the header's line; 0 for the job's own error.
	Line int
	// Message is the header from where it begins, at most 1,000 characters.
	Message string
	// Trace is at most 40 lines of the form "func+0x1/0x2 [mod]".
	Trace string
	// Signature tells two bugs of one title apart: 16 hex digits over the kind, the
	// title and the first functions of the trace.
	Signature string
	// Count is how many reports of this title the job has.
	Count int
	// Fatal says that the kernel died of one of them.
	Fatal bool
	// Provoked says that a test made the kernel crash on purpose.
	Provoked bool

	sequence int // of the report among those of the log
}

// Limits. None of them is met by a log that a person would call a log.
const (
	maxTitles   = 256  // of one job: more documents would name nothing more
	maxText     = 2048 // bytes of one message that are looked at
	maxLines    = 400  // messages of one report
	usualLines  = 96   // that there is room for from the beginning
	maxDistance = 4000 // console lines from a report's header to its last message
	maxOpen     = 16   // reports of different callers at the same time
	maxTrace    = 40   // lines of a trace that are kept
	maxTitle    = 120
	maxMessage  = 1000
)
