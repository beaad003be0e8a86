package pipeline

import (
	"cmp"
	"context"
	"log/slog"
	"runtime"
	"time"

	"github.com/kcing/kcing/bulk"
	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/state"
	"github.com/kcing/kcing/transform"
)

// The garbage collector's settings that the bounds of this package go with; the
// program makes them, see runtime/debug.
const (
	// HeapLimit, in bytes, is what the collector tries to stay below. The bounds
	// on documents under way allow for less than half of it; without a limit the
	// collector would let the heap grow to twice what is alive before it runs.
	HeapLimit = 96 << 20
	// CollectAt lets the heap grow to five times what is alive, as long as that is
	// below the limit: what is alive is little, and what a record leaves behind
	// much. Collecting at twice of it costs 3 to 7 % more CPU in a dry run.
	CollectAt = 400
)

// Source produces records. Run calls emit, record by record, from as many goroutines
// as it likes, until there are none left, ctx ends or emit returns an error; it returns
// that error, ctx's, or its own. It returns nil only when all records were emitted.
type Source interface {
	Run(ctx context.Context, emit source.Emit) error
}

// Ledger remembers. It is called from several goroutines at once; any error of
// it ends the run. Commit is not cancelled by an interruption, so it must return
// in a bounded time. *state.Store is one.
type Ledger interface {
	// Lookup answers for each key, in order.
	Lookup(ctx context.Context, keys []state.Key) ([]state.Entry, error)
	// ReceivedAll fixes the times of receipt of records without own time.
	ReceivedAll(ctx context.Context, rs []state.Receipt) error
	// Begin notes that records are about to be stored, and tells of each what was
	// begun of its key earlier and has not been committed since.
	Begin(ctx context.Context, rs []state.Begun) (earlier []state.Begun, err error)
	// Commit stores all of the batch or nothing.
	Commit(ctx context.Context, b state.Batch) error
	// KeysOfNodes returns the keys of the records that hold the jobs of Maestro
	// nodes, zero where there is none.
	KeysOfNodes(ctx context.Context, nodes []string) ([]state.Key, error)
}

// Elasticsearch is where documents go.
type Elasticsearch struct {
	// Transport carries bulk requests. Required.
	Transport bulk.Transport
	// Requests carries the few that are not bulk requests, for what is to be
	// deleted, and is to try again what fails in passing. Nil: Transport.
	Requests bulk.Transport
	// Bulk tunes the indexer. TrustBodies is set in any case: the bodies come
	// from transform.
	Bulk bulk.Options
	// Prefix is put before each index name.
	Prefix string
}

// Config is what a run needs. Fields without a word about zero are required.
type Config struct {
	ES     Elasticsearch
	Ledger Ledger
	// OtherLab is the lab_name of callbacks that name none, see [transform.Options].
	OtherLab string
	// IngestTime files documents under the time of receipt.
	IngestTime bool
	// Force sends finished records again and overwrites their documents.
	Force bool
	// Workers transform records; 0: one for each CPU that Go uses. Each holds up
	// to 1 MiB of records and one more record.
	Workers int
	// DrainTimeout is how long, after the run was interrupted or failed,
	// documents under way may still settle; 0: 5 s.
	DrainTimeout time.Duration
	// Now is the clock for times of receipt; nil: time.Now.
	Now func() time.Time
	// OnOutcome is called with each document's outcome, from one goroutine. Nil:
	// not called.
	OnOutcome func(bulk.Outcome)
	// Logger gets a line for each refused or damaged record, but not for more
	// than 200 in 10 minutes; nil: none. With LogEach it gets all of them.
	Logger  *slog.Logger
	LogEach bool
	// Progress is counted up while the run goes on; nil: not.
	Progress *Progress
}

func (c Config) withDefaults() Config {
	c.Workers = cmp.Or(c.Workers, runtime.GOMAXPROCS(0))
	c.DrainTimeout = cmp.Or(c.DrainTimeout, 5*time.Second)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	c.Progress = cmp.Or(c.Progress, new(Progress))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.OnOutcome == nil {
		c.OnOutcome = func(bulk.Outcome) {}
	}
	if c.ES.Requests == nil {
		c.ES.Requests = c.ES.Transport
	}
	c.ES.Bulk.TrustBodies = true
	return c
}

// op is the bulk operation for a record's documents. One that overwrites does so
// whatever the ledger says: another machine may have stored what it completes.
func (c Config) op(overwrites bool) bulk.Op {
	if c.Force || overwrites {
		return bulk.OpIndex
	}
	return bulk.OpCreate
}

// received is the time of receipt proposed for a record.
func (c Config) received(rec source.Record) time.Time {
	if rec.Received.IsZero() {
		return c.Now()
	}
	return rec.Received
}

// parse reads a record's outside into dst.
func (c Config) parse(rec source.Record, dst *transform.Record) error {
	if rec.Err != nil {
		return rec.Err
	}
	kind, format := transform.Named(rec.Kind)
	err := guard(func() error {
		return dst.Parse(rec.Payload, transform.Options{
			Kind: kind, Format: format, Lab: rec.Lab, OtherLab: c.OtherLab,
			NodeID: rec.NodeID, IngestTime: c.IngestTime, Tags: rec.Tags,
		})
	})
	if isPanic(err) {
		*dst = transform.Record{}
	}
	return err
}

// documents makes a record's documents. dst may be reused whatever the error.
func documents(rec *transform.Record, dst *transform.Documents, received time.Time) error {
	err := guard(func() error { return rec.Documents(dst, received) })
	if isPanic(err) {
		*rec, *dst = transform.Record{Kind: rec.Kind, Key: rec.Key, Lab: rec.Lab}, transform.Documents{}
	}
	return err
}
