package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/urfave/cli/v2"
)

// version and commit are stamped by the Makefile (-ldflags -X); a plain go
// build finds them in the build information.
var version, commit string

func buildVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

func buildCommit() string {
	if commit != "" {
		return commit
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "unknown"
}

// supportedServers: the tests run against 8.19; 9.x takes the same requests.
const supportedServers = "8.14 and later, 9.x (tested with 8.19)"

func (a *app) versionCommand() *cli.Command {
	s := new(settings)
	return &cli.Command{
		Name: "version", Usage: "show version, commit, Go, client and supported servers",
		Description: "Example:\n   kcing version --json",
		Flags:       []cli.Flag{s.jsonFlag(), envFileFlag()},
		Action:      func(*cli.Context) error { return a.showVersion(s.json) },
	}
}

func (a *app) showVersion(asJSON bool) error {
	v := struct {
		Version       string `json:"version"`
		Commit        string `json:"commit"`
		Go            string `json:"go"`
		Client        string `json:"elasticsearch_client"`
		Elasticsearch string `json:"elasticsearch"`
	}{buildVersion(), buildCommit(), strings.TrimPrefix(runtime.Version(), "go"), elasticsearch.Version, supportedServers}
	if asJSON {
		return json.NewEncoder(a.stdout).Encode(v)
	}
	_, err := fmt.Fprintf(a.stdout, "kcing %s (commit %s)\ngo %s, go-elasticsearch %s\nfor Elasticsearch %s\n", v.Version, v.Commit, v.Go, v.Client, v.Elasticsearch)
	return err
}
