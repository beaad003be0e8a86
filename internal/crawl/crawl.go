package crawl

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kcing/kcing/internal/source"
	"github.com/kcing/kcing/internal/spool"
	"github.com/kcing/kcing/state"
)

const (
	// DefaultSince is how far back the first crawl of a source goes.
	DefaultSince = 48 * time.Hour
	// Overlap is how far before the cursor a later crawl begins: for clocks that
	// differ, and for what became visible late.
	Overlap = 15 * time.Minute
	// MaxRuns is in how many runs a download is tried; after that it is only
	// listed among the failures.
	MaxRuns = 5

	// maxUnanswered is how many downloads in a row must fail for want of an answer to
	// end the run: then it is the storage that is away, not the files.
	maxUnanswered = 20
	// lookupBatch is how many listed items are looked up in state together.
	lookupBatch = 64
)

// ErrStop is wrapped by an error of [Item].Fetch after which no other download
// can succeed, such as refused credentials. It ends the run and is not counted
// as a failure of that item.
var ErrStop = errors.New("stopped")

// ErrAway ends a run whose downloads get no answers any more.
var ErrAway = errors.New("the source has stopped answering")

// Site is where to crawl. Fields without a word about zero are required.
type Site struct {
	// Name is that of the origin in state: the same name, the same cursor and items.
	Name   string
	Origin Origin
	// Clock is the origin's own, by which it lists; nil: Options.Now. It is not
	// asked before Run.
	Clock func() time.Time
	// Downloads is how many records are downloaded at once; 0: 4. Each is held in
	// memory whole.
	Downloads int
}

// Options of New. Fields without a word about zero are required.
type Options struct {
	Site Site
	// Kinds are those to crawl; empty: all of the origin's.
	Kinds []string
	// Since is how far back to go; 0: to where the last run ended, or, when there
	// was none, DefaultSince.
	Since time.Duration
	// HowMany, when positive, is how many of each kind to take, the newest.
	HowMany int
	// MaxRecordBytes limits a record; 0: source.DefaultMaxRecordBytes.
	MaxRecordBytes int64
	// Force downloads also what is finished, and what failed too often.
	Force bool
	// RetryFailed downloads also what failed too often.
	RetryFailed bool
	// Lab is the lab_name of the origin's callbacks that have none of their own
	// (Item.Lab); empty: what the callbacks say. It is not for what others have
	// left in the spool.
	Lab string
	// Store remembers, and Spool keeps the downloads until they are finished. Nil,
	// both: a dry run, which remembers nothing and asks for everything.
	Store *state.Store
	Spool *spool.Spool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Logger gets a line for each failure; nil: none.
	Logger *slog.Logger
}

// Report is what a crawl did.
type Report struct {
	// Listed items of the window; some may be listed twice.
	Listed int64 `json:"listed"`
	// Known are those that were finished before and not downloaded.
	Known int64 `json:"known"`
	// Downloaded records, and Resumed ones: those that an interrupted run had
	// left in the spool.
	Downloaded int64 `json:"downloaded"`
	Resumed    int64 `json:"resumed"`
	// Failed could not be downloaded in this run, GivenUp were not tried because
	// they failed in MaxRuns runs.
	Failed  int64 `json:"failed"`
	GivenUp int64 `json:"given_up"`
}

// Crawler is a source for one run of the pipeline: it downloads into the spool, and
// emits what waits there.
type Crawler struct {
	options Options
	started time.Time
	queue   *spool.Queue // nil: a dry run, without a spool

	mu        sync.Mutex
	inFlight  map[itemVersion]bool // from listing to the end
	spooled   map[spool.Item]*task // what of the spool this crawl has downloaded, now or earlier
	plan      plan
	stop      context.CancelCauseFunc
	err       error   // the first of state's or the spool's about records that are settled
	done      []*task // records with which the pipeline is through
	finishing bool    // whether finish runs
	finished  sync.WaitGroup

	gap                                         atomic.Bool  // a listed item was lost to this run: the cursor stays
	open                                        atomic.Int64 // records spooled or emitted, and not settled
	unanswered                                  atomic.Int64 // downloads without an answer, one after the other
	failures                                    atomic.Int64
	listed, known, downloaded, resumed, givenUp atomic.Int64
	total                                       atomic.Int64 // of the window, as the origin says; 0: it does not
}

// task is an item on its way through the pipeline.
type task struct {
	item Item
	// own is false for a record that another command had left in the spool.
	own bool
	// settled is what became of the record, and remove takes it out of the spool;
	// nil: it is in none.
	settled source.Settled
	remove  func(source.Settled)
}

// New makes a crawler for one run. Close has to be called.
func New(o Options) *Crawler {
	if len(o.Kinds) == 0 {
		o.Kinds = o.Site.Origin.Kinds()
	}
	o.Site.Downloads = cmp.Or(o.Site.Downloads, 4)
	o.MaxRecordBytes = cmp.Or(o.MaxRecordBytes, source.DefaultMaxRecordBytes)
	o.Logger = cmp.Or(o.Logger, slog.New(slog.DiscardHandler))
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Site.Clock == nil {
		o.Site.Clock = o.Now
	}
	c := &Crawler{options: o, started: o.Now().Truncate(time.Millisecond), inFlight: map[itemVersion]bool{},
		spooled: map[spool.Item]*task{}, stop: func(error) {}}
	if o.Spool != nil {
		c.queue = spool.NewQueue(o.Spool, o.MaxRecordBytes, c.fail)
	}
	return c
}

// fail ends the run because what is finished cannot be noted, or not be removed from
// the spool.
func (c *Crawler) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	c.stop(err)
}

// Run emits what there is to feed: what an interrupted run left in the spool,
// what could not be downloaded earlier, and the window's new items.
func (c *Crawler) Run(ctx context.Context, emit source.Emit) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	c.mu.Lock()
	c.stop = stop
	c.mu.Unlock()

	wanted := make(chan Item)
	var producers sync.WaitGroup
	producers.Go(func() {
		defer close(wanted)
		if err := c.list(ctx, wanted); err != nil {
			stop(err)
		}
	})
	for range c.options.Site.Downloads {
		producers.Go(func() {
			for it := range wanted {
				if err := c.download(ctx, it, emit); err != nil {
					stop(err)
				}
			}
		})
	}
	if c.queue != nil {
		if err := c.consume(ctx, &producers, emit); err != nil {
			stop(err)
		}
	}
	producers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.plan.listedAll = true
	return nil
}

// consume emits what comes into the spool, until nothing more does.
func (c *Crawler) consume(ctx context.Context, producers *sync.WaitGroup, emit source.Emit) error {
	done := make(chan struct{})
	go func() {
		producers.Wait()
		close(done)
	}()
	return c.queue.Run(ctx, spool.Consumer{
		Next: func(ctx context.Context) (spool.Item, bool) { return c.queue.Await(ctx, done) },
		Prepare: func(_ context.Context, it spool.Item, _ spool.Meta, rec *source.Record) bool {
			t := c.taken(it)
			t.remove = rec.Ack
			rec.Ack = c.acknowledge(t)
			return true
		},
		Lost: func(it spool.Item) {
			c.open.Add(-1)
			if t := c.taken(it); t.own { // the next listing brings it again
				c.gap.Store(true)
				c.leave(t.item)
			}
		},
	}, emit)
}

// taken is what the crawl knows of a record that it has taken from the queue.
func (c *Crawler) taken(it spool.Item) *task {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.spooled[it]
	delete(c.spooled, it)
	return t
}

// awaitRoom returns when few downloads wait in the spool: more would take room on
// the disk and gain nothing.
func (c *Crawler) awaitRoom(ctx context.Context) {
	for c.queue != nil {
		changed := c.queue.Changed()
		if waiting, _ := c.queue.Len(); waiting < c.options.Site.Downloads {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// acknowledge has a record noted as finished when the pipeline is through with it.
func (c *Crawler) acknowledge(t *task) func(source.Settled) {
	return func(s source.Settled) {
		t.settled = s
		c.mu.Lock()
		defer c.mu.Unlock()
		c.done = append(c.done, t)
		if !c.finishing {
			c.finishing = true
			c.finished.Go(c.finish)
		}
	}
}

// Close ends the crawl after the pipeline's run, which ended with runErr. When
// all that was listed is finished or among the failures, the cursor moves. The
// Report holds with an error too.
func (c *Crawler) Close(ctx context.Context, runErr error) (Report, error) {
	c.finished.Wait()
	if c.queue != nil {
		c.queue.Flush()
	}
	report := Report{Listed: c.listed.Load(), Known: c.known.Load(), Downloaded: c.downloaded.Load(),
		Resumed: c.resumed.Load(),
		Failed:  c.failures.Load(), GivenUp: c.givenUp.Load()}
	switch {
	case c.err != nil:
		return report, c.err
	case runErr != nil || c.open.Load() > 0 || c.gap.Load() || c.options.Store == nil:
		return report, nil
	}
	return report, c.moveCursor(context.WithoutCancel(ctx))
}

// Expected is how many records this run will emit, as far as the origin has said
// how many items there are; -1: it has not.
func (c *Crawler) Expected() int64 {
	total := c.total.Load()
	if total == 0 {
		return -1
	}
	total = max(total, c.listed.Load())
	return total - c.known.Load() - c.givenUp.Load() - c.failures.Load() + c.resumed.Load()
}

// take marks an item as being worked on; false when it is already.
func (c *Crawler) take(it Item) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inFlight[it.version()] {
		return false
	}
	c.inFlight[it.version()] = true
	return true
}

func (c *Crawler) underWay(it Item) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inFlight[it.version()]
}

func (c *Crawler) leave(it Item) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.inFlight, it.version())
}

// itemVersion is an item as it is at one time.
type itemVersion struct{ key, version string }

func (it Item) version() itemVersion { return itemVersion{it.Key, it.Version} }

// wants reports whether this run crawls the kind.
func (c *Crawler) wants(kind string) bool { return slices.Contains(c.options.Kinds, kind) }
