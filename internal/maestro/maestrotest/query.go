package maestrotest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter is one condition of a query.
type filter struct {
	path  []string
	op    string // empty: equality
	text  string
	value any // of an operator: text, or the number, boolean or nil that it reads as
	date  time.Time
	never bool // the API knows no such condition and finds nothing
}

// failure is an answer instead of nodes.
type failure struct {
	status int
	detail any
}

func (f *failure) send(w http.ResponseWriter) {
	if f.status == http.StatusInternalServerError {
		internalError(w)
		return
	}
	answer(w, f.status, map[string]any{"detail": f.detail})
}

var dates = []string{"created", "updated", "timeout", "holdoff"}

// filters reads a query; of a name that is there twice the last one counts.
func filters(q url.Values, except ...string) ([]filter, *failure) {
	var all []filter
	for key, values := range q {
		if slices.Contains(except, key) {
			continue
		}
		f, fail := newFilter(key, values[len(values)-1])
		if fail != nil {
			return nil, fail
		}
		all = append(all, f)
	}
	// What sorts most nodes out first.
	slices.SortFunc(all, func(a, b filter) int { return rank(a) - rank(b) })
	return all, nil
}

func rank(f filter) int {
	if i := slices.Index([]string{"treeid", "parent", "updated", "kind"}, f.path[0]); i >= 0 {
		return i
	}
	return 9
}

func newFilter(key, text string) (filter, *failure) {
	name, op, _ := strings.Cut(key, "__")
	f := filter{path: strings.Split(name, "."), op: op, text: text, value: text}
	if op != "" && !slices.Contains([]string{"lt", "lte", "gt", "gte", "ne", "re", "in", "nin", "int"}, op) ||
		name == "id" || name == "_id" {
		f.never = true
		return f, nil
	}
	if text == "null" {
		f.value = nil
	}
	switch {
	case slices.Contains(dates, name):
		return f.asDate()
	case name == "parent" && op != "", name == "retry_counter" && op != "":
		return f, &failure{status: http.StatusInternalServerError}
	case name == "parent" && text == "null":
		f.never = true
	case name == "parent" && !objectID.MatchString(text):
		return f, &failure{http.StatusBadRequest, "'" + text +
			"' is not a valid ObjectId, it must be a 12-byte input or a 24-character hex string"}
	case name == "retry_counter":
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return f, &failure{http.StatusBadRequest, "invalid literal for int() with base 10: '" + text + "'"}
		}
		f.value = n
	case op == "re":
		if _, err := regexp.Compile(text); err != nil {
			return f, &failure{status: http.StatusInternalServerError}
		}
	case strings.EqualFold(text, "true"), strings.EqualFold(text, "false"):
		f.value = strings.EqualFold(text, "true")
	case op != "" && op != "in" && op != "nin":
		if n, err := strconv.ParseUint(text, 10, 64); err == nil {
			f.value = float64(n)
		}
	}
	return f, nil
}

// asDate reads a date as the oldest Python that the API runs on: no Z.
func (f filter) asDate() (filter, *failure) {
	if f.value == nil {
		return f, &failure{status: http.StatusInternalServerError}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.Parse(layout, f.text); err == nil {
			f.date = t.Truncate(time.Millisecond)
			return f, nil
		}
	}
	return f, &failure{http.StatusBadRequest, "Invalid isoformat string: '" + f.text + "'"}
}

func (f filter) matches(n *stored) bool {
	if f.never {
		return false
	}
	if !f.date.IsZero() {
		at := n.updated
		if f.path[0] != "updated" {
			text, _ := n.Node[f.path[0]].(string)
			t, err := time.Parse("2006-01-02T15:04:05", text)
			if err != nil {
				return false
			}
			at = t
		}
		return ordered(f.op, at.Compare(f.date))
	}
	v := lookup(map[string]any(n.Node), f.path)
	if list, ok := v.([]any); ok && f.op == "" {
		return slices.ContainsFunc(list, func(e any) bool { return e == f.value })
	}
	switch f.op {
	case "", "int":
		return v == f.value
	case "ne":
		return v != f.value
	case "in":
		return slices.Contains(strings.Split(f.text, ","), asText(v))
	case "nin":
		return !slices.Contains(strings.Split(f.text, ","), asText(v))
	case "re":
		text, ok := v.(string)
		return ok && regexp.MustCompile(f.text).MatchString(text)
	}
	if a, ok := v.(float64); ok {
		b, ok := f.value.(float64)
		return ok && ordered(f.op, int(a-b))
	}
	if a, ok := v.(string); ok {
		b, ok := f.value.(string)
		return ok && ordered(f.op, strings.Compare(a, b))
	}
	return false
}

func asText(v any) string {
	s, ok := v.(string)
	if !ok {
		return "\x00"
	}
	return s
}

func ordered(op string, c int) bool {
	switch op {
	case "lt":
		return c < 0
	case "lte":
		return c <= 0
	case "gt":
		return c > 0
	case "gte":
		return c >= 0
	case "ne":
		return c != 0
	}
	return c == 0
}

// lookup follows a dotted path, through lists by number.
func lookup(v any, path []string) any {
	for _, name := range path {
		switch in := v.(type) {
		case map[string]any:
			v = in[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// find returns the nodes' JSON, in the order of the answer.
func (s *Server) find(all []filter) []json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []json.RawMessage{}
	for _, n := range s.nodes {
		if !slices.ContainsFunc(all, func(f filter) bool { return !f.matches(n) }) {
			found = append(found, n.json)
		}
	}
	if s.shuffle {
		s.random.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	}
	return found
}

func (s *Server) serveNodes(w http.ResponseWriter, q url.Values) {
	limit, fail := pageNumber(q, "limit", 50, 1)
	if fail == nil {
		var offset int
		if offset, fail = pageNumber(q, "offset", 0, 0); fail == nil {
			var all []filter
			if all, fail = filters(q, "limit", "offset"); fail == nil {
				found := s.find(all)
				from := min(offset, len(found))
				answer(w, http.StatusOK, map[string]any{"items": found[from : from+min(limit, len(found)-from)],
					"total": len(found), "limit": limit, "offset": offset})
				return
			}
		}
	}
	fail.send(w)
}

func (s *Server) serveFast(w http.ResponseWriter, q url.Values) {
	all, fail := filters(q, "limit", "offset")
	if fail != nil {
		fail.send(w)
		return
	}
	found := s.find(all)
	for _, name := range [...]string{"offset", "limit"} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || name == "offset" && n < 0 {
			answer(w, http.StatusBadRequest, map[string]any{"detail": "invalid " + name})
			return
		}
		switch {
		case name == "offset":
			found = found[min(n, len(found)):]
		case n != 0:
			found = found[:min(max(n, -n), len(found))]
		}
	}
	answer(w, http.StatusOK, found)
}

func (s *Server) serveCount(w http.ResponseWriter, q url.Values) {
	all, fail := filters(q) // limit and offset are filters here, and find nothing
	if fail != nil {
		fail.send(w)
		return
	}
	answer(w, http.StatusOK, len(s.find(all)))
}

// pageNumber reads limit or offset.
func pageNumber(q url.Values, name string, otherwise, least int) (int, *failure) {
	if !q.Has(name) {
		return otherwise, nil
	}
	text := q[name][len(q[name])-1]
	loc := []string{"query", name}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, &failure{http.StatusUnprocessableEntity, []any{map[string]any{"type": "int_parsing", "loc": loc,
			"msg": "Input should be a valid integer, unable to parse string as an integer", "input": text}}}
	}
	if n < least {
		return 0, &failure{http.StatusUnprocessableEntity, []any{map[string]any{"type": "greater_than_equal",
			"loc": loc,
			"msg": "Input should be greater than or equal to " + strconv.Itoa(least), "input": text,
			"ctx": map[string]any{"ge": least}}}}
	}
	return n, nil
}
