package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/elastic"
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
	}{
		buildVersion(), buildCommit(), strings.TrimPrefix(runtime.Version(), "go"), elasticsearch.Version,
		elastic.Supported,
	}
	if asJSON {
		return a.writeJSON(v)
	}
	_, err := fmt.Fprintf(a.stdout, "kcing %s (commit %s)\ngo %s, go-elasticsearch %s\nfor Elasticsearch %s\n",
		v.Version, v.Commit, v.Go, v.Client, v.Elasticsearch)
	return err
}
