package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/kcing/kcing/internal/elastic"
	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/retry"
	"github.com/kcing/kcing/internal/serve"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
)

// service is a running kcing serve.
type service struct {
	app       *app
	args      *serveArgs
	log       *slog.Logger
	client    *elastic.Client
	endpoints *endpoints
	spool     *spool.Spool
	enrich    *serve.Enricher // nil: callbacks stay as they came

	destinationChecked bool // by prepare, which is called again and again

	store atomic.Pointer[state.Store] // nil until it could be opened
}

// run takes posts and delivers them until ctx ends, and then for the time that
// --drain gives. Its error is what made it impossible.
func (s *service) run(ctx context.Context) error {
	defer s.closeStore()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	metrics := intake.NewMetrics()
	server := serve.New(s.config(metrics))
	limits := intake.DefaultLimits()
	limits.RecordBytes, limits.Connections = int64(s.args.settings.maxRecordBytes), s.args.connections
	in := intake.New(intake.Config{Accept: server.Accept, Refused: server.Refused, Ready: server.Ready,
		Status:  server.Status,
		Metrics: metrics, Tokens: s.endpoints.tokens, Limits: limits, Logger: s.log, Version: buildVersion()})

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	var beside sync.WaitGroup
	beside.Go(func() {
		for {
			select {
			case <-signals:
				s.endpoints.reload(s.log)
			case <-ctx.Done():
				return
			}
		}
	})
	if s.args.drpEvery > 0 {
		beside.Go(func() { s.retain(ctx) })
	}
	beside.Go(func() { // waited for: the end may be quicker than the word about it
		<-ctx.Done()
		s.notify(daemon.SdNotifyStopping)
	})

	// Delivery goes on until nothing more comes in.
	deliveryCtx, endDelivery := context.WithCancel(context.WithoutCancel(ctx))
	defer endDelivery()
	delivered := make(chan error, 1)
	go func() {
		err := server.Run(deliveryCtx, s.args.drain)
		if err != nil {
			stop(err)
		}
		delivered <- err
	}()
	s.announce()
	err := in.Serve(ctx, s.args.drain, s.endpoints.listeners...)
	stop(nil)
	endDelivery()
	if deliveryErr := <-delivered; deliveryErr != nil {
		err = deliveryErr
	}
	beside.Wait()
	return err
}

// announce says that posts are taken from now on.
func (s *service) announce() {
	args := []any{"version", buildVersion(), "spool", s.args.settings.data, "state", s.args.settings.db, "elasticsearch",
		s.client.Hosts()}
	for _, l := range s.endpoints.listeners {
		args = append(args, l.Kind, l.Addr().String())
	}
	if s.endpoints.tokens == nil {
		args = append(args, "tokens", "none: everybody who can connect may post")
	}
	s.log.Info("serving", args...)
	s.notify(daemon.SdNotifyReady)
}

// notify tells systemd, if it listens.
func (s *service) notify(what string) {
	if _, err := daemon.SdNotify(false, what); err != nil {
		s.log.Warn("systemd cannot be notified", "what", what, "error", err)
	}
}

// config is how posts are delivered.
func (s *service) config(metrics *intake.Metrics) serve.Config {
	v := s.args
	deliver := v.settings.pipeline(s.app.now, s.log)
	deliver.ES.Transport, deliver.ES.Requests, deliver.ES.Bulk.Logger = s.client, s.client.Patient(), s.log
	return serve.Config{
		Spool: s.spool, MaxSpoolBytes: int64(v.spoolBytes), OpenStore: s.openStore, Pipeline: deliver,
		Prepare: s.prepare, Ping: s.ping, URL: s.client.Hosts(), Explain: plainText,
		Enrich: s.enrich, MaxRecordBytes: int64(v.settings.maxRecordBytes), Metrics: metrics, Logger: s.log, Now: s.app.now,
	}
}

func (s *service) openStore() (serve.Store, error) {
	store, err := s.args.settings.openState(s.app)
	if err != nil {
		return nil, err
	}
	s.store.Store(store)
	return store, nil
}

func (s *service) closeStore() {
	if store := s.store.Load(); store != nil {
		_ = store.Close() // every write was committed and checked
	}
}

// prepare sees that Elasticsearch is one that can be used and has the templates.
func (s *service) prepare(ctx context.Context) error {
	if err := s.client.Check(ctx); err != nil {
		return err
	}
	if err := installMissing(ctx, s.client.Patient(), s.args.settings.prefix, s.log); err != nil {
		return err
	}
	if store := s.store.Load(); store != nil && !s.destinationChecked {
		s.destinationChecked = true
		s.args.settings.checkDestination(ctx, s.client, store, s.log)
	}
	return nil
}

func (s *service) ping(ctx context.Context) (string, error) {
	info, err := s.client.Info(ctx)
	return info.Version.Number, err
}

// firstRetention is how soon after the start the retention may run, when state
// does not say that it ran lately.
const firstRetention = time.Minute

// retain runs the retention on its schedule. That goes by the last run, by
// whichever process, so that restarts do not put it off.
func (s *service) retain(ctx context.Context) {
	wait := min(firstRetention, s.args.drpEvery)
	for {
		if retry.Sleep(ctx, wait) != nil {
			return
		}
		if wait = s.untilRetention(ctx); wait > 0 {
			continue
		}
		s.runRetention(ctx)
		wait = min(s.args.drpEvery, time.Hour) // then it is asked again when the next one is due
	}
}

// untilRetention is how long it is until the next run, at most an hour: the clock
// may be set, or somebody may run it by hand.
func (s *service) untilRetention(ctx context.Context) time.Duration {
	store := s.store.Load()
	if store == nil {
		return firstRetention
	}
	last, ok, err := store.LastRun(ctx, "drp")
	switch {
	case err != nil:
		return firstRetention
	case !ok || last.ExitCode != exitOK:
		return 0
	}
	due := last.Started.Add(s.args.drpEvery)
	return max(0, min(due.Sub(s.app.now()), time.Hour))
}

func (s *service) runRetention(ctx context.Context) {
	report, err := s.app.retain(ctx, &s.args.settings, false, s.log)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			s.log.Error("retention failed; it is tried again", "error", plainText(err))
		}
		return
	}
	s.log.Info("retention has run", "indices", len(report.Deleted), "documents", report.Docs, "bytes", report.Bytes,
		"forgotten", report.Forgotten)
}

// endpoints are where posts come in.
type endpoints struct {
	listeners    []intake.Listener
	tokens       *intake.Tokens       // nil: nobody needs one
	certificates *intake.Certificates // nil: no TLS
}

type serveArgs struct {
	settings                      settings
	buildAddr, lavaAddr, bootAddr string
	tokens, tlsCert, tlsKey       string
	spoolBytes                    byteSize
	spoolAge, drain, drpEvery     time.Duration
	connections                   int
	complete                      bool // callbacks, with what Maestro knows
	maestro                       maestroSettings
}

// reload reads tokens and certificates again. What cannot be read leaves those
// in force that are.
func (d *endpoints) reload(log *slog.Logger) {
	var errs []error
	if d.tokens != nil {
		errs = append(errs, d.tokens.Reload())
	}
	if d.certificates != nil {
		errs = append(errs, d.certificates.Reload())
	}
	if err := errors.Join(errs...); err != nil {
		log.Error("SIGHUP: what could not be read stays as it was", "error", plainText(err))
		return
	}
	log.Info("SIGHUP: tokens and certificates read again", "tokens", d.tokens != nil, "certificates",
		d.certificates != nil)
}
