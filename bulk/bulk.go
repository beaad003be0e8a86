package bulk

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// Transport carries requests: *elasticsearch.BaseClient (NewBaseClient), built
// with DisableRetry and without CompressRequestBody. It is called from several
// goroutines and must give up when the request's context ends.
type Transport interface {
	Perform(*http.Request) (*http.Response, error)
}

// Indexer collects documents into bulk requests and sends them. Its methods may
// be called from many goroutines.
type Indexer struct {
	o        Options
	t        Transport
	onResult func(Result)
	seed     maphash.Seed
	mem      *semaphore.Weighted // bytes of documents without outcome
	gate     *gate
	gzips    sync.Pool // *gzip.Writer: they hold 800 KB each; what they write to is not pooled

	//nolint:containedctx // the Indexer's own lifetime, not a call's
	sending context.Context // ends when requests must: fatal error, or Close cut short
	cancel  context.CancelCauseFunc
	//nolint:containedctx // as above
	adding context.Context // ends when Add must: fatal error, or Close
	refuse context.CancelFunc

	fatalC chan struct{} // closed by the fatal error
	sent   chan struct{} // closed when the last sender has ended
	done   chan struct{} // closed when the dispatcher has, too

	mu         sync.Mutex // guards all below
	work       sync.Cond  // a sender may find a batch, or should end
	results    sync.Cond  // the dispatcher may find a group, or should end
	filling    *batch
	queue      []*batch
	active     []uint64          // sequence numbers of the batches with a sender
	latest     map[uint64]uint64 // key of a document without outcome → its batch
	groups     []*piece          // answered, waiting for the dispatcher
	seq        uint64
	idle       int // senders waiting for work
	senders    int // senders that run
	flushBytes int // Options.FlushBytes, or less after a 413
	sizeHint   int // payload bytes of recent batches
	docsHint   int
	closed     bool
	fatal      *FatalError
	refused    *Error // the last request-level 400 of a single document
	cause      error  // why the last Undelivered document was
	stats      Stats  // but for PausedSeconds
}

// New starts an Indexer. onResult is called once for each document that Add
// accepted; see the package documentation for what it may do. Close must be
// called to end the Indexer's goroutines.
func New(t Transport, onResult func(Result), o Options) (*Indexer, error) {
	if t == nil || onResult == nil {
		return nil, errors.New("bulk: New needs a transport and a result callback")
	}
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	ix := &Indexer{
		o: o, t: t, onResult: onResult, seed: maphash.MakeSeed(),
		mem:    semaphore.NewWeighted(o.MaxPendingBytes),
		fatalC: make(chan struct{}), sent: make(chan struct{}), done: make(chan struct{}),
		latest:  map[uint64]uint64{},
		senders: o.Requests, flushBytes: o.FlushBytes, stats: newStats(),
	}
	ix.gate = newGate(&ix.o)
	ix.work.L, ix.results.L = &ix.mu, &ix.mu
	ix.sending, ix.cancel = context.WithCancelCause(context.Background())
	ix.adding, ix.refuse = context.WithCancel(context.Background())
	for range o.Requests {
		go newSender(ix).run()
	}
	go ix.dispatch()
	return ix, nil
}

// Add accepts d, to be delivered, and copies its body. It blocks while
// MaxPendingBytes are without an outcome. A non-nil error means that d was not
// accepted and gets no callback: ErrInvalid, ErrTooLarge, ErrClosed, the
// *FatalError once there is one, or the cause of ctx.
func (ix *Indexer) Add(ctx context.Context, d Doc) error {
	if err := d.check(&ix.o); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	charge := d.charge()
	if err := ix.admit(ctx, charge); err != nil {
		return err
	}
	key := maphash.String(ix.seed, d.Index)*31 + maphash.String(ix.seed, d.ID)

	ix.mu.Lock()
	defer ix.mu.Unlock()
	if err := ix.refusal(); err != nil {
		ix.mem.Release(charge)
		return err
	}
	ix.append(d, key, charge)
	return nil
}

// admit takes n bytes from the memory bound.
func (ix *Indexer) admit(ctx context.Context, n int64) error {
	if ix.mem.TryAcquire(n) {
		return nil
	}
	start := time.Now()
	ix.mu.Lock()
	ix.flushNow() // While Adds wait for memory this batch gets no more documents.
	ix.mu.Unlock()

	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ix.adding, cancel)()
	err := ix.mem.Acquire(wait, n)

	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.stats.AddBlockedSeconds += time.Since(start).Seconds()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return ix.refusal()
}

// refusal returns why Add accepts nothing any more, or nil.
func (ix *Indexer) refusal() error {
	if ix.fatal != nil {
		return ix.fatal
	}
	if ix.closed {
		return ErrClosed
	}
	return nil
}

// Close ends the Indexer: it accepts nothing more (ErrClosed), delivers what it
// has, and returns when all callbacks have and no goroutine is left. When ctx
// ends first it cancels the requests under way; their documents and all waiting
// ones are Undelivered. It returns an *UndeliveredError if any document was, by
// whatever cause. Calling it again waits for the same end.
func (ix *Indexer) Close(ctx context.Context) error {
	ix.mu.Lock()
	ix.closed = true
	ix.seal(flushClose)
	ix.work.Broadcast()
	ix.mu.Unlock()
	ix.refuse()

	select {
	case <-ix.sent:
	case <-ctx.Done():
		ix.cancel(fmt.Errorf("closed before delivery: %w", context.Cause(ctx)))
		<-ix.sent
	}
	<-ix.done
	ix.cancel(ErrClosed) // frees the context

	ix.mu.Lock()
	defer ix.mu.Unlock()
	n := ix.stats.Undelivered
	switch {
	case n == 0 && ix.fatal == nil:
		return nil
	case ix.fatal != nil:
		return &UndeliveredError{Count: n, Cause: ix.fatal}
	}
	return &UndeliveredError{Count: n, Cause: ix.cause}
}

// Fatal returns the *FatalError that stopped delivery, or nil.
func (ix *Indexer) Fatal() error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.fatal == nil {
		return nil
	}
	return ix.fatal
}

// Done is closed when a *FatalError stops delivery, so that a caller who is not
// in Add learns of it. Close does not close it.
func (ix *Indexer) Done() <-chan struct{} { return ix.fatalC }

// fail stops delivery: what is under way is cancelled, what waits is Undelivered.
func (ix *Indexer) fail(e *FatalError) {
	ix.mu.Lock()
	if ix.fatal == nil {
		ix.fatal = e
		close(ix.fatalC)
		ix.seal(flushClose)
		ix.work.Broadcast()
	}
	ix.mu.Unlock()
	ix.cancel(e)
	ix.refuse()
}
