package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/intake"
	"github.com/kcing/kcing/internal/kinds"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/mappings"
	"github.com/kcing/kcing/state"
)

// settings are the values of the flags that commands share. Each command
// declares the groups that it uses, since the library loses a flag given before
// the command.
type settings struct {
	esHost                                    string
	esCredentials                             credentials
	prefix                                    string
	compress                                  string
	maxRetries, bulkActions, bulkRequests     int
	bulkBytes, maxRecordBytes, maxRejectBytes byteSize
	retryFor, bulkInterval                    time.Duration
	db, data, timestamp                       string
	lab                                       string // --lab-name or KCING_LAB
	drpDays                                   int
	drpDaysOf                                 map[string]*int
	logFile, logFormat                        string
	debug, json, noProgress                   bool
	kibana                                    kibanaSettings
}

func (s *settings) logFlags() []cli.Flag {
	return append(inCategory("Logs",
		&cli.StringFlag{
			Name: "log-file", Aliases: []string{"l", "log-filename"}, Usage: "append logs to `FILE` instead of stderr",
			Destination: &s.logFile,
		},
		&cli.BoolFlag{Name: "debug", Aliases: []string{"d"}, Usage: "log more", Destination: &s.debug},
		&cli.StringFlag{
			Name: "log-format", Value: "text", Usage: "`FORMAT` of the log lines: text or json",
			Destination: &s.logFormat, Action: oneOf("text", "json"),
		},
	), envFileFlag())
}

func (s *settings) jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the report as JSON", Destination: &s.json}
}

func (s *settings) esFlags() []cli.Flag {
	host := &cli.StringFlag{
		Name: "es-host", EnvVars: env("ES_HOST"), Value: "http://localhost:9200",
		Usage: "`URL` of a node, or several with commas", Destination: &s.esHost,
	}
	who := s.esCredentials.flags("es", "the nodes' certificates")
	return inCategory("Elasticsearch", slices.Concat([]cli.Flag{host}, who, []cli.Flag{s.prefixFlag()})...)
}

func (s *settings) prefixFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "es-index-prefix", EnvVars: env("ES_INDEX_PREFIX"), Usage: "`PREFIX` of index and template names",
		Destination: &s.prefix, Category: "Elasticsearch",
		Action: func(_ *cli.Context, p string) error { return mappings.ValidatePrefix(p) },
	}
}

func (s *settings) bulkFlags() []cli.Flag {
	d := bulk.DefaultOptions()
	s.bulkBytes = byteSize(d.FlushBytes)
	return inCategory("Bulk requests",
		&cli.IntFlag{
			Name: "es-max-retries", EnvVars: env("ES_MAX_RETRIES"),
			Usage: "give up on a document after `N` attempts; 0: no limit", Destination: &s.maxRetries,
			Action: atLeast(0),
		},
		&cli.DurationFlag{
			Name: "es-retry-for", EnvVars: env("ES_RETRY_FOR"), Value: 5 * time.Minute,
			Usage: "wait for `TIME` when Elasticsearch goes away, then give up", Destination: &s.retryFor,
			Action: positive,
		},
		&cli.GenericFlag{
			Name: "es-bulk-bytes", EnvVars: env("ES_BULK_BYTES"), Usage: "`SIZE` of a request, before compression",
			Value: &s.bulkBytes,
		},
		&cli.IntFlag{
			Name: "es-bulk-actions", EnvVars: env("ES_BULK_ACTIONS"), Value: d.FlushActions,
			Usage: "at most `N` documents in a request", Destination: &s.bulkActions, Action: atLeast(1),
		},
		&cli.DurationFlag{
			Name: "es-bulk-interval", EnvVars: env("ES_BULK_INTERVAL"), Value: d.FlushInterval,
			Usage: "wait `TIME` at most for a request to fill", Destination: &s.bulkInterval, Action: positive,
		},
		&cli.IntFlag{
			Name: "es-bulk-requests", EnvVars: env("ES_BULK_REQUESTS"), Value: d.Requests,
			Usage: "`N` requests in flight", Destination: &s.bulkRequests, Action: atLeast(1),
		},
		&cli.StringFlag{
			Name: "es-compress", EnvVars: env("ES_COMPRESS"), Value: "auto",
			Usage:       "gzip requests `WHEN`: auto (not on loopback), true or false",
			Destination: &s.compress, Action: oneOf("auto", "true", "false"),
		},
	)
}

func (s *settings) stateFlags() []cli.Flag {
	return inCategory("State", &cli.StringFlag{
		Name: "db", EnvVars: env("KCING_DB"), Value: "kcing.db",
		Usage: "`FILE` that remembers what is finished and what was rejected", Destination: &s.db,
	})
}

func (s *settings) dataFlag() cli.Flag {
	return &cli.StringFlag{
		Name: "data", EnvVars: env("KCING_DATA"), Value: "data", Usage: "`DIR` for working data",
		Destination: &s.data, Category: "State",
	}
}

func (s *settings) openState(a *app) (*state.Store, error) {
	return state.Open(s.db, state.Options{Now: a.now, MaxRejectBytes: int64(s.maxRejectBytes)})
}

// withState runs fn with the state file open, which is made if need be.
func (a *app) withState(s *settings, fn func(*state.Store) error) error {
	store, err := s.openState(a)
	if err != nil {
		return err
	}
	return errors.Join(fn(store), store.Close())
}

// spoolDir is where records lie that are accepted and not yet finished.
func (s *settings) spoolDir() string { return filepath.Join(s.data, "spool") }

func (s *settings) recordFlags() []cli.Flag {
	s.maxRejectBytes = 1 << 30
	return append([]cli.Flag{
		&cli.StringFlag{
			Name: "timestamp", EnvVars: env("KCING_TIMESTAMP"), Value: "event",
			Usage: "file documents under the time of `WHAT`: event or ingest", Destination: &s.timestamp,
			Category: "Records", Action: oneOf("event", "ingest"),
		},
		&cli.GenericFlag{
			Name: "max-reject-bytes", EnvVars: env("KCING_MAX_REJECT_BYTES"),
			Usage: "stop when the rejects take `SIZE` in the state file", Value: &s.maxRejectBytes, Category: "State",
		},
	}, s.sizeFlags()...)
}

// labFlag is for callbacks, which do not name their lab by themselves.
func (s *settings) labFlag(usage string) cli.Flag {
	return &cli.StringFlag{
		Name: labName, EnvVars: env("KCING_LAB"), Usage: usage, DefaultText: "none", Destination: &s.lab,
		Category: "Records",
		Action: func(_ *cli.Context, lab string) error {
			if fault := intake.LabFault(lab); fault != "" {
				return fmt.Errorf("%.40q %s", lab, fault)
			}
			return nil
		},
	}
}

const labName = "lab-name"

func (s *settings) sizeFlags() []cli.Flag {
	s.maxRecordBytes = source.DefaultMaxRecordBytes
	return inCategory("Records", &cli.GenericFlag{
		Name: "max-record-bytes", EnvVars: env("KCING_MAX_RECORD_BYTES"),
		Usage: "refuse records larger than `SIZE`", Value: &s.maxRecordBytes,
	})
}

func (s *settings) drpFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.IntFlag{
			Name: "drp-days", EnvVars: env("DRP_DAYS"), Value: 3, Usage: "keep today and `N` days before it",
			Destination: &s.drpDays, Action: between(0, mappings.MostDays),
		},
	}
	s.drpDaysOf = map[string]*int{}
	for _, kind := range mappings.Kinds {
		days := new(int)
		s.drpDaysOf[kind] = days
		flags = append(flags, &cli.IntFlag{
			Name: "drp-days-" + kind, EnvVars: env("DRP_DAYS_" + strings.ToUpper(kind)), Value: -1,
			DefaultText: drpDefault(kind), Usage: "`N` for " + kind + " documents", Destination: days,
			Action: between(0, mappings.MostDays),
		})
	}
	return inCategory("Retention", flags...)
}

// drpDefault is what a kind's retention follows.
func drpDefault(kind string) string {
	if kind == mappings.Incident {
		return "as --drp-days-" + mappings.Test
	}
	return "as --drp-days"
}

func (s *settings) days() mappings.Days {
	d := mappings.Days{Default: s.drpDays, ByKind: map[string]int{}}
	for kind, n := range s.drpDaysOf {
		if *n >= 0 {
			d.ByKind[kind] = *n
		}
	}
	return d
}

// kindFlag takes a kind of records; usage says what of, up to the word KIND.
func kindFlag(usage string, to *string) *cli.StringFlag {
	return &cli.StringFlag{Name: "kind", Usage: usage + " `KIND`: " + kinds.AnyRecord(), Destination: to,
		Action: oneOf(kinds.Names()...)}
}
