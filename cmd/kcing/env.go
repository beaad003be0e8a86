package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/envfile"
)

// envFileName finds --env-file before the library parses, since the file fills
// the environment that the library then reads.
func envFileName(args []string) (name string, given bool) {
	for i, arg := range args {
		if arg == "--" {
			break
		}
		flag, value, inline := typedFlag(arg)
		switch {
		case flag != "env-file":
		case inline:
			return value, true
		case i+1 < len(args):
			return args[i+1], true
		}
	}
	return defaultEnvFile, false
}

// loadEnvFile puts the settings file into the environment, where it yields to
// what is there, also to an empty value. It returns the file's names.
func loadEnvFile(args []string) ([]string, error) {
	name, given := envFileName(args)
	text, err := os.ReadFile(name)
	switch {
	case !given && errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, usagef("the settings file cannot be read: %v (--env-file)", err)
	}
	settings := map[string]string{}
	for _, v := range envfile.Parse(string(text)) {
		settings[v.Name] = v.Value
	}
	for name, value := range settings {
		if _, isSet := os.LookupEnv(name); !isSet {
			_ = os.Setenv(name, value) // cannot fail: the names are valid, the values have no NUL
		}
	}
	return slices.Sorted(maps.Keys(settings)), nil
}

// dropEmptyVariables makes a setting whose variable is empty the default: that
// is what compose files and CI systems pass for "not set".
func dropEmptyVariables(commands []*cli.Command) {
	for name := range byVariable(commands) {
		if value, isSet := os.LookupEnv(name); isSet && strings.TrimSpace(value) == "" {
			_ = os.Unsetenv(name)
		}
	}
}

// byVariable are the flags of all commands by the environment variables that set them.
func byVariable(commands []*cli.Command) map[string]cli.Flag {
	found := map[string]cli.Flag{}
	for _, cmd := range commands {
		for _, f := range cmd.Flags {
			for _, name := range variables(f) {
				found[name] = f
			}
		}
		maps.Copy(found, byVariable(cmd.Subcommands))
	}
	return found
}

// replaced names Logstash settings of the first kcing and what took their place.
var replaced = map[string]string{
	"ES_LAVA":          "documents go straight to Elasticsearch (ES_HOST)",
	"ES_BUILD":         "documents go straight to Elasticsearch (ES_HOST)",
	"ES_BOOT":          "documents go straight to Elasticsearch (ES_HOST)",
	"ES_LOAD_INTERVAL": "the indexer slows down by itself when Elasticsearch does (ES_BULK_REQUESTS)",
}

// notOurs are variables of ls and of Logstash's own JVM that begin like its
// settings.
var notOurs = map[string]bool{"LS_COLORS": true, "LS_OPTIONS": true, "LS_JAVA_OPTS": true, "LS_JAVA_HOME": true}

// warnOfSettings warns, in one line, of settings that have no effect.
func (a *app) warnOfSettings(log *slog.Logger) {
	if found := append(replacedSettings(), a.misspelled...); len(found) > 0 {
		log.Warn("settings without effect: " + strings.Join(found, "; "))
	}
}

// replacedSettings are settings of the Logstash days that are still in the
// environment, each with what took its place.
func replacedSettings() []string {
	var found []string
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if by := replacement(name); by != "" && value != "" {
			found = append(found, name+": "+by)
		}
	}
	slices.Sort(found)
	return found
}

// replacement is what took the place of a setting of the Logstash days; empty: it was none.
func replacement(name string) string {
	switch {
	case replaced[name] != "":
		return replaced[name]
	case strings.HasPrefix(name, "LS_") && !notOurs[name]:
		return "there is no Logstash any more, documents go straight to Elasticsearch (ES_HOST)"
	}
	return ""
}

// misspelledSettings are names of the settings file that no command knows, and
// that nobody else can mean: those that begin with KCING_, and slips for one that
// is known. Those of the Logstash days are named by [replacedSettings].
func misspelledSettings(commands []*cli.Command, names []string) (found []string) {
	known := byVariable(commands)
	all := slices.Sorted(maps.Keys(known))
	for _, name := range names {
		if known[name] != nil || replacement(name) != "" {
			continue
		}
		i := slices.IndexFunc(all, func(k string) bool { return alike(name, k) })
		switch {
		case i >= 0:
			found = append(found, fmt.Sprintf("%s: there is no such setting; did you mean %s?", name, all[i]))
		case strings.HasPrefix(name, "KCING_"):
			found = append(found, name+": there is no such setting (see: kcing status)")
		}
	}
	return found
}
