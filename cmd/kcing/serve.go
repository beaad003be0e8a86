package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/internal/fetch"
	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/kinds"
	"github.com/kcing/kcing/internal/maestro"
	"github.com/kcing/kcing/internal/serve"
	"github.com/kcing/kcing/internal/spool"
)

// noListener is the address that leaves a listener out.
const noListener = "off"

// mostSpooled bounds the memory that the list of spooled records takes, some 200
// bytes each; the bound on bytes is met long before.
const mostSpooled = 500_000

func (a *app) serveCommand() *cli.Command {
	v := &serveArgs{spoolBytes: 10 << 30}
	return &cli.Command{
		Name:  "serve",
		Usage: "take records by HTTP and deliver them to Elasticsearch",
		Description: "Takes what is posted to the ports that Logstash had: builds, LAVA callbacks, boots.\n" +
			"A post is answered 200 when it is safe in the spool (KCING_DATA/spool); it is delivered\n" +
			"in the background, for as long as that takes. /status is a page about it, /metrics,\n" +
			"/healthz and /readyz are for machines. SIGTERM ends it in good order, SIGHUP reads\n" +
			"tokens and certificates again.\n\n" +
			"Exit codes: 0 ended by a signal (what is left is in the spool), 1 could not run, 2 usage.\n\n" +
			"Example:\n   kcing serve --lava-addr :8338 --tokens /etc/kcing/tokens --drp-every 24h",
		Flags:  v.flags(),
		Action: func(c *cli.Context) error { return a.serve(c.Context, v, c.IsSet("log-format")) },
	}
}

func (v *serveArgs) flags() []cli.Flag {
	s := &v.settings
	listeners := inCategory("Listeners",
		&cli.StringFlag{Name: "build-addr", EnvVars: env("KCING_BUILD_ADDR"), Value: "127.0.0.1:8337",
			Usage: "take builds on `HOST:PORT`, or off", Destination: &v.buildAddr},
		&cli.StringFlag{Name: "lava-addr", EnvVars: env("KCING_LAVA_ADDR"), Value: "127.0.0.1:8338",
			Usage: "take LAVA callbacks on `HOST:PORT`, or off", Destination: &v.lavaAddr},
		&cli.StringFlag{Name: "boot-addr", EnvVars: env("KCING_BOOT_ADDR"), Value: "127.0.0.1:8007",
			Usage: "take boots on `HOST:PORT`, or off", Destination: &v.bootAddr},
		&cli.StringFlag{Name: "tokens", EnvVars: env("KCING_TOKENS"),
			Usage:       "ask posts for a token of `FILE`, \"TOKEN LAB\" a line; read again on SIGHUP",
			Destination: &v.tokens},
		&cli.StringFlag{Name: "tls-cert", EnvVars: env("KCING_TLS_CERT"),
			Usage: "speak TLS with the certificates in PEM `FILE`; read again on SIGHUP", Destination: &v.tlsCert},
		&cli.StringFlag{Name: "tls-key", EnvVars: env("KCING_TLS_KEY"), Usage: "PEM `FILE` with the key of --tls-cert",
			Destination: &v.tlsKey},
		&cli.IntFlag{Name: "max-connections", EnvVars: env("KCING_MAX_CONNECTIONS"),
			Value: intake.DefaultLimits().Connections, Usage: "keep at most `N` connections open on each listener",
			Destination: &v.connections, Action: atLeast(1)},
	)
	spooled := inCategory("Spool",
		&cli.GenericFlag{Name: "spool-max-bytes", EnvVars: env("KCING_SPOOL_MAX_BYTES"),
			Usage: "answer 503 when `SIZE` waits in the spool", Value: &v.spoolBytes},
		&cli.DurationFlag{Name: "spool-max-age", EnvVars: env("KCING_SPOOL_MAX_AGE"),
			Usage: "answer 503 when a record has waited for `TIME`", DefaultText: "no limit", Destination: &v.spoolAge,
			Action: positive},
	)
	others := []cli.Flag{
		&cli.DurationFlag{Name: "drain", EnvVars: env("KCING_DRAIN"), Value: 30 * time.Second,
			Usage: "on SIGTERM, finish what is under way within `TIME`", Destination: &v.drain, Action: positive},
		&cli.DurationFlag{Name: "drp-every", EnvVars: env("KCING_DRP_EVERY"),
			Usage: "run the retention of kcing drp each `TIME`", DefaultText: "never", Destination: &v.drpEvery,
			Category: "Retention", Action: positive},
		s.labFlag("callbacks whose lab nothing else names come from `LAB`"), s.dataFlag(),
	}
	complete := &cli.BoolFlag{Name: "maestro", EnvVars: env("KCING_MAESTRO"),
		Usage:       "complete callbacks that name only their Maestro node with what Maestro knows of it",
		Destination: &v.complete}
	completing := inCategory("Maestro", append([]cli.Flag{complete}, v.maestro.flags()...)...)
	return slices.Concat(listeners, spooled, others, completing, s.recordFlags(), s.drpFlags(), s.esFlags(),
		withoutLimits(s.bulkFlags()), s.stateFlags(), s.logFlags())
}

// withoutLimits leaves out the flags that end the attempts to deliver: serve has
// no end to them.
func withoutLimits(flags []cli.Flag) []cli.Flag {
	return slices.DeleteFunc(flags, func(f cli.Flag) bool {
		return slices.Contains(f.Names(), "es-retry-for") || slices.Contains(f.Names(), "es-max-retries")
	})
}

func (a *app) serve(ctx context.Context, v *serveArgs, formatGiven bool) error {
	if !formatGiven && (v.settings.logFile != "" || !a.stderr.isTerminal()) {
		v.settings.logFormat = "json"
	}
	log, closeLog, err := a.serviceLogger(&v.settings)
	if err != nil {
		return err
	}
	defer closeLog()
	a.warnOfSettings(log)
	client, err := v.settings.client()
	if err != nil {
		return err
	}
	enrich, err := v.enricher(log)
	if err != nil {
		return err
	}
	endpoints, err := v.openEndpoints(ctx)
	if err != nil {
		return err
	}
	defer endpoints.close()
	kept, err := spool.Open(v.settings.spoolDir(), spool.Options{MaxBytes: int64(v.spoolBytes), MaxRecords: mostSpooled,
		MaxAge: v.spoolAge, Now: a.now, Logger: log})
	if err != nil {
		return fmt.Errorf("%w (KCING_DATA)", err)
	}
	s := &service{app: a, args: v, log: log, client: client, endpoints: endpoints, spool: kept, enrich: enrich}
	err = s.run(ctx)
	left := kept.Stats()
	if closeErr := kept.Close(); err == nil {
		err = closeErr
	}
	log.Info("ended", "left_in_spool", left.Records)
	return err
}

// enricher asks Maestro; nil without --maestro.
func (v *serveArgs) enricher(log *slog.Logger) (*serve.Enricher, error) {
	if !v.complete {
		return nil, nil //nolint:nilnil // none is wanted
	}
	const atOnce = 4
	downloads := fetch.New(fetch.Options{UserAgent: userAgent(), Concurrency: atOnce, Tries: 2})
	api, err := v.maestro.client(downloads, log)
	if err != nil {
		return nil, err
	}
	return &serve.Enricher{Complete: api.Complete, Logger: log,
		Away: func(err error) bool { return !errors.Is(err, maestro.ErrGone) }}, nil
}

func (v *serveArgs) openEndpoints(ctx context.Context) (*endpoints, error) {
	d := new(endpoints)
	var err error
	if (v.tlsCert == "") != (v.tlsKey == "") {
		return nil, usagef("--tls-cert and --tls-key go together")
	}
	if v.tlsCert != "" {
		if d.certificates, err = intake.LoadCertificates(v.tlsCert, v.tlsKey); err != nil {
			return nil, usagef("--tls-cert, --tls-key: %v", err)
		}
	}
	if v.tokens != "" {
		if d.tokens, err = intake.LoadTokens(v.tokens); err != nil {
			return nil, usagef("--tokens: %v", err)
		}
	}
	for _, l := range []struct{ flag, addr, kind string }{
		{"--build-addr (KCING_BUILD_ADDR)", v.buildAddr, kinds.Build},
		{"--lava-addr (KCING_LAVA_ADDR)", v.lavaAddr, kinds.LAVA},
		{"--boot-addr (KCING_BOOT_ADDR)", v.bootAddr, kinds.Boot},
	} {
		if l.addr == noListener {
			continue
		}
		if _, _, err := net.SplitHostPort(l.addr); err != nil {
			d.close()
			return nil, usagef("%s: %q is not HOST:PORT, such as 127.0.0.1:8338 or :8338, nor off", l.flag, l.addr)
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", l.addr)
		if err != nil {
			d.close()
			return nil, fmt.Errorf("%s: cannot listen on %s: %s", l.flag, l.addr,
				elastic.ConnectionProblem(err, 0, systemAuthorities))
		}
		d.listeners = append(d.listeners, intake.Listener{Listener: listener, Kind: l.kind, TLS: d.certificates})
	}
	if len(d.listeners) == 0 {
		return nil, usagef("all listeners are off, so there is nothing to serve")
	}
	return d, nil
}

func (d *endpoints) close() {
	for _, l := range d.listeners {
		_ = l.Close() // serving has closed it, as a rule
	}
}
