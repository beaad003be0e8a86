// Package kibanatest is a stand-in for Kibana in tests: status, spaces, import
// and export of saved objects, answered as Kibana 8.19 does and as strict about
// headers, the form and the file. It is not for production: it stores in memory
// and shows nothing.
//
// The caveat that bites: it was written after Kibana's sources, not beside a
// running Kibana; what it does not know (migrations other than of searches, access
// control kinds of 9.x) passes. The package imports nothing of ours, so that it does not share our
// mistakes.
package kibanatest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Options say how Kibana is set up. The zero value has one space, wants no
// credentials and is ready.
type Options struct {
	// BasePath is server.basePath with rewriteBasePath, such as /kibana.
	BasePath string
	// APIKey, or Username and Password, are wanted when they are set.
	APIKey, Username, Password string
	// ReadOnly answers 403 to imports and exports.
	ReadOnly bool
	// Spaces are there besides default.
	Spaces []string
	// Version is what it says of itself; empty: 8.19.21.
	Version string
	// Starting is the number of requests that are answered with 503 first.
	Starting int
	// Login makes every request a redirect to the login page.
	Login bool
	// MaxImportBytes answers 413 to larger imports; 0: 26214400. ProxyLimit
	// makes it the answer of a proxy: a web page.
	MaxImportBytes int64
	ProxyLimit     bool
	// MissingTypes are those that this Kibana does not have.
	MissingTypes []string
	// Tabs says what becomes of an imported search; "" leaves it as it is.
	Tabs Tabs
	// TLS makes it an https server; Certificate has its certificate.
	TLS bool
}

// Tabs is the form in which Kibana keeps searches.
type Tabs string

// Since 9.2 Kibana copies what a search shows into a tab; a later one removes it
// from where it was before.
const (
	TabsBeside Tabs = "beside"
	TabsAlone  Tabs = "alone"
)

// Kibana is a server that ends with the test.
type Kibana struct {
	// URL has the base path.
	URL string
	// Certificate is the server's, in DER; nil without TLS.
	Certificate []byte

	o      Options
	server *httptest.Server

	mu       sync.Mutex
	spaces   map[string]map[key]object
	requests []string
	starting int
	renamed  int
	next     []http.HandlerFunc
}

type key struct{ Type, ID string }

// object is a stored one, with those of its members that Kibana looks at.
type object struct {
	Type        string         `json:"type"`
	ID          string         `json:"id"`
	OriginID    string         `json:"originId,omitempty"`
	Attributes  map[string]any `json:"attributes"`
	References  []reference    `json:"references"`
	Managed     *bool          `json:"managed,omitempty"` // once imported
	Version     string         `json:"typeMigrationVersion,omitempty"`
	CoreVersion string         `json:"coreMigrationVersion,omitempty"`
}

type reference struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

func (o object) key() key { return key{o.Type, o.ID} }

func (r reference) key() key { return key{r.Type, r.ID} }

// types are what Kibana has that ours or our users' objects are of. All of them
// belong to one space and their ids to all spaces together.
var types = []string{
	"canvas-workpad", "dashboard", "event-annotation-group", "graph-workspace", "index-pattern", "lens",
	"links", "map", "query", "search", "tag", "visualization",
}

// known are the versions of 8.19.
var known = map[string]string{"dashboard": "10.3.0", "lens": "8.9.0", "search": "10.9.0", "visualization": "8.5.0",
	"index-pattern": "8.0.0"}

// newest is the version of a type that this Kibana knows; a later one is refused
// with 422.
func (k *Kibana) newest(kind string) (version string, ok bool) {
	if kind == "search" && k.o.Tabs != "" {
		return "10.15.0", true
	}
	version, ok = known[kind]
	return version, ok
}

// Start starts one; it stops with the test.
func Start(t testing.TB, o Options) *Kibana {
	t.Helper()
	k := New(o)
	t.Cleanup(k.Close)
	return k
}

// Close stops it.
func (k *Kibana) Close() { k.server.Close() }

// New is Start for those who have no testing.TB, such as scripts; they call Close.
func New(o Options) *Kibana {
	if o.Version == "" {
		o.Version = "8.19.21"
	}
	if o.MaxImportBytes == 0 {
		o.MaxImportBytes = 26214400
	}
	k := &Kibana{o: o, starting: o.Starting, spaces: map[string]map[key]object{"default": {}}}
	for _, s := range o.Spaces {
		k.spaces[s] = map[key]object{}
	}
	k.server = httptest.NewUnstartedServer(k)
	// clients that do not trust it are meant
	k.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if o.TLS {
		k.server.StartTLS()
		k.Certificate = k.server.Certificate().Raw
	} else {
		k.server.Start()
	}
	k.URL = k.server.URL + o.BasePath
	return k
}

// Answer makes h answer the next request, before anything is checked. Several
// calls are for several requests.
func (k *Kibana) Answer(h http.HandlerFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next = append(k.next, h)
}

// Requests are the requests so far: method and path with query, no base path.
func (k *Kibana) Requests() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.requests)
}

// Objects are the objects of a space as "type id", sorted.
func (k *Kibana) Objects(space string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for o := range k.spaces[space] {
		out = append(out, o.Type+" "+o.ID)
	}
	slices.Sort(out)
	return out
}

// Attribute is a string attribute of an object; empty when it is not there.
func (k *Kibana) Attribute(space, kind, id, name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	text, _ := k.spaces[space][key{kind, id}].Attributes[name].(string)
	return text
}

// Put stores an object given as JSON, as somebody would in Kibana.
func (k *Kibana) Put(space, text string) {
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(fmt.Sprintf("kibanatest: %v: %s", err, text))
	}
	if o.References == nil {
		o.References = []reference{}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spaces[space][o.key()] = o
}

// ServeHTTP implements [http.Handler].
func (k *Kibana) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, inside := strings.CutPrefix(r.URL.Path, k.o.BasePath)
	k.mu.Lock()
	defer k.mu.Unlock()
	query := ""
	if r.URL.RawQuery != "" {
		query = "?" + r.URL.RawQuery
	}
	k.requests = append(k.requests, r.Method+" "+path+query)
	if len(k.next) > 0 {
		h := k.next[0]
		k.next = k.next[1:]
		h(w, r)
		return
	}
	switch {
	case !inside:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		_, _ = fmt.Fprint(w, "<html>no such page</html>")
	case k.starting > 0:
		k.starting--
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprint(w, "Kibana server is not ready yet.")
	case k.o.Login:
		http.Redirect(w, r, k.o.BasePath+"/login?next=%2Fapp&token=hunter2", http.StatusFound)
	case !k.authorized(r):
		fail(w, http.StatusUnauthorized, "[security_exception]: unable to authenticate, got "+r.Header.Get("Authorization"))
	default:
		k.route(w, r, path)
	}
}

func (k *Kibana) authorized(r *http.Request) bool {
	switch {
	case k.o.APIKey != "":
		return r.Header.Get("Authorization") == "ApiKey "+k.o.APIKey
	case k.o.Username != "":
		user, password, ok := r.BasicAuth()
		return ok && user == k.o.Username && password == k.o.Password
	}
	return true
}

func (k *Kibana) route(w http.ResponseWriter, r *http.Request, path string) {
	space := "default"
	if rest, ok := strings.CutPrefix(path, "/s/"); ok {
		space, path, _ = strings.Cut(rest, "/")
		path = "/" + path
	}
	_, there := k.spaces[space]
	name, isSpace := strings.CutPrefix(path, "/api/spaces/space/")
	switch {
	case r.Method == http.MethodPost && r.Header.Get("kbn-xsrf") == "":
		fail(w, http.StatusBadRequest, "Request must contain a kbn-xsrf header.")
	case r.Method == http.MethodGet && path == "/api/status":
		reply(w, http.StatusOK, map[string]any{
			"name": "kibanatest", "version": map[string]any{"number": k.o.Version},
			"status": map[string]any{"overall": map[string]any{"level": "available"}},
		})
	case r.Method == http.MethodGet && isSpace && k.spaces[name] != nil:
		reply(w, http.StatusOK, map[string]any{"id": name, "name": name})
	case r.Method == http.MethodPost && there && strings.HasPrefix(path, "/api/saved_objects/_") && k.o.ReadOnly:
		fail(w, http.StatusForbidden, "Unable to bulk_create dashboard")
	case r.Method == http.MethodPost && there && path == "/api/saved_objects/_import":
		k.importFile(w, r, space)
	case r.Method == http.MethodPost && there && path == "/api/saved_objects/_export":
		k.export(w, r, space)
	default:
		fail(w, http.StatusNotFound, "Not Found")
	}
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func fail(w http.ResponseWriter, status int, message string) {
	reply(w, status, map[string]any{"statusCode": status, "error": http.StatusText(status), "message": message})
}
