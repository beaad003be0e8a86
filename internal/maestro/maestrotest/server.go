package maestrotest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Node is a node as the API's JSON has it.
type Node map[string]any

// Options of New.
type Options struct {
	// Nodes are there from the beginning, see [Server.Add].
	Nodes []Node
	// Seed of what is random; the same seed, the same server.
	Seed uint64
}

// Server is one instance with its storage. It is safe for concurrent use.
type Server struct {
	mu       sync.Mutex
	random   *rand.Rand
	base     string // where files are, without a slash at its end
	nodes    []*stored
	byID     map[string]*stored
	files    map[string][]byte
	nextID   uint64
	fault    Fault
	shuffle  bool
	requests []Request
}

type stored struct {
	Node
	updated time.Time
	json    []byte
}

// Request is one that was made.
type Request struct {
	Method, Path string
	Query        url.Values
	Header       http.Header
}

// New makes a server that is not listening: use it as an http.Handler, through
// [Server.Transport], or after [Server.Start].
func New(o Options) *Server {
	random := rand.New(rand.NewPCG(o.Seed, 1)) //nolint:gosec // chance that can be had again
	s := &Server{random: random, base: "http://files.test", byID: map[string]*stored{}, files: map[string][]byte{},
		nextID: 1}
	s.Add(o.Nodes...)
	return s
}

// Start listens on a free port until the test ends and returns the base URL, to
// which /latest may be added. Files are named below it from then on.
func (s *Server) Start(tb testing.TB) string {
	tb.Helper()
	srv := httptest.NewServer(s)
	tb.Cleanup(srv.Close)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.base = srv.URL
	return srv.URL
}

// defaults are the members that each node of today has.
func defaults() Node {
	return Node{"kind": "job", "name": "", "path": []any{}, "group": nil, "parent": nil, "state": "done", "result": nil,
		"artifacts": map[string]any{},
		"data":      map[string]any{}, "debug": map[string]any{}, "jobfilter": nil, "platform_filter": []any{},
		"holdoff": nil, "owner": "production",
		"submitter": "service:pipeline", "treeid": nil, "user_groups": []any{}, "processed_by_kcidb_bridge": false,
		"retry_counter": 0}
}

// Add inserts nodes, with an id and the other members where they lack them, and
// returns their ids. created and updated may be time.Time; where they are absent
// both are now.
func (s *Server) Add(nodes ...Node) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, given := range nodes {
		n := defaults()
		maps.Copy(n, given)
		id, _ := n["id"].(string)
		if id == "" {
			id = s.newID()
			n["id"] = id
		}
		at := time.Now().UTC()
		if t, ok := n["updated"].(time.Time); ok {
			at = t
		}
		if _, ok := n["created"]; !ok {
			n["created"] = at
		}
		st := &stored{Node: n}
		st.set(at)
		s.nodes, s.byID[id] = append(s.nodes, st), st
		ids = append(ids, id)
	}
	return ids
}

func (s *Server) newID() string {
	id := fmt.Sprintf("%024x", 0x6b0000000000000+s.nextID)
	s.nextID++
	return id
}

// set gives the node its time of update and its JSON.
func (n *stored) set(updated time.Time) {
	n.updated = updated.UTC().Truncate(time.Millisecond)
	n.Node["updated"] = stamp(n.updated)
	for _, name := range [...]string{"created", "timeout", "holdoff"} {
		if t, ok := n.Node[name].(time.Time); ok {
			n.Node[name] = stamp(t)
		}
	}
	n.json, _ = json.Marshal(n.Node)
	var plain map[string]any // as a client sees it: no times, no typed lists
	_ = json.Unmarshal(n.json, &plain)
	n.Node = plain
}

// stamp is the API's form: a whole second has no fraction.
func stamp(t time.Time) string {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05")
	}
	return t.Format("2006-01-02T15:04:05.000000")
}

// Touch changes a node, which keeps its place, and moves updated, as a PUT does
// and the KCIDB bridge. The members of changes replace those of the node.
func (s *Server) Touch(id string, updated time.Time, changes Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.byID[id]
	if n == nil {
		return
	}
	maps.Copy(n.Node, changes)
	n.set(updated)
}

// Node returns a node as it is now.
func (s *Server) Node(id string) Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.byID[id].Node)
}

// Remove purges nodes.
func (s *Server) Remove(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		delete(s.byID, id)
	}
	s.nodes = slices.DeleteFunc(s.nodes, func(n *stored) bool {
		id, _ := n.Node["id"].(string)
		return s.byID[id] != n
	})
}

// IDs are those of all nodes, in the order of insertion.
func (s *Server) IDs() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nodes {
		id, _ := n.Node["id"].(string)
		ids = append(ids, id)
	}
	return ids
}

// Len is how many nodes there are.
func (s *Server) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.nodes)
}

// File stores a file as it is, compressed or not, and returns its URL. The path
// has no slash before it.
func (s *Server) File(path string, body []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = body
	return s.base + "/files/" + path
}

// Expire takes files away whose path begins so.
func (s *Server) Expire(prefix string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.files, func(path string, _ []byte) bool { return strings.HasPrefix(path, prefix) })
}

// Shuffle makes each answer list the nodes in another order.
func (s *Server) Shuffle(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shuffle = on
}

// Requests are those made so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Forget empties Requests.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

var otherVersion = regexp.MustCompile(`^/(v[0-9][^/]*)(/|$)`)

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.Query(),
		Header: r.Header.Clone()})
	fault := s.fault
	s.mu.Unlock()
	if fault != nil && fault(w, r) {
		return
	}
	path := r.URL.Path
	if name, ok := strings.CutPrefix(path, "/files/"); ok {
		s.serveFile(w, name)
		return
	}
	for _, prefix := range [...]string{"/latest", "/v0"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && (rest == "" || rest[0] == '/') {
			path = rest
			break
		}
	}
	switch {
	case otherVersion.MatchString(path):
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprint(w, "Unsupported API version: "+otherVersion.FindStringSubmatch(path)[1]) //nolint:gosec // as the real one does, for tests
	case len(path) > 1 && strings.HasSuffix(path, "/"):
		http.Redirect(w, r, "http://"+r.Host+strings.TrimRight(r.URL.Path, "/"), http.StatusTemporaryRedirect) //nolint:gosec // the same
	case r.Method != http.MethodGet:
		w.Header().Set("Allow", "GET")
		answer(w, http.StatusMethodNotAllowed, map[string]any{"detail": "Method Not Allowed"})
	case path == "/nodes":
		s.serveNodes(w, r.URL.Query())
	case path == "/nodes/fast":
		s.serveFast(w, r.URL.Query())
	case path == "/count":
		s.serveCount(w, r.URL.Query())
	case strings.HasPrefix(path, "/node/"):
		s.serveNode(w, strings.TrimPrefix(path, "/node/"))
	default:
		answer(w, http.StatusNotFound, map[string]any{"detail": "Not Found"})
	}
}

func (s *Server) serveFile(w http.ResponseWriter, name string) {
	s.mu.Lock()
	body, ok := s.files[name]
	s.mu.Unlock()
	if !ok {
		http.Error(w, "404 Not Found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(body)
}

func answer(w http.ResponseWriter, status int, v any) {
	body, _ := json.Marshal(v)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// internalError is what the API answers to whatever went wrong, without a cause.
func internalError(w http.ResponseWriter) {
	answer(w, http.StatusInternalServerError, map[string]any{"message": "Internal server error, check container logs"})
}

var objectID = regexp.MustCompile(`^[0-9a-fA-F]{24}$`)

func (s *Server) serveNode(w http.ResponseWriter, id string) {
	if !objectID.MatchString(id) {
		answer(w, http.StatusBadRequest, map[string]any{"detail": "'" + id +
			"' is not a valid ObjectId, it must be a 12-byte input or a 24-character hex string"})
		return
	}
	s.mu.Lock()
	body := []byte("null")
	if n := s.byID[strings.ToLower(id)]; n != nil {
		body = n.json
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
