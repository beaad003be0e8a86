package transform

import (
	"strings"
	"time"

	"github.com/kcing/kcing/internal/jsontext"
	"github.com/kcing/kcing/transform/incident"
)

// job is what a record says of one job, in whichever format it came: readCallback and
// readNode fill it, writeJob makes the documents of it.
type job struct {
	lab, id string
	node    string // the id of its Maestro node, when the record holds that node

	// What each of its documents has.
	passed   []jsontext.Field // LAVA's fields in passedOn, as they came
	facts    jobFacts         // what was tested
	patchset string
	device   string
	status   string // in the words of outcome.go
	// lavaStatus is how the record itself puts its status.
	lavaStatus          string
	errorType, errorMsg string // of the job; each document has the type, its boot the message
	more                []pair // what one format alone knows
	attempt             attempt
	buildKey            string // made by writeHead

	// What its boot alone has.
	submitted, started string // times, as documents have them
	healthCheck        string // "true", "false" or empty
	boot               []pair // what one format alone knows
	commitTags         []string

	called bool // there is a callback, and with it LAVA's own results and times
	cases  []testCase
	ids    map[string]int // of test documents: how often each has been given

	result   string // of the Maestro node
	children []child
	byPath   map[string]int // into children
	nodeOf   []int          // of each case: 1 + the place of its node in children, 0: none

	log       jobLog
	unread    bool   // parts were given, and none before the log could be read
	damage    string // a tag that says why the callback was not used
	logRead   bool   // there are documents of the log
	incidents []incident.Incident
}

// pair is a field of a document; without a text it is left out.
type pair struct{ name, text string }

func (j *job) reset() {
	clear(j.cases) // they hold on to the texts they were cut from
	clear(j.passed)
	clear(j.children)
	*j = job{
		passed: emptied(j.passed, keepItems), more: j.more[:0], boot: j.boot[:0],
		cases: emptied(j.cases, keepItems), ids: emptiedMap(j.ids),
		children: emptied(j.children, keepItems), nodeOf: emptied(j.nodeOf, keepItems),
	}
}

// child is a node below a job: a test case, or what groups some.
type child struct {
	id, kind, name, result, errorType, errorMsg, measurement string
	path                                                     string // below the job, joined by "/"
	created                                                  time.Time
	group                                                    bool // has children of its own
	matched                                                  bool // by a row of the callback's results
}

// jobFacts are what kcing keeps of a definition's metadata.
type jobFacts struct {
	values [len(jobFields)]string // in the order of jobFields
	nodeID string
	// Of the definition itself; role is that of a multinode job's device.
	deviceType, jobName, role string
}

// testCase is one row of a suite's results, each value as text.
type testCase struct {
	values  [rowKeys]string
	present [rowKeys]bool // and not null
	set     string        // the set that LAVA's metadata puts the case into
	under   string        // the suite in whose list it stands, whatever it says itself
	// Of the suite lava's case job only.
	errorType, errorMsg string
}

// The keys of a row that its document has, in the document's order.
const (
	rowResult = iota
	rowName
	rowUnit
	rowMeasurement
	rowStartLine
	rowEndLine
	rowSuite
	rowLevel
	rowLogged
	rowID
	rowKeys
)

var rowNames = [rowKeys]string{"result", "name", "unit", "measurement", "log_start_line", "log_end_line",
	"suite", "level", "logged", "id"}

// lavaSuite is the suite in which LAVA reports its own actions.
const lavaSuite = "lava"

// path is the test's name across jobs, see [testPath].
func (c *testCase) path() string {
	return testPath(withoutNumber(c.values[rowSuite]), c.set, c.values[rowName])
}

// isJob reports whether the row is of the job itself.
func (c *testCase) isJob() bool { return c.under == lavaSuite && c.values[rowName] == "job" }

// withoutNumber is a suite's name without the number that LAVA puts before it.
func withoutNumber(suite string) string {
	number, name, ok := strings.Cut(suite, "_")
	if !ok || number == "" {
		return suite
	}
	for _, c := range number {
		if c < '0' || c > '9' {
			return suite
		}
	}
	return name
}

// jobFields are the fields that say what a job tested, and the keys of the job
// definition's metadata; what a Maestro node has of them goes before.
var jobFields = [...]struct{ name, key string }{
	{"git_commit", "git.commit"},
	{"git_branch", "git.branch"},
	{"git_describe", "git.describe"},
	{"job", "kernel.tree"},
	{"kernel", "kernel.version"},
	{"defconfig_full", "kernel.defconfig"},
	{"build_environment", "job.build_environment"},
	{"arch", "job.arch"},
	{"file_server_resource", "job.file_server_resource"},
	{"mach", "platform.mach"},
	{"endian", "kernel.endian"},
	{"platform_name", "platform.name"},
	{"board", "device.type"},
}
