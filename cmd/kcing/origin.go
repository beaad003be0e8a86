package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/legacy"
)

func (o *sourceArgs) flags() []cli.Flag {
	all := []cli.Flag{
		&cli.StringFlag{Name: "source", EnvVars: env("KCI_SOURCE"), Value: sourceMaestro,
			Usage:       "crawl `SOURCE`: maestro (today's KernelCI), legacy (the old front end) or lava (LAVA servers)",
			Destination: &o.source, Action: oneOf(sourceMaestro, sourceLegacy, sourceLAVA)},
		&cli.DurationFlag{Name: "since", Usage: "crawl the last `TIME`, such as 48h",
			DefaultText: "from where the last crawl ended; the first goes back 48h", Destination: &o.since,
			Action: positive},
	}
	for _, each := range o.bySource() {
		all = append(all, each.flags...)
	}
	return inCategory("Source", all...)
}

// sourceFlags are those of one source alone.
type sourceFlags struct {
	source string
	flags  []cli.Flag
}

func (o *sourceArgs) bySource() []sourceFlags {
	legacyFlags := []cli.Flag{
		&cli.StringFlag{Name: "kci-host", EnvVars: env("KCI_HOST"), Value: legacy.DefaultHost,
			Usage: "`HOST` of the old front end; its files are at storage.HOST", Destination: &o.host},
		&cli.StringFlag{Name: "kci-scheme", EnvVars: env("KCI_SCHEME"), Value: legacy.DefaultScheme,
			Usage: "`SCHEME` of the old front end: http or https", Destination: &o.scheme,
			Action: oneOf("http", "https")},
		&cli.StringFlag{Name: "kci-storage", EnvVars: env("KCI_STORAGE"), Usage: "`URL` of the old front end's files",
			DefaultText: "SCHEME://storage.HOST", Destination: &o.storage},
		&cli.StringFlag{Name: "kci-non-lava-lab", EnvVars: env("KCI_NON_LAVA_LAB"), Value: legacy.DefaultNonLavaLab,
			Usage: "`LAB` that has boot records instead of LAVA callbacks", Destination: &o.nonLavaLab},
	}
	lavaFlags := []cli.Flag{
		&cli.StringFlag{Name: "lava-url", EnvVars: env("LAVA_URL"),
			Usage:       "`URL` of the LAVA server; of several: name=URL,name=URL, with the labs' names",
			Destination: &o.lavaURL},
		&cli.StringFlag{Name: "lava-token", EnvVars: env("LAVA_TOKEN"),
			Usage: "API `TOKEN` of a LAVA user, for jobs that are not public", DefaultText: "none",
			Destination: &o.lavaToken},
		&cli.StringFlag{Name: "lava-tokens", EnvVars: env("LAVA_TOKENS"),
			Usage: "`FILE` of such tokens for several labs, a line each: token lab_name", DefaultText: "none",
			Destination: &o.lavaTokens},
		&cli.StringFlag{Name: "jobs", Usage: "only these `JOBS` of the LAVA server, such as 100-200,305",
			DefaultText: "all that have finished", Destination: &o.jobs},
	}
	return []sourceFlags{
		{sourceMaestro, o.maestro.flags()}, {sourceLegacy, legacyFlags}, {sourceLAVA, lavaFlags},
	}
}

// settings are the flags that have a variable too: what status shows.
func (o *sourceArgs) settings() []cli.Flag {
	return slices.DeleteFunc(o.flags(), func(f cli.Flag) bool { return len(variables(f)) == 0 })
}

// origins makes the sources that the flags choose: one, or several LAVA servers.
func (o *sourceArgs) origins(a *app, s *settings, lab string, log *slog.Logger) ([]*origin, error) {
	options := fetch.Options{UserAgent: userAgent(), MaxBytes: 2 * int64(s.maxRecordBytes), Logger: log}
	for _, other := range o.bySource() {
		if other.source == o.source {
			continue
		}
		why := fmt.Sprintf("for --source %s, and the source is %s", other.source, o.source)
		if err := a.idle(other.flags, why); err != nil {
			return nil, err
		}
	}
	switch o.source {
	case sourceLegacy:
		site, err := legacy.New(legacy.Options{Host: o.host, Scheme: o.scheme, Storage: o.storage,
			NonLavaLab: o.nonLavaLab, Fetch: options})
		if err != nil {
			return nil, usagef("%v", err)
		}
		return []*origin{front(site, sourceLegacy, "KCI_HOST", site.URL(), site.Client())}, nil
	case sourceLAVA:
		return o.lava(s, options, lab, a.now)
	}
	downloads := fetch.New(options)
	api, err := o.maestro.client(downloads, log)
	if err != nil {
		return nil, err
	}
	return []*origin{front(api, sourceMaestro, "KCI_API", api.Base(), downloads)}, nil
}

// kinds are the wanted ones; the error says that the source has none of them.
func (o *sourceArgs) kinds(from *origin) ([]string, error) {
	all := from.site.Origin.Kinds()
	if o.kind == "" {
		return all, nil
	}
	if slices.Contains(all, o.kind) {
		return []string{o.kind}, nil
	}
	return nil, usagef("--kind %s: the source %s has no such records, only %s", o.kind, o.source, fmt.Sprint(all))
}

// reach makes sure early that the source is there. The error is the one line
// that a user needs.
func (o *origin) reach(ctx context.Context) error {
	err := o.check(ctx)
	var failed *fetch.TransferError
	if errors.As(err, &failed) {
		problem := elastic.ConnectionProblem(failed.Err, 0, systemAuthorities)
		return fmt.Errorf("cannot reach %s at %s: %s (%s)", o.what, fetch.Redact(o.url), problem, o.setting)
	}
	return err
}

// userAgent names us to the servers that we crawl.
func userAgent() string { return "kcing/" + buildVersion() + " (+https://github.com/kcing/kcing)" }
