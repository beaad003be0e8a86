package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kcing/kcing/kibana/kibanatest"
)

// standIn is the Kibana of one script.
type standIn struct{ *kibanatest.Kibana }

type standInKey struct{}

func theStandIn(ts *testscript.TestScript) *standIn {
	k, ok := ts.Value(standInKey{}).(*standIn)
	if !ok {
		ts.Fatalf("no stand-in for Kibana in this script's Setup")
	}
	return k
}

// startKibana NAME[=VALUE]...: starts a stand-in and sets KB_URL. The names are
// below; tls writes its certificate to kibana.pem.
func startKibana(ts *testscript.TestScript, _ bool, args []string) {
	var o kibanatest.Options
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		number, err := strconv.Atoi(value)
		switch name {
		case "base":
			o.BasePath = value
		case "key":
			o.APIKey = value
		case "user":
			o.Username, o.Password, _ = strings.Cut(value, ":")
		case "space":
			o.Spaces = append(o.Spaces, value)
		case "version":
			o.Version = value
		case "missing":
			o.MissingTypes = append(o.MissingTypes, value)
		case "starting":
			ts.Check(err)
			o.Starting = number
		case "limit":
			ts.Check(err)
			o.MaxImportBytes = int64(number)
		case "proxy":
			o.ProxyLimit = true
		case "login":
			o.Login = true
		case "readonly":
			o.ReadOnly = true
		case "tabs":
			o.Tabs = kibanatest.Tabs(value)
		case "tls":
			o.TLS = true
		default:
			ts.Fatalf("kibana: no option %q", name)
		}
	}
	server := kibanatest.New(o)
	ts.Defer(server.Close)
	theStandIn(ts).Kibana = server
	ts.Setenv("KB_URL", server.URL)
	if o.TLS {
		ts.Check(os.WriteFile(ts.MkAbs("kibana.pem"), certificatePEM(server.Certificate), 0o600))
	}
}

// kibanaHas SPACE N [TEXT]: the space has N objects; the one named "type id" is
// among them.
func kibanaHas(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: kibanahas SPACE N ['TYPE ID']")
	}
	objects := theStandIn(ts).Objects(args[0])
	if fmt.Sprint(len(objects)) != args[1] && args[1] != "ours" || args[1] == "ours" && len(objects) < 4 {
		ts.Fatalf("%d objects: %v", len(objects), objects)
	}
	if len(args) > 2 && !slices.Contains(objects, args[2]) {
		ts.Fatalf("no %s: %v", args[2], objects)
	}
}

// kibanaTitle SPACE TYPE ID TITLE: the object has this title.
func kibanaTitle(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: kibanatitle SPACE TYPE ID TITLE")
	}
	if got := theStandIn(ts).Attribute(args[0], args[1], args[2], "title"); (got == args[3]) == neg {
		ts.Fatalf("the title is %q", got)
	}
}

// kibanaPut SPACE FILE: somebody saves the object of the file in Kibana.
func kibanaPut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: kibanaput SPACE FILE")
	}
	theStandIn(ts).Put(args[0], ts.ReadFile(args[1]))
}

// kibanaAsked N REQUEST: the stand-in got this request so often.
func kibanaAsked(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: kibanaasked N 'METHOD PATH'")
	}
	n := 0
	for _, r := range theStandIn(ts).Requests() {
		if strings.HasPrefix(r, args[1]) {
			n++
		}
	}
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("%d requests %s: %v", n, args[1], theStandIn(ts).Requests())
	}
}
