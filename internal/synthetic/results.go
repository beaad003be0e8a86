package synthetic

import (
	"slices"
	"strconv"
	"strings"
)

// row is one test case result as LAVA stores it.
type row struct {
	id                  int64
	name, result, level string
	measurement, unit   string // "None" and "" without a measurement
	startLine, endLine  int    // 0: none
	logged              int64
	metadata            value
}

// suite is a named list of rows, oldest first as they happen.
type suite struct {
	name string
	rows []row
}

// addRow appends to a suite, which is made when it is new.
func (j *job) addRow(suiteName string, r row) {
	j.rowCount++
	r.id = 500_000_000 + j.sequence*128 + j.rowCount
	// Written by the server, a moment after the dispatcher logged it.
	j.lastLogged = max(j.log.now, j.lastLogged) + int64(j.between(40, 9_000))
	r.logged = j.lastLogged
	for i := range j.suites {
		if j.suites[i].name == suiteName {
			j.suites[i].rows = append(j.suites[i].rows, r)
			return
		}
	}
	j.suites = append(j.suites, suite{suiteName, []row{r}})
}

// resultsValue gives the callback's results: YAML text for each suite.
func (j *job) resultsValue() value {
	v := value{kind: objectValue}
	for _, s := range j.suites {
		v.fields = append(v.fields, textMember(s.name, s.yaml(j.id)))
	}
	return v
}

// yaml writes the rows newest first, every value a string.
func (s *suite) yaml(jobID int64) string {
	rows := make([]value, 0, len(s.rows))
	job := strconv.FormatInt(jobID, 10)
	for _, r := range slices.Backward(s.rows) {
		id := strconv.FormatInt(r.id, 10)
		rows = append(rows, object(
			textMember("id", id), textMember("job", job), textMember("level", r.level),
			textMember("log_end_line", lineText(r.endLine)), textMember("log_start_line", lineText(r.startLine)),
			textMember("logged", pythonTime(r.logged)), textMember("measurement", r.measurement),
			member("metadata", r.metadata), textMember("name", r.name), textMember("result", r.result),
			textMember("suite", s.name), textMember("unit", r.unit), textMember("url", "/results/testcase/"+id)))
	}
	return yamlText(list(rows...))
}

func lineText(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// decimalText is a measurement as Django's DecimalField with ten places gives
// it; zero comes out as 0E-10.
func decimalText(centi int) string {
	if centi == 0 {
		return "0E-10"
	}
	return hundredths(centi) + "00000000"
}

// action records the result of one step of the job: a line in the log and a
// row in the suite "lava". extra becomes a list of one-key maps in the row.
func (j *job) action(level, name string, centi int, pass bool, extra ...field) {
	result := strings.ToLower(passOrFail(pass))
	head := []field{
		textMember("case", name), textMember("definition", "lava"), textMember("duration", hundredths(centi)),
	}
	tail := []field{
		textMember("level", level), textMember("namespace", "common"), textMember("result", result),
	}
	logged, stored := slices.Clone(head), slices.Clone(head)
	if len(extra) > 0 {
		logged = append(logged, member("extra", object(extra...)))
		items := make([]value, len(extra))
		for i, f := range extra {
			items[i] = object(member(f.name, untagged(f.value)))
		}
		stored = append(stored, member("extra", list(items...)))
	}
	j.log.structure("results", object(append(logged, tail...)...))
	j.addRow("lava", row{name: name, result: result, level: level, measurement: decimalText(centi),
		unit: "seconds", metadata: object(append(stored, tail...)...)})
}

// milestone records a result without level and duration: validate, job.
func (j *job) milestone(name string, pass bool, more ...field) {
	result := strings.ToLower(passOrFail(pass))
	metadata := object(append([]field{
		textMember("case", name), textMember("definition", "lava"), textMember("result", result),
	}, more...)...)
	j.log.structure("results", metadata)
	j.addRow("lava", row{name: name, result: result, measurement: "None", metadata: metadata})
}

// untagged is the value as stored: a number logged as ! "123" is a number again.
func untagged(v value) value {
	if v.kind == literalValue {
		return literal(strings.Trim(strings.TrimPrefix(v.text, "! "), `"`))
	}
	return v
}
