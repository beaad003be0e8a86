package lavaresttest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const clock = "2006-01-02T15:04:05.000000Z"

// row is a job as the API lists it.
func (j Job) row(user string) map[string]any {
	definition := fmt.Sprintf("job_name: job %d\nmetadata: {device.type: qemu}\n", j.ID)
	if j.Definition != "" {
		definition = j.Definition
	}
	m := map[string]any{"id": j.ID, "submitter": "somebody", "viewing_groups": []int{},
		"description":  fmt.Sprintf("job %d", j.ID),
		"health_check": j.ID%2 == 0, "requested_device_type": "qemu", "tags": []int{}, "actual_device": "qemu-01",
		"submit_time": j.Start.Add(-time.Minute).UTC().Format(clock), "start_time": j.Start.UTC().Format(clock),
		"end_time": j.End.UTC().Format(clock),
		"state":    j.State, "health": j.Health, "priority": 50, "definition": definition,
		"original_definition":  definition + "# as submitted\n",
		"multinode_definition": "", "failure_tags": []int{}, "failure_comment": nil}
	if j.Queued {
		m["actual_device"] = nil
	}
	if j.End.IsZero() {
		m["end_time"] = nil
	}
	if user == "admin" {
		m["token"] = "token-of-job"
	}
	return m
}

func (j Job) visible(user string) bool { return !j.Private || user != "" }

// Documents is how many a job becomes.
func (j Job) Documents() int {
	if j.Queued {
		return 1
	}
	n := 1 + strings.Count("\n"+j.rows(), "\n- ")
	if !j.NoLog {
		n += strings.Count(j.log(), "\n")
	}
	return n
}

func (j Job) rows() string {
	if j.Rows != "" {
		return j.Rows
	}
	return fmt.Sprintf("- id: '%d'\n  measurement: NaN\n  name: login-action\n  result: pass\n  suite: lava\n", j.ID*10)
}

func (j Job) log() string {
	if j.Log != "" {
		return j.Log
	}
	line := func(text string) string {
		return fmt.Sprintf("- {\"dt\": \"%s\", \"lvl\": \"target\", \"msg\": \"%s\"}\n", j.Start.UTC().
			Format("2006-01-02T15:04:05.000000"), text)
	}
	return line("booting") + line(fmt.Sprintf("job %d", j.ID))
}

// list answers for jobs/.
func (s *Server) list(w http.ResponseWriter, r *http.Request, user string) {
	q := r.URL.Query()
	var found []Job
	s.mu.Lock()
	for _, j := range s.jobs { // in no order
		if j.visible(user) && s.matches(j, q) {
			found = append(found, j)
		}
	}
	s.mu.Unlock()
	rand.Shuffle(len(found), func(a, b int) { found[a], found[b] = found[b], found[a] }) //nolint:gosec // order only, no secret
	sortBy(found, q.Get("ordering"))
	limit, offset := number(q.Get("limit"), 50, 1), number(q.Get("offset"), 0, 0)
	end := min(offset+limit, len(found))
	rows := []any{}
	for _, j := range found[min(offset, end):end] {
		rows = append(rows, j.row(user))
	}
	list := map[string]any{"count": len(found), "next": nil, "previous": nil, "results": rows}
	if end < len(found) {
		q.Set("offset", strconv.Itoa(end))
		list["next"] = "http://" + InnerHost + r.URL.Path + "?" + q.Encode()
	}
	answer(w, http.StatusOK, list)
}

// matches heeds the filters that it knows; what it does not know counts for
// nothing.
func (s *Server) matches(j Job, q url.Values) bool {
	at := func(name string) time.Time {
		t, _ := time.Parse(clock, q.Get(name))
		return t
	}
	switch {
	case q.Has("state") && q.Get("state") != j.State:
		return false
	case s.IgnoresFilters:
		return true
	case q.Has("end_time__gt") && (j.End.IsZero() || !j.End.After(at("end_time__gt"))):
		return false
	case q.Has("end_time__lt") && (j.End.IsZero() || !j.End.Before(at("end_time__lt"))):
		return false
	}
	return true
}

// sortBy orders by the fields that it knows.
func sortBy(jobs []Job, ordering string) {
	fields := strings.Split(ordering, ",")
	slices.Reverse(fields)
	for _, f := range fields {
		name, descending := strings.CutPrefix(f, "-")
		compare := map[string]func(a, b Job) int{
			"id":       func(a, b Job) int { return int(a.ID - b.ID) },
			"end_time": func(a, b Job) int { return a.End.Compare(b.End) },
		}[name]
		if compare == nil {
			continue
		}
		slices.SortStableFunc(jobs, func(a, b Job) int {
			if descending {
				return compare(b, a)
			}
			return compare(a, b)
		})
	}
}

func number(text string, otherwise, least int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= least {
		return n
	}
	return otherwise
}

// job answers for jobs/N/ and what is below it.
func (s *Server) job(w http.ResponseWriter, r *http.Request, path, user string) {
	parts := strings.Split(path, "/")
	if len(parts) < 3 || parts[0] != "jobs" {
		page(w, http.StatusNotFound)
		return
	}
	n, _ := strconv.ParseInt(parts[1], 10, 64)
	s.mu.Lock()
	j, there := s.jobs[n]
	if parts[2] == "cancel" {
		s.cancels++
	}
	s.mu.Unlock()
	if !there || !j.visible(user) {
		notFound(w)
		return
	}
	switch parts[2] {
	case "":
		answer(w, http.StatusOK, j.row(user))
	case "yaml":
		yaml(w, j.rows())
	case "logs":
		j.logs(w, r)
	default:
		page(w, http.StatusNotFound)
	}
}

func notFound(w http.ResponseWriter) {
	answer(w, http.StatusNotFound, map[string]any{"detail": "Not found."})
}

func yaml(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write([]byte(text))
}

// logs answers for a log as LAVA does.
func (j Job) logs(w http.ResponseWriter, r *http.Request) {
	lines := r.URL.Query().Has("end")
	switch log := j.log(); {
	case j.NoLog:
		notFound(w)
	case j.Latin && lines:
		page(w, http.StatusInternalServerError)
	case j.Packed && !lines:
		yaml(w, log[:len(log)/2])
	default:
		yaml(w, log)
	}
}
