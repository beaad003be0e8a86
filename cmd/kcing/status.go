package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
)

func (a *app) statusCommand() *cli.Command {
	s := new(settings)
	return &cli.Command{
		Name: "status", Usage: "show Elasticsearch, templates, documents, state, rejects and settings",
		Description: "Exit code 1 when Elasticsearch or the state file cannot be used. Kibana is shown when\n" +
			"KB_URL is set; it does not change the exit code.\n\n" +
			"Example:\n   kcing status",
		Flags: slices.Concat([]cli.Flag{s.jsonFlag()}, s.esFlags(), s.bulkFlags(), s.recordFlags(), s.drpFlags(),
			new(sourceArgs).settings(), []cli.Flag{s.dataFlag()}, s.stateFlags(), s.kibana.flags(),
			[]cli.Flag{s.kibana.publicURLFlag()}, s.logFlags()),
		Action: func(c *cli.Context) error { return a.status(c, s) },
	}
}

// statusReport is the report of status --json.
type statusReport struct {
	Elasticsearch struct {
		Nodes   string `json:"nodes"`
		Error   string `json:"error,omitempty"`
		Cluster string `json:"cluster,omitempty"`
		Version string `json:"version,omitempty"`
		Health  string `json:"health,omitempty"`
	} `json:"elasticsearch"`
	Kibana      *kibanaReport             `json:"kibana,omitempty"` // when KB_URL is set
	Templates   []mappings.TemplateStatus `json:"templates,omitempty"`
	Usage       *mappings.Usage           `json:"usage,omitempty"`
	State       stateReport               `json:"state"`
	Spool       spoolReport               `json:"spool"`
	FeedRunning string                    `json:"feed_running,omitempty"`
	Settings    map[string]string         `json:"settings"`
	// WithoutEffect names what is set and does nothing.
	WithoutEffect []string `json:"settings_without_effect,omitempty"`
}

func (a *app) status(c *cli.Context, s *settings) error {
	var r statusReport
	errES := s.elasticsearchStatus(c.Context, &r)
	if c.IsSet("kb-url") {
		r.Kibana = s.kibana.status(c.Context)
	}
	errState := a.stateStatus(c.Context, s, &r)
	errSpool := r.Spool.read(s.spoolDir())
	r.FeedRunning = runningFeed(s.data)
	r.Settings, r.WithoutEffect = effectiveSettings(c), append(replacedSettings(), a.misspelled...)
	if s.json {
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return err
		}
	} else if err := a.printStatus(c, r); err != nil {
		return err
	}
	return errors.Join(errES, errState, errSpool)
}

func (s *settings) elasticsearchStatus(ctx context.Context, r *statusReport) error {
	es := &r.Elasticsearch
	es.Nodes = elastic.MaskedHosts(s.esHost)
	client, err := s.client()
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, statusPatience)
		defer cancel()
		err = s.askStatus(ctx, client, r)
	}
	if err != nil {
		es.Error = plainText(err)
	}
	return err
}

// statusPatience is how long a busy Elasticsearch may take for all of status.
const statusPatience = 30 * time.Second

func (s *settings) askStatus(ctx context.Context, client *elastic.Client, r *statusReport) error {
	info, err := client.Info(ctx)
	if err != nil {
		return err
	}
	es := &r.Elasticsearch
	es.Cluster, es.Version = info.Cluster, info.Version.Number
	es.Health = client.Health(ctx)
	if r.Templates, err = mappings.Status(ctx, client.Patient(), s.prefix); err != nil {
		return err
	}
	usage, err := mappings.Counts(ctx, client, s.prefix)
	r.Usage = &usage
	return err
}

// stateStatus looks into the state file, which need not be there yet.
func (a *app) stateStatus(ctx context.Context, s *settings, r *statusReport) error {
	r.State.Path = s.db
	if _, err := os.Stat(s.db); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err := a.withState(s, func(store *state.Store) error {
		counts, err := store.Counts(ctx)
		if err != nil {
			return err
		}
		r.State.fill(counts)
		return r.State.fillCrawls(ctx, store)
	})
	if err != nil {
		r.State.Error = err.Error()
	}
	return err
}

func (r *stateReport) fill(c state.Counts) {
	r.There, r.Finished, r.Runs, r.FileBytes, r.FreeBytes = true, c.Finished, c.Runs, c.FileBytes, c.FreeBytes
	r.Rejects, r.RejectBytes = map[string]int64{}, c.RejectBytes
	for _, reject := range c.Rejects {
		r.Rejects[reject.Type] += reject.Count
	}
}

// effectiveSettings are the values in force by environment name, secrets masked:
// those that status has flags for, and those of the other commands as they stand
// in the environment.
func effectiveSettings(c *cli.Context) map[string]string {
	out := map[string]string{}
	for _, f := range c.Command.Flags {
		for _, name := range variables(f) {
			out[name] = shown(name, c.Value(f.Names()[0]))
		}
	}
	for name, f := range byVariable(c.App.Commands) {
		if _, listed := out[name]; !listed {
			out[name] = shown(name, valueOf(f, name))
		}
	}
	return out
}

// valueOf is the value of a flag that the command has not got, by its variable.
func valueOf(f cli.Flag, variable string) string {
	if value, set := os.LookupEnv(variable); set {
		return value
	}
	switch f := f.(type) {
	case *cli.BoolFlag:
		return strconv.FormatBool(f.Value)
	case *cli.DurationFlag:
		if f.Value == 0 { // no limit, or never
			return ""
		}
		return durationText(f.Value)
	}
	return f.(cli.DocGenerationFlag).GetValue() //nolint:forcetypeassert // only such flags have variables
}

func shown(name string, value any) string {
	text := fmt.Sprint(value)
	if d, ok := value.(time.Duration); ok {
		text = durationText(d)
	}
	switch {
	case name == "ES_HOST":
		return elastic.MaskedHosts(text)
	case name == "KCI_API", name == "KCI_STORAGE":
		return elastic.MaskedURL(text)
	case name == "LAVA_URL":
		return maskedLabs(text)
	case name == "KB_URL", name == "KB_PUBLIC_URL" && text != "":
		return maskedKibana(text)
	case text != "" && (strings.Contains(name, "PASSWORD") || strings.Contains(name, "KEY") ||
		strings.Contains(name, "TOKEN")):
		return "********"
	case name == "DRP_DAYS_INCIDENT" && text == "-1":
		return "as DRP_DAYS_TEST"
	case strings.HasPrefix(name, "DRP_DAYS_") && text == "-1":
		return "as DRP_DAYS"
	}
	return text
}

func (a *app) printStatus(c *cli.Context, r statusReport) error {
	t := new(table)
	row := func(name, format string, args ...any) {
		t.row(name, fmt.Sprintf(format, args...))
	}
	es := r.Elasticsearch
	if es.Error != "" {
		row("elasticsearch", "%s", es.Error)
	} else {
		row("elasticsearch", "%s: version %s, cluster %s, health %s",
			es.Nodes, es.Version, printable(es.Cluster), cmp.Or(es.Health, "unknown"))
	}
	if r.Kibana != nil {
		row("kibana", "%s", r.Kibana)
	}
	if len(r.Templates) > 0 {
		row("templates", "%s", templatesLine(r.Templates))
	}
	if r.Usage != nil {
		row("documents", "%s", byKind(r.Usage.Docs))
		row("indices", "%s, %s", plural(r.Usage.Indices, "index"), bytesText(r.Usage.Bytes))
	}
	printStateStatus(row, r)
	row("spool", "%s", r.Spool.line(a.now()))
	if r.FeedRunning != "" {
		row("feed", "running (%s)", r.FeedRunning)
	}
	for _, text := range r.WithoutEffect {
		row("no effect", "%s", text)
	}
	if err := t.print(a.stdout); err != nil {
		return err
	}
	t.rows = [][]string{{""}} // the settings have columns of their own
	rest := maps.Clone(r.Settings)
	for _, f := range c.Command.Flags {
		for _, name := range variables(f) {
			row(name, "%s", cmp.Or(r.Settings[name], "-"))
			delete(rest, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(rest)) {
		row(name, "%s", cmp.Or(rest[name], "-"))
	}
	return t.print(a.stdout)
}

func templatesLine(templates []mappings.TemplateStatus) string {
	byState := map[string][]string{}
	for _, t := range templates {
		byState[t.State] = append(byState[t.State], t.Template)
	}
	var parts []string
	for _, st := range []string{
		mappings.StateCurrent, mappings.StateOutdated, mappings.StateNewer, mappings.StateMissing,
	} {
		if names := byState[st]; len(names) > 0 {
			parts = append(parts, st+": "+strings.Join(names, " "))
		}
	}
	if len(byState[mappings.StateCurrent]) < len(templates) {
		parts = append(parts, "run: kcing setup-es")
	}
	for _, t := range templates {
		if t.HiddenBy != "" {
			parts = append(parts, "template "+printable(t.HiddenBy)+" hides "+t.Template)
		}
	}
	return strings.Join(parts, "; ")
}

func printStateStatus(row func(string, string, ...any), r statusReport) {
	st := r.State
	switch {
	case st.Error != "":
		row("state", "%s", st.Error)
		return
	case !st.There:
		row("state", "%s: not there yet", st.Path)
		return
	}
	row("state", "%s: %s finished, %s", st.Path, plural(total(st.Finished), "record"), bytesText(st.FileBytes))
	if n := total(st.Rejects); n > 0 {
		row("rejects", "%s (%s), %s; see: kcing rejects list",
			humanize.Comma(n), byReason(st.Rejects), bytesText(st.RejectBytes))
	} else {
		row("rejects", "none")
	}
	printCrawls(row, st)
	for _, run := range st.Runs {
		did := byReason(notZero(run.Counts))
		if did != "" {
			did = ": " + did
		}
		row("last "+run.Command, "%s, took %s, exit code %d%s", run.Started.UTC().Format(time.DateTime+"Z"),
			seconds(run.Ended.Sub(run.Started)), run.ExitCode, did)
	}
}
