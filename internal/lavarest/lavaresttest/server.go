package lavaresttest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Admin is a superuser's token, Alice's that of somebody who may see the jobs
// that name her.
const (
	Admin = "admin-token"
	Alice = "alice-token"
)

// InnerHost is where the link to the next page leads.
const InnerHost = "lava.inside.invalid"

// Job is one of the server's.
type Job struct {
	ID    int64
	State string // empty: Finished
	// Health is empty: Complete, of a queued one Canceled.
	Health string
	// Start is zero: a minute before End.
	Start, End time.Time
	// Queued ended before it had a device: Start is End.
	Queued bool
	// Definition is empty: a short one.
	Definition string
	// Rows are the results as YAML, "": one row of the suite lava; Log is the log,
	// "": two lines.
	Rows, Log string
	// NoLog has been deleted, Packed is stored compressed, and Latin cannot be read
	// as UTF-8.
	NoLog, Packed, Latin bool
	// Private is seen by Alice and Admin alone.
	Private bool
}

// Server is one LAVA. It is safe for concurrent use; set the fields before it is
// asked.
type Server struct {
	Version string
	// Prefix is put before each path.
	Prefix string
	// RequireLogin shows nothing to those without a good token.
	RequireLogin bool
	// IgnoresFilters is a release that knows no filter of times.
	IgnoresFilters bool
	// Now is its clock; nil: time.Now.
	Now func() time.Time

	mu       sync.Mutex
	jobs     map[int64]Job
	fault    Fault
	requests []Request
	now      int
	most     int
	cancels  int
}

// Fault answers a request in place of the server and says so, or does nothing.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Request is one that was made.
type Request struct {
	Path   string
	Query  url.Values
	Header http.Header
	Host   string
}

// New makes a server of that release.
func New(version string, jobs ...Job) *Server {
	s := &Server{Version: version, jobs: map[int64]Job{}}
	s.Add(jobs...)
	return s
}

// Start listens on a free port until the test ends and returns the URL.
func (s *Server) Start(tb testing.TB) string {
	tb.Helper()
	srv := httptest.NewServer(s)
	tb.Cleanup(srv.Close)
	return srv.URL + s.Prefix
}

// Add adds jobs, or replaces those of the same number.
func (s *Server) Add(jobs ...Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range jobs {
		j.End = j.End.Truncate(time.Microsecond) // as a database keeps it
		if j.State == "" {
			j.State = "Finished"
		}
		switch {
		case j.Health != "":
		case j.Queued:
			j.Health = "Canceled"
		default:
			j.Health = "Complete"
		}
		switch {
		case j.Queued:
			j.Start = j.End
		case j.Start.IsZero() && !j.End.IsZero():
			j.Start = j.End.Add(-time.Minute)
		}
		s.jobs[j.ID] = j
	}
}

// SetFault makes f see each request first; nil: none does.
func (s *Server) SetFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Requests are those since the last Forget.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Forget forgets the requests.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// Asked counts the requests for lists, and for what belongs to single jobs.
func (s *Server) Asked() (lists, jobs int) {
	for _, r := range s.Requests() {
		switch {
		case strings.HasSuffix(r.Path, "/jobs/"):
			lists++
		case strings.Contains(r.Path, "/jobs/"):
			jobs++
		}
	}
	return lists, jobs
}

// Most is how many requests there were at once, at most.
func (s *Server) Most() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// Cancels counts the jobs that were canceled.
func (s *Server) Cancels() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cancels
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.URL.Path, r.URL.Query(), r.Header.Clone(), r.Host})
	s.now++
	s.most = max(s.most, s.now)
	fault := s.fault
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.now--
		s.mu.Unlock()
	}()
	now := time.Now
	if s.Now != nil {
		now = s.Now
	}
	w.Header().Set("Date", now().UTC().Format(http.TimeFormat))
	if fault != nil && fault(w, r) {
		return
	}
	path, ours := strings.CutPrefix(r.URL.Path, s.Prefix+"/api/v0.2/")
	user, good := userOf(r)
	switch {
	case !ours:
		page(w, http.StatusNotFound)
	case s.RequireLogin && user == "" && (path != "system/version/" || s.Version < "2023.03"):
		w.Header().Set("Location", "/accounts/login/?next="+url.QueryEscape(r.URL.Path))
		w.WriteHeader(http.StatusFound)
	case !good:
		answer(w, http.StatusForbidden, map[string]any{"detail": "Invalid token."})
	case path == "system/version/":
		answer(w, http.StatusOK, map[string]any{"version": s.Version})
	case path == "system/whoami/":
		answer(w, http.StatusOK, map[string]any{"user": user})
	case path == "jobs/":
		s.list(w, r, user)
	default:
		s.job(w, r, path, user)
	}
}

// userOf is the name of a token's user, "" for anybody; a token that nobody has is
// not good, and one behind another word is none.
func userOf(r *http.Request) (user string, good bool) {
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Token ")
	if !found {
		return "", true
	}
	user = map[string]string{Admin: "admin", Alice: "alice"}[token]
	return user, user != ""
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html>\n<html><title>HTTP %d</title></html>\n", status)
}
