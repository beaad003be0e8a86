package lavarest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/kcing/kcing/internal/jsontext"
)

// finished is the state of a job that is over.
const finished = "Finished"

// states and healths are the numbers that a callback has for REST's words, and
// outcomes its status.
var (
	states = map[string]int{
		"Submitted": 0, "Scheduling": 1, "Scheduled": 2, "Running": 3, "Canceling": 4, finished: 5,
	}
	healths  = map[string]int{"Unknown": 0, "Complete": 1, "Incomplete": 2, "Canceled": 3}
	outcomes = map[string]struct {
		number int
		word   string
	}{"Complete": {2, "complete"}, "Incomplete": {3, "incomplete"}, "Unknown": {3, "incomplete"},
		"Canceled": {4, "canceled"}}
)

// job is a row of the list.
type job struct {
	id    string
	state string
	end   time.Time // zero: it has not ended
	ended string    // as the server wrote it
	// fault is why no body can be made of it; nil: one can.
	fault error
	// ran is false for a job that ended in the queue: there is nothing to ask for.
	ran bool
	// head is the beginning of the callback's body: all that a row has of it. The
	// rest of the row is not kept: it may hold the job's token, and the definition
	// once or twice more.
	head []byte
}

// parseJob reads a row. r says how the callbacks of that release were.
func parseJob(row gjson.Result, r release) (job, error) {
	id := row.Get("id")
	if n, err := strconv.ParseInt(id.Raw, 10, 64); err != nil || n < 1 {
		return job{}, fmt.Errorf("a job without a number: %.60q", id.Raw)
	}
	j := job{id: id.Raw, state: row.Get("state").Str}
	if _, known := states[j.state]; !known {
		return job{}, fmt.Errorf("job %s is in a state that kcing does not know: %.40q", j.id, j.state)
	}
	if _, known := healths[row.Get("health").Str]; !known {
		j.fault = fmt.Errorf("job %s has a health that kcing does not know: %.40q", j.id, row.Get("health").Str)
	}
	if end := row.Get("end_time"); end.Type != gjson.Null {
		at, err := time.Parse(time.RFC3339Nano, end.Str)
		if err != nil {
			return job{}, fmt.Errorf("job %s has no end_time that can be read: %.40q", j.id, end.Str)
		}
		j.end, j.ended = at.UTC(), strings.Clone(end.Str)
	} else if j.state == finished {
		return job{}, fmt.Errorf("job %s is finished and has no end_time", j.id)
	}
	start := row.Get("start_time").Str
	j.ran = row.Get("actual_device").Type != gjson.Null || start != "" && start != row.Get("end_time").Str
	j.id = strings.Clone(j.id)
	j.head = callbackHead(row, r)
	return j, nil
}

// callbackHead is a callback's body up to its log and results, without the
// closing brace.
func callbackHead(row gjson.Result, r release) []byte {
	var b bytes.Buffer
	raw := func(name, value string) {
		if value == "" {
			value = "null"
		}
		fmt.Fprintf(&b, ",%q:%s", name, value)
	}
	health := row.Get("health").Str
	start, end := row.Get("start_time"), row.Get("end_time")
	if r.before(2023, 6) {
		// LAVA sent callbacks before it saved the job's end; a job that never
		// started had no start by then either.
		if start.Str == end.Str {
			start = gjson.Result{}
		}
		end = gjson.Result{}
	}
	b.WriteString(`{"id":` + row.Get("id").Raw)
	raw("status", strconv.Itoa(outcomes[health].number))
	raw("status_string", strconv.Quote(outcomes[health].word))
	raw("state", strconv.Itoa(states[row.Get("state").Str]))
	raw("state_string", row.Get("state").Raw)
	raw("health", strconv.Itoa(healths[health]))
	raw("health_string", row.Get("health").Raw)
	raw("submit_time", clock(row.Get("submit_time")))
	raw("start_time", clock(start))
	raw("end_time", clock(end))
	raw("submitter_username", row.Get("submitter").Raw)
	raw("failure_comment", row.Get("failure_comment").Raw)
	raw("priority", row.Get("priority").Raw)
	raw("description", row.Get("description").Raw)
	raw("actual_device_id", row.Get("actual_device").Raw)
	raw("definition", row.Get("definition").Raw)
	raw("metadata", "[]")
	if !r.before(2025, 2) {
		raw("health_check", row.Get("health_check").Raw)
	}
	return b.Bytes()
}

// clock is a time as callbacks have it: Python's str() of it.
func clock(t gjson.Result) string {
	if t.Str == "" {
		return `"None"`
	}
	return string(jsontext.AppendString(nil, strings.Replace(strings.Replace(t.Str, "T", " ", 1), "Z", "+00:00", 1)))
}

// body is the callback's. A log of nil is left out; rows are what the job's
// /yaml/ says.
func (j job) body(rows, log []byte) ([]byte, error) {
	suites, err := splitResults(rows)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", j.id, err)
	}
	b := make([]byte, 0, len(j.head)+len(rows)+len(rows)/8+len(log)+len(log)/4+256)
	b = append(b, j.head...)
	if log != nil {
		b = jsontext.AppendString(append(b, `,"log":`...), log)
	}
	b = append(b, `,"results":{`...)
	for i, s := range suites {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(jsontext.AppendString(b, s.name), ':', '"')
		for _, row := range s.rows {
			b = jsontext.AppendEscaped(b, row)
		}
		b = append(b, '"')
	}
	return append(b, "}}"...), nil
}

// errNoRows says that results are none.
var errNoRows = errors.New("its results are no list of rows")
