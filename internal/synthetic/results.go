package synthetic

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// row is one test case result as LAVA stores it.
type row struct {
	id                  int64
	name, result, level string
	measurement, unit   string // "None" and "" without a measurement
	startLine, endLine  int    // 0: none
	logged              int64
	metadata            object
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
	j.lastLogged = max(j.log.now, j.lastLogged) + int64(j.rand.between(40, 9_000))
	r.logged = j.lastLogged
	for i := range j.suites {
		if j.suites[i].name == suiteName {
			j.suites[i].rows = append(j.suites[i].rows, r)
			return
		}
	}
	j.suites = append(j.suites, suite{suiteName, []row{r}})
}

// results are the callback's: YAML text for each suite.
func (j *job) results() map[string]string {
	all := map[string]string{}
	for _, s := range j.suites {
		all[s.name] = s.yaml(j.id)
	}
	return all
}

// yaml writes the rows newest first, every value a string.
func (s *suite) yaml(jobID int64) string {
	var out stored
	for _, r := range slices.Backward(s.rows) {
		out.buf = fmt.Appendf(out.buf, "- id: '%d'\n  job: '%d'\n  level: %s\n  log_end_line: '%s'\n  "+
			"log_start_line: '%s'\n"+
			"  logged: '%s'\n  measurement: %s\n", r.id, jobID, yamlText(r.level), lineText(r.endLine),
			lineText(r.startLine), pythonTime(r.logged), yamlText(r.measurement))
		out.metadata(r.metadata)
		out.buf = fmt.Appendf(out.buf, "\n  name: %s\n  result: %s\n  suite: %s\n  unit: %s\n  url: "+
			"/results/testcase/%d\n",
			yamlText(r.name), r.result, yamlText(s.name), yamlText(r.unit), r.id)
	}
	return string(out.buf)
}

// metadata is what the dispatcher logged of a row, but that "extra", a mapping,
// is a list of mappings of one key each.
func (s *stored) metadata(o object) {
	s.line = len(s.buf)
	s.add("  metadata:")
	extra, has := o["extra"].(object)
	if !has {
		s.add(" ")
		s.flow(o, 4)
		return
	}
	for _, name := range names(o) {
		s.newline(4)
		s.add(name, ":")
		if name != "extra" {
			s.add(" ")
			s.scalar(o[name], 6)
			continue
		}
		for _, name := range names(extra) {
			s.newline(4)
			s.add("- ")
			s.flow(object{name: extra[name]}, 6)
		}
	}
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
// row in the suite "lava".
func (j *job) action(level, name string, centi int, result string, extra object) {
	metadata := object{"case": name, "definition": "lava", "duration": hundredths(centi), "level": level,
		"namespace": "common", "result": result}
	if extra != nil {
		metadata["extra"] = extra
	}
	j.log.structure("results", metadata)
	j.addRow("lava", row{name: name, result: result, level: level, measurement: decimalText(centi),
		unit: "seconds", metadata: metadata})
}

// milestone records a result without level and duration: validate, job.
func (j *job) milestone(name, result string, more object) {
	metadata := object{"case": name, "definition": "lava", "result": result}
	maps.Copy(metadata, more)
	j.log.structure("results", metadata)
	j.addRow("lava", row{name: name, result: result, measurement: "None", metadata: metadata})
}
